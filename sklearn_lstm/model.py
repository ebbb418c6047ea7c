"""What is fitted: members, and the weights that blend their logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import HeldOutLogits
from sklearn_lstm.compute.locks import ForkSafeLock
from sklearn_lstm.data.encoding import Encoding
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.member import LinearMember, Member
from sklearn_lstm.members.networks import Networks
from sklearn_lstm.members.online_ngrams import OnlineNgrams

UNJUDGED_WEIGHT = 0.5  # of networks that no held-out sample can judge
SHARING = ForkSafeLock()  # held while a model becomes shared, or its tables change in place


@dataclass
class SequenceModel:
    """Members whose weighted logits are added up: sequences to logits.

    Parameters
    ----------
    members : tuple of Member
        The networks; the linear model, if there is one; the n-grams that `partial_fit` has learned,
        if there are any.
    weights : tuple of float
        Factor of the logits of each member. 0: the networks were not trained, and their logits are
        not computed.
    prior_correction : float, or ndarray of shape (n_labels,)
        How many times `log_prior` is subtracted: rare classes may be predicted too seldom.
    log_prior : ndarray of shape (n_outputs,), or 0
        Logarithms of the frequencies of classes, with mean 0, or of the odds of labels.
    n_held_out : int
        Samples that set the weights and the correction.
    is_shared : bool
        Whether a user or another model may see its tables, so that `partial_fit` has to copy them.
        Only those that `partial_fit` itself has made belong to the model alone.
    """

    members: tuple[Member, ...]
    weights: tuple[float, ...] = (1.0,)
    prior_correction: float | NDArray[np.float64] = 0.0
    log_prior: NDArray[np.float64] | float = 0.0
    n_held_out: int = 0
    is_shared: bool = field(default=True, repr=False, metadata={"is_stored": False})

    @classmethod
    def blended(
        cls, members: Sequence[Member], held_out: HeldOutLogits, previous: SequenceModel | None
    ) -> SequenceModel:
        """Return the model with the weights that predict held-out samples best.

        All weights are multiplied by the confidence of the members (see `Member.confidence_in`).

        Networks that have seen all samples keep the weights of the previous model.
        """
        if len(members) == 1:
            return cls(tuple(members))
        model = cls(tuple(members), log_prior=held_out.prior.logs)
        n_unjudged = len(members) - len(held_out.members)
        if n_unjudged and model.networks.is_trained and previous is not None:
            weights = previous.weights[: len(members)]
            if previous.linear_model is None:
                weights = (UNJUDGED_WEIGHT, *[1.0] * (len(members) - 1))
            return replace(
                model,
                weights=weights,
                prior_correction=previous.prior_correction,
                n_held_out=previous.n_held_out,
            )
        blend = held_out.blend()
        factors = [*[0.0] * n_unjudged, *blend.factors.tolist()]
        confidence = min(
            member.confidence_in(factor) for member, factor in zip(members, factors, strict=True)
        )
        return replace(
            model,
            weights=tuple(confidence * factor for factor in factors),
            prior_correction=confidence * blend.prior_correction,
            n_held_out=sum(map(len, held_out.parts)),
        )

    def with_networks(self, networks: Networks) -> SequenceModel:
        """Return the model with other networks, which no held-out sample has judged."""
        weight = self.weights[0] or UNJUDGED_WEIGHT
        return replace(
            self,
            members=(networks, *self.members[1:]),
            weights=(weight, *self.weights[1:]),
        )

    def without_online_ngrams(self) -> SequenceModel:
        """Return the model without the n-grams that `partial_fit` learned."""
        n_others = len(self.members) - (self.online_ngrams is not None)
        return replace(self, members=self.members[:n_others], weights=self.weights[:n_others])

    def with_online_ngrams(self, ngrams: OnlineNgrams) -> SequenceModel:
        """Return the model with these n-grams in place of those that `partial_fit` learned."""
        others = self.without_online_ngrams()
        return replace(others, members=(*others.members, ngrams), weights=(*others.weights, 1.0))

    @property
    def networks(self) -> Networks:
        """The networks."""
        networks = self.members[0]
        assert isinstance(networks, Networks)  # noqa: S101 - they are always the first member
        return networks

    @property
    def linear_model(self) -> Member | None:
        """The linear model beside the networks, or None."""
        return next((each for each in self.members if isinstance(each, LinearMember)), None)

    @property
    def online_ngrams(self) -> OnlineNgrams | None:
        """What `partial_fit` has learned of n-grams, or None."""
        last = self.members[-1]
        return last if isinstance(last, OnlineNgrams) else None

    @property
    def encoding(self) -> Encoding:
        """The encoding of the first network."""
        return self.networks.first.encoding

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs)."""
        parts = [
            weight * member.logits(sequences)
            for member, weight in zip(self.members, self.weights, strict=True)
            if weight
        ]
        return np.asarray(np.sum(parts, axis=0) + self.biases)

    @property
    def biases(self) -> NDArray[np.float64] | float:
        """What the logit adjustment adds to the logits of each sequence."""
        return -self.prior_correction * self.log_prior

    def calibration(self) -> dict[str, Any] | None:
        """Return how network and linear model are blended; None without a linear model."""
        if self.linear_model is None:
            return None
        return {
            "network_weight": self.weights[0],
            "linear_weight": self.weights[1],
            "prior_correction": self.prior_correction,
            "n_held_out": self.n_held_out,
            "n_networks": len(self.networks.networks),
        }

    def parts(self) -> dict[str, str]:
        """Return what the model is made of, part by part."""
        described = {member.name: member.describe() for member in self.members}
        if self.linear_model is None:
            return {**described, "linear model": "none"}
        pairs = list(zip(self.members, self.weights, strict=True))[:2]
        weights = ", ".join(f"{member.name} {weight:.2f}" for member, weight in pairs)
        return {
            **described,
            "blend weights": f"{weights} (set by {self.n_held_out:,} samples held out)",
            "logit adjustment": _range(self.prior_correction),
        }


def _range(values: float | NDArray[np.float64]) -> str:
    """Return a number, or the smallest and the largest of several."""
    lowest, highest = f"{np.min(values):z.2f}", f"{np.max(values):z.2f}"
    return lowest if lowest == highest else f"{lowest} to {highest}"
