"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Blend, ClassPrior, ExpectedFactor, Logits, fit_blend
from sklearn_lstm.data.encoding import ChannelScaling, pad
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Rows, Samples, Sequences, rows_of_similar_length
from sklearn_lstm.data.weights import Targets
from sklearn_lstm.members.convolutions.features import Batch, Features, in_blocks
from sklearn_lstm.members.convolutions.random_convolutions import Convolutions
from sklearn_lstm.members.convolutions.ridge import GramMatrix, fit_few, fit_many, leave_alike_out
from sklearn_lstm.members.convolutions.statistics import SeriesStatistics
from sklearn_lstm.members.member import Contributions, LinearMember
from sklearn_lstm.training.duration import MOST_STEPS_PER_BATCH
from sklearn_lstm.training.held_out import Split

if TYPE_CHECKING:  # a stored member computes without torch
    from sklearn_lstm.training.configuration import Configuration

N_FEATURES = 5_000  # about so many; of more series than half as many, half
MOST_DRAWN = 1_000  # series that say how features vary, and which are compared with those alike
# Relative to that of all convolutions: of one level, and of all levels at most.
VARIANCE_OF_LEVEL, VARIANCE_OF_LEVELS = 0.005, 0.3
MOST_LEFT_OUT = 12_500_000  # features, or predictions, of the series that are left out in turn


@dataclass(frozen=True)
class ConvolutionModel(LinearMember):
    """Ridge regression on the proportions of steps at which convolutions are large or small.

    Beside them it reads the level of each channel, and what is known of channels with missing
    values.

    Parameters
    ----------
    convolutions : Convolutions
    statistics : SeriesStatistics
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    confidence : float or None
        A factor up to 1 for all logits, because new samples may be of other groups. Samples often
        come in groups: recordings of a person, windows of a recording. A sample that is left out
        alone has others of its group in the training part; a new person has none there, as if all
        samples that are alike were left out too. None: no samples were drawn.
    """

    kinds = (MEASUREMENTS,)
    has_own_scale = True

    convolutions: Convolutions
    statistics: SeriesStatistics
    coef: Annotated[NDArray[np.float64], "n_features n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    confidence: float | None = field(default=None, metadata={"is_stored": False})

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:  # noqa: ARG003
        """Return the work of fitting, in the units of the network's training: 2 for each step read.

        Measured once, on one core: the features of a step take half as long as the network takes
        for the step. 300,000 multiplications of the regression take as long as 1 unit: with n
        samples, p features and d = min(n, p) there are n p d for the Gram matrix, and about 10 d^3
        for its eigenvalues.
        """
        n_samples, n_features = len(samples), _n_features(len(samples))
        smaller = min(n_samples, n_features)
        n_products = n_samples * n_features * smaller + 10 * smaller**3
        return int(samples.sequences.lengths.sum()) + n_products // 300_000

    @classmethod
    def fit_linear(cls, split: Split, configuration: Configuration) -> tuple[Self, Logits]:
        """Fit to all samples, in memory that does not grow with their number.

        Returns
        -------
        model : ConvolutionModel
        logits : ndarray of shape (n_held_out, n_outputs)
            Of each held-out sample, by a model fitted to all other samples (leave-one-out). If the
            samples have groups, by a model fitted to those that are not held out.
        """
        samples, learned, held_out = split.samples, split.learned, split.drawn
        values, normalize = learned.targets.values, configuration.normalize
        encoding = ChannelScaling.of(learned.sequences, values, normalize=normalize)
        if samples.targets.groups is None or not len(held_out):
            return cls._fit(samples, held_out, encoding, split.seed)
        model, _ = cls._fit(samples, held_out[:0], encoding, split.seed)
        fold_model, _ = cls._fit(learned, held_out[:0], encoding, split.seed)
        return model, fold_model.logits(split.held_out.sequences)

    @classmethod
    def _fit(
        cls, samples: Samples, held_out: Rows, encoding: ChannelScaling, seed: int
    ) -> tuple[Self, Logits]:
        rng = np.random.default_rng(seed)
        drawn = cls._draw(samples, encoding, rng)
        deviations = drawn.deviations
        rows = np.append(held_out, rng.permutation(np.setdiff1d(np.arange(len(samples)), held_out)))
        gram: GramMatrix | None = None
        if len(samples) > len(drawn.coef):
            gram = GramMatrix(*drawn.coef.shape)
            most = MOST_LEFT_OUT // max(_n_features(len(samples)), samples.targets.n_outputs)
            rows = rows[: max(most, len(held_out))]
        left_out = samples.subset(rows)
        features = drawn._features_of(samples, rows, gram)  # noqa: SLF001 - of the same class
        if gram is None:
            fit = fit_few(features[:], left_out.targets, deviations)
        else:
            fit = fit_many(gram, features, left_out.targets, deviations)
        # Large penalties draw the predictions towards their mean.
        prior = ClassPrior.of(samples.targets, is_drawn=False)
        blend = _calibration(fit.left_out, left_out.targets, prior)
        factor, bias = blend.factors[0], -blend.prior_correction * prior.logs
        model = replace(drawn, coef=factor * fit.coef, intercept=factor * fit.intercept + bias)
        if len(held_out):
            places = _drawn(len(rows), rng)
            targets = left_out.targets.subset(places)
            # The ratio of the scales that the logits of both predictions need.
            pair = leave_alike_out(features[places], targets, fit.alpha, deviations)
            alone, alike = (_calibration(part, targets, prior).factors[0] for part in pair)
            model = replace(model, confidence=min(1.0, float(alike / alone)))
        return model, factor * fit.left_out[: len(held_out)] + bias

    @classmethod
    def _draw(cls, samples: Samples, encoding: ChannelScaling, rng: np.random.Generator) -> Self:
        """Draw convolutions, and find all thresholds; the coefficients are 0."""
        sequences, n_outputs = samples.sequences, samples.targets.n_outputs
        rows = _drawn(len(sequences), rng.spawn(1)[0])
        statistics = SeriesStatistics.of(sequences.subset(rows), encoding)
        n_convolutions = _n_features(len(sequences)) - statistics.sizes[1]
        convolutions = Convolutions.draw(sequences, encoding, n_convolutions, rng)
        coef = np.zeros((len(convolutions) + len(statistics), n_outputs))
        return cls(convolutions, statistics, coef, np.zeros(n_outputs))

    def confidence_in(self, factor: float) -> float:
        """Return the confidence, divided by the factor of this model's logits if it is above 1.

        All series, each left out in turn, have already set the scale of the logits. That the model
        is right on a few held-out series is no reason to make them larger.
        """
        return 1.0 if self.confidence is None else self.confidence / max(1.0, factor)

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        logits = np.empty((len(sequences), len(self.intercept)))
        for rows, features in self.features(sequences):
            # In float32 the product would round a row by its neighbours.
            logits[rows] = features[:].astype(np.float64) @ self.coef + self.intercept
        return logits

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
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
        """The standard deviation that each feature gets for the ridge regression.

        Convolutions, and statistics of uneven channels, have the same total variance, 1. Levels
        have less, for another person or sensor shifts them: few channels have little, for a
        convolution reads most of what they tell.
        """
        sizes = np.array([len(self.convolutions), *self.statistics.sizes])
        of_levels = min(VARIANCE_OF_LEVEL * sizes[1], VARIANCE_OF_LEVELS)
        variances = np.array([1, of_levels, 1]) / np.maximum(sizes, 1)
        deviations = np.sqrt(np.repeat(variances, sizes))
        deviations[sizes[0] : sizes[:2].sum()] *= self.statistics.deviations
        return np.asarray(deviations)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"{len(self.coef):,} features of convolutions and levels"

    def features(self, sequences: Sequences) -> Iterator[Batch]:
        """Yield rows and their features, in batches."""
        for rows in rows_of_similar_length(sequences.lengths, MOST_STEPS_PER_BATCH):
            steps, lengths = sequences.read(rows), sequences.lengths[rows]
            inputs = pad(self.statistics.encoding(steps, lengths), lengths)
            counts = self.convolutions.counts(inputs, lengths)
            yield rows, Features(counts, lengths, self.statistics(steps, lengths))

    def _features_of(self, samples: Samples, rows: Rows, gram: GramMatrix | None) -> Features:
        """Return the features of some rows; the Gram matrix gets those of all samples."""
        position = np.full(len(samples), -1)
        position[rows] = np.arange(len(rows))
        lengths = samples.sequences.lengths[rows]
        counts = np.empty((len(rows), len(self.convolutions)), np.min_scalar_type(lengths.max()))
        kept = Features(counts, lengths, np.empty((len(rows), len(self.statistics)), np.float32))
        for block, features in in_blocks(self.features(samples.sequences)):
            if gram is not None:
                gram.add(features[:], samples.targets.subset(block))
            is_kept = position[block] >= 0
            places = position[block[is_kept]]
            kept.counts[places] = features.counts[is_kept]
            kept.values[places] = features.values[is_kept]
        return kept


def _n_features(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if 2 * n_samples <= N_FEATURES else N_FEATURES // 2


def _drawn(n_rows: int, rng: np.random.Generator) -> Rows:
    """Return all of some rows, or as many drawn at random: rows often stand in an order."""
    return np.sort(rng.permutation(n_rows)[:MOST_DRAWN])


def _calibration(predictions: Logits, targets: Targets, prior: ClassPrior) -> Blend:
    """Return what makes predictions for these targets the most likely logits."""
    return fit_blend([(predictions, ExpectedFactor(1.0, 1.0))], targets, prior)
