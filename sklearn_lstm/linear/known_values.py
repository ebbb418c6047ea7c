"""What is known of channels with missing values, and of the times, for a linear model.

Convolutions of a filled channel see neither its level nor how often it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.sequences import Lengths, Rows

N_STATISTICS = 3
MOST_THRESHOLDS = 3  # of a statistic


@dataclass(frozen=True)
class KnownValues:
    """Statistics of channels with missing values and of the time, above thresholds or not.

    They are the proportion of steps with a value, the mean of the values, and the last value. The
    thresholds make a linear model additive: low and high values may both speak for a class.

    Parameters
    ----------
    thresholds : ndarray of shape (n_thresholds, 3, n_uneven)
        Quantiles of the statistics of training series.
    """

    thresholds: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        batches: Iterator[tuple[Rows, NDArray[np.float32], Lengths]],
        encoding: ChannelScaling,
        n_features: int,
    ) -> Self:
        """Return the thresholds for inputs (B, T, n_inputs) of training series.

        There are as many as make about `n_features` features, but at most 3 of each statistic.
        """
        n_thresholds = n_features // (N_STATISTICS * len(encoding.uneven)) - 1
        n_thresholds = min(max(n_thresholds, 0), MOST_THRESHOLDS)
        found = [_statistics(*encoding.known(inputs, lengths)) for _, inputs, lengths in batches]
        places = (np.arange(n_thresholds) + 0.5) / max(n_thresholds, 1)
        return cls(np.quantile(np.concatenate(found), places, axis=0).astype(np.float32))

    def __len__(self) -> int:
        n_thresholds, *shape = self.thresholds.shape
        return int((1 + n_thresholds) * math.prod(shape))

    def __call__(
        self, values: NDArray[np.float32], is_known: NDArray[np.bool_], lengths: Lengths
    ) -> NDArray[np.float32]:
        """Return the features (B, n_features) of what `ChannelScaling.known` returns."""
        found = _statistics(values, is_known, lengths)
        exceeds = found[:, np.newaxis] > self.thresholds
        features = np.concatenate([found[:, np.newaxis], exceeds], axis=1)  # (B, ., 3, n_uneven)
        return features.reshape(len(features), -1).astype(np.float32)

    def contributions(
        self, is_known: NDArray[np.bool_], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each step of one series adds to the scores of its features, (n_steps,).

        The last value counts where it stands. Each value has an equal part in the other statistics.

        Parameters
        ----------
        is_known : ndarray of bool of shape (n_steps, n_uneven)
        scores : ndarray of shape (n_features,)
            What each feature adds, relative to a series without a value.
        """
        of_statistics = scores.reshape(-1, *self.thresholds.shape[1:]).sum(axis=0)
        n_known = np.count_nonzero(is_known, axis=0)
        equal = is_known / np.maximum(n_known, 1)
        is_last = is_known & (np.cumsum(is_known, axis=0) == n_known)
        return np.asarray(np.einsum("stg,sg->t", [equal, equal, is_last], of_statistics))


def _statistics(
    values: NDArray[np.float32], is_known: NDArray[np.bool_], lengths: Lengths
) -> NDArray[np.float32]:
    """Return the statistics (B, 3, n_uneven) of filled values (B, T, n_uneven)."""
    n_known = np.count_nonzero(is_known, axis=1)
    total = values.sum(axis=1, where=is_known, dtype=np.float64)
    last = values[np.arange(len(values)), lengths - 1]
    return np.stack(
        [n_known / lengths[:, np.newaxis], total / np.maximum(n_known, 1), last],
        axis=1,
        dtype=np.float32,
        casting="same_kind",
    )
