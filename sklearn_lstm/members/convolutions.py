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

from sklearn_lstm.blending import fit_blend
from sklearn_lstm.compute.threads import check_not_abandoned
from sklearn_lstm.data.batches import encoded
from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.sequences import Lengths, Rows, Samples, Sequences, rows_of_similar_length
from sklearn_lstm.linear.kernels import (
    COMPETING,
    HEAVY,
    STEPS_AT_ONCE,
    choose_dilations,
    convolve,
    draw_channels,
    draw_competing,
)
from sklearn_lstm.linear.ridge import GramMatrix, RidgeFit, fit_few, leave_alike_out
from sklearn_lstm.members.member import FitTask, LinearMember

N_FEATURES = 5_000  # about so many
SHARE_BY_COMPETING = 1 / 3  # of the features; the others are by thresholds
LARGEST_PROBLEM = 2_500  # rows of the eigenvalue problem: series, or features if they are fewer
SERIES_FOR_THRESHOLDS = 32
GOLDEN_RATIO = (5**0.5 - 1) / 2
ROWS_PER_BATCH = 1 << 10
ROWS_PER_BLOCK = 512  # of features that are added to the sums of squares at once
PRODUCTS_PER_UNIT = 300_000  # of work
MOST_LEFT_OUT = 5_000  # series whose leave-one-out predictions are computed at once,
MOST_PREDICTIONS_LEFT_OUT = 10_000_000  # and fewer where there are thousands of classes


@dataclass(frozen=True)
class ConvolutionModel(LinearMember):
    """Ridge regression on the proportions of steps at which convolutions are large or small.

    The convolutions are those of MiniRocket (Dempster et al. 2021). They look at nine steps that
    are apart by a dilation. Three of the steps have the weight 2, six have -1. Each convolution
    adds up some channels, or the changes of some channels. A feature is the proportion of steps at
    which a convolution exceeds a threshold, or at which it is the largest or the smallest of a
    group of competing kernels (Dempster et al. 2023).

    Parameters
    ----------
    encoding : ChannelScaling
    dilations : ndarray of shape (n_dilations,)
    channels : ndarray of bool of shape (n_dilations, 84, n_inputs)
        Which inputs each convolution adds up.
    thresholds : ndarray of shape (n_dilations, 84, n_thresholds)
        Quantiles of the values of the convolution of a training series.
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    competing : ndarray of shape (n_dilations, n_groups, 7)
        Convolutions that are compared with each other.
    confidence : float or None
        By how much logits have to be smaller for series that are less like those of the training
        than held-out samples drawn at random. None: no samples were drawn.
    """

    reads_ids = False
    fewest_samples = 20
    epochs = 2.0

    encoding: ChannelScaling
    dilations: NDArray[np.intp]
    channels: NDArray[np.bool_]
    thresholds: NDArray[np.float32]
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    competing: NDArray[np.intp]
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
        scale = _scale(ridge.left_out, samples, rows)
        model = replace(drawn, coef=scale * ridge.coef, intercept=scale * ridge.intercept)
        if len(held_out):
            confidence = _confidence(features, samples, rows[:LARGEST_PROBLEM], ridge.alpha)
            model = replace(model, confidence=confidence)
        return model, scale * logits

    @classmethod
    def _draw(cls, samples: Samples, encoding: ChannelScaling, rng: np.random.Generator) -> Self:
        """Draw convolutions, and find their thresholds; the coefficients are 0."""
        sequences, n_outputs = samples.sequences, samples.targets.n_outputs
        dilations = choose_dilations(int(sequences.lengths.max()))
        channels = draw_channels(encoding, len(dilations), rng)
        n_by_competing = SHARE_BY_COMPETING * _n_features(len(sequences))
        n_by_thresholds = _n_features(len(sequences)) - n_by_competing
        n_groups = max(1, round(n_by_competing / (len(dilations) * 2 * COMPETING)))
        n_thresholds = max(1, round(n_by_thresholds / channels[..., 0].size))
        thresholds = np.empty((len(dilations), len(HEAVY), n_thresholds), np.float32)
        # Quantiles of each convolution of a series drawn for it, at low-discrepancy positions.
        rows = rng.permutation(len(sequences))[:SERIES_FOR_THRESHOLDS]
        chosen = rng.choice(rows, size=thresholds.shape[:2])
        positions = np.arange(1, thresholds.size + 1).reshape(thresholds.shape) * GOLDEN_RATIO % 1
        for row in np.unique(chosen):  # one at a time, for long series take much memory
            lengths = sequences.lengths[[row]]
            inputs = encoded(sequences, np.array([row]), encoding)
            found: dict[tuple[int, int], list[NDArray[np.float32]]] = {}
            for index, _, values in convolve(inputs, lengths, dilations, channels):
                for number in np.flatnonzero(chosen[index] == row).tolist():
                    found.setdefault((index, number), []).append(values[number, 0].copy())
            for place, parts in found.items():
                thresholds[place] = np.quantile(np.concatenate(parts), positions[place])
        competing = draw_competing(len(dilations), n_groups, rng)
        coef = np.zeros((thresholds.size + 2 * competing.size, n_outputs))
        return cls(encoding, dilations, channels, thresholds, coef, np.zeros(n_outputs), competing)

    def confidence_in(self, factor: float) -> float:
        """Return the confidence, divided by a factor above 1.

        The logits are at the scale that all series have set, each left out in turn. That few
        held-out ones are all right is no reason to be surer.
        """
        return 1.0 if self.confidence is None else self.confidence / max(1.0, factor)

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs)."""
        logits = np.empty((len(sequences), len(self.intercept)))
        for rows, proportions in self.proportions(sequences):
            # In float32 the product would round a row by its neighbours.
            logits[rows] = proportions.astype(np.float64) @ self.coef + self.intercept
        return logits

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one series adds to the score ``logits @ direction``.

        A convolution counts at the step in its middle, relative to a series that is the mean of
        all training steps throughout. The rest of the score is that of this series.
        """
        lengths = sequences.lengths
        means = self.encoding.series_of_means(int(lengths[0]))
        inputs = np.stack(
            [self.encoding(steps, lengths) for steps in (sequences.read(np.array([0])), means)]
        )
        coef = self.coef @ direction / lengths[0]
        scores = np.zeros(inputs.shape[:2])
        for place, first, happens in self._events(inputs, np.repeat(lengths, 2)):
            scores[:, first : first + happens.shape[2]] += np.tensordot(coef[place], happens, 1)
        return scores[0] - scores[1], float(self.intercept @ direction + scores[1].sum())

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"{len(self.coef):,} convolution features"

    def proportions(self, sequences: Sequences) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and their features (B, n_features), the proportions of steps, in batches."""
        for rows in rows_of_similar_length(sequences.lengths, STEPS_AT_ONCE, ROWS_PER_BATCH):
            check_not_abandoned()
            lengths = sequences.lengths[rows]
            proportions = np.zeros((len(rows), len(self.coef)), np.float32)
            inputs = encoded(sequences, rows, self.encoding)
            for place, _, happens in self._events(inputs, lengths):
                proportions[:, place] += np.einsum("kbt->bk", happens.view(np.int8), dtype=np.int32)
            proportions /= lengths[:, np.newaxis]
            yield rows, proportions

    def _events(
        self, inputs: NDArray[np.float32], lengths: Lengths
    ) -> Iterator[tuple[slice, int, NDArray[np.bool_]]]:
        """Yield which features count at which steps of inputs (B, T, n_inputs): some (k, B, n).

        The number before them is that of the first step.
        """
        n_of_dilation = self.thresholds[0].size + 2 * self.competing[0].size
        for index, start, values in convolve(inputs, lengths, self.dilations, self.channels):
            first = index * n_of_dilation
            for of_one, its_thresholds in zip(values, self.thresholds[index], strict=True):
                last = first + len(its_thresholds)
                yield slice(first, last), start, of_one > its_thresholds[:, np.newaxis, np.newaxis]
                first = last
            for group in self.competing[index]:
                competing = values[group]
                for extreme in competing.max(axis=0), competing.min(axis=0):
                    last = first + len(group)
                    yield slice(first, last), start, competing == extreme
                    first = last


def _n_features(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if n_samples <= LARGEST_PROBLEM else min(N_FEATURES, LARGEST_PROBLEM)


def _scale(predictions: NDArray[np.float64], samples: Samples, rows: Rows) -> float:
    """Return the factor that makes predictions for these rows the most likely logits."""
    return float(fit_blend([predictions], samples.targets.subset(rows), expected=[1.0]).factors[0])


def _confidence(features: NDArray[np.float32], samples: Samples, rows: Rows, alpha: float) -> float:
    """Return by how much logits should be smaller, if new samples may be of other groups.

    Samples often come in groups: recordings of a person, windows of a recording. A sample held out
    by itself leaves others of its group to the training, which those of a new person do not have.
    Without all samples like it, it has fewer neighbours than any new one. The geometric mean is
    between the two.
    """
    signs, weights = _signs(samples, rows), samples.targets.sample_weights[rows]
    alone, alike = leave_alike_out(features[: len(rows)], signs, weights, alpha)
    return math.sqrt(min(1.0, _scale(alike, samples, rows) / _scale(alone, samples, rows)))


# The regression, the rows that it left out in turn, the logits of the held-out rows, and the
# features of the rows that were left out.
Fitted: TypeAlias = tuple[RidgeFit, Rows, NDArray[np.float64], NDArray[np.float32]]


def _fit_few(model: ConvolutionModel, samples: Samples, held_out: Rows) -> Fitted:
    """Fit to all features at once, and leave each sample out in turn."""
    rows = np.arange(len(samples))
    features = _features(model, samples.sequences)
    ridge = fit_few(features, _signs(samples, rows), samples.targets.sample_weights)
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
    features = np.empty((len(rows), len(model.coef)), np.float32)
    gram = GramMatrix(len(model.coef), n_outputs)
    for block, proportions in _blocks(model.proportions(samples.sequences)):
        gram.add(proportions, _signs(samples, block), samples.targets.sample_weights[block])
        is_kept = position[block] >= 0
        features[position[block[is_kept]]] = proportions[is_kept]
    solver = gram.solve()
    ridge = solver.fit(features, _signs(samples, rows), samples.targets.sample_weights[rows])
    logits = [ridge.left_out[: len(held_out)]]
    for part in np.split(held_out, np.arange(most, len(held_out), most))[1:]:
        components = solver.components(_features(model, samples.sequences.subset(part)))
        signs, weights = _signs(samples, part), samples.targets.sample_weights[part]
        logits.append(solver.left_out(components, signs, weights, ridge.alpha))
    return ridge, rows, np.concatenate(logits), features


def _features(model: ConvolutionModel, sequences: Sequences) -> NDArray[np.float32]:
    """Return all features (n_samples, n_features)."""
    features = np.empty((len(sequences), len(model.coef)), np.float32)
    for rows, proportions in model.proportions(sequences):
        features[rows] = proportions
    return features


def _blocks(
    batches: Iterator[tuple[Rows, NDArray[np.float32]]],
) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
    """Join batches to blocks of some hundred rows, which are multiplied faster."""
    joined: list[tuple[Rows, NDArray[np.float32]]] = []
    for batch in batches:
        joined.append(batch)
        if sum(len(rows) for rows, _ in joined) >= ROWS_PER_BLOCK:
            yield _join(joined)
            joined = []
    if joined:
        yield _join(joined)


def _join(
    batches: list[tuple[Rows, NDArray[np.float32]]],
) -> tuple[Rows, NDArray[np.float32]]:
    return (
        np.concatenate([rows for rows, _ in batches]),
        np.concatenate([proportions for _, proportions in batches]),
    )


def _signs(samples: Samples, rows: Rows) -> NDArray[np.float64]:
    """Return 1 for each class or label that a sample has, and -1 for the others."""
    return np.where(samples.targets.subset(rows).indicators(), 1.0, -1.0)
