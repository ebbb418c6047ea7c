"""X in any container -> NumPy arrays, and what else it says: names, times, numbers beside."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_lstm.data.containers import as_array
from sklearn_lstm.data.numbers import Numbers, sequences_and_numbers
from sklearn_lstm.data.rows import channel_names, column_names, in_order, row_as_array
from sklearn_lstm.data.time_stamps import check_kind_of_times, find_time_channel
from sklearn_lstm.exceptions import InvalidSequencesError


@dataclass(frozen=True, eq=False)
class Arrays:
    """X without its containers.

    Parameters
    ----------
    steps : sparse matrix, ndarray, or list of ndarray
        A matrix of ids; a table (n_samples, n_timesteps); series (n_samples, n_timesteps,
        n_channels); or an array for each sequence.
    column_names : tuple of str
        Of X, if it is a data frame.
    channel_names : tuple of str
        Of the channels, if each series is a data frame.
    time_channel : int or None
        The channel that holds the time of each step.
    has_dates : bool or None
        The times are dates or durations. None: no time is known.
    numbers : Numbers
        The columns beside the sequences.
    """

    steps: Any
    column_names: tuple[str, ...]
    channel_names: tuple[str, ...]
    time_channel: int | None
    has_dates: bool | None
    numbers: Numbers


def read_arrays(
    X: Any, input_type: str, time_channel: int | str | None, names: tuple[str, ...] = ()
) -> Arrays:
    """Return X as arrays of numbers.

    Parameters
    ----------
    X : object
    input_type : str
        As in `read_sequences`.
    time_channel : int, str or None
        A name is that of a column of data frames, of which each is a series.
    names : tuple of str, default=()
        The columns of each data frame in X, in the order of the channels. Without any they are
        those of the first data frame.

    Raises
    ------
    InvalidSequencesError, InvalidSequencesTypeError
        If X holds no sequence, or something else than numbers; the message names the row.
    """
    sequences, numbers = sequences_and_numbers(X)
    steps = sequences if sparse.issparse(sequences) else as_array(sequences, input_type)
    if steps.shape[0] == 0:
        raise InvalidSequencesError(
            f"Found array with 0 sample(s) (shape={steps.shape}) while 1 is required."
        )
    is_ragged = steps.ndim == 1 and steps.dtype.kind == "O"
    names = names or (channel_names(steps) if is_ragged else ())
    has_dates: bool | None = False
    if time_channel is not None:
        time_channel = find_time_channel(time_channel, names, steps)
        if isinstance(steps, np.ndarray) and steps.dtype.kind == "f" and np.isnan(steps).all():
            has_dates = None
    if is_ragged:
        steps, has_dates = _read_rows(steps, input_type, time_channel, names)
    numbers = numbers or getattr(X, "numbers", None) or numbers
    return Arrays(steps, column_names(X), names, time_channel, has_dates, numbers)


def _read_rows(
    rows: NDArray[Any], input_type: str, time_channel: int | None, names: tuple[str, ...]
) -> tuple[list[NDArray[Any]], bool | None]:
    """Return an array for each row, and whether their times are dates."""
    arrays, has_dates = [], None
    for index, row in enumerate(rows):
        ordered = in_order(row, names, index)
        array, are_dates = row_as_array(ordered, index, input_type, time_channel)
        arrays.append(array)
        if time_channel is not None and array.size and not np.isnan(array).all():
            has_dates = are_dates if has_dates is None else has_dates
            check_kind_of_times(are_dates, has_dates, f"X[{index}]")
    return arrays, has_dates
