"""The linear members of a model, and which of them a fit needs."""

from sklearn_lstm.exceptions import LinearModelSkippedWarning, warn_user
from sklearn_lstm.members.convolutions.convolution_model import ConvolutionModel
from sklearn_lstm.members.encoder.encoder_model import EncoderModel
from sklearn_lstm.members.member import LinearMember
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.ngrams.ngram_model import NgramModel
from sklearn_lstm.members.ngrams.online_ngrams import OnlineNgrams
from sklearn_lstm.training.configuration import Configuration

# In the order in which they are fitted.
LINEAR_MEMBERS: tuple[type[LinearMember], ...] = (NgramModel, ConvolutionModel, EncoderModel)


def find_linear_members(configuration: Configuration) -> list[type[LinearMember]]:
    """Return the classes of the linear members that a fit needs.

    Raises
    ------
    ValueError
        If there is none though it is relied on, and if two members would have one name.
    """
    found = [member for member in LINEAR_MEMBERS if member.suits(configuration)]
    names = [Network.name, OnlineNgrams.name, *(member.name for member in found)]
    if len({*names}) < len(names):
        raise ValueError(f"The members of a model need different names, found {names}.")
    if configuration.max_epochs == 0 and not found:
        lacking = " and ".join(LinearMember.lacks(configuration))
        raise ValueError(
            f"max_epochs=0 fits the linear model alone, but there is none: it needs {lacking}. "
            "Change this, or leave max_epochs='auto'."
        )
    if configuration.linear_model and LinearMember.lacks(configuration):
        warn_user(
            "The linear model is left out: it needs criterion='cross_entropy'. The network "
            "alone is usually less accurate; if you want it, set linear_model=False.",
            LinearModelSkippedWarning,
        )
    return found
