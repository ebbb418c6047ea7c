"""Warnings where X does not look like what it is read as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import FEWEST_WORDS
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, DenseSeries, FlatIds, Sequences
from sklearn_lstm.exceptions import InputTypeWarning, warn_user

FEWEST_ROWS = 20  # of a table: fewer are whole by chance
FEWEST_PAIRS = 1_000  # neighbours that tell whether ids are a signal
CLOSE = 1 / 3  # distance of neighbours; at least 0.87 in texts, bases, tunes and system calls


def warn_of_doubts(sequences: Sequences) -> None:
    """Warn of ids that look like a signal, and of series that look like ids beside features.

    Warns
    -----
    InputTypeWarning
    """
    if isinstance(sequences, DenseSeries) and sequences.is_table:
        _warn_of_ids(sequences.values[:, :, 0])
    elif sequences.n_channels is None and not isinstance(sequences, FlatIds):
        every = -(-int(sequences.lengths.sum()) // VALUES_PER_CHUNK)
        ids, lengths = next(sequences.subset(np.arange(0, len(sequences), every)).chunks())
        if _neighbour_distance(ids.astype(np.float64), lengths) < CLOSE:
            warn_user(
                "X holds integers, which are read as token ids. But neighbouring integers are "
                "close to each other, as in a signal (audio, counts of a sensor). Pass "
                "input_type='numeric' if they are measurements, and 'tokens' if they are ids.",
                InputTypeWarning,
            )


def _neighbour_distance(ids: NDArray[np.float64], lengths: NDArray[np.integer]) -> float:
    """Return the mean distance of unequal neighbours, relative to two steps drawn at random.

    It is infinite where there are too few values to tell.
    """
    near, far = np.abs(np.diff(ids)), np.abs(ids - np.random.default_rng(0).permutation(ids))
    near = np.delete(near, np.cumsum(lengths)[:-1] - 1)  # from one sequence to the next
    if np.count_nonzero(near) < FEWEST_PAIRS or len(np.unique(ids)) < FEWEST_WORDS:
        return np.inf
    return float(near[near > 0].mean() / far[far > 0].mean())


def _warn_of_ids(table: NDArray[np.floating]) -> None:
    """Warn of whole numbers beside fractions, and of rows of whole numbers that end in zeros."""
    rows = table[:: -(-table.size // VALUES_PER_CHUNK)]  # the first may all be of one class
    is_whole = (np.isnan(rows) | ((rows >= 0) & (rows == np.floor(rows)))).all(axis=0)
    ids, fewest = np.flatnonzero(is_whole & (rows > 1).any(axis=0)), 0  # no indicators
    found = "and others do not"
    if is_whole.all():  # a text that has ended goes on with zeros, which counts do not
        before, after = rows[:, :-1] == 0, rows[:, 1:] == 0
        has_zeros = before.any(axis=0)
        ids = np.flatnonzero(has_zeros & (before <= after).all(axis=0))
        found, fewest = "with zeros behind zeros", int(has_zeros.sum()) // 2
    if len(rows) >= FEWEST_ROWS and len(ids) > fewest:
        warn_user(
            f"X is read as series in which each column is a step. But columns {ids[0]} to "
            f"{ids[-1]} hold whole numbers (0, 1, 2, ...), {found}. If these are token "
            "ids beside other features, as ColumnTransformer returns them, give the classifier "
            "the ids alone, and the features to another model (StackingClassifier joins the two). "
            "Pass input_type='numeric' if X holds series.",
            InputTypeWarning,
        )
