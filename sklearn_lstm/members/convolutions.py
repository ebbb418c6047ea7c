"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    choose_dilations,
    convolve,
    draw_channels,
    draw_competing,
)
from sklearn_lstm.linear.known_values import KnownValues
from sklearn_lstm.linear.ridge import GramMatrix, RidgeFit, fit_few
from sklearn_lstm.members.member import FitTask, LinearMember

N_FEATURES = 5_000  # about so many
SHARE_BY_COMPETING = 1 / 3  # of the features; the others are by thresholds
LARGEST_PROBLEM = 2_500  # rows of the eigenvalue problem: series, or features if they are fewer
SERIES_FOR_THRESHOLDS = 32
SHARE_OF_KNOWN_VALUES = 1 / 3  # of the features at most, if values are missing
SERIES_OF_KNOWN_VALUES = 1_000
VARIANCE_WITH_MISSING_VALUES = 30  # of all convolutions, and of all known values
GOLDEN_RATIO = (5**0.5 - 1) / 2
STEPS_PER_BATCH = 1 << 12  # arrays of so many steps stay in the processor's cache
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
    known_values : KnownValues or None
        The last features, if values are missing in training or times are known.
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
        encoding = task.start.scaling(task.parts.learned[0].sequences)
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
            ridge, rows, logits = _fit_few(drawn, samples, held_out)
        else:
            ridge, rows, logits = _fit_many(drawn, samples, held_out, rng)
        left_out = samples.targets.subset(rows)
        (scale,) = fit_blend([ridge.left_out], left_out, expected=[1.0]).factors
        model = replace(drawn, coef=scale * ridge.coef, intercept=scale * ridge.intercept)
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
            for index, values in enumerate(convolve(inputs, lengths, dilations, channels)):
                for number in np.flatnonzero(chosen[index] == row):
                    place = index, number
                    thresholds[place] = np.quantile(values[number, 0], positions[place])
        competing = draw_competing(len(dilations), n_groups, rng)
        n_features = thresholds.size + 2 * competing.size + len(known_values or ())
        coef, intercept = np.zeros((n_features, n_outputs)), np.zeros(n_outputs)
        return cls(
            encoding, dilations, channels, thresholds, coef, intercept, competing, known_values
        )

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
        steps = sequences.read(np.array([0]))
        pair = steps, self.encoding.uninformed(steps)
        inputs = np.stack([self.encoding(each, lengths) for each in pair])
        both = np.repeat(lengths, 2)
        coef = self.coef @ direction
        scores = np.zeros(inputs.shape[:2])
        for place, happens in self._events(inputs, both):
            scores += np.tensordot(coef[place] / lengths[0], happens, 1)
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

    def proportions(self, sequences: Sequences) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and their features (B, n_features), the proportions of steps, in batches."""
        for rows, inputs, lengths in _batches(sequences, self.encoding):
            check_not_abandoned()
            proportions = np.zeros((len(rows), len(self.coef)), np.float32)
            for place, happens in self._events(inputs, lengths):
                proportions[:, place] = np.einsum("kbt->bk", happens.view(np.int8), dtype=np.int32)
            proportions /= lengths[:, np.newaxis]
            if self.known_values is not None:
                known = self.encoding.known(inputs, lengths)
                proportions[:, -len(self.known_values) :] = self.known_values(*known)
            yield rows, proportions

    def _events(
        self, inputs: NDArray[np.float32], lengths: Lengths
    ) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
        """Yield which features count at which steps of inputs (B, T, n_inputs): some (k, B, T)."""
        first = 0
        of_dilations = convolve(inputs, lengths, self.dilations, self.channels)
        for values, thresholds, groups in zip(
            of_dilations, self.thresholds, self.competing, strict=True
        ):
            for of_one, its_thresholds in zip(values, thresholds, strict=True):
                last = first + len(its_thresholds)
                yield slice(first, last), of_one > its_thresholds[:, np.newaxis, np.newaxis]
                first = last
            for group in groups:
                competing = values[group]
                for extreme in competing.max(axis=0), competing.min(axis=0):
                    last = first + len(group)
                    yield slice(first, last), competing == extreme
                    first = last


def _batches(
    sequences: Sequences, encoding: ChannelScaling
) -> Iterator[tuple[Rows, NDArray[np.float32], Lengths]]:
    """Yield rows, their inputs (B, T, n_inputs) and lengths."""
    for rows in rows_of_similar_length(sequences.lengths, STEPS_PER_BATCH, ROWS_PER_BATCH):
        yield rows, encoded(sequences, rows, encoding), sequences.lengths[rows]


def _n_features(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if n_samples <= LARGEST_PROBLEM else min(N_FEATURES, LARGEST_PROBLEM)


# The regression, the rows that it left out in turn, and the logits of the held-out rows.
Fitted: TypeAlias = tuple[RidgeFit, Rows, NDArray[np.float64]]


def _fit_few(model: ConvolutionModel, samples: Samples, held_out: Rows) -> Fitted:
    """Fit to all features at once, and leave each sample out in turn."""
    rows = np.arange(len(samples))
    features = _features(model, samples.sequences)
    ridge = fit_few(
        features, _signs(samples, rows), samples.targets.sample_weights, model.deviations
    )
    return ridge, rows, ridge.left_out[held_out]


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
    solver = gram.solve(model.deviations)
    ridge = solver.fit(features, _signs(samples, rows), samples.targets.sample_weights[rows])
    logits = [ridge.left_out[: len(held_out)]]
    for part in np.split(held_out, np.arange(most, len(held_out), most))[1:]:
        features = _features(model, samples.sequences.subset(part))
        signs, weights = _signs(samples, part), samples.targets.sample_weights[part]
        logits.append(solver.left_out(solver.components(features), signs, weights, ridge.alpha))
    return ridge, rows, np.concatenate(logits)


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
