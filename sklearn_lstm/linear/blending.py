"""The blend weights: how much the logits of a network and of a linear model count in their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax

SMALLEST_LOG, LARGEST_LOG = -6, 4  # of a weight


def fit_blend_weights(
    logits: list[NDArray[np.float64]],
    targets: NDArray[Any],
    weights: NDArray[np.float64],
    *,
    expected: list[float],
) -> tuple[NDArray[np.float64], float]:
    """Fit the factors of several models' logits whose sum predicts held-out samples best.

    The factors have the highest posterior probability under a log-normal prior around `expected`.
    Without samples they are `expected`.

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

    Returns
    -------
    factors : ndarray of shape (n_models,)
    loss : float
        The negative logarithm of the likelihood of the samples, a sum over them.
    """
    median = np.log(expected)
    n_outputs = logits[0].shape[1]
    is_multilabel = targets.ndim == 2
    truth = targets > 0 if is_multilabel else targets[:, np.newaxis] == np.arange(n_outputs)

    def loss(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parts = [np.exp(log) * part for log, part in zip(logs, logits, strict=True)]
        total = np.sum(parts, axis=0)
        if is_multilabel:
            fits = np.where(truth, log_expit(total), log_expit(-total)).mean(axis=1)
            slopes = (expit(total) - truth) / n_outputs
        else:
            log_probabilities = log_softmax(total, axis=1)
            fits = log_probabilities[truth]
            slopes = np.exp(log_probabilities) - truth
        slopes *= weights[:, np.newaxis]
        gradient = [(slopes * part).sum() for part in parts] + (logs - median)
        return float(-(weights @ fits) + np.square(logs - median).sum() / 2), gradient

    bounds = [(SMALLEST_LOG, LARGEST_LOG)] * len(logits)
    found = minimize(loss, median, jac=True, method="L-BFGS-B", bounds=bounds)
    prior = np.square(found.x - median).sum() / 2
    return np.asarray(np.exp(found.x)), float(found.fun - prior)
