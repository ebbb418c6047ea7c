"""The blend: how much the logits of a network and of a linear model count in their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit, log_expit, log_softmax

from sklearn_lstm.data.sequences import Samples, Sequences, indicators

SMALLEST_LOG, LARGEST_LOG = -6, 4  # of a weight
SMALLEST_RATE = 1e-9
EXPECTED_PER_REPEAT, LEAST_EXPECTED, MOST_EXPECTED = 0.01, 0.005, 0.1  # weight of a network


@dataclass(frozen=True)
class ClassPrior:
    """How frequent the classes, or labels, are.

    Parameters
    ----------
    logs : ndarray of shape (n_outputs,)
        Logarithms of the frequencies of classes, with mean 0, or of the odds of labels.
    log_rates : ndarray of shape (n_outputs,)
        Logarithms of the share of each class that can be held out.
    """

    logs: NDArray[np.float64]
    log_rates: NDArray[np.float64]

    @classmethod
    def of(cls, samples: Samples, n_outputs: int, *, is_drawn: bool) -> ClassPrior:
        """Count the samples; where held-out ones are drawn, one group of each class is not.

        Without groups each sample is one.

        A class without samples counts as frequent, so that no correction is in its favour. Weights
        do not count: with balanced ones no class would be rare, and none could be corrected.
        """
        targets, has_weight = samples.targets, (samples.weights > 0).astype(np.float64)
        log_rates = np.zeros(n_outputs)
        if targets.ndim == 2:
            inside, outside = has_weight @ (targets > 0), has_weight @ (targets <= 0)
            is_both = (inside > 0) & (outside > 0)
            inside, outside = np.where(is_both, inside, 1), np.where(is_both, outside, 1)
            return cls(np.log(inside / outside), log_rates)
        if is_drawn:
            groups = np.arange(len(targets)) if samples.groups is None else samples.groups
            shape = n_outputs, groups.max() + 1
            n_groups = csr_matrix((np.ones(len(groups)), (targets, groups)), shape).getnnz(axis=1)
            log_rates = np.log(np.maximum(n_groups - 1, SMALLEST_RATE) / np.maximum(n_groups, 1))
        counts = np.bincount(targets, has_weight, n_outputs)
        logs = np.log(np.where(counts > 0, counts, counts.max()))
        return cls(logs - logs.mean(), log_rates)


def expected_network_weight(sequences: Sequences, *, is_pretrained: bool) -> float:
    """Return how much a network counts in a blend, as long as no held-out sample tells.

    A network is too sure of itself: 0.1. It knows little of words that it seldom sees: 0.01 for
    each time that a token is seen again, on average, unless vectors are pretrained.
    """
    if sequences.n_channels is not None or is_pretrained:
        return MOST_EXPECTED
    n_repeats = sequences.lengths.sum() / len(sequences.distinct_ids()) - 1
    return float(np.clip(EXPECTED_PER_REPEAT * n_repeats, LEAST_EXPECTED, MOST_EXPECTED))


@dataclass(frozen=True)
class Blend:
    """How logits are added up.

    Parameters
    ----------
    factors : ndarray of shape (n_models,)
    prior_correction : float
        How many times the logarithms of the prior are subtracted.
    loss : float
        The negative logarithm of the likelihood of the held-out samples, a sum over them.
    """

    factors: NDArray[np.float64]
    prior_correction: float
    loss: float


def fit_blend(
    logits: list[NDArray[np.float64]],
    targets: NDArray[Any],
    weights: NDArray[np.float64],
    *,
    expected: list[float],
    prior: ClassPrior | None = None,
) -> Blend:
    """Fit the factors of several models' logits whose sum predicts held-out samples best.

    Rare classes are often predicted too seldom. A multiple of the prior's logarithms is subtracted
    for that (Menon et al. 2021). It is not negative: that few held-out samples are of a rare class
    is no reason to predict it more seldom.

    The blend has the highest posterior probability. The factors have a log-normal prior around
    `expected`; the correction comes from N(0, 1), or a narrower normal prior if classes are so
    unequal that it would move a logit by more than 1. Without samples they are `expected` and 0.

    Parameters
    ----------
    logits : list of ndarray of shape (n_samples, n_outputs)
        Of each model, for samples that it was not fitted to.
    targets : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Indices of classes, or multilabel indicators.
    weights : ndarray of shape (n_samples,)
        How much each sample counts.
    expected : list of float
        Median of the prior of each factor. The logarithm has the standard deviation 1.
    prior : ClassPrior or None
        None: no correction.
    """
    n_outputs = logits[0].shape[1]
    prior = prior or ClassPrior(np.zeros(n_outputs), np.zeros(n_outputs))
    expectation = np.append(np.log(expected), 0)
    precision = np.append(np.ones(len(expected)), max(1, np.abs(prior.logs).max()) ** 2)
    is_multilabel = targets.ndim == 2
    truth = indicators(targets, n_outputs)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        *logs, correction = values
        parts = [np.exp(log) * part for log, part in zip(logs, logits, strict=True)]
        total = np.sum(parts, axis=0) - correction * prior.logs + prior.log_rates
        if is_multilabel:
            fits = np.where(truth, log_expit(total), log_expit(-total)).mean(axis=1)
            slopes = (expit(total) - truth) / n_outputs
        else:
            log_probabilities = log_softmax(total, axis=1)
            fits = log_probabilities[truth]
            slopes = np.exp(log_probabilities) - truth
        slopes *= weights[:, np.newaxis]
        gaps = values - expectation
        gradient = [(slopes * part).sum() for part in (*parts, -prior.logs)]
        surprise = precision * gaps
        return float(-(weights @ fits) + gaps @ surprise / 2), gradient + surprise

    bounds = [(SMALLEST_LOG, LARGEST_LOG)] * len(logits) + [(0, None)]
    found = minimize(loss, expectation, jac=True, method="L-BFGS-B", bounds=bounds)
    gaps = found.x - expectation
    *logs, correction = found.x
    return Blend(np.exp(logs), float(correction), float(found.fun - precision @ gaps**2 / 2))
