"""Features of series, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Rows

ROWS_PER_BLOCK = 128


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

    counts: NDArray[np.unsignedinteger]
    lengths: Lengths
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, rows: slice | NDArray[np.number]) -> NDArray[np.float32]:
        proportions = self.counts[rows].astype(np.float32)
        proportions /= self.lengths[rows, np.newaxis]
        return np.hstack([proportions, self.values[rows]])


Batch: TypeAlias = tuple[Rows, Features]


def in_blocks(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Join batches to blocks of some hundred rows, which are multiplied faster."""
    joined: list[Batch] = []
    for batch in batches:
        joined.append(batch)
        if sum(len(rows) for rows, _ in joined) >= ROWS_PER_BLOCK:
            yield _join(joined)
            joined = []
    if joined:
        yield _join(joined)


def _join(batches: list[Batch]) -> Batch:
    rows, parts = zip(*batches, strict=True)
    columns = zip(*((part.counts, part.lengths, part.values) for part in parts), strict=True)
    return np.concatenate(rows), Features(*map(np.concatenate, columns))
