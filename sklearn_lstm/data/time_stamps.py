"""Which channel holds the time of each step, and whether the times are in order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import InvalidSequencesError


def find_time_channel(time_channel: int | str, names: tuple[str, ...], X: NDArray[Any]) -> int:
    """Return the number of the channel that holds the time of each step.

    Parameters
    ----------
    time_channel : int or str
        A name is that of a column of data frames, of which each is a series.
    names : tuple of str
        The names of the channels, if they have any.
    X : ndarray of n_samples series

    Raises
    ------
    InvalidSequencesError
        If it is no number, or no channel has this name.
    """
    if isinstance(time_channel, bool | np.bool_):
        raise InvalidSequencesError(
            f"time_channel={time_channel} is neither the number nor the name of a channel. Pass "
            "one of them, or None."
        )
    if not isinstance(time_channel, str):
        return int(time_channel)
    if time_channel not in names:
        found = f"has the columns {[*names[:5]]}" if names else f"is a {type(X[0]).__name__}"
        raise InvalidSequencesError(
            f"time_channel={time_channel!r} is the name of a column, but X[0] {found}. Pass a "
            "list of data frames, one for each series, or the number of the channel."
        )
    return names.index(time_channel)


def check_times(sequences: Sequences, time_channel: int) -> None:
    """Tell sequences which channel, counted from 0, holds the time of each step.

    Raises
    ------
    InvalidSequencesError
        If there is no such channel, or a time is missing, or earlier than that of the step before.
    """
    n_channels = sequences.n_channels
    if n_channels is None:
        raise InvalidSequencesError(
            f"time_channel={time_channel!r} is for measurements, but X holds token ids. Leave it "
            "None."
        )
    if not -n_channels <= time_channel < n_channels:
        raise InvalidSequencesError(
            f"time_channel={time_channel}, but X has {n_channels} channels, counted from 0."
        )
    sequences.time_channel = time_channel % n_channels
    first_row = 0
    for steps, lengths in sequences.chunks():
        times = steps[:, sequences.time_channel].astype(np.float64)
        starts = np.cumsum(lengths) - lengths
        is_known = np.repeat(lengths > 1, lengths) | ~np.isnan(steps).all(axis=1)
        is_wrong = np.diff(times, prepend=times[:1]) < 0
        is_wrong[starts] = False
        is_wrong |= np.isnan(times) & is_known  # of a series without a value no time is known
        if is_wrong.any():
            at = int(np.argmax(is_wrong))
            row = int(np.searchsorted(starts, at, side="right")) - 1
            found, remedy = "is missing", "Fill it, or drop the step"
            if not np.isnan(times[at]):
                found = f"runs back from {times[at - 1]} to {times[at]}"
                remedy = "Sort the steps by time"
            raise InvalidSequencesError(
                f"The time of X[{first_row + row}], step {at - starts[row]}, channel "
                f"{sequences.time_channel}, {found}. {remedy}."
            )
        first_row += len(lengths)


def check_kind_of_times(has_dates: bool, expected: bool, name: str) -> None:  # noqa: FBT001
    """Raise an error for dates where numbers are expected, or the reverse: they differ in unit."""
    if has_dates != expected:
        kinds = "numbers", "dates or durations"
        raise InvalidSequencesError(
            f"The times of {name} are {kinds[has_dates]}, but those before, or at fit, are "
            f"{kinds[expected]}. Convert all to one kind."
        )
