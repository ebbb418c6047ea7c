"""What is fitted: members, and the weights that blend their logits."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import ne
from typing import TYPE_CHECKING, Annotated, Any, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.numbers import FEWEST_ROWS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import InputTypeWarning, InvalidSequencesError, warn_user
from sklearn_lstm.members.blending import HeldOutLogits, Logits
from sklearn_lstm.members.features.ngrams import LetterFeatures
from sklearn_lstm.members.member import LINEAR, ONLINE, LinearModel, Member
from sklearn_lstm.members.network.network_member import EpochRow, NetworkMember
from sklearn_lstm.storage.fields import check_agreement
from sklearn_lstm.targets.targets import Floats, Labels, Samples
from sklearn_lstm.targets.thresholds import choose_thresholds, given_thresholds
from sklearn_lstm.text.vocabulary import UNKNOWN

if TYPE_CHECKING:  # a stored model predicts without torch
    from sklearn_lstm.members.network.network import Network

UNJUDGED_WEIGHT = 0.5  # of a network that no held-out sample can judge
MOST_ROWS = 1_000  # of the history that `partial_fit` keeps
LOST_LETTERS = (
    "X does not say how unknown words are spelled, so their letters are not read, though the model "
    "learned from letters. Pass the CSR matrix of the TextSequenceVectorizer itself, or rows of it."
)
NOTHING_KNOWN = (
    "The model knows no token of X. Is it of the language, or of the vectorizer, of fit?"
)
MARKED_TOKENS = 100  # the first of a vocabulary, by which it is known again


@dataclass
class SequenceModel:
    """Members whose weighted logits are added up: sequences to logits; at first none.

    Parameters
    ----------
    members : tuple of Member
        The network, the linear members that `fit` has fitted, and the n-grams that `partial_fit`
        has learned.
    weights : tuple of float
        Factor of the logits of each member. 0: the network was not trained, and its logits are not
        computed.
    prior_correction : float, or ndarray of shape (n_labels,)
        How many times `log_prior` is subtracted: rare classes may be predicted too seldom.
    log_prior : ndarray of shape (n_outputs,), or 0
        Logarithms of the frequencies of classes, with mean 0, or of the odds of labels.
    n_held_out : int
        Samples that set the weights and the correction.
    thresholds : float, or ndarray of shape (n_label_thresholds,)
        The probabilities above which labels, or the second of two classes, are predicted.
    """

    members: Annotated[tuple[Member, ...], "n_members<10"] = ()
    weights: Annotated[tuple[float, ...], "n_members"] = ()
    prior_correction: float | Annotated[NDArray[np.float64], "n_outputs"] = 0.0
    log_prior: Annotated[NDArray[np.float64], "n_outputs"] | float = 0.0
    n_held_out: int = 0
    thresholds: Annotated[NDArray[np.float64], "n_label_thresholds"] | float = 0.5

    @classmethod
    def blended(
        cls, network: Network, linear_models: Sequence[LinearModel], held_out: HeldOutLogits
    ) -> Self:
        """Return the model with the weights of the blend that predicts held-out samples best.

        `linear_models` come in the order of their fits. The model has them behind the network, the
        last one first.
        """
        if not linear_models:
            return cls().with_network(network)
        members, trust = (network, *reversed(linear_models)), held_out.trust
        weights = tuple(trust * held_out.factors.get(member.name, 0.0) for member in members)
        correction = trust * held_out.blend.prior_correction
        return cls(members, weights, correction, held_out.prior.logs, len(held_out.targets))

    def with_thresholds(self, given: Floats, held_out: HeldOutLogits | None = None) -> Self:
        """Return the model with the thresholds that the user gives, or held-out samples choose."""
        probabilities = np.empty((0, len(given)))
        if held_out is not None:
            logits = held_out.total(self.weights_by_name) + self.biases
            probabilities = held_out.targets.labels.proba(logits)[:, -len(given) :]
        thresholds = choose_thresholds(given, probabilities, self.thresholds)
        return replace(self, thresholds=thresholds)

    def __getitem__(self, name: str) -> Any:
        """Return the member of this name, or None."""
        return next((member for member in self.members if member.name == name), None)

    @property
    def weights_by_name(self) -> dict[str, float]:
        """The factor of the logits of each member, by its name."""
        names = [member.name for member in self.members]
        return dict(zip(names, self.weights, strict=True))

    def with_member(self, member: Member, weight: float) -> Self:
        """Return the model with a member more, or in place of that of the same name."""
        members = {known.name: known for known in self.members} | {member.name: member}
        weights = self.weights_by_name | {member.name: weight}
        return replace(self, members=tuple(members.values()), weights=tuple(weights.values()))

    def with_network(self, network: Network) -> Self:
        """Return the model with another network, which no held-out sample has judged."""
        weight = self.weights_by_name.get(network.name, 1.0) or UNJUDGED_WEIGHT
        return self.with_member(network, weight)

    @property
    def network(self) -> Network:
        """The network."""
        network: Network = self[NetworkMember.name]
        return network

    @property
    def linear_names(self) -> list[str]:
        """The names of the members that `fit` has fitted beside the network."""
        names = [member.name for member in self.members if isinstance(member, LinearModel)]
        return [name for name in names if name != ONLINE]

    def blended_logits(self, sequences: Sequences, *, without: str | None = None) -> Logits:
        """Return the logits (n_samples, n_outputs), perhaps without the member of a name.

        Raises
        ------
        InvalidSequencesError
            If they are not finite: nobody gets NaN in place of a probability.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what follows says it
            weighted = [
                weight * member.logits(sequences)
                for member, weight in zip(self.members, self.weights, strict=True)
                if weight and member.name != without
            ]
            logits = np.ascontiguousarray(sum(weighted) + self.biases)
        if not (is_finite := np.isfinite(logits)).all():
            row = int(is_finite.all(axis=1).argmin())
            raise InvalidSequencesError(
                f"The logits of row {row} are not finite: look for extreme values, or fit again."
            )
        return logits

    @property
    def biases(self) -> NDArray[np.float64] | float:
        """What the logit adjustment adds to the logits of each sequence."""
        return -self.prior_correction * self.log_prior

    def calibration(self) -> dict[str, Any] | None:
        """Return how the members are blended; None if there is only a network."""
        if not self.linear_names:
            return None
        return {
            "weights": self.weights_by_name,
            "prior_correction": self.prior_correction,
            "n_held_out": self.n_held_out,
        }

    def described(self) -> dict[str, str]:
        """Return what the model consists of, as the table of the classifier shows it."""
        described = {member.name: member.describe() for member in self.members}
        if self[LINEAR] is None:
            described |= {LINEAR: "none"}
        if not self.linear_names:
            return described
        blended = (NetworkMember.name, *self.linear_names)
        weights = ", ".join(f"{name} {self.weights_by_name[name]:.2f}" for name in blended)
        correction = self.prior_correction
        lowest, highest = f"{np.min(correction):z.2f}", f"{np.max(correction):z.2f}"
        return {
            **described,
            "blend weights": f"{weights} (set by {self.n_held_out:,} samples held out)",
            "logit adjustment": lowest if lowest == highest else f"{lowest} to {highest}",
        }


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that a classifier predicts with, and what is told of its fit.

    Parameters
    ----------
    input_format : InputFormat
        How X is read.
    labels : Labels
    model : SequenceModel
        Without a member before the first training, as by default.
    history : list of dict
        A row for each epoch of `fit`, or for each of the last ones.
    n_samples : int
        That the model has learned from.
    n_epochs : int
        All of them.
    mark : tuple of int
        By which the vocabulary of the X that was learned from is known again.
    """

    input_format: InputFormat
    labels: Labels
    model: SequenceModel = field(default_factory=SequenceModel)
    history: list[EpochRow] = field(default_factory=list)
    n_samples: int = 0
    n_epochs: Annotated[int, range(1 << 62)] = 0
    mark: tuple[int, ...] = ()

    def check(self) -> None:
        """Raise ValueError if parts of a stored one read another X, or have other labels.

        At least one member has to predict.
        """
        known = "n_channels", "time_channel", "is_category"
        values = {name: getattr(self.input_format, name) for name in known}
        sizes = {"n_outputs": len(self.labels), "n_label_thresholds": len(self.thresholds)}
        check_agreement(self, **values, **sizes)
        network, weights = self.model.network, self.model.weights_by_name
        if not any(weights.values()) or (weights[network.name] and not network.is_trained):
            raise ValueError("no member that predicts, or a network without weights")

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """The threshold of each label, or that of the second of two classes."""
        return np.full_like(given_thresholds(0.5, self.labels), self.model.thresholds)

    def with_model(self, model: SequenceModel, samples: Samples, epochs: list[EpochRow]) -> Self:
        """Return the same with a model that was trained on further samples, for some epochs."""
        return replace(
            self,
            model=model,
            history=[*self.history[1 - MOST_ROWS :], *epochs],
            n_samples=self.n_samples + len(samples),
            n_epochs=self.n_epochs + len(epochs),
            mark=mark_of(samples.sequences.vocabulary),
        )

    def read(self, X: object) -> Sequences:
        """Read X as at fit.

        Raises
        ------
        TypeError, ValueError
            If X has another format, or its ids stand for other tokens.

        Warns
        -----
        InputTypeWarning
            If X has lost the letters of unknown words, which the model reads.
        """
        sequences = self.input_format.read(X)
        check_tokens(self.mark, sequences.vocabulary)
        if sequences.spelling is None and (linear := self.model[LINEAR]) is not None:
            reads_letters = any(isinstance(one, LetterFeatures) for one in linear.features)
            if reads_letters and UNKNOWN in sequences.distinct_ids():
                warn_user(LOST_LETTERS, InputTypeWarning)
        return sequences

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs) of sequences from `read`.

        Warns
        -----
        InputTypeWarning
            If the model knows no token of many sequences.
        """
        if sequences.n_channels is None and len(sequences) >= FEWEST_ROWS:
            codes = self.model.network.encoding(*next(sequences.chunks()))
            if (codes <= UNKNOWN).all():
                warn_user(NOTHING_KNOWN, InputTypeWarning)
        return self.model.blended_logits(sequences)

    def labels_of(self, proba: Floats) -> NDArray[Any]:
        """Return the labels that these probabilities predict."""
        return self.labels.predict(proba, self.model.thresholds)


def mark_of(vocabulary: Mapping[Hashable, int] | None) -> tuple[int, ...]:
    """Return the checksum of each of the first tokens, 0 of what is no string."""
    first = islice(vocabulary or (), MARKED_TOKENS)
    return tuple(crc32(repr(token).encode()) * isinstance(token, str) for token in first)


def check_tokens(mark: tuple[int, ...], vocabulary: Mapping[Hashable, int] | None) -> None:
    """Raise an error if ids stand for other tokens than in training; there may be more now.

    Raises
    ------
    InvalidSequencesError
    """
    if any(map(ne, mark, mark_of(vocabulary))):
        raise InvalidSequencesError(
            "The ids of X stand for other tokens than at fit: use the vectorizer of this fit."
        )
