"""What is known of intervals of series: levels, spread, and where a channel is high or changes."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Sequences, Steps, common_length
from sklearn_lstm.encoding.channel_scaling import ChannelScaling, Known, Values
from sklearn_lstm.members.features.convolutions import Inputs
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.storage.fields import check_agreement

N_PARTS = 64  # of a series; intervals consist of them
WIDTHS = (64, 32, 16, 8, 4, 2)  # of intervals, in parts; they begin at all multiples of a half
LARGEST_PLACE = 3.0  # standard deviations: one wild value does not decide
MOST_PLACES = 500  # features


def _intervals() -> NDArray[np.float64]:
    """Return which parts belong to each interval (120, 64), the longest first."""
    parts, first = np.arange(N_PARTS), [np.arange(0, N_PARTS - w + 1, w // 2) for w in WIDTHS]
    starts, widths = np.concatenate(first), np.repeat(WIDTHS, [len(one) for one in first])
    gaps = parts - starts[:, np.newaxis]
    return ((gaps >= 0) & (gaps < widths[:, np.newaxis])).astype(np.float64)


INTERVALS = _intervals()
DEPTHS = np.cumsum([2 * N_PARTS // width - 1 for width in WIDTHS])  # 1, 4, 11, 26, 57, 120


@dataclass(frozen=True)
class Places:
    """The mean of each channel in intervals of a series, and the mean size of its changes.

    Convolutions are counted over a whole series, which does not tell where something happens. The
    intervals are the series, its halves, its quarters, to 32nds, and all of these shifted by a half
    of their width; with many channels only the longer ones. Series of different lengths have none:
    there the same place seldom means the same.

    Values are relative to the level of their series, which another person or sensor shifts. The
    means are those of known values, and of changes from a known value to the next; they are
    relative to training series, and bounded. An interval without a known one counts as their mean.

    Parameters
    ----------
    encoding : ChannelScaling
    mean, factor : ndarray of shape (n_intervals, n_statistics)
        Of the training series: what is subtracted from the means of all values, then of all
        changes; and by what they are multiplied, 1 / deviation.
    """

    encoding: ChannelScaling
    mean: Annotated[NDArray[np.float64], "n_intervals<121 n_statistics"]
    factor: Annotated[NDArray[np.float64], "n_intervals<121 n_statistics"]

    @classmethod
    def of(cls, sequences: Sequences, encoding: ChannelScaling) -> Self:
        """Return places relative to those of these series."""
        n_values, n_steps = encoding.n_values, common_length(sequences.lengths)
        fits = DEPTHS[(DEPTHS * 2 * n_values <= MOST_PLACES) & (n_steps > 0)]
        nothing = np.zeros((int(fits.max(initial=0)), 2 * n_values))
        untrained = cls(replace(encoding, level=np.ones(n_values)), nothing, nothing)
        chunks = (untrained._means(*chunk) for chunk in sequences.chunks())
        means, n_known = map(np.concatenate, zip(*chunks, strict=True))
        is_known = n_known > 0
        counts = np.maximum(is_known.sum(axis=0), 1)
        mean = means.sum(axis=0) / counts
        deviation = np.sqrt((np.square(means - mean) * is_known).sum(axis=0) / counts)
        tells = deviation > np.finfo(np.float32).eps  # what is less is rounding
        return replace(untrained, mean=mean, factor=tells / np.where(tells, deviation, 1))

    def check(self) -> None:
        """Raise ValueError if the encoding gives other values."""
        check_agreement(self, n_statistics=2 * self.encoding.n_values)

    def __len__(self) -> int:
        return self.mean.size

    def __call__(self, steps: Steps, lengths: Lengths) -> NDArray[np.float32]:
        """Return the features (n_samples, n_features) of steps (n_steps, n_channels)."""
        features = self._relative(*self._means(steps, lengths))
        return features.reshape(len(lengths), len(self)).astype(np.float32)

    def contributions(self, steps: Steps, lengths: Lengths, coef: Values) -> Values:
        """Return what each step of one series adds to ``features @ coef``, (n_steps, n_scores).

        Each mean is divided equally among the known steps of its interval, so that the course that
        all series follow within it adds nothing.
        """
        means, n_known = self._means(steps, lengths)
        shares = self._relative(means, n_known)[0] / np.maximum(n_known[0], 1)
        of_intervals = shares[..., np.newaxis] * coef.reshape(*shares.shape, coef.shape[1])
        of_parts = np.tensordot(INTERVALS[: len(self.mean)].T, of_intervals, 1)
        _, is_known = self._values(steps, lengths)
        return np.asarray(np.einsum("tsk,ts->tk", of_parts[_parts(lengths)], is_known))

    def _values(self, steps: Steps, lengths: Lengths) -> tuple[NDArray[np.float32], Known]:
        """Return the values and the sizes of changes of all steps, and which are known.

        Both are of shape (n_steps, n_statistics).
        """
        values = self.encoding(steps, lengths)[:, : self.encoding.n_values]
        is_known = ~np.isnan(self.encoding.values(steps, lengths))
        changes = np.abs(np.diff(values, axis=0, prepend=values[:1]))
        is_change = is_known & np.roll(is_known, 1, axis=0)
        is_change[np.cumsum(lengths) - lengths] = False  # the first step of a series
        return np.hstack([values, changes]), np.hstack([is_known, is_change])

    def _means(self, steps: Steps, lengths: Lengths) -> tuple[Values, Values]:
        """Return the means of the known values in each interval, and how many these are.

        Both are of shape (n_samples, n_intervals, n_statistics).
        """
        values, is_known = self._values(steps, lengths)
        parts = np.repeat(np.arange(len(lengths)) * N_PARTS, lengths) + _parts(lengths)
        first = np.flatnonzero(np.diff(parts, prepend=-1))
        sums = np.zeros((2, len(lengths), N_PARTS, self.mean.shape[1]))
        rows = np.unravel_index(parts[first], sums.shape[1:3])
        for total, added in zip(sums, (values * is_known, is_known), strict=True):
            total[rows] = np.add.reduceat(added, first, axis=0, dtype=np.float64)
        of_values, n_known = INTERVALS[: len(self.mean)] @ sums
        return of_values / np.maximum(n_known, 1), n_known

    def _relative(self, means: Values, n_known: Values) -> Values:
        """Return the means relative to those of training, in deviations, bounded."""
        relative = np.where(n_known > 0, (means - self.mean) * self.factor, 0)
        return np.clip(relative, -LARGEST_PLACE, LARGEST_PLACE)


def _parts(lengths: Lengths) -> NDArray[np.intp]:
    """Return the part of its series, 0 to 63, that each step stands in."""
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return (np.arange(len(first)) - first) * N_PARTS // np.repeat(lengths, lengths)


# --- Levels and spread


N_THRESHOLDS = 32
IS_OF_LAST = np.array([False, False, True] * 2 + [False])  # of the features of a channel


@dataclass(frozen=True)
class SeriesStatistics:
    """The levels, and three statistics of each uneven channel.

    A level is the mean of the known values of a channel, or of their scores, relative to that of
    all series, and bounded: one wild value does not decide. A channel is uneven if it had missing
    values in training, or holds the time. Its statistics are the proportion of steps with a value,
    the mean of the known values (of their scores, if it has some), and the last value. Each is read
    as its rank among the training series, from -1 to 1, and as the square of the rank. So series
    that differ from all others do not outweigh these, and a linear model can learn that low and
    high values both speak for a class. A further feature says whether there is any value; without
    one, the ranks of mean and last value are 0.

    Parameters
    ----------
    encoding : ChannelScaling
    deviations : ndarray of shape (n_values,)
        The standard deviation that a linear model gives each level, up to 1. With the variance v
        of the training levels and that of a mean of independent steps c, it is
        (v / (v + c))^1/2: levels that are 0 but for rounding stay silent.
    largest : ndarray of shape (n_values,)
        The bounds of levels: the largest of training, or three standard deviations if this is more.
    thresholds : ndarray of shape (n_thresholds, 3, n_uneven)
        Quantiles of the known statistics of training series.
    """

    encoding: ChannelScaling
    deviations: Annotated[NDArray[np.float64], "n_values"]
    largest: Annotated[NDArray[np.float64], "n_values"]
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
        deviations = np.sqrt(variances / (variances + by_chance))
        largest = np.maximum(LARGEST_PLACE * np.sqrt(variances), np.abs(levels).max(axis=0))
        return cls(encoding, deviations, largest, thresholds)

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the number of levels, and that of features of uneven channels."""
        return self.n_values, len(IS_OF_LAST) * self.n_uneven

    def __len__(self) -> int:
        return sum(self.sizes)

    def __call__(self, steps: Steps, lengths: Lengths) -> Inputs:
        """Return the features (n_samples, n_features) of steps (n_steps, n_channels)."""
        levels, found = _measured(self.encoding, steps, lengths)
        levels = np.clip(levels, -self.largest, self.largest)
        ranks, gaps = np.zeros_like(found), np.empty_like(found)
        for threshold in self.thresholds:
            ranks += np.sign(np.subtract(found, threshold, out=gaps))
        ranks = np.nan_to_num(ranks / len(self.thresholds))
        is_any = found[:, :1] > 0
        features = np.concatenate([ranks, np.square(ranks), is_any], axis=1)  # (n_samples, 7, .)
        return np.hstack([levels, features.reshape(len(lengths), -1)]).astype(np.float32)

    def contributions(self, steps: Steps, lengths: Lengths, coef: Values) -> Contributions:
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
        levels = np.abs(gaps.sum(axis=0))
        gaps *= np.divide(self.largest, levels, np.ones_like(levels), where=levels > self.largest)
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


def _measured(encoding: ChannelScaling, steps: Steps, lengths: Lengths) -> tuple[Values, Inputs]:
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
