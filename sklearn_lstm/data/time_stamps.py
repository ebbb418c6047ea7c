"""Times of steps: which channel holds them, and dates and durations -> numbers."""

from datetime import UTC
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data import containers
from sklearn_lstm.data.containers import Array
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError


def find_time_channel(time_channel: int | str, names: tuple[str, ...], X: Array) -> int:
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
    if isinstance(time_channel, str) and time_channel in names:
        return names.index(time_channel)
    if isinstance(time_channel, str | bool | np.bool_):
        found = f"has the columns {[*names[:5]]}" if names else f"is a {type(X[0]).__name__}"
        raise InvalidSequencesError(
            f"time_channel={time_channel!r} is neither the number nor the name of a channel: X[0] "
            f"{found}. Pass a list of data frames, one for each series, or the number."
        )
    return int(time_channel)


def check_times_alike(has_dates: bool, expected: bool, name: str) -> None:  # noqa: FBT001
    """Raise an error for dates where numbers are expected, or the reverse: they differ in unit."""
    if has_dates != expected:
        found = "numbers", "dates or durations"
        raise InvalidSequencesError(
            f"The times of {name} are {found[has_dates]}, but those before, or at fit, are "
            f"{found[expected]}. Convert all to one kind."
        )


def read_dates(dates: NDArray[Any], index: int, time_channel: int | None) -> NDArray[np.float64]:
    """Return the nanoseconds since the first of dates or durations (T,).

    They are subtracted before they become floats: these can't hold the nanoseconds of a date.
    """
    if time_channel is None:
        found = next(filter(containers.is_date, dates), dates.dtype)
        raise InvalidSequencesTypeError(
            f"X[{index}] holds {found}, but dates, times and durations are no measurements. Pass "
            "the channel of the times as time_channel, and turn others into numbers."
        )
    if dates.dtype.kind == "O":
        known = [None if containers.is_missing_or_nan(value) else value for value in dates]
        if not all(value is None or containers.is_date(value) for value in known):
            raise TypeError("dates beside other values")
        are_durations = isinstance(next(filter(containers.is_date, dates)), containers.DURATIONS)
        dates = np.array([*map(_as_numpy, known)], "m8" if are_durations else "M8")
    if dates.dtype in ("M8[Y]", "M8[M]"):  # years and months are not equally long
        dates = dates.astype("M8[D]")
    gaps = dates - dates[:1]
    tick = np.ones((), gaps.dtype)
    return np.asarray(gaps / tick * (tick / np.timedelta64(1, "ns")))


def _as_numpy(value: Any) -> Any:
    """Return a date as NumPy reads it without loss, in universal time if it has a time zone."""
    if hasattr(value, "asm8"):  # of pandas, with nanoseconds
        return value.asm8
    if getattr(value, "tzinfo", None) is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
