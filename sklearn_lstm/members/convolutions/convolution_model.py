"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Blend, ClassPrior, fit_blend
from sklearn_lstm.compute.abandoning import check_not_abandoned
from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.padding import pad
from sklearn_lstm.data.sequences import Lengths, Rows, Samples, Sequences, rows_of_similar_length
from sklearn_lstm.members.convolutions.features import ROWS_PER_BLOCK, Batch, Features, in_blocks
from sklearn_lstm.members.convolutions.random_convolutions import STEPS_AT_ONCE, Convolutions
from sklearn_lstm.members.convolutions.ridge import (
    SMALLEST_DEVIATION,
    GramMatrix,
    RidgeFit,
    fit_few,
    leave_alike_out,
)
from sklearn_lstm.members.convolutions.statistics import SeriesStatistics
from sklearn_lstm.members.member import LinearMember
from sklearn_lstm.training.held_out import Parts

if TYPE_CHECKING:  # a stored member computes without torch
    from sklearn_lstm.training.configuration import Configuration

N_FEATURES = 5_000  # about so many
LARGEST_PROBLEM = 2_500  # rows of the eigenvalue problem: series, or features if they are fewer
SHARE_OF_CONVOLUTIONS = 2 / 3  # of the features at least, if values are missing
SERIES_OF_STATISTICS = 1_000
VARIANCE_OF_LEVELS = 0.03  # at most, relative to that of all convolutions
VARIANCE_WITH_MISSING_VALUES = 30  # of the features of a regression
ROWS_PER_BATCH = 1 << 10
PRODUCTS_PER_UNIT = 300_000  # of work
MOST_LEFT_OUT = 5_000  # series whose leave-one-out predictions are computed at once
MOST_PREDICTIONS_LEFT_OUT = 10_000_000  # series times classes, of the same predictions
MOST_COMPARED = 1_000  # series that are left out together with those that are alike


@dataclass(frozen=True)
class ConvolutionModel(LinearMember):
    """Ridge regression on the proportions of steps at which convolutions are large or small.

    Beside them it reads the level of each channel. A second regression reads what is known of
    channels with missing values; their sum is the model.

    Parameters
    ----------
    convolutions : Convolutions
    statistics : SeriesStatistics
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    confidence : float or None
        A factor up to 1 for all logits: new series may be less like those of the training part than
        held-out samples, which are drawn at random. None: no samples were drawn.
    """

    kinds = (MEASUREMENTS,)
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
    def fit_linear(
        cls, parts: Parts, configuration: Configuration
    ) -> tuple[Self, NDArray[np.float64]]:
        """Fit to all samples, in memory that does not grow with their number.

        Returns
        -------
        model : ConvolutionModel
        logits : ndarray of shape (n_held_out, n_outputs)
            Of each held-out sample, by a model fitted to all other samples (leave-one-out). If the
            samples have groups, by a model fitted to those that are not held out.
        """
        samples, first, held_out = parts.samples, parts.learned[0], parts.drawn
        # Labels of a second held-out part help to say how much of a level is noise. That is one
        # number for each channel: even with 300 channels of noise its logits are no better than
        # those of the first part.
        encoding = configuration.encoding(first.sequences, first.targets.values)
        assert isinstance(encoding, ChannelScaling)  # noqa: S101 - of measurements
        if samples.targets.groups is None or not len(held_out):
            return cls._fit(samples, held_out, encoding, parts.seed)
        none, learned_rows = np.arange(0), np.setdiff1d(np.arange(len(samples)), held_out)
        model, _ = cls._fit(samples, none, encoding, parts.seed)
        fold_model, _ = cls._fit(samples.subset(learned_rows), none, encoding, parts.seed)
        return model, fold_model.logits(samples.subset(held_out).sequences)

    @classmethod
    def _fit(
        cls, samples: Samples, held_out: Rows, encoding: ChannelScaling, seed: int
    ) -> tuple[Self, NDArray[np.float64]]:
        rng = np.random.default_rng(seed)
        drawn = cls._draw(samples, encoding, rng)
        if len(samples) <= len(drawn.coef):
            fits, rows, logits, features = _fit_few(drawn, samples, held_out)
        else:
            fits, rows, logits, features = _fit_many(drawn, samples, held_out, rng)
        # Large penalties, as missing values need, draw the predictions towards their mean.
        prior = ClassPrior.of(samples.targets, is_drawn=False) if len(fits) > 1 else None
        blend = _calibration([fit.left_out for fit in fits], samples, rows, prior)
        bias = 0.0 if prior is None else -blend.prior_correction * prior.logs
        weighted = list(zip(blend.factors, fits, strict=True))
        model = replace(
            drawn,
            coef=np.concatenate([factor * fit.coef for factor, fit in weighted]),
            intercept=np.sum([factor * fit.intercept for factor, fit in weighted], axis=0) + bias,
        )
        if len(held_out):
            places = _drawn(len(rows), MOST_COMPARED, rng)
            parts = features.of(places), samples, rows[places]
            model = replace(model, confidence=_confidence(model, *parts, fits[0].alpha))
        return model, np.tensordot(blend.factors, logits, 1) + bias

    @classmethod
    def _draw(cls, samples: Samples, encoding: ChannelScaling, rng: np.random.Generator) -> Self:
        """Draw convolutions, and find all thresholds; the coefficients are 0."""
        sequences, n_outputs = samples.sequences, samples.targets.n_outputs
        n_features = _n_features(len(sequences))
        rows = _drawn(len(sequences), SERIES_OF_STATISTICS, rng.spawn(1)[0])
        statistics = SeriesStatistics.of(sequences.subset(rows), encoding)
        fewest = int(SHARE_OF_CONVOLUTIONS * n_features)
        n_features = max(n_features - statistics.sizes[1], fewest)
        convolutions = Convolutions.draw(sequences, encoding, n_features, rng)
        coef = np.zeros((len(convolutions) + len(statistics), n_outputs))
        return cls(convolutions, statistics, coef, np.zeros(n_outputs))

    def confidence_in(self, factor: float) -> float:
        """Return the confidence, divided by the factor of this model's logits if it is above 1.

        All series, each left out in turn, have already set the scale of the logits. That the model
        is right on a few held-out series is no reason to make them larger.
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
        inputs = np.stack([encoding(series, lengths) for series in pair])
        event_coef, statistics_coef = np.split(self.coef @ direction, [len(self.convolutions)])
        scores = np.zeros(inputs.shape[:2])
        for place, first, happens in self.convolutions.events(inputs, np.repeat(lengths, 2)):
            part = slice(first, first + happens.shape[2])
            scores[:, part] += np.tensordot(event_coef[place] / lengths[0], happens, 1)
        additions, statistics_base = self.statistics.contributions(steps, lengths, statistics_coef)
        base = float(self.intercept @ direction + scores[1].sum())
        return scores[0] - scores[1] + additions, base + statistics_base

    @property
    def deviations(self) -> NDArray[np.float64]:
        """The standard deviation that each feature gets for its ridge regression.

        Levels count little: another person or sensor shifts them. They count less where they vary
        less than the steps of a series, and not at all where they differ by rounding only. With
        missing values all deviations are small, which allows larger penalties: much of what is
        filled in is noise.
        """
        sizes = np.array([len(self.convolutions), *self.statistics.sizes])
        convolution_variance = VARIANCE_WITH_MISSING_VALUES if sizes[2] else sizes[0]
        variances = convolution_variance * np.array([1, VARIANCE_OF_LEVELS, 1])
        deviations = np.sqrt(np.repeat(variances / np.maximum(sizes, 1), sizes))
        levels = slice(sizes[0], sizes[0] + sizes[1])
        deviations[levels] *= np.clip(self.statistics.deviations, SMALLEST_DEVIATION, 1)
        return np.asarray(deviations)

    def by_regression(self, features: Features) -> list[tuple[Features, NDArray[np.float64]]]:
        """Return the features of each ridge regression, and their deviations.

        What is known of channels with missing values has a regression of its own: its penalty
        hardly suits convolutions of series that were filled.
        """
        n_levels, n_statistics = self.statistics.sizes
        if not n_statistics:
            return [(features, self.deviations)]
        deviations = np.split(self.deviations, [len(self.convolutions) + n_levels])
        return list(zip(features.split(n_levels), deviations, strict=True))

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


def _drawn(n_rows: int, most: int, rng: np.random.Generator) -> Rows:
    """Return all of some rows, or as many drawn at random: rows often stand in an order."""
    return np.sort(rng.permutation(n_rows)[:most])


def _scale(predictions: NDArray[np.float64], samples: Samples, rows: Rows) -> float:
    """Return the factor that makes predictions for these rows the most likely logits."""
    return float(_calibration([predictions], samples, rows, None).factors[0])


def _calibration(
    predictions: list[NDArray[np.float64]], samples: Samples, rows: Rows, prior: ClassPrior | None
) -> Blend:
    """Return what makes the sum of predictions for these rows the most likely logits."""
    expected = [1 / len(predictions)] * len(predictions)
    return fit_blend(predictions, samples.targets.subset(rows), expected=expected, prior=prior)


def _confidence(
    model: ConvolutionModel, features: Features, samples: Samples, rows: Rows, alpha: float
) -> float:
    """Return a factor for logits, up to 1, because new samples may be of other groups.

    Samples often come in groups: recordings of a person, windows of a recording. A sample that is
    left out alone has others of its group in the training part; a new person has none there. If
    all samples that are alike are left out with it, it has fewer neighbours than a new one. The
    logits of both predictions need different scales, and the root of their ratio is between the
    two cases. Samples are alike if their convolutions and levels are.
    """
    signs, weights = _signs(samples, rows), samples.targets.sample_weights[rows]
    compared, deviations = model.by_regression(features)[0]
    alone, alike = leave_alike_out(compared[:], signs, weights, alpha, deviations)
    return math.sqrt(min(1.0, _scale(alike, samples, rows) / _scale(alone, samples, rows)))


# The regressions, the rows that they left out in turn, the logits of the held-out rows by each
# regression, and the features of the rows that were left out.
Fitted: TypeAlias = tuple[list[RidgeFit], Rows, NDArray[np.float64], Features]


def _fit_few(model: ConvolutionModel, samples: Samples, held_out: Rows) -> Fitted:
    """Fit to all features at once, and leave each sample out in turn."""
    rows = np.arange(len(samples))
    features, signs = _features(model, samples.sequences), _signs(samples, rows)
    fits = [
        fit_few(part[:], signs, samples.targets.sample_weights, deviations)
        for part, deviations in model.by_regression(features)
    ]
    return fits, rows, np.stack([fit.left_out[held_out] for fit in fits]), features


def _fit_many(
    model: ConvolutionModel, samples: Samples, held_out: Rows, rng: np.random.Generator
) -> Fitted:
    """Fit to sums over blocks of features, and leave some samples out in turn."""
    n_samples, n_outputs = len(samples), len(model.intercept)
    most = max(1, min(MOST_LEFT_OUT, MOST_PREDICTIONS_LEFT_OUT // n_outputs))
    remaining_rows = np.setdiff1d(np.arange(n_samples), held_out)
    first = _drawn(len(held_out), most, rng.spawn(1)[0])
    order = np.concatenate([first, np.setdiff1d(np.arange(len(held_out)), first)])
    rows = np.concatenate([held_out[order], rng.permutation(remaining_rows)])[:most]
    position = np.full(n_samples, -1)
    position[rows] = np.arange(len(rows))
    kept = model.empty_features(samples.sequences.lengths[rows])
    parts = model.by_regression(kept)  # they see what is filled in later
    grams = [GramMatrix(len(deviations), n_outputs) for _, deviations in parts]
    for block, features in in_blocks(model.features(samples.sequences)):
        signs, weights = _signs(samples, block), samples.targets.sample_weights[block]
        for gram, (part, _) in zip(grams, model.by_regression(features), strict=True):
            gram.add(part[:], signs, weights)
        is_kept = position[block] >= 0
        kept.fill(position[block[is_kept]], features.of(is_kept))
    solvers = [gram.solve(deviations) for gram, (_, deviations) in zip(grams, parts, strict=True)]
    signs, weights = _signs(samples, rows), samples.targets.sample_weights[rows]
    fits = [
        solver.fit(part, signs, weights) for solver, (part, _) in zip(solvers, parts, strict=True)
    ]
    logits = [np.stack([fit.left_out[: len(held_out)] for fit in fits])]
    for block in np.split(held_out[order], np.arange(most, len(held_out), ROWS_PER_BLOCK))[1:]:
        features = _features(model, samples.sequences.subset(block))
        signs, weights = _signs(samples, block), samples.targets.sample_weights[block]
        block_logits = [
            solver.left_out(solver.components(part[:]), signs, weights, fit.alpha)
            for solver, fit, (part, _) in zip(
                solvers, fits, model.by_regression(features), strict=True
            )
        ]
        logits.append(np.stack(block_logits))
    return fits, rows, np.concatenate(logits, axis=1)[:, np.argsort(order)], kept


def _features(model: ConvolutionModel, sequences: Sequences) -> Features:
    """Return all features."""
    features = model.empty_features(sequences.lengths)
    for rows, batch_features in model.features(sequences):
        features.fill(rows, batch_features)
    return features


def _signs(samples: Samples, rows: Rows) -> NDArray[np.float64]:
    """Return 1 for each class or label that a sample has, and -1 for the others."""
    return np.where(samples.targets.subset(rows).indicators(), 1.0, -1.0)
