"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

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
from sklearn_lstm.linear.known_values import KnownValues
from sklearn_lstm.linear.ridge import GramMatrix, RidgeFit, fit_few, leave_alike_out
from sklearn_lstm.members.member import FitTask, LinearMember

N_FEATURES = 5_000  # about so many
SHARE_BY_COMPETING = 1 / 3  # of the features; the others are by thresholds
LARGEST_PROBLEM = 2_500  # rows of the eigenvalue problem: series, or features if they are fewer
SERIES_FOR_THRESHOLDS = 32
SHARE_OF_KNOWN_VALUES = 1 / 3  # of the features at most, if values are missing
SERIES_OF_KNOWN_VALUES = 1_000
VARIANCE_WITH_MISSING_VALUES = 30  # of all convolutions, and of all known values
GOLDEN_RATIO = (5**0.5 - 1) / 2
ROWS_PER_BATCH = 1 << 10
ROWS_PER_BLOCK = 128  # of features that are added to the sums of squares at once
PRODUCTS_PER_UNIT = 300_000  # of work
MOST_LEFT_OUT = 5_000  # series whose leave-one-out predictions are computed at once,
MOST_COMPARED = 1_000  # series that are left out together with those that are alike
MOST_PREDICTIONS_LEFT_OUT = 10_000_000  # and fewer where there are thousands of classes


@dataclass(frozen=True)
class Features:
    """Proportions of steps, and other values.

    Proportions are kept as counts: those of short series take a quarter of the memory.

    Parameters
    ----------
    counts : ndarray of unsigned integers of shape (n_samples, n_proportions)
    lengths : ndarray of shape (n_samples,)
    values : ndarray of shape (n_samples, n_values)
    """

    counts: NDArray[np.unsignedinteger[Any]]
    lengths: Lengths
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, rows: slice | NDArray[Any]) -> NDArray[np.float32]:
        proportions = self.counts[rows].astype(np.float32)
        proportions /= self.lengths[rows, np.newaxis]
        return np.hstack([proportions, self.values[rows]]) if self.values.size else proportions

    def of(self, rows: slice | NDArray[Any]) -> Features:
        """Return the features of some rows."""
        return Features(self.counts[rows], self.lengths[rows], self.values[rows])

    def fill(self, rows: Rows, features: Features) -> None:
        """Set some rows to the features of others."""
        self.counts[rows], self.values[rows] = features.counts, features.values

    @classmethod
    def joined(cls, parts: list[Features]) -> Self:
        """Return the features of several parts, one after the other."""
        columns = zip(*((part.counts, part.lengths, part.values) for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))


Batch: TypeAlias = tuple[Rows, Features]


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
    known_values : KnownValues or None
        The last features, if values are missing in training or times are known.
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
    known_values: KnownValues | None = None
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
            some = rows[:MOST_COMPARED]
            model = replace(model, confidence=_confidence(model, features, samples, some, ridge))
        return model, scale * logits

    @classmethod
    def _draw(cls, samples: Samples, encoding: ChannelScaling, rng: np.random.Generator) -> Self:
        """Draw convolutions, and find their thresholds; the coefficients are 0."""
        sequences, n_outputs = samples.sequences, samples.targets.n_outputs
        n_features, known_values = _n_features(len(sequences)), None
        if len(encoding.uneven):
            some = sequences.subset(rng.permutation(len(sequences))[:SERIES_OF_KNOWN_VALUES])
            n_of_known = int(SHARE_OF_KNOWN_VALUES * n_features)
            known_values = KnownValues.of(_batches(some, encoding), encoding, n_of_known)
            n_features -= len(known_values)
        dilations = choose_dilations(int(sequences.lengths.max()))
        channels = draw_channels(encoding, len(dilations), rng)
        n_by_competing = SHARE_BY_COMPETING * n_features
        n_by_thresholds = n_features - n_by_competing
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
        n_features = thresholds.size + 2 * competing.size + len(known_values or ())
        coef, intercept = np.zeros((n_features, n_outputs)), np.zeros(n_outputs)
        return cls(
            encoding, dilations, channels, thresholds, coef, intercept, competing, known_values
        )

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
        lengths = sequences.lengths
        steps = sequences.read(np.array([0]))
        pair = steps, self.encoding.uninformed(steps)
        inputs = np.stack([self.encoding(each, lengths) for each in pair])
        both = np.repeat(lengths, 2)
        coef = self.coef @ direction
        scores = np.zeros(inputs.shape[:2])
        for place, first, happens in self._events(inputs, both):
            part = slice(first, first + happens.shape[2])
            scores[:, part] += np.tensordot(coef[place] / lengths[0], happens, 1)
        contributions = scores[0] - scores[1]
        base = float(self.intercept @ direction + scores[1].sum())
        if self.known_values is not None:
            known = self.encoding.known(inputs, both)
            of_known = self.known_values(*known) * coef[-len(self.known_values) :]
            contributions += self.known_values.contributions(known[1][0], of_known[0] - of_known[1])
            base += float(of_known[1].sum())
        return contributions, base

    @property
    def deviations(self) -> NDArray[np.float64]:
        """The standard deviation that each feature gets for the ridge regression.

        What is known of channels counts as much as all convolutions. Both are small, which allows
        larger penalties: much of what is filled is noise.
        """
        if self.known_values is None:
            return np.ones(len(self.coef))
        n_known = len(self.known_values)
        sizes = np.repeat([len(self.coef) - n_known, n_known], [len(self.coef) - n_known, n_known])
        return np.asarray(np.sqrt(VARIANCE_WITH_MISSING_VALUES / sizes))

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"{len(self.coef):,} convolution features"

    def features(self, sequences: Sequences) -> Iterator[Batch]:
        """Yield rows and their features, in batches."""
        for rows, inputs, lengths in _batches(sequences, self.encoding):
            check_not_abandoned()
            features = self.empty_features(lengths)
            for place, _, happens in self._events(inputs, lengths):
                counts = np.einsum("kbt->bk", happens.view(np.int8), dtype=np.int32)
                features.counts[:, place] += counts.astype(features.counts.dtype)
            if self.known_values is not None:
                features.values[:] = self.known_values(*self.encoding.known(inputs, lengths))
            yield rows, features

    def empty_features(self, lengths: Lengths) -> Features:
        """Return features of series of these lengths, with counts of 0."""
        n_values = len(self.known_values or ())
        counts = len(lengths), len(self.coef) - n_values
        return Features(
            np.zeros(counts, np.min_scalar_type(lengths.max())),
            lengths,
            np.empty((len(lengths), n_values), np.float32),
        )

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


def _batches(
    sequences: Sequences, encoding: ChannelScaling
) -> Iterator[tuple[Rows, NDArray[np.float32], Lengths]]:
    """Yield rows, their inputs (B, T, n_inputs) and lengths."""
    for rows in rows_of_similar_length(sequences.lengths, STEPS_AT_ONCE, ROWS_PER_BATCH):
        yield rows, encoded(sequences, rows, encoding), sequences.lengths[rows]


def _n_features(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if n_samples <= LARGEST_PROBLEM else min(N_FEATURES, LARGEST_PROBLEM)


def _scale(predictions: NDArray[np.float64], samples: Samples, rows: Rows) -> float:
    """Return the factor that makes predictions for these rows the most likely logits."""
    return float(fit_blend([predictions], samples.targets.subset(rows), expected=[1.0]).factors[0])


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
    for block, features in _blocks(model.features(samples.sequences)):
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


def _blocks(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Join and cut batches to blocks of some hundred rows, which are multiplied faster."""
    joined: list[Batch] = []
    for batch in batches:
        joined.append(batch)
        if sum(len(rows) for rows, _ in joined) >= ROWS_PER_BLOCK:
            yield from _join(joined)
            joined = []
    if joined:
        yield from _join(joined)


def _join(batches: list[Batch]) -> Iterator[Batch]:
    rows = np.concatenate([rows for rows, _ in batches])
    features = Features.joined([part for _, part in batches])
    for start in range(0, len(rows), ROWS_PER_BLOCK):
        block = slice(start, start + ROWS_PER_BLOCK)
        yield rows[block], features.of(block)


def _signs(samples: Samples, rows: Rows) -> NDArray[np.float64]:
    """Return 1 for each class or label that a sample has, and -1 for the others."""
    return np.where(samples.targets.subset(rows).indicators(), 1.0, -1.0)
