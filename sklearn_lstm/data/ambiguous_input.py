"""Warnings where X does not look like what it is read as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.reading import IdTable
from sklearn_lstm.data.sequences import (
    VALUES_PER_CHUNK,
    DenseSeries,
    FlatIds,
    Lengths,
    Sequences,
    SparseIds,
)
from sklearn_lstm.exceptions import InputTypeWarning, warn_user

FEWEST_ROWS = 20  # of a table: fewer columns are whole by chance
MOST_VALUES = 1 << 14  # of a table that are looked at
FEWEST_PAIRS, FEWEST_VALUES = 1_000, 50  # neighbours and different values of a signal
ADVICE = (
    "as ColumnTransformer returns them, give the classifier the ids alone, and the features to "
    "another model (StackingClassifier joins the two)."
)
CLOSE = 1 / 3  # distance of neighbours; at least 0.87 in texts, bases, tunes and system calls


def warn_of_doubts(sequences: Sequences) -> None:
    """Warn of ids that look like a signal, and of tables that look like ids beside features.

    Warns
    -----
    InputTypeWarning
    """
    if isinstance(sequences, DenseSeries):
        if sequences.is_table:
            _warn_of_ids(sequences.values[:, :, 0])
    elif isinstance(sequences, SparseIds | IdTable):
        _warn_of_features(*_filled_columns(sequences))
    if sequences.n_channels is None and not isinstance(sequences, FlatIds):
        every = -(-int(sequences.lengths.sum()) // VALUES_PER_CHUNK)
        ids, lengths = next(sequences.subset(np.arange(0, len(sequences), every)).chunks())
        if neighbour_distance(ids, lengths) < CLOSE:
            _warn(
                "X holds integers, which are read as token ids. But neighbouring integers are "
                "close to each other, as in a signal (audio, counts of a sensor). Pass "
                "input_type='numeric' if they are measurements, and 'tokens' if they are ids."
            )


def neighbour_distance(ids: NDArray[np.integer], lengths: NDArray[np.integer]) -> float:
    """Return the mean distance of unequal neighbours, relative to two steps drawn at random.

    It is infinite where there are too few values to tell.
    """
    values, counts = np.unique(ids, return_counts=True)
    steps = np.abs(np.diff(ids.astype(np.float64)))
    steps = np.delete(steps, np.cumsum(lengths)[:-1] - 1)  # from one sequence to the next
    steps = steps[steps > 0]
    if len(steps) < FEWEST_PAIRS or len(values) < FEWEST_VALUES:
        return np.inf
    # The mean distance of all pairs (Gini), by how many steps lie on both sides of each gap.
    below = np.cumsum(counts)[:-1] / len(ids)
    pair_distance = 2 * np.diff(values.astype(np.float64)) @ (below * (1 - below))
    is_unequal = 1 - np.square(counts / len(ids)).sum()
    return float(steps.mean() / (pair_distance / is_unequal))


def _warn_of_ids(table: NDArray[np.floating]) -> None:
    """Warn of columns of whole numbers beside columns of fractions."""
    n_rows = max(FEWEST_ROWS, MOST_VALUES // table.shape[1])
    rows = table[:: max(1, len(table) // n_rows)]  # the first ones may all be of one class
    is_whole = np.isnan(rows) | ((rows >= 0) & (rows == np.floor(rows)))
    ids = np.flatnonzero(is_whole.all(axis=0) & (rows > 1).any(axis=0))  # no indicators
    if is_whole.all():
        _warn_of_features(np.arange(rows.shape[1]), np.count_nonzero(rows > 0, axis=0), len(rows))
    elif len(rows) >= FEWEST_ROWS and len(ids):
        _warn(
            f"X is read as series in which each column is a step. But columns {ids[0]} to "
            f"{ids[-1]} hold whole numbers (0, 1, 2, ...), and others do not. If these are token "
            f"ids beside other features, {ADVICE} Pass input_type='numeric' if X holds series."
        )


def _warn_of_features(columns: NDArray[np.integer], counts: Lengths, n_rows: int) -> None:
    """Warn of columns beside padded ids, which fill fewer rows with each column.

    Parameters
    ----------
    columns, counts : ndarray of shape (n_columns,)
        Which columns of the first rows are filled, and in how many of these.
    n_rows : int
    """
    is_full = counts == n_rows
    if n_rows < FEWEST_ROWS or not is_full.any():
        return
    start = int(np.argmax(is_full))
    rises = np.append(np.diff(counts[start:]), 1) > 0
    stop = start + 1 + int(np.argmax(rises))
    n_falls = np.count_nonzero(np.diff(counts[start:stop]))
    beside = np.delete(np.arange(len(counts)), slice(start, stop))
    is_filled = counts[beside] >= max(n_rows / 2, 2 * counts[stop - 1])
    if is_filled.all() and 0 < len(beside) ** 2 < n_falls:  # many columns are another text
        _warn(
            f"Columns {columns[start]} to {columns[stop - 1]} of X are filled like those of padded "
            f"token ids, but the columns beside them ({len(beside)}, the first being column "
            f"{columns[beside[0]]}) are not. If these hold other features, {ADVICE} Else pass "
            "input_type='tokens' if all columns hold ids, and 'numeric' if X holds series."
        )


def _filled_columns(ids: SparseIds | IdTable) -> tuple[NDArray[np.integer], Lengths, int]:
    """Return columns of a table, in how many of its first rows they are filled, and of how many."""
    n_rows = min(len(ids), max(FEWEST_ROWS, MOST_VALUES // ids.n_features))
    if isinstance(ids, IdTable):
        counts = np.count_nonzero(ids.table[:n_rows], axis=0)
        return np.arange(len(counts)), counts, n_rows
    n_entries = int(ids.n_entries[:n_rows].sum())
    return *np.unique(ids.columns[:n_entries], return_counts=True), n_rows


def _warn(message: str) -> None:
    warn_user(message, InputTypeWarning)
