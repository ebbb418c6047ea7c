"""Sequences of unequal length, read a few rows at a time, and what is known about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.spelling import Spelling

Rows: TypeAlias = NDArray[np.intp]  # indices of samples
Lengths: TypeAlias = NDArray[np.intp]  # steps of each sequence
Read: TypeAlias = Callable[[Rows], NDArray[Any]]  # rows -> their steps, laid end to end

PADDING_ID = 0  # in a table of ids: no step
NO_ID = -1  # in place of an id: a step whose token is unknown
ROWS_AT_ONCE = 1 << 8  # sequences that are predicted together
VALUES_PER_CHUNK = 1 << 17  # read at once, so that memory stays constant


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
    spelling : Spelling or None
        The words that ids stand for, if they are known.
    """

    def __init__(
        self,
        lengths: Lengths,
        n_channels: int | None,
        read: Read,
        *,
        n_features: int,
        is_table: bool = False,
        spelling: Spelling | None = None,
    ) -> None:
        self.lengths = lengths
        self.n_channels = n_channels
        self.read = read
        self.n_features = n_features
        self.is_table = is_table
        self.spelling = spelling

    def __len__(self) -> int:
        return len(self.lengths)

    def subset(self, rows: Rows) -> Sequences:
        """Return the sequences of these rows."""
        return self.derived(self.lengths[rows], lambda read, some: read(rows[some]))

    def derived(
        self, lengths: Lengths, read_from: Callable[[Read, Rows], NDArray[Any]]
    ) -> Sequences:
        """Return sequences of other lengths, made from these.

        Parameters
        ----------
        lengths : ndarray
        read_from : callable
            From the function that reads rows of these, and rows of the new ones, to their steps.
        """
        spelling = self.spelling
        if spelling is not None:
            spelling = replace(spelling, read=partial(read_from, spelling.read))
        return Sequences(
            lengths,
            self.n_channels,
            partial(read_from, self.read),
            n_features=self.n_features,
            is_table=self.is_table,
            spelling=spelling,
        )

    def chunks(self) -> Iterator[tuple[NDArray[Any], Lengths]]:
        """Yield all steps in order, about VALUES_PER_CHUNK values at a time, and their lengths."""
        for rows in chunks_of_rows(self.lengths * (self.n_channels or 1)):
            yield self.read(rows), self.lengths[rows]

    def distinct_ids(self) -> NDArray[Any]:
        """Return each id once, in ascending order."""
        return np.unique(np.concatenate([np.unique(ids) for ids, _ in self.chunks()]))


@dataclass(frozen=True)
class Samples:
    """Sequences, the target of each, and how much it counts.

    Parameters
    ----------
    sequences : Sequences
    targets : ndarray of shape (n_samples,) of int64, or (n_samples, n_labels) of float32
        Indices of classes, or multilabel indicators.
    weights : ndarray of shape (n_samples,) of float64
    groups : ndarray of shape (n_samples,) of int, or None
        The number of the group of each: no group is split where samples are held out.
    """

    sequences: Sequences
    targets: NDArray[Any]
    weights: NDArray[np.float64]
    groups: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def subset(self, rows: Rows) -> Samples:
        """Return the samples of these rows."""
        groups = None if self.groups is None else self.groups[rows]
        return Samples(self.sequences.subset(rows), self.targets[rows], self.weights[rows], groups)

    def indicators(self, n_outputs: int) -> NDArray[np.bool_]:
        """Return which classes or labels each sample has, (n_samples, n_outputs)."""
        return indicators(self.targets, n_outputs)


def indicators(targets: NDArray[Any], n_outputs: int) -> NDArray[np.bool_]:
    """Return which classes or labels each sample has, (n_samples, n_outputs)."""
    if targets.ndim == 2:
        return np.asarray(targets > 0)
    return np.asarray(targets[:, np.newaxis] == np.arange(n_outputs))


def chunks_of_rows(sizes: NDArray[np.intp]) -> list[Rows]:
    """Split rows of these sizes into runs of about VALUES_PER_CHUNK values."""
    total = np.cumsum(sizes)
    return np.split(np.arange(len(sizes)), np.flatnonzero(np.diff(total // VALUES_PER_CHUNK)) + 1)


def rows_of_similar_length(
    lengths: Lengths, most_steps: int, most_rows: int = ROWS_AT_ONCE
) -> Iterator[Rows]:
    """Cut rows, in the order of their length, into parts of at most so many padded steps.

    A longer sequence is a part of its own.
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        ascending = lengths[order[start : start + most_rows]]
        padded_steps = np.arange(1, len(ascending) + 1) * ascending
        size = max(1, int(np.searchsorted(padded_steps, most_steps, side="right")))
        yield order[start : start + size]
        start += size
