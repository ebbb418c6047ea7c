"""How the linear models of one vector for each sequence are fitted: by logistic regression.

The penalty of its weights is found by inner folds.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import compress
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sklearn_lstm.blending import ClassPrior, Logits, fit_blend
from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows, row_numbers
from sklearn_lstm.members.duration import WORK_PER_SECOND
from sklearn_lstm.members.held_out import Split, folds
from sklearn_lstm.members.learner import Learner
from sklearn_lstm.members.regression.encoder_and_numbers import (
    EncoderModel,
    Feature,
    NumberModel,
    RegressionModel,
    Vectors,
)
from sklearn_lstm.members.settings import FitSettings
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.targets import Samples, Targets

MOST_SAMPLES = 100_000  # that a member learns from: a vector of an encoder takes 1.5 kB
MOST_CATEGORIES = 255  # of a column; rarer ones are none of them
PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)  # from the largest on
MOST_TRIED_ON = 2_000  # samples
TOLERANCE = 1e-5  # relative, of the loss

Weights = NDArray[np.float64]  # (1 + dim, n_outputs), those of the intercept first


# How likely targets are by the logits of folds, which hold such rows.
Judge: TypeAlias = Callable[[list[Logits], Targets, list[Rows]], float]


def _fit(
    split: Split, rows: Rows, untrained: RegressionModel, judge: Judge, *, tries_all: bool = False
) -> tuple[RegressionModel | None, Logits]:
    """Fit to these rows; the penalty is found by inner folds.

    Parameters
    ----------
    split : Split
    rows : ndarray of int
        From `_rows_to_fit`.
    untrained : RegressionModel
        It has learned nothing, but can read vectors.
    judge : callable
    tries_all : bool
        All samples find the penalty, those held out too.

    Returns
    -------
    model : RegressionModel or None
        None: all samples have the same vector.
    logits : ndarray of shape (n_held_out, n_outputs)
        Of the held-out samples, by a model fitted to the others; no rows without a model.
    """
    samples = split.samples.subset(rows)
    vectors, targets = untrained.vectors(samples.sequences), samples.targets
    if not vectors.size:
        return None, np.empty((0, targets.n_outputs))
    held_out = np.searchsorted(rows, split.held_out_rows)
    learned = np.delete(np.arange(len(rows)), held_out)
    tried = np.arange(len(rows)) if tries_all else learned
    scaled = _scaled(untrained, vectors[tried])[0]
    penalty = _find_penalty(scaled, targets.subset(tried), split.seed, judge)
    without = _fitted(untrained, vectors[learned], targets.subset(learned), penalty)
    model = _fitted(untrained, vectors, targets, penalty) if len(held_out) else without
    return model, without.logits_of(vectors[held_out])


def _fitted(
    untrained: RegressionModel, vectors: Vectors, targets: Targets, penalty: float
) -> RegressionModel:
    scaled, mean, deviation = _scaled(untrained, vectors)
    intercept, *weights = _fit_regression(scaled, targets, penalty)
    coef = np.stack(weights) / deviation[:, np.newaxis]
    return replace(untrained, mean=mean, coef=coef, intercept=intercept, penalty=penalty)


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


def _scaled(
    untrained: RegressionModel, vectors: Vectors
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the scaled vectors, the mean of each column, and what its gaps are divided by."""
    mean, deviation = untrained.scale(vectors)
    scaled = np.nan_to_num((vectors - mean) / deviation, copy=False)
    return scaled.astype(np.float32), mean, deviation


# --- Vectors of an encoder


def fit_encoder(split: Split, settings: FitSettings) -> tuple[RegressionModel | None, Logits]:
    """Fit to the vectors of all texts, or of as many as the memory allows."""
    rows = _rows_to_fit(split)
    untrained = EncoderModel.untrained(settings.encoder)
    return _fit(split, rows, untrained, _likelihood_of_blend, tries_all=True)


def work_of_encoder(samples: Samples, settings: FitSettings) -> int:
    """Return the work of encoding, by the seconds that about 32 texts take, or all if fewer."""
    rows = np.arange(0, len(samples), 1 + len(samples) // 32)
    encoder: Any = settings.encoder
    encoder(samples.sequences.texts(rows[:1]))  # the first call may take much longer
    start = perf_counter()
    encoder(samples.sequences.texts(rows))
    seconds = (perf_counter() - start) * min(len(samples), MOST_SAMPLES) / len(rows)
    return round(seconds * WORK_PER_SECOND)


def encode(split: Split, settings: FitSettings, progress: FitProgress) -> None:
    """Encode the texts, which takes longest."""
    sequences, rows = split.samples.sequences, _rows_to_fit(split)
    encoder: Any = settings.encoder
    for start in range(0, len(rows), ROWS_AT_ONCE):
        progress.count_linear_model(EncoderModel.name, start / len(rows))
        encoder(sequences.texts(rows[start : start + ROWS_AT_ONCE]))


def _likelihood_of_blend(logits: list[Logits], targets: Targets, rows: list[Rows]) -> float:
    """Return what a blend reaches: it scales logits that a large penalty has made small."""
    if not rows:
        return 0.0
    known, prior = targets.subset(np.concatenate(rows)), ClassPrior.of(targets, is_drawn=False)
    judged = [(np.concatenate(logits), ENCODER.expected_factor)]
    return -fit_blend(judged, known, prior).loss


def logits_of_folds(split: Split, _: FitSettings, rows: list[Rows], member: EncoderModel) -> Logits:
    """Return the logits of the rows of each fold; one penalty gives them all one scale."""
    vectors, targets = member.vectors(split.samples.sequences), split.samples.targets
    parts = []
    for fold in rows:
        learned = np.delete(row_numbers(len(targets)), fold)
        known = vectors[learned], targets.subset(learned)
        parts.append(_fitted(member, *known, member.penalty).logits_of(vectors[fold]))
    return np.concatenate(parts)


# --- Numbers and categories


def fit_numbers(split: Split, _: FitSettings) -> tuple[RegressionModel | None, Logits]:
    """Find out what differs between the sequences, and fit to it."""
    rows = _rows_to_fit(split)
    numbers, categories = dict[str, tuple[Feature, ...]](), dict[str, tuple[str, ...]]()
    given = split.samples.subset(rows).sequences.numbers
    category_names = set(given.categories)
    for name, values in given.columns.items():
        if name in category_names:
            counts = Counter(value for value in values.tolist() if isinstance(value, str))
            found = sorted(name for name, _ in counts.most_common(MOST_CATEGORIES))
            is_constant = counts.total() == len(values) and len(found) == 1
            categories[name] = () if is_constant else tuple(found)
        else:
            missing = np.isnan(values)
            known = np.unique(values[~missing])
            kept = len(known) > 1, 0 < missing.sum() < len(values)
            features: tuple[Feature, ...] = "value", "is missing"
            numbers[name] = tuple(compress(features, kept))
    return _fit(split, rows, NumberModel.untrained(numbers, categories), _likelihood)


def _likelihood(logits: list[Logits], targets: Targets, rows: list[Rows]) -> float:
    """Return the logarithm of the likelihood of folds, by fits that have not seen them."""
    fit = 0.0
    for part, fold in zip(logits, map(targets.subset, rows), strict=True):
        fit += fold.labels.log_likelihood(part, fold.indicators(), fold.weights)[0]
    return fit


def _rows_to_fit(split: Split) -> Rows:
    """Return the rows that the model is fitted to, in ascending order: all, or a random part."""
    rows = np.arange(len(split.samples))
    if len(rows) <= MOST_SAMPLES:
        return rows
    chosen = np.random.default_rng(split.seed).permutation(np.delete(rows, split.held_out_rows))
    chosen = chosen[: MOST_SAMPLES - len(split.held_out_rows)]
    return np.sort(np.append(split.held_out_rows, chosen))


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
    options = {"ftol": TOLERANCE}
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(shape)


def _logits_of(vectors: NDArray[np.float32], weights: Weights) -> NDArray[np.float64]:
    """Return the logits of vectors (n_samples, n_outputs)."""
    return np.asarray(vectors @ weights[1:].astype(np.float32) + weights[0])


# --- Learners

ENCODER = Learner(
    EncoderModel,
    suits=lambda settings: settings.encoder is not None,
    work=work_of_encoder,
    fit_member=fit_encoder,
    is_asked_for=True,
    prepare=encode,
    logits_of_folds=logits_of_folds,
)
NUMBERS = Learner(
    NumberModel,
    suits=lambda settings: settings.numbers,
    work=lambda *_: WORK_PER_SECOND,
    fit_member=fit_numbers,
    is_asked_for=True,
)
