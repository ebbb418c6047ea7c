"""Logistic regression on columns, whose penalty is found by inner folds."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Rows, row_numbers
from sklearn_lstm.members.blending import ClassPrior, Judged, Logits, fit_blend
from sklearn_lstm.members.held_out import folds
from sklearn_lstm.members.member import Term
from sklearn_lstm.members.recipe import BaseSolver
from sklearn_lstm.targets.targets import Targets

PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)  # from the largest on
MOST_TRIED_ON = 2_000  # samples
TOLERANCE = 1e-5  # relative, of the loss
N_STEPS_KEPT = 10  # which tell how the loss is curved

Loss: TypeAlias = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]
Weights = NDArray[np.float64]  # (1 + dim, n_outputs), those of the intercept first
Vectors: TypeAlias = NDArray[np.floating]  # (n_samples, dim); NaN: nothing is known
# The mean of each column, and what its gaps are divided by.
Scale: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
# How likely targets are by the logits of folds, which hold such rows.
Judge: TypeAlias = Callable[[list[Logits], Targets, list[Rows]], float]


class Solver(BaseSolver):
    """Logistic regression on the scaled columns of `ColumnFeatures`.

    Where all columns have one unit, a blend scales the logits that a large penalty has made small:
    then one penalty, which predicts all samples best once they are scaled, gives folds one scale.
    """

    def __init__(self, reader: Any) -> None:
        super().__init__(reader)
        (self.features,) = reader.features
        self.keeps_penalty = self.features.have_one_unit
        tried = np.arange(len(reader.samples))
        if not self.keeps_penalty:
            tried = np.delete(tried, reader.held_out)
        _, scaled, _ = self._read(tried)
        judge: Judge = _likelihood_of_blend if self.keeps_penalty else _likelihood
        self.penalty = _find_penalty(scaled, reader.part(tried).targets, reader.seed, judge)

    def solve(self, rows: Rows) -> tuple[Term, ...]:
        """Return the term that these rows tell."""
        features, scaled, deviation = self._read(rows)
        weights = _fit_regression(scaled, self.reader.part(rows).targets, self.penalty)
        return (Term(features, weights[1:] / deviation[:, np.newaxis], weights[0]),)

    def _read(self, rows: Rows) -> tuple[Any, NDArray[np.float32], NDArray[np.float64]]:
        """Return the features that these rows tell, their scaled columns, and the deviations."""
        samples = self.reader.part(rows)
        features = self.features.learned(samples)
        vectors = features.vectors(samples.sequences)
        find_scale = _one_scale if features.have_one_unit else _own_scales
        mean, deviation = find_scale(vectors, features.has_unit)
        scaled = np.nan_to_num((vectors - mean) / deviation, copy=False)
        return replace(features, mean=mean), scaled.astype(np.float32, order="C"), deviation


# --- The scale of columns


def _one_scale(vectors: Vectors, _: NDArray[np.bool_]) -> Scale:
    """Return one deviation for all columns: those that vary more tell more."""
    mean = np.asarray(vectors.mean(axis=0, dtype=np.float64))
    deviation = np.sqrt(vectors.var(axis=0, dtype=np.float64).mean())
    return mean, np.full(len(mean), max(deviation, np.finfo(np.float32).eps))


def _own_scales(vectors: Vectors, has_unit: NDArray[np.bool_]) -> Scale:
    """Return the deviation of each column: 1 if it has no unit, or says yes or no."""
    known = ~np.isnan(vectors)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, vectors, 0).sum(axis=0) / n_known
    deviation = np.sqrt((np.where(known, vectors - mean, 0) ** 2).sum(axis=0) / n_known)
    deviation[~has_unit | (np.isin(vectors, (0, 1)) | ~known).all(axis=0)] = 1
    first = vectors[known.argmax(axis=0), np.arange(vectors.shape[1])]
    is_constant = ((vectors == first) | ~known).all(axis=0)
    # Nothing is learned of such a column, nor of one whose squares are too small for floats.
    deviation[is_constant | (deviation == 0)] = np.inf
    return mean, deviation


# --- The penalty


def _find_penalty(vectors: NDArray[np.float32], targets: Targets, seed: int, judge: Judge) -> float:
    """Return the penalty of the regressions that predict folds best, each without its fold."""
    if len(targets) > MOST_TRIED_ON:
        rows = np.random.default_rng(seed).permutation(len(targets))[:MOST_TRIED_ON]
        vectors, targets = vectors[rows], targets.subset(rows)
    held_out, logits = folds(targets, seed), [list[Logits]() for _ in PENALTIES]
    for fold in held_out:
        learned, weights = np.delete(row_numbers(len(targets)), fold), None
        known = vectors[learned], targets.subset(learned)
        for penalty, parts in zip(PENALTIES, logits, strict=True):
            weights = _fit_regression(*known, penalty, weights)
            parts.append(_logits_of(vectors[fold], weights))
    return PENALTIES[int(np.argmax([judge(parts, targets, held_out) for parts in logits]))]


def _likelihood_of_blend(logits: list[Logits], targets: Targets, rows: list[Rows]) -> float:
    """Return what a blend reaches: it scales logits that a large penalty has made small."""
    if not rows:
        return 0.0
    known, prior = targets.subset(np.concatenate(rows)), ClassPrior.of(targets, is_drawn=False)
    judged = [Judged(np.concatenate(logits), Solver.expected_factor)]
    return -fit_blend(judged, known, prior).loss


def _likelihood(logits: list[Logits], targets: Targets, rows: list[Rows]) -> float:
    """Return the logarithm of the likelihood of folds, by fits that have not seen them."""
    fit = 0.0
    for part, fold in zip(logits, map(targets.subset, rows), strict=True):
        fit += fold.labels.log_likelihood(part, fold.indicators(), fold.weights)[0]
    return fit


# --- Logistic regression


def _fit_regression(
    vectors: NDArray[np.float32], targets: Targets, penalty: float, start: Weights | None = None
) -> Weights:
    """Fit the weights that make the targets most likely, less half the penalty of their squares.

    Parameters
    ----------
    vectors : ndarray of shape (n_samples, dim)
        Scaled.
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
        fit, slopes = labels.log_likelihood(_logits_of(vectors, weights), truth, targets.weights)
        gradient = precisions * weights
        gradient[0] += slopes.sum(axis=0)
        gradient[1:] += vectors.T @ slopes.astype(np.float32)
        return float((precisions * weights**2).sum() / 2 - fit), gradient.ravel()

    first = np.zeros(shape) if start is None else start
    return minimized(loss, first.ravel()).reshape(shape)


def minimized(loss: Loss, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a convex loss, which returns its gradient too, is smallest: by L-BFGS.

    It is the method of limited memory by Nocedal (1980). That of SciPy solves small systems by
    LAPACK, which wakes all threads for each: beside other work they wait for each other far longer
    than the fit takes.
    """
    steps = deque[tuple[NDArray[np.float64], NDArray[np.float64]]](maxlen=N_STEPS_KEPT)
    before, gradient = loss(values)
    while True:
        direction, factors, is_first = -gradient, [], not steps
        for step, change in reversed(steps):
            factors.append((step @ direction) / (step @ change))
            direction -= factors[-1] * change
        if steps:
            step, change = steps[-1]
            direction *= (step @ change) / (change @ change)
        for (step, change), factor in zip(steps, reversed(factors), strict=True):
            direction += (factor - (change @ direction) / (step @ change)) * step
        size = 1.0 if steps else min(1.0, 1 / max(np.abs(gradient).sum(), 1e-300))
        # The loss is finite and convex: a step that is small enough makes it smaller.
        while (found := loss(values + size * direction))[0] > (
            before + 1e-4 * size * (gradient @ direction)
        ):
            size /= 2
        after, new_gradient = found
        values = values + size * direction
        if (change := new_gradient - gradient) @ direction > 0:
            steps.append((size * direction, change))
        is_small = before - after <= TOLERANCE * max(abs(before), abs(after), 1)
        before, gradient = found
        if is_small and not (is_first and steps):  # the first step is a guess
            return values


def _logits_of(vectors: NDArray[np.float32], weights: Weights) -> NDArray[np.float64]:
    """Return the logits of vectors (n_samples, n_outputs)."""
    return np.asarray(vectors @ weights[1:].astype(np.float32) + weights[0])
