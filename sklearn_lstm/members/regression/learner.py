"""How the linear models of one vector for each sequence are fitted: by logistic regression.

The penalty of its weights is found by inner folds.
"""

from abc import abstractmethod
from collections import Counter
from dataclasses import replace
from itertools import compress
from time import perf_counter
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sklearn_lstm.blending import ClassPrior, Logits, fit_blend
from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows, row_numbers
from sklearn_lstm.members.member import Learner
from sklearn_lstm.members.regression.encoder_and_numbers import (
    IS_MISSING,
    VALUE,
    EncoderModel,
    Feature,
    NumberModel,
    RegressionModel,
    Vectors,
)
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.samples import Samples, Targets
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import WORK_PER_SECOND
from sklearn_lstm.training.held_out import Split, folds

MOST_SAMPLES = 100_000  # that a member learns from: a vector of an encoder takes 1.5 kB
MOST_CATEGORIES = 255  # of a column; rarer ones are none of them
PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)  # from the largest on
MOST_TRIED_ON = 2_000  # samples
TOLERANCE = 1e-5  # relative, of the loss
NOTHING = np.empty(0), np.empty((0, 0)), np.empty(0)  # has been learned yet

Weights = NDArray[np.float64]  # (1 + dim, n_outputs), those of the intercept first


class RegressionLearner(Learner):
    """It fits the regression; its penalty is found by inner folds."""

    kinds = ()  # for any sequences, but only where the user brings what it reads
    tries_all: ClassVar[bool] = False  # all samples find the penalty, those held out too

    @classmethod
    @abstractmethod
    def untrained(cls, samples: Samples, configuration: Configuration) -> RegressionModel:
        """Return a model that has learned nothing, but can read vectors."""

    @classmethod
    def suits(cls, configuration: Configuration) -> bool:
        """Return whether there is what the configuration holds under the name of the member.

        Raises
        ------
        ValueError
            If the member can't be fitted, which the user wants.
        """
        is_wanted = bool(getattr(configuration, cls.member.name))
        if is_wanted and (lacking := cls.lacks(configuration)):
            raise ValueError(f"The member of the {cls.member.name} needs {' and '.join(lacking)}.")
        return is_wanted

    @classmethod
    def fit_linear(
        cls, split: Split, configuration: Configuration
    ) -> tuple[RegressionModel | None, Logits]:
        """Fit to all samples, or to as many as the memory allows.

        Returns
        -------
        model : RegressionModel or None
            None: all samples have the same vector.
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out samples, by a model fitted to the others; no rows without a model.
        """
        rows = _rows_to_fit(split)
        samples = split.samples.subset(rows)
        untrained = cls.untrained(samples, configuration)
        vectors, targets = untrained.vectors(samples.sequences), samples.targets
        if not vectors.size:
            return None, np.empty((0, targets.n_outputs))
        held_out = np.searchsorted(rows, split.held_out_rows)
        learned = np.delete(np.arange(len(rows)), held_out)
        learned_targets = targets.subset(learned)
        tried = np.arange(len(rows)) if cls.tries_all else learned
        scaled = cls._scaled(vectors[tried])[0]
        penalty = cls._find_penalty(scaled, targets.subset(tried), split.seed)
        without = cls._fitted(untrained, vectors[learned], learned_targets, penalty)
        model = cls._fitted(untrained, vectors, targets, penalty) if len(held_out) else without
        return model, without.logits_of(vectors[held_out])

    @classmethod
    def _fitted(
        cls, untrained: RegressionModel, vectors: Vectors, targets: Targets, penalty: float
    ) -> RegressionModel:
        scaled, mean, deviation = cls._scaled(vectors)
        intercept, *weights = _fit_regression(scaled, targets, penalty)
        coef = np.stack(weights) / deviation[:, np.newaxis]
        return replace(untrained, mean=mean, coef=coef, intercept=intercept)

    @classmethod
    def _find_penalty(cls, vectors: NDArray[np.float32], targets: Targets, seed: int) -> float:
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
        fits = [cls.likelihood(parts, targets, held_out) for parts in logits]
        return PENALTIES[int(np.argmax(fits))]

    @classmethod
    def likelihood(cls, logits: list[Logits], targets: Targets, rows: list[Rows]) -> float:
        """Return the logarithm of the likelihood of folds, by fits that have not seen them."""
        fit = 0.0
        for part, fold in zip(logits, map(targets.subset, rows), strict=True):
            fit += fold.labels.log_likelihood(part, fold.indicators(), fold.weights)[0]
        return fit

    @classmethod
    def _scaled(
        cls, vectors: Vectors
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
        """Return the scaled vectors, the mean of each column, and what its gaps are divided by."""
        mean, deviation = cls.scale(vectors)
        scaled = np.nan_to_num((vectors - mean) / deviation, copy=False)
        return scaled.astype(np.float32), mean, deviation

    @classmethod
    @abstractmethod
    def scale(cls, vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean of each column, and by what its gaps are divided."""


class EncoderLearner(RegressionLearner):
    """It encodes the texts, and fits the regression."""

    member = EncoderModel
    tries_all = True

    @classmethod
    def untrained(cls, samples: Samples, configuration: Configuration) -> EncoderModel:  # noqa: ARG003
        """Return a model that has learned nothing, but has the encoder."""
        assert configuration.encoder is not None  # noqa: S101 - else it does not suit
        return EncoderModel(*NOTHING, configuration.encoder)

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:
        """Return the work of encoding, by the seconds that about 32 texts take, or all if fewer."""
        rows = np.arange(0, len(samples), 1 + len(samples) // 32)
        encoder = cls.untrained(samples, configuration).encoder
        encoder(samples.sequences.texts(rows[:1]))  # the first call may take much longer
        start = perf_counter()
        encoder(samples.sequences.texts(rows))
        seconds = (perf_counter() - start) * min(len(samples), MOST_SAMPLES) / len(rows)
        return round(seconds * WORK_PER_SECOND)

    @classmethod
    def prepare(cls, split: Split, configuration: Configuration, progress: FitProgress) -> None:
        """Encode the texts, which takes longest."""
        sequences, rows = split.samples.sequences, _rows_to_fit(split)
        encoder = cls.untrained(split.samples, configuration).encoder
        for start in range(0, len(rows), ROWS_AT_ONCE):
            progress.count_linear_model(cls.member.name, start / len(rows))
            encoder(sequences.texts(rows[start : start + ROWS_AT_ONCE]))

    @classmethod
    def scale(cls, vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean of each column, and one deviation: columns that vary more tell more."""
        mean = np.asarray(vectors.mean(axis=0, dtype=np.float64))
        deviation = np.sqrt(vectors.var(axis=0, dtype=np.float64).mean())
        return mean, np.full(len(mean), max(deviation, np.finfo(np.float32).eps))

    @classmethod
    def likelihood(cls, logits: list[Logits], targets: Targets, rows: list[Rows]) -> float:
        """Return what a blend reaches: it scales logits that a large penalty has made small."""
        if not rows:
            return 0.0
        known, prior = targets.subset(np.concatenate(rows)), ClassPrior.of(targets, is_drawn=False)
        return -fit_blend([(np.concatenate(logits), cls.expected_factor)], known, prior).loss

    @classmethod
    def logits_of_folds(
        cls, split: Split, configuration: Configuration, rows: list[Rows]
    ) -> Logits:
        """Return the logits of the rows of each fold; one penalty gives them all one scale."""
        untrained, targets = cls.untrained(split.samples, configuration), split.samples.targets
        vectors, all_rows = untrained.vectors(split.samples.sequences), row_numbers(len(targets))
        penalty = cls._find_penalty(cls._scaled(vectors)[0], targets, split.seed)
        parts = []
        for fold in rows:
            learned = np.delete(all_rows, fold)
            model = cls._fitted(untrained, vectors[learned], targets.subset(learned), penalty)
            parts.append(model.logits_of(vectors[fold]))
        return np.concatenate(parts)


class NumberLearner(RegressionLearner):
    """It finds out what differs between the sequences, and fits the regression."""

    member = NumberModel

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:  # noqa: ARG003
        """Return the work of about a second."""
        return WORK_PER_SECOND

    @classmethod
    def untrained(cls, samples: Samples, configuration: Configuration) -> NumberModel:  # noqa: ARG003
        """Return a model that knows which numbers vary, and the most frequent categories."""
        numbers, categories = dict[str, tuple[Feature, ...]](), dict[str, tuple[str, ...]]()
        given = samples.sequences.numbers
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
                numbers[name] = tuple(compress((VALUE, IS_MISSING), kept))
        return NumberModel(*NOTHING, numbers, categories)

    @classmethod
    def scale(cls, vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean and the deviation of each column: 1 if it says yes or no."""
        known = ~np.isnan(vectors)
        n_known = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, vectors, 0).sum(axis=0) / n_known
        deviation = np.sqrt((np.where(known, vectors - mean, 0) ** 2).sum(axis=0) / n_known)
        deviation[(np.isin(vectors, (0, 1)) | ~known).all(axis=0)] = 1
        first = vectors[known.argmax(axis=0), np.arange(vectors.shape[1])]
        is_constant = ((vectors == first) | ~known).all(axis=0)
        # Nothing is learned of such a column, nor of one whose squares are too small for floats.
        deviation[is_constant | (deviation == 0)] = np.inf
        return mean, deviation


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
