"""The blend weights: how much the logits of a network and of a linear model count in their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_expit, log_softmax

SMALLEST_LOG, LARGEST_LOG = -6, 4  # of a weight


def fit_blend_weights(
    logits: list[NDArray[np.float64]],
    targets: NDArray[Any],
    weights: NDArray[np.float64],
    *,
    expected: list[float],
) -> NDArray[np.float64]:
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
    ndarray of shape (n_models,)
    """
    median = np.log(expected)

    def loss(logs: NDArray[np.float64]) -> float:
        total = sum(np.exp(log) * part for log, part in zip(logs, logits, strict=True))
        if targets.ndim == 2:
            fits = np.where(targets > 0, log_expit(total), log_expit(-total)).mean(axis=1)
        else:
            fits = log_softmax(total, axis=1)[np.arange(len(targets)), targets]
        return float(-(weights * fits).sum() + np.square(logs - median).sum() / 2)

    bounds = [(SMALLEST_LOG, LARGEST_LOG)] * len(logits)
    found = minimize(loss, median, method="L-BFGS-B", bounds=bounds)
    return np.asarray(np.exp(found.x))
