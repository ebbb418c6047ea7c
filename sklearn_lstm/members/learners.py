"""The learners of linear members, and which of them a fit needs."""

from sklearn_lstm.exceptions import LinearModelSkippedWarning, warn_user
from sklearn_lstm.members.convolutions.learner import ConvolutionLearner
from sklearn_lstm.members.member import Learner
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.ngrams.learner import NgramLearner
from sklearn_lstm.members.ngrams.online_ngrams import OnlineNgrams
from sklearn_lstm.members.regression.learner import EncoderLearner, NumberLearner
from sklearn_lstm.training.configuration import Configuration

# In the order in which they are fitted.
LEARNERS: list[type[Learner]] = [NgramLearner, ConvolutionLearner, EncoderLearner, NumberLearner]


def find_learners(configuration: Configuration) -> list[type[Learner]]:
    """Return what fits the linear members that a fit needs.

    Raises
    ------
    ValueError
        If there is none though it is relied on, and if two members would have one name.
    """
    found = [learner for learner in LEARNERS if learner.suits(configuration)]
    names = [Network.name, OnlineNgrams.name, *(learner.member.name for learner in found)]
    if len({*names}) < len(names):
        raise ValueError(f"The members of a model need different names, found {names}.")
    if configuration.training.max_epochs == 0 and not found:
        lacking = " and ".join(Learner.lacks(configuration))
        raise ValueError(
            f"max_epochs=0 fits the linear model alone, but there is none: it needs {lacking}. "
            "Change this, or leave max_epochs='auto'."
        )
    if configuration.linear_model and Learner.lacks(configuration):
        warn_user(
            "The linear model is left out: it needs criterion='cross_entropy'. The network "
            "alone is usually less accurate; if you want it, set linear_model=False.",
            LinearModelSkippedWarning,
        )
    return found
