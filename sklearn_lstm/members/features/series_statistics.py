"""Levels of the channels of series, and what is known of channels with missing values."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Sequences, Steps
from sklearn_lstm.encoding.channel_scaling import ChannelScaling, Values
from sklearn_lstm.members.features.convolutions import Inputs
from sklearn_lstm.members.features.places import LARGEST_PLACE
from sklearn_lstm.members.member import Contributions

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

    def silent(self) -> Self:
        """Return the same, of whose levels nothing is learned."""
        return replace(self, deviations=np.zeros_like(self.deviations))

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
