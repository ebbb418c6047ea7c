"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Blend, ClassPrior, fit_blend
from sklearn_lstm.compute.threads import check_not_abandoned
from sklearn_lstm.data.batches import pad
from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.sequences import Lengths, Rows, Samples, Sequences, rows_of_similar_length
from sklearn_lstm.linear.convolutions import STEPS_AT_ONCE, Convolutions
from sklearn_lstm.linear.features import ROWS_PER_BLOCK, Batch, Features, in_blocks
from sklearn_lstm.linear.ridge import (
    SMALLEST_DEVIATION,
    GramMatrix,
    RidgeFit,
    fit_few,
    leave_alike_out,
)
from sklearn_lstm.linear.statistics import SeriesStatistics
from sklearn_lstm.members.member import FitTask, LinearMember

N_FEATURES = 5_000  # about so many
LARGEST_PROBLEM = 2_500  # rows of the eigenvalue problem: series, or features if they are fewer
SHARE_OF_CONVOLUTIONS = 2 / 3  # of the features at least, if values are missing
SERIES_OF_STATISTICS = 1_000
VARIANCE_OF_LEVELS = 0.03  # at most, relative to that of all convolutions
VARIANCE_WITH_MISSING_VALUES = 30  # of all convolutions, and of all that is known of channels
ROWS_PER_BATCH = 1 << 10
PRODUCTS_PER_UNIT = 300_000  # of work
MOST_LEFT_OUT = 5_000  # series whose leave-one-out predictions are computed at once,
MOST_COMPARED = 1_000  # series that are left out together with those that are alike
MOST_PREDICTIONS_LEFT_OUT = 10_000_000  # and fewer where there are thousands of classes


@dataclass(frozen=True)
class ConvolutionModel(LinearMember):
    """Ridge regression on the proportions of steps at which convolutions are large or small.

    Beside them it reads the level of each channel, and how much of it was measured.

    Parameters
    ----------
    convolutions : Convolutions
    statistics : SeriesStatistics
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    confidence : float or None
        By how much logits have to be smaller for series that are less like those of the training
        than held-out samples drawn at random. None: no samples were drawn.
    """

    reads_ids = False
    fewest_samples = 20
    epochs = 2.0

    convolutions: Convolutions
    statistics: SeriesStatistics
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    confidence: float | None = field(default=None, metadata={"is_stored": False})

    @classmethod
    def work(cls, samples: Samples) -> int:
        """Return the work of fitting, in the units of the network's training: 2 for each step read.

        Measured once, on one core: the features of a step take half as long as the network takes
        for the step. 300,000 multiplications of the regression take as long as 1 unit: with n
        samples, p features and d = min(n, p) there are n p d for the Gram matrix, and about 10 d^3
        for its eigenvalues.
        """
        n_samples = len(samples)
        n_features = _n_features(n_samples)
        smaller = min(n_samples, n_features)
        n_products = n_samples * n_features * smaller + 10 * smaller**3
        return int(samples.sequences.lengths.sum()) + n_products // PRODUCTS_PER_UNIT

    @classmethod
    def fit_linear(cls, task: FitTask, held_out: Rows) -> tuple[Self, NDArray[np.float64]]:
        """Fit to all samples, in memory that does not grow with their number.

        Returns
        -------
        model : ConvolutionModel
        logits : ndarray of shape (n_held_out, n_outputs)
            Of each held-out sample, by a model fitted to all other samples (leave-one-out). If the
            samples have groups, by a model fitted to those that are not held out.
        """
        samples, none = task.samples, np.arange(0)
        encoding = task.start.scaling(task.parts.learned[0])
        if samples.targets.groups is None or not len(held_out):
            return cls._fit(samples, held_out, encoding, task.seed)
        others = np.setdiff1d(np.arange(len(samples)), held_out)
        model, _ = cls._fit(samples, none, encoding, task.seed)
        of_others, _ = cls._fit(samples.subset(others), none, encoding, task.seed)
        return model, of_others.logits(samples.subset(held_out).sequences)

    @classmethod
    def _fit(
        cls, samples: Samples, held_out: Rows, encoding: ChannelScaling, seed: int
    ) -> tuple[Self, NDArray[np.float64]]:
        rng = np.random.default_rng(seed)
        drawn = cls._draw(samples, encoding, rng)
        if len(samples) <= len(drawn.coef):
            ridge, rows, logits, features = _fit_few(drawn, samples, held_out)
        else:
            ridge, rows, logits, features = _fit_many(drawn, samples, held_out, rng)
        # Large penalties, as missing values need, draw the predictions towards their mean.
        is_adjusted = drawn.statistics.sizes[1] > 0
        prior = ClassPrior.of(samples.targets, is_drawn=False) if is_adjusted else None
        blend = _calibration(ridge.left_out, samples, rows, prior)
        scale = float(blend.factors[0])
        bias = 0.0 if prior is None else -blend.prior_correction * prior.logs
        model = replace(drawn, coef=scale * ridge.coef, intercept=scale * ridge.intercept + bias)
        if len(held_out):
            some = rows[:MOST_COMPARED]
            model = replace(model, confidence=_confidence(model, features, samples, some, ridge))
        return model, scale * logits + bias

    @classmethod
    def _draw(cls, samples: Samples, encoding: ChannelScaling, rng: np.random.Generator) -> Self:
        """Draw convolutions, and find all thresholds; the coefficients are 0."""
        sequences, n_outputs = samples.sequences, samples.targets.n_outputs
        n_features = _n_features(len(sequences))
        every = math.ceil(len(sequences) / SERIES_OF_STATISTICS)
        some = sequences.subset(np.arange(0, len(sequences), every))
        statistics = SeriesStatistics.of(some, encoding)
        fewest = int(SHARE_OF_CONVOLUTIONS * n_features)
        n_features = max(n_features - statistics.sizes[1], fewest)
        convolutions = Convolutions.draw(sequences, encoding, n_features, rng)
        coef = np.zeros((len(convolutions) + len(statistics), n_outputs))
        return cls(convolutions, statistics, coef, np.zeros(n_outputs))

    def confidence_in(self, factor: float) -> float:
        """Return the confidence, divided by a factor above 1.

        The logits are at the scale that all series have set, each left out in turn. That few
        held-out ones are all right is no reason to be surer.
        """
        return 1.0 if self.confidence is None else self.confidence / max(1.0, factor)

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs)."""
        logits = np.empty((len(sequences), len(self.intercept)))
        for rows, features in self.features(sequences):
            # In float32 the product would round a row by its neighbours.
            logits[rows] = features[:].astype(np.float64) @ self.coef + self.intercept
        return logits

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one series adds to the score ``logits @ direction``.

        A convolution counts at the step in its middle, relative to a series that is the mean of
        all training steps throughout. The rest of the score is that of this series.
        """
        lengths, encoding = sequences.lengths, self.statistics.encoding
        steps = sequences.read(np.array([0]))
        pair = steps, encoding.uninformed(steps)
        inputs = np.stack([encoding(each, lengths) for each in pair])
        of_counts, of_statistics = np.split(self.coef @ direction, [len(self.convolutions)])
        scores = np.zeros(inputs.shape[:2])
        for place, first, happens in self.convolutions.events(inputs, np.repeat(lengths, 2)):
            part = slice(first, first + happens.shape[2])
            scores[:, part] += np.tensordot(of_counts[place] / lengths[0], happens, 1)
        more, rest = self.statistics.contributions(steps, lengths, of_statistics)
        base = float(self.intercept @ direction + scores[1].sum())
        return scores[0] - scores[1] + more, base + rest

    @property
    def deviations(self) -> NDArray[np.float64]:
        """The standard deviation that each feature gets for the ridge regression.

        Levels count little: another person or sensor shifts them. They count less where they vary
        less than the steps of a series, and not at all where their differences are rounding. What
        is known of channels with missing values counts as much as all convolutions. Both are small
        then, which allows larger penalties: much of what is filled is noise.
        """
        sizes = np.array([len(self.convolutions), *self.statistics.sizes])
        of_convolutions = VARIANCE_WITH_MISSING_VALUES if sizes[2] else sizes[0]
        variances = of_convolutions * np.array([1, VARIANCE_OF_LEVELS, 1])
        deviations = np.sqrt(np.repeat(variances / np.maximum(sizes, 1), sizes))
        levels = slice(sizes[0], sizes[0] + sizes[1])
        deviations[levels] *= np.clip(self.statistics.deviations, SMALLEST_DEVIATION, 1)
        return np.asarray(deviations)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"{len(self.coef):,} features of convolutions and levels"

    def features(self, sequences: Sequences) -> Iterator[Batch]:
        """Yield rows and their features, in batches."""
        for rows in rows_of_similar_length(sequences.lengths, STEPS_AT_ONCE, ROWS_PER_BATCH):
            check_not_abandoned()
            steps, lengths = sequences.read(rows), sequences.lengths[rows]
            inputs = pad(self.statistics.encoding(steps, lengths), lengths)
            counts = self.convolutions.counts(inputs, lengths)
            yield rows, Features(counts, lengths, self.statistics(steps, lengths))

    def empty_features(self, lengths: Lengths) -> Features:
        """Return features of series of these lengths, to be filled."""
        return Features(
            np.empty((len(lengths), len(self.convolutions)), np.min_scalar_type(lengths.max())),
            lengths,
            np.empty((len(lengths), len(self.statistics)), np.float32),
        )


def _n_features(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if n_samples <= LARGEST_PROBLEM else min(N_FEATURES, LARGEST_PROBLEM)


def _scale(predictions: NDArray[np.float64], samples: Samples, rows: Rows) -> float:
    """Return the factor that makes predictions for these rows the most likely logits."""
    return float(_calibration(predictions, samples, rows, None).factors[0])


def _calibration(
    predictions: NDArray[np.float64], samples: Samples, rows: Rows, prior: ClassPrior | None
) -> Blend:
    """Return what makes predictions for these rows the most likely logits, given a prior."""
    return fit_blend([predictions], samples.targets.subset(rows), expected=[1.0], prior=prior)


def _confidence(
    model: ConvolutionModel, features: Features, samples: Samples, rows: Rows, ridge: RidgeFit
) -> float:
    """Return by how much logits should be smaller, if new samples may be of other groups.

    Samples often come in groups: recordings of a person, windows of a recording. A sample held out
    by itself leaves others of its group to the training, which those of a new person do not have.
    Without all samples like it, it has fewer neighbours than any new one. The geometric mean is
    between the two.
    """
    signs, weights = _signs(samples, rows), samples.targets.sample_weights[rows]
    alone, alike = leave_alike_out(
        features[: len(rows)], signs, weights, ridge.alpha, model.deviations
    )
    return math.sqrt(min(1.0, _scale(alike, samples, rows) / _scale(alone, samples, rows)))


# The regression, the rows that it left out in turn, the logits of the held-out rows, and the
# features of the rows that were left out.
Fitted: TypeAlias = tuple[RidgeFit, Rows, NDArray[np.float64], Features]


def _fit_few(model: ConvolutionModel, samples: Samples, held_out: Rows) -> Fitted:
    """Fit to all features at once, and leave each sample out in turn."""
    rows = np.arange(len(samples))
    features = _features(model, samples.sequences)
    ridge = fit_few(
        features[:], _signs(samples, rows), samples.targets.sample_weights, model.deviations
    )
    return ridge, rows, ridge.left_out[held_out], features


def _fit_many(
    model: ConvolutionModel, samples: Samples, held_out: Rows, rng: np.random.Generator
) -> Fitted:
    """Fit to sums over blocks of features, and leave some samples out in turn."""
    n_samples, n_outputs = len(samples), len(model.intercept)
    most = max(1, min(MOST_LEFT_OUT, MOST_PREDICTIONS_LEFT_OUT // n_outputs))
    others = np.setdiff1d(np.arange(n_samples), held_out)
    rows = np.concatenate([held_out, rng.permutation(others)])[:most]
    position = np.full(n_samples, -1)
    position[rows] = np.arange(len(rows))
    kept = model.empty_features(samples.sequences.lengths[rows])
    gram = GramMatrix(len(model.coef), n_outputs)
    for block, features in in_blocks(model.features(samples.sequences)):
        gram.add(features[:], _signs(samples, block), samples.targets.sample_weights[block])
        is_kept = position[block] >= 0
        kept.fill(position[block[is_kept]], features.of(is_kept))
    solver = gram.solve(model.deviations)
    ridge = solver.fit(kept, _signs(samples, rows), samples.targets.sample_weights[rows])
    logits = [ridge.left_out[: len(held_out)]]
    for part in np.split(held_out, np.arange(most, len(held_out), ROWS_PER_BLOCK))[1:]:
        more = _features(model, samples.sequences.subset(part))[:]
        signs, weights = _signs(samples, part), samples.targets.sample_weights[part]
        logits.append(solver.left_out(solver.components(more), signs, weights, ridge.alpha))
    return ridge, rows, np.concatenate(logits), kept


def _features(model: ConvolutionModel, sequences: Sequences) -> Features:
    """Return all features."""
    features = model.empty_features(sequences.lengths)
    for rows, of_rows in model.features(sequences):
        features.fill(rows, of_rows)
    return features


def _signs(samples: Samples, rows: Rows) -> NDArray[np.float64]:
    """Return 1 for each class or label that a sample has, and -1 for the others."""
    return np.where(samples.targets.subset(rows).indicators(), 1.0, -1.0)
