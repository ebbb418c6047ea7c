"""How far a network and a linear model beside it are to be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_expit, log_softmax


def weigh(
    parts: list[NDArray[np.float64]],
    codes: NDArray[Any],
    weights: NDArray[Any],
    *,
    expected: list[float],
) -> NDArray[np.float64]:
    """Find the factor of each part's logits with which their sum fits held-out samples best.

    The factors are those of the highest posterior: to be a factor of e away from what is expected
    costs as much as a loss of a half. Without samples they are what is expected.
    """
    middle = np.log(expected)

    def loss(logs: NDArray[np.float64]) -> float:
        logits = sum(np.exp(log) * part for log, part in zip(logs, parts, strict=True))
        if codes.ndim == 2:
            fits = np.where(codes > 0, log_expit(logits), log_expit(-logits)).mean(axis=1)
        else:
            fits = log_softmax(logits, axis=1)[np.arange(len(codes)), codes]
        return float(-(weights * fits).sum() + np.square(logs - middle).sum() / 2)

    found = minimize(loss, middle, method="L-BFGS-B", bounds=[(-6, 4)] * len(parts))
    return np.asarray(np.exp(found.x))
