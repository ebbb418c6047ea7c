"""Sequences of unequal length, read a piece at a time, and what is known about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.intp]

CELLS_PER_CHUNK = 1 << 17  # what is looked at in one go, so that memory stays constant


class Sequences:
    """Sequences of unequal length, read a few rows at a time from the X that holds them.

    Nothing is copied or padded before its batch is needed.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
        Steps of each sequence, at least 1.
    n_channels : int or None
        Measurements per step; None for token ids.
    read : callable
        Rows -> their steps laid end to end: (n_steps,) ids or (n_steps, n_channels) measurements.
    n_features : int
        What scikit-learn counts as features: columns of a 2-D X, channels of any other.
    is_table : bool
        X is a dense 2-D array: scikit-learn expects its width to stay the same.
    """

    def __init__(
        self,
        lengths: Rows,
        n_channels: int | None,
        read: Callable[[Rows], NDArray[Any]],
        *,
        n_features: int,
        is_table: bool = False,
    ) -> None:
        self.lengths = lengths
        self.n_channels = n_channels
        self.read = read
        self.n_features = n_features
        self.is_table = is_table

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def are_letters(self) -> bool:
        """Tell whether few ids recur all the time, as letters, bases and notes do, unlike words.

        A text of n words has tens of times sqrt(n) different ones (Heaps' law).
        """
        if self.n_channels is not None:
            return False
        n_ids = max(int(ids.max()) for ids, _ in self.chunks())
        return bool(n_ids < 4 * self.lengths.sum() ** 0.5)

    def subset(self, rows: Rows) -> Sequences:
        """Give the sequences of these rows alone."""
        return Sequences(
            self.lengths[rows],
            self.n_channels,
            lambda some: self.read(rows[some]),
            n_features=self.n_features,
            is_table=self.is_table,
        )

    def chunks(self) -> Iterator[tuple[NDArray[Any], Rows]]:
        """Yield all steps in order, some 100,000 values at a time, and the lengths they have."""
        for rows in chunks_of_rows(self.lengths * (self.n_channels or 1)):
            yield self.read(rows), self.lengths[rows]


@dataclass(frozen=True)
class Samples:
    """Sequences, with what each is and how much it counts.

    Parameters
    ----------
    sequences : Sequences
    codes : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Class codes, or multilabel indicators.
    weights : ndarray of shape (n_samples,)
    """

    sequences: Sequences
    codes: NDArray[Any]
    weights: NDArray[Any]

    def __len__(self) -> int:
        return len(self.codes)

    def subset(self, rows: Rows) -> Samples:
        """Give the samples of these rows alone."""
        return Samples(self.sequences.subset(rows), self.codes[rows], self.weights[rows])

    def targets(self, n_outputs: int) -> NDArray[np.bool_]:
        """Tell which classes or labels each sample has (n_samples, n_outputs)."""
        if self.codes.ndim == 2:
            return np.asarray(self.codes > 0)
        return np.asarray(self.codes[:, np.newaxis] == np.arange(n_outputs))


def chunks_of_rows(cells: Rows) -> list[Rows]:
    """Split rows of so many cells each into runs of about CELLS_PER_CHUNK."""
    total = np.cumsum(cells)
    return np.split(np.arange(len(cells)), np.flatnonzero(np.diff(total // CELLS_PER_CHUNK)) + 1)
