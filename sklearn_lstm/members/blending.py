"""The blend: how much the logits of each member count in their sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_lstm.targets.targets import Targets

# Held-out samples that tell whether anything was learned, and the level of significance.
FEWEST_JUDGED, LEVEL = 50, 0.15
Logits: TypeAlias = NDArray[np.float64]  # (n_samples, n_outputs)


@dataclass(frozen=True)
class ClassPrior:
    """How frequent the classes, or labels, are.

    Parameters
    ----------
    logs : ndarray of shape (n_outputs,)
        Logarithms of the frequencies of classes, with mean 0, or of the odds of labels.
    log_drawn : ndarray of shape (n_outputs,)
        Logarithms of the share of each class that can be held out.
    """

    logs: NDArray[np.float64]
    log_drawn: NDArray[np.float64]

    @classmethod
    def of(cls, targets: Targets, *, is_drawn: bool) -> Self:
        """Count the samples; where held-out ones are drawn, one of each class is not.

        What is held out together counts as one. Weights do not count: with balanced ones no class
        would be rare, and none could be adjusted for.
        """
        labels, values, log_drawn = targets.labels, targets.values, np.zeros(targets.n_outputs)
        if is_drawn:
            log_drawn = labels.log_drawn(values, targets.held_together)
        return cls(labels.log_prior(values), log_drawn)


class ExpectedFactor(NamedTuple):
    """The log-normal prior of the factor of a member's logits.

    Parameters
    ----------
    median : float
    deviation : float
        Standard deviation of its logarithm.
    """

    median: float
    deviation: float


class Judged(NamedTuple):
    """What a member says of samples that it was not fitted to, and how far that is trusted.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_outputs)
    expected : ExpectedFactor
        The prior of their factor.
    confidence : float
        Up to 1 if the member is less sure than its logits: new samples may be of other groups.
    """

    logits: Logits
    expected: ExpectedFactor
    confidence: float = np.inf


@dataclass(frozen=True)
class Blend:
    """How logits are added up.

    Parameters
    ----------
    factors : ndarray of shape (n_members,)
    prior_correction : float, or ndarray of shape (n_labels,)
        How many times the logarithms of the prior are subtracted; of several labels, of each.
    loss : float
        The negative logarithm of the likelihood of the held-out samples, a sum over them.
    """

    factors: NDArray[np.float64]
    prior_correction: float | NDArray[np.float64]
    loss: float


def fit_blend(members: Sequence[Judged], targets: Targets, prior: ClassPrior) -> Blend:
    """Fit the factors of several members' logits whose sum predicts held-out samples best.

    Rare classes are often predicted too seldom. A multiple of the prior's logarithms is subtracted
    for that (logit adjustment, Menon et al. 2021). It is not negative: that few held-out samples
    are of a rare class is no reason to predict it more seldom. Several labels are adjusted one by
    one.

    The blend has the highest posterior probability. The factors have log-normal priors; the
    adjustment comes from N(0, 1), or a narrower normal prior if classes are so unequal that it
    would move a logit by more than 1. Without samples they are the medians of the priors and 0.

    Parameters
    ----------
    members : sequence of Judged
    targets : Targets
    prior : ClassPrior
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - predictions do without its import

    labels, (logits, expected, _) = targets.labels, zip(*members, strict=True)
    axis = 0 if labels.is_multilabel else None  # all classes share one correction
    largest = np.atleast_1d(np.abs(prior.logs[np.newaxis]).max(axis=axis))
    n_members, n_corrections = len(members), len(largest)
    medians, deviations = np.array(expected).T
    expectation = np.append(np.log(medians), np.zeros(n_corrections))
    # The likelihood is a mean over labels: one label is a small share of it.
    correction_precision = np.maximum(1, largest) ** 2 / n_corrections
    precision = np.append(1 / np.square(deviations), correction_precision)
    arrays = [targets.indicators(), *logits]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs, corrections = values[:n_members], values[n_members:]
        truth, *parts = arrays
        weighted = [np.exp(log) * one for log, one in zip(logs, parts, strict=True)]
        total = np.sum(weighted, axis=0) - corrections * prior.logs + prior.log_drawn
        fit, slopes = labels.log_likelihood(total, truth, targets.weights)
        gaps = values - expectation
        factor_gradient = [(slopes * one).sum() for one in weighted]
        gradient = np.append(factor_gradient, (slopes * -prior.logs).sum(axis=axis))
        surprise = precision * gaps
        return float(-fit + gaps @ surprise / 2), gradient + surprise

    bounds = [(-6, 4)] * n_members + [(0, None)] * n_corrections  # of a factor its logarithm
    found = minimize(loss, expectation, jac=True, method="L-BFGS-B", bounds=bounds)
    arrays.clear()  # SciPy holds `loss` in a cycle
    logs, corrections = found.x[:n_members], found.x[n_members:]
    surprise = precision @ (found.x - expectation) ** 2 / 2
    correction = corrections.item() if axis is None else corrections
    return Blend(np.exp(logs), correction, float(found.fun - surprise))


@dataclass(frozen=True)
class HeldOutLogits:
    """What the members fitted so far say of held-out samples, and the blend that follows from it.

    Parameters
    ----------
    targets : Targets
        Of the held-out samples.
    prior : ClassPrior
    members : dict of str to Judged
        By the name of each member, the last one first.
    """

    targets: Targets
    prior: ClassPrior
    members: dict[str, Judged] = field(default_factory=dict)

    def joined_by(self, name: str, judged: Judged) -> Self:
        """Return the same with the logits of one more member."""
        return replace(self, members={name: judged, **self.members})

    def total(self, weights: Mapping[str, float]) -> Logits:
        """Return the sum of the logits of all samples (n_samples, n_outputs), by these weights."""
        weighted = [weights[name] * one.logits for name, one in self.members.items()]
        return np.asarray(np.sum(weighted, axis=0))

    @cached_property
    def blend(self) -> Blend:
        """The blend of the members."""
        return fit_blend(list(self.members.values()), self.targets, self.prior)

    @property
    def factors(self) -> dict[str, float]:
        """The factor of each member in the blend, by its name."""
        return dict(zip(self.members, self.blend.factors.tolist(), strict=True))

    @property
    def trust(self) -> float:
        """How far the blend is trusted, up to 1: the smallest confidence in a member.

        This is divided by the factor of the member's logits if that is above 1: samples that were
        left out in turn have already set their scale, and that a member is right on a few more is
        no reason to make them larger.
        """
        pairs = zip(self.members.values(), self.factors.values(), strict=True)
        return min([1.0, *(judged.confidence / max(1.0, factor) for judged, factor in pairs)])

    def is_a_guess(self, shares: NDArray[np.float64]) -> bool:
        """Return whether the blend says no more of many samples than the shares of the classes do.

        That is, its mean log-likelihood is not above theirs at this level of significance, nor is
        that of a label.
        """
        if len(self.targets) < FEWEST_JUDGED:
            return False
        labels, truth = self.targets.labels, self.targets.indicators()
        correction = self.blend.prior_correction * self.prior.logs
        proba = labels.proba(self.total(self.factors) - correction)
        guess = np.broadcast_to(shares, truth.shape)
        gains = labels.log_likelihoods(proba, truth) - labels.log_likelihoods(guess, truth)
        weights = self.targets.sample_weights / self.targets.sample_weights.sum()
        least = -ndtri(LEVEL / gains.shape[1])  # of so many labels (Bonferroni)
        gains = np.column_stack([gains, gains.mean(axis=1)])
        mean = weights @ gains
        errors = np.linalg.norm(weights[:, np.newaxis] * (gains - mean), axis=0)
        return bool((mean <= least * errors).all())
