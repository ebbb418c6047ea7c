"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import (
    MOST_STEPS_PER_BATCH,
    Lengths,
    Rows,
    Sequences,
    pad,
    rows_of_similar_length,
)
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.members.convolutions.random_convolutions import Convolutions
from sklearn_lstm.members.member import Contributions, LinearMember, one_by_one
from sklearn_lstm.storage.fields import check_agreement

N_THRESHOLDS = 32
IS_OF_LAST = np.array([False, False, True] * 2 + [False])  # of the features of a channel
N_PLACES = 128  # of the course of a series


@dataclass(frozen=True)
class SeriesStatistics:
    """The levels, and three statistics of each uneven channel.

    A level is the mean of the known values of a channel, or of their scores, relative to that of
    all series. A channel is uneven if it had missing values in training, or holds the time. Its
    statistics are the proportion of steps with a value, the mean of the known values (of their
    scores, if it has some), and the last value. Each is read as its rank among the training series,
    from -1 to 1, and as the square of the rank. So series that differ from all others do not
    outweigh these, and a linear model can learn that low and high values both speak for a class. A
    further feature says whether there is any value; without one, the ranks of mean and last value
    are 0.

    Parameters
    ----------
    encoding : ChannelScaling
    deviations : ndarray of shape (n_values,)
        The standard deviation that a linear model gives each level, up to 1. With the variance v
        of the training levels and that of a mean of independent steps c, it is
        (v / (v + c))^1/2: levels that are 0 but for rounding stay silent.
    thresholds : ndarray of shape (n_thresholds, 3, n_uneven)
        Quantiles of the known statistics of training series.
    """

    encoding: ChannelScaling
    deviations: Annotated[NDArray[np.float64], "n_values"]
    thresholds: Annotated[NDArray[np.float32], "n_thresholds 3 n_uneven"]

    @property
    def n_values(self) -> int:
        """The number of levels."""
        return self.encoding.n_values

    @property
    def n_uneven(self) -> int:
        """The number of uneven channels."""
        return len(self.encoding.uneven)

    @classmethod
    def of(cls, sequences: Sequences, encoding: ChannelScaling) -> Self:
        """Return statistics whose ranks are those among these series."""
        parts = [_measured(encoding, *chunk) for chunk in sequences.chunks()]
        levels, statistics = map(np.concatenate, zip(*parts, strict=True))
        places = (np.arange(N_THRESHOLDS) + 0.5) / N_THRESHOLDS
        thresholds = np.zeros((N_THRESHOLDS, *statistics.shape[1:]), np.float32)
        for place in np.ndindex(*statistics.shape[1:]):
            found = statistics[:, *place]
            found = found[~np.isnan(found)]
            if len(found):
                thresholds[:, *place] = np.quantile(found, places)
        variances, by_chance = levels.var(axis=0), (1 / sequences.lengths).mean()
        return cls(encoding, np.sqrt(variances / (variances + by_chance)), thresholds)

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the number of levels, and that of features of uneven channels."""
        return self.n_values, len(IS_OF_LAST) * self.n_uneven

    def __len__(self) -> int:
        return sum(self.sizes)

    def __call__(self, steps: NDArray[np.number], lengths: Lengths) -> NDArray[np.float32]:
        """Return the features (n_samples, n_features) of steps (n_steps, n_channels)."""
        levels, found = _measured(self.encoding, steps, lengths)
        ranks, gaps = np.zeros_like(found), np.empty_like(found)
        for threshold in self.thresholds:
            ranks += np.sign(np.subtract(found, threshold, out=gaps))
        ranks = np.nan_to_num(ranks / len(self.thresholds))
        is_any = found[:, :1] > 0
        features = np.concatenate([ranks, np.square(ranks), is_any], axis=1)  # (n_samples, 7, .)
        return np.hstack([levels, features.reshape(len(lengths), -1)]).astype(np.float32)

    def contributions(
        self, steps: NDArray[np.number], lengths: Lengths, coef: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what each step of one series adds to ``features @ coef``, and the rest.

        They are of the shapes (n_steps, n_scores) and (n_scores,). The rest is ``features @ coef``
        of a series of which only the times are known. The score of the last value belongs to the
        step of this value. The other scores of a channel are divided equally among the steps with
        a value.
        """
        unknown = self.encoding.uninformed(steps)
        values, baseline = (self.encoding.values(series, lengths) for series in (steps, unknown))
        level_coef, uneven_coef = np.split(coef, [self.n_values])
        parts_of_levels = self.encoding.parts_of_levels
        gaps = parts_of_levels(values, lengths) - parts_of_levels(baseline, lengths)
        contributions = gaps @ level_coef
        (features,), (base,) = self(steps, lengths), self(unknown, lengths)
        scores = (features - base)[self.n_values :, np.newaxis] * uneven_coef
        _, is_known = self.encoding.known(values, lengths)
        n_known = np.count_nonzero(is_known, axis=0)
        equal = is_known / np.maximum(n_known, 1)
        is_last = is_known & (np.cumsum(is_known, axis=0) == n_known)
        shares = np.where(IS_OF_LAST[:, np.newaxis, np.newaxis], is_last, equal)
        scores = scores.reshape(len(IS_OF_LAST), self.n_uneven, coef.shape[1])
        return contributions + np.einsum("stg,sgk->tk", shares, scores), base @ coef


def _measured(
    encoding: ChannelScaling, steps: NDArray[np.number], lengths: Lengths
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the levels (n_samples, n_values), and the statistics (n_samples, 3, n_uneven).

    Mean and last value are NaN where there is none.
    """
    all_values, ends = encoding.values(steps, lengths), np.cumsum(lengths)
    levels = np.add.reduceat(encoding.parts_of_levels(all_values, lengths), ends - lengths, axis=0)
    values, is_known = encoding.known(all_values, lengths)
    n_known = np.add.reduceat(is_known, ends - lengths, axis=0, dtype=np.intp)
    total = np.add.reduceat(np.where(is_known, values, 0.0), ends - lengths, axis=0)
    value_statistics = np.stack([total / np.maximum(n_known, 1), values[ends - 1]], axis=1)
    value_statistics = np.where(n_known[:, np.newaxis] > 0, value_statistics, np.nan)
    proportions = (n_known / lengths[:, np.newaxis])[:, np.newaxis]
    return levels, np.concatenate([proportions, value_statistics], axis=1).astype(np.float32)


@dataclass(frozen=True)
class Reading:
    """Ridge regression on the proportions of steps at which convolutions are large or small.

    Beside them it may read the level of each channel, and what is known of channels with missing
    values.

    Parameters
    ----------
    convolutions : Convolutions
    statistics : SeriesStatistics
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    proportions : ndarray of shape (n_events,)
        The mean features of the convolutions in training: what all series share.
    course : ndarray of shape (128, n_outputs)
        What the events at each place of a series add to the logits, as a mean over training series:
        the place of a step is its share of the series. What follows the same course in all series
        says nothing about a single one, so explanations are relative to it.
    """

    convolutions: Convolutions
    statistics: SeriesStatistics
    coef: Annotated[NDArray[np.float64], "n_features n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    proportions: Annotated[NDArray[np.float64], "n_events"]
    course: Annotated[NDArray[np.float64], "128 n_outputs"]

    def check(self) -> None:
        """Raise ValueError if convolutions read nothing, or what the encoding does not give."""
        check_agreement(self.convolutions, n_inputs=len(self.statistics.encoding))
        if not self.convolutions.channels.any(axis=2).all():
            raise ValueError("a convolution that reads no channel")

    @property
    def n_events(self) -> int:
        """The number of features of convolutions."""
        return len(self.convolutions)

    @property
    def n_features(self) -> int:
        """The number of features."""
        return len(self.convolutions) + len(self.statistics)

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        logits = np.empty((len(sequences), len(self.intercept)))
        for rows, features in self.features(sequences):
            # In float32 the product would round a row by its neighbours.
            logits[rows] = features.astype(np.float64) @ self.coef + self.intercept
        return logits

    def contributions(self, series: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each step of one series adds to the scores ``logits @ directions``.

        A convolution counts at the step in its middle, relative to its mean in training, and to
        the course that all series follow. So the rest of the scores is that of the mean of all
        training series, and the contributions show what is special in a series.
        """
        lengths, steps = series.lengths, series.read(np.array([0]))
        inputs = self.statistics.encoding(steps, lengths)[np.newaxis]
        event_coef, statistics_coef = np.split(self.coef @ directions, [self.n_events])
        shared = self.proportions @ event_coef
        added, base = self.statistics.contributions(steps, lengths, statistics_coef)
        course = (self.course @ directions)[_places(len(steps))]
        added -= (shared + course - course.mean(axis=0)) / len(steps)
        for place, first, happens in self.convolutions.events(inputs, lengths):
            part = slice(first, first + happens.shape[2])
            added[part] += np.tensordot(happens[:, 0], event_coef[place] / len(steps), (0, 0))
        return added, (self.intercept @ directions + shared + base)[np.newaxis]

    def course_of(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the mean course of series, (128, n_outputs)."""
        sums, n_steps = np.zeros_like(self.course), np.zeros(N_PLACES)
        for rows in rows_of_similar_length(sequences.lengths, MOST_STEPS_PER_BATCH):
            lengths = sequences.lengths[rows]
            inputs = pad(self.statistics.encoding(sequences.read(rows), lengths), lengths)
            places = [_places(length) for length in lengths.tolist()]
            n_steps += np.bincount(np.concatenate(places), minlength=N_PLACES)
            for part, first, happens in self.convolutions.events(inputs, lengths):
                coef = self.coef[part]
                for of_steps, events in zip(places, happens.swapaxes(0, 1), strict=True):
                    found = of_steps[first : first + happens.shape[2]]
                    starts = np.flatnonzero(np.diff(found, prepend=-1))
                    are_ones = events[:, : len(found)].view(np.int8)
                    counts = np.add.reduceat(are_ones, starts, axis=1, dtype=np.int32)
                    sums[found[starts]] += counts.T @ coef
        return np.asarray(sums / np.maximum(n_steps, 1)[:, np.newaxis])

    def features(
        self, sequences: Sequences, fewest_rows: int = 1
    ) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and their features, in blocks of so many rows or more; the last has the rest.

        Blocks of some hundred rows are multiplied faster.
        """
        parts, n_rows, n_left = [], 0, len(sequences)
        for rows in rows_of_similar_length(sequences.lengths, MOST_STEPS_PER_BATCH):
            steps, lengths = sequences.read(rows), sequences.lengths[rows]
            proportions = self._counts(steps, lengths).astype(np.float32)
            proportions /= lengths[:, np.newaxis]
            parts.append((rows, np.hstack([proportions, self.statistics(steps, lengths)])))
            n_rows, n_left = n_rows + len(rows), n_left - len(rows)
            if n_rows >= fewest_rows or not n_left:
                block, features = map(np.concatenate, zip(*parts, strict=True))
                yield block, features
                parts, n_rows = [], 0

    def _counts(self, steps: NDArray[np.number], lengths: Lengths) -> NDArray[np.unsignedinteger]:
        """Return the number of steps with each event, (n_samples, n_events)."""
        inputs = pad(self.statistics.encoding(steps, lengths), lengths)
        return self.convolutions.counts(inputs, lengths)


@dataclass(frozen=True)
class ConvolutionModel(LinearMember):
    """Linear models that read the same series in different ways; their logits are added up.

    Parameters
    ----------
    readings : tuple of Reading
        With all channels at one scale; and with their values as they are, if they are normalised.
    confidence : float or None
        A factor up to 1 for all logits, because new samples may be of other groups. Samples often
        come in groups: recordings of a person, windows of a recording. A sample that is left out
        alone has others of its group in the training part; a new person has none there, as if all
        samples that are alike were left out too. None: no samples were drawn.
    """

    readings: Annotated[tuple[Reading, ...], "n_readings<10"]
    confidence: float | None = field(default=None, metadata={"is_stored": False})

    def check(self) -> None:
        """Raise ValueError if a stored one reads nothing."""
        if not self.readings:
            raise ValueError("a model without readings")

    def confidence_in(self, factor: float) -> float:
        """Return the confidence, divided by the factor of this model's logits if it is above 1.

        All series, each left out in turn, have already set the scale of the logits. That the model
        is right on a few held-out series is no reason to make them larger.
        """
        return 1.0 if self.confidence is None else self.confidence / max(1.0, factor)

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        return np.asarray(sum(reading.logits(sequences) for reading in self.readings))

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each step of series adds to the scores ``logits @ directions``.

        The rest of the scores is that of the mean of all training series.
        """

        def of_series(series: Sequences) -> Contributions:
            return _added_up(one.contributions(series, directions) for one in self.readings)

        return one_by_one(of_series, sequences)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        n_features = sum(np.count_nonzero(one.coef.any(axis=1)) for one in self.readings)
        return f"{n_features:,} features of convolutions and levels"


def _added_up(parts: Iterable[Contributions]) -> Contributions:
    added, base = zip(*parts, strict=True)
    return np.sum(added, axis=0), np.sum(base, axis=0)


def _places(n_steps: int) -> NDArray[np.intp]:
    """Return the place of each step of a series, 0 to 127."""
    return np.arange(n_steps) * N_PLACES // n_steps
