"""Which channel holds the time of each step, and whether times are in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import InvalidSequencesError


def find_time_channel(X: Any, sequences: Sequences, time_channel: int | str) -> int:
    """Return the number of the channel that holds the time of each step.

    Parameters
    ----------
    X : object
        What `sequences` were read from.
    sequences : Sequences
    time_channel : int or str
        A name is that of a column of data frames, of which each is a series.

    Raises
    ------
    InvalidSequencesError
        If there is no such channel, or it does not hold times in ascending order.
    """
    n_channels = sequences.n_channels
    if n_channels is None:
        raise InvalidSequencesError(
            f"time_channel={time_channel!r} is for measurements, but X holds token ids. Leave it "
            "None."
        )
    if isinstance(time_channel, str):
        time_channel = _position_of(time_channel, X)
    if not -n_channels <= time_channel < n_channels:
        raise InvalidSequencesError(
            f"time_channel={time_channel}, but X has {n_channels} channels, counted from 0."
        )
    time_channel = int(time_channel) % n_channels
    _check_times(sequences, time_channel)
    return time_channel


def _position_of(name: str, X: Any) -> int:
    """Return where the column of a name stands in a list of data frames."""
    position = None
    for index, row in enumerate(X):
        names = [*map(str, getattr(row, "column_names", getattr(row, "columns", ())))]
        if name not in names:
            found = f"has the columns {names[:5]}" if names else f"is a {type(row).__name__}"
            raise InvalidSequencesError(
                f"time_channel={name!r} is the name of a column, but X[{index}] {found}. Pass a "
                "list of data frames, one for each series, or the number of the channel."
            )
        if position not in (None, names.index(name)):
            raise InvalidSequencesError(
                f"time_channel={name!r} is column {names.index(name)} of X[{index}], but column "
                f"{position} of the series before it: each series needs the same columns."
            )
        position = names.index(name)
    assert position is not None  # noqa: S101 - X has at least one row
    return position


def _check_times(sequences: Sequences, time_channel: int) -> None:
    """Raise an error for a time that is missing, or earlier than that of the step before."""
    first_row = 0
    for steps, lengths in sequences.chunks():
        times = steps[:, time_channel].astype(np.float64)
        starts = np.cumsum(lengths) - lengths
        is_known = np.repeat(lengths > 1, lengths) | ~np.isnan(steps).all(axis=1)
        is_missing = np.isnan(times) & is_known  # of a series without a value no time is known
        is_wrong = is_missing.copy()
        is_wrong[1:] |= times[1:] < times[:-1]
        is_wrong[starts] = is_missing[starts]
        if is_wrong.any():
            at = int(np.argmax(is_wrong))
            row = int(np.searchsorted(starts, at, side="right")) - 1
            if np.isnan(times[at]):
                found, remedy = "is missing", "Fill it, or drop the step"
            else:
                found = f"runs back from {times[at - 1]} to {times[at]}"
                remedy = "Sort the steps by time"
            raise InvalidSequencesError(
                f"The time of X[{first_row + row}], step {at - starts[row]}, channel "
                f"{time_channel}, {found}. {remedy}."
            )
        first_row += len(lengths)
