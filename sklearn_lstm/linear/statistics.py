"""Statistics of series, for a linear model.

Convolutions tell little about the level of a channel, and nothing about how often it was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.sequences import Lengths, Sequences

N_STATISTICS = 3  # of an uneven channel
MOST_THRESHOLDS = 3  # of a statistic


@dataclass(frozen=True)
class SeriesStatistics:
    """The level of each channel, and three statistics of each uneven channel.

    The level is the mean of the known values, relative to that of all series. A channel is uneven
    if it had missing values in training, or holds the time. Its statistics are the proportion of
    steps with a value, the mean of the known values, and the last value. Further features say
    whether a statistic exceeds thresholds. So a linear model can learn that low and high values
    both speak for a class.

    Parameters
    ----------
    encoding : ChannelScaling
    deviations : ndarray of shape (n_channels,)
        The standard deviations of the levels of training series.
    thresholds : ndarray of shape (n_thresholds, 3, n_uneven)
        Quantiles of the statistics of training series.
    """

    encoding: ChannelScaling
    deviations: NDArray[np.float64]
    thresholds: NDArray[np.float32]

    @classmethod
    def of(cls, sequences: Sequences, encoding: ChannelScaling, n_features: int) -> Self:
        """Return statistics with thresholds that are quantiles of these series.

        Each statistic has so many thresholds that the uneven channels have about `n_features`
        features, but at most 3.
        """
        n_thresholds = n_features // max(N_STATISTICS * len(encoding.uneven), 1) - 1
        n_thresholds = min(max(n_thresholds, 0), MOST_THRESHOLDS)
        places = (np.arange(n_thresholds) + 0.5) / max(n_thresholds, 1)
        levels, of_uneven = (
            np.concatenate([function(encoding, *chunk) for chunk in sequences.chunks()])
            for function in (_levels, _of_uneven)
        )
        thresholds = np.quantile(of_uneven, places, axis=0).astype(np.float32)
        return cls(encoding, levels.std(axis=0), thresholds)

    @property
    def sizes(self) -> tuple[int, int]:
        """Return the number of levels, and that of features of uneven channels."""
        n_thresholds, *shape = self.thresholds.shape
        return self.encoding.n_channels, (1 + n_thresholds) * math.prod(shape)

    def __len__(self) -> int:
        return sum(self.sizes)

    def __call__(self, steps: NDArray[Any], lengths: Lengths) -> NDArray[np.float32]:
        """Return the features (n_samples, n_features) of steps (n_steps, n_channels)."""
        levels = _levels(self.encoding, steps, lengths)
        found = _of_uneven(self.encoding, steps, lengths)[:, np.newaxis]
        more = np.concatenate([found, found > self.thresholds], axis=1)  # (n_samples, ., 3, .)
        return np.hstack([levels, more.reshape(len(lengths), -1)]).astype(np.float32)

    def contributions(
        self, steps: NDArray[Any], lengths: Lengths, coef: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one series adds to ``features @ coef``, and the rest.

        The rest is ``features @ coef`` of a series of which only the times are known. The score of
        the last value belongs to the step of this value. The scores of the proportion and of the
        mean are divided equally among the steps with a value.
        """
        unknown = self.encoding.uninformed(steps)
        of_levels, of_uneven = np.split(coef, [self.encoding.n_channels])
        contributions = (
            self.encoding.parts_of_levels(steps, lengths)
            - self.encoding.parts_of_levels(unknown, lengths)
        ) @ of_levels
        features, base = self(steps, lengths)[0], self(unknown, lengths)[0]
        scores = (features - base)[self.encoding.n_channels :] * of_uneven
        n_thresholds, *shape = self.thresholds.shape
        of_statistics = scores.reshape(1 + n_thresholds, *shape).sum(axis=0)
        _, is_known = self.encoding.known(steps, lengths)
        n_known = np.count_nonzero(is_known, axis=0)
        equal = is_known / np.maximum(n_known, 1)
        is_last = is_known & (np.cumsum(is_known, axis=0) == n_known)
        contributions += np.einsum("stg,sg->t", [equal, equal, is_last], of_statistics)
        return contributions, float(base @ coef)


def _levels(encoding: ChannelScaling, steps: NDArray[Any], lengths: Lengths) -> NDArray[np.float64]:
    """Return the levels (n_samples, n_channels)."""
    starts = np.cumsum(lengths) - lengths
    return np.add.reduceat(encoding.parts_of_levels(steps, lengths), starts, axis=0)


def _of_uneven(
    encoding: ChannelScaling, steps: NDArray[Any], lengths: Lengths
) -> NDArray[np.float32]:
    """Return the statistics (n_samples, 3, n_uneven) of the uneven channels."""
    ends = np.cumsum(lengths)
    values, is_known = encoding.known(steps, lengths)
    n_known = np.add.reduceat(is_known, ends - lengths, axis=0, dtype=np.intp)
    total = np.add.reduceat(np.where(is_known, values, 0.0), ends - lengths, axis=0)
    return np.stack(
        [n_known / lengths[:, np.newaxis], total / np.maximum(n_known, 1), values[ends - 1]],
        axis=1,
        dtype=np.float32,
        casting="same_kind",
    )
