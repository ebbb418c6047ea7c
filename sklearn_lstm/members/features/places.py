"""Where in a series a channel is high, and where it changes much."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Sequences, Steps, common_length
from sklearn_lstm.encoding.channel_scaling import ChannelScaling, Known, Values
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
        features = _bounded(self._relative(*self._means(steps, lengths)))
        return features.reshape(len(lengths), len(self)).astype(np.float32)

    def contributions(self, steps: Steps, lengths: Lengths, coef: Values) -> Values:
        """Return what each step of one series adds to ``features @ coef``, (n_steps, n_scores).

        Each mean is divided equally among the known steps of its interval, so that the course that
        all series follow within it adds nothing.
        """
        means, n_known = self._means(steps, lengths)
        shares = _bounded(self._relative(means, n_known))[0] / np.maximum(n_known[0], 1)
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
        """Return the means relative to those of training, in deviations."""
        return np.where(n_known > 0, (means - self.mean) * self.factor, 0)


def _bounded(values: Values) -> Values:
    return np.clip(values, -LARGEST_PLACE, LARGEST_PLACE)


def _parts(lengths: Lengths) -> NDArray[np.intp]:
    """Return the part of its series, 0 to 63, that each step stands in."""
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return (np.arange(len(first)) - first) * N_PARTS // np.repeat(lengths, lengths)
