"""Logistic regression on vectors of few hundred columns; its penalty is found by inner folds."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sklearn_lstm.data.sequences import row_numbers
from sklearn_lstm.targets.samples import Targets
from sklearn_lstm.training.held_out import folds

PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)  # from the largest on
MOST_TRIED_ON = 2_000  # samples
TOLERANCE = 1e-5  # relative, of the loss

Weights = NDArray[np.float64]  # (1 + dim, n_outputs), those of the intercept first


def fit_regression(
    vectors: NDArray[np.float32], targets: Targets, penalty: float, start: Weights | None = None
) -> Weights:
    """Fit the weights that make the targets most likely, less half the penalty of their squares.

    Parameters
    ----------
    vectors : ndarray of shape (n_samples, dim)
        Standardised.
    targets : Targets
    penalty : float
    start : ndarray or None
        Weights to begin with.
    """
    truth, labels = targets.indicators(), targets.labels
    shape = 1 + vectors.shape[1], targets.n_outputs
    # The likelihood of several labels is a mean over them.
    n_labels = targets.n_outputs if labels.is_multilabel else 1
    precisions = np.full((shape[0], 1), penalty / n_labels)
    precisions[0] = 0

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = values.reshape(shape)
        fit, slopes = labels.log_likelihood(logits_of(vectors, weights), truth, targets.weights)
        gradient = precisions * weights
        gradient[0] += slopes.sum(axis=0)
        gradient[1:] += vectors.T @ slopes.astype(np.float32)
        return float((precisions * weights**2).sum() / 2 - fit), gradient.ravel()

    first = np.zeros(shape) if start is None else start
    options = {"ftol": TOLERANCE}
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(shape)


def find_penalty(vectors: NDArray[np.float32], targets: Targets, seed: int) -> float:
    """Return the penalty of the regressions that predict folds best which they have not seen."""
    if len(targets) > MOST_TRIED_ON:
        rows = np.random.default_rng(seed).permutation(len(targets))[:MOST_TRIED_ON]
        vectors, targets = vectors[rows], targets.subset(rows)
    fits = np.zeros(len(PENALTIES))
    for held_out in folds(targets, seed):
        learned = np.delete(row_numbers(len(targets)), held_out)
        truth, weights = targets.subset(held_out), None
        for place, penalty in enumerate(PENALTIES):
            weights = fit_regression(vectors[learned], targets.subset(learned), penalty, weights)
            fits[place] += truth.labels.log_likelihood(
                logits_of(vectors[held_out], weights), truth.indicators(), truth.weights
            )[0]
    return PENALTIES[int(fits.argmax())]


def logits_of(vectors: NDArray[np.float32], weights: Weights) -> NDArray[np.float64]:
    """Return the logits of vectors (n_samples, n_outputs)."""
    return np.asarray(vectors @ weights[1:].astype(np.float32) + weights[0])
