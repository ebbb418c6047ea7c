"""X in any container -> NumPy arrays, and what else it says: names, times, numbers beside.

In rows of several columns, the columns are in the order of the names, and dates are numbers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_lstm.data import containers
from sklearn_lstm.data.containers import LONG_TABLE, Array, Column
from sklearn_lstm.data.numbers import Numbers, sequences_and_numbers
from sklearn_lstm.data.time_stamps import check_times_alike, find_time_channel, read_dates
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError


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
    X: object, input_type: str, time_channel: int | str | None, names: tuple[str, ...] = ()
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
    steps = sequences if sparse.issparse(sequences) else containers.as_array(sequences, input_type)
    if steps.shape[0] == 0:
        raise InvalidSequencesError(
            f"Found array with 0 sample(s) (shape={steps.shape}) while 1 is required."
        )
    is_ragged = steps.ndim == 1 and steps.dtype.kind == "O"
    if is_ragged and not names:
        names = tuple(map(str, next(filter(None, map(containers.names_of, steps)), ())))
    has_dates: bool | None = False
    if time_channel is not None:
        time_channel = find_time_channel(time_channel, names, steps)
        if isinstance(steps, np.ndarray) and steps.dtype.kind == "f" and np.isnan(steps).all():
            has_dates = None
    if is_ragged:
        steps, has_dates = _read_rows(steps, input_type, time_channel, names)
    numbers = numbers or getattr(X, "numbers", None) or numbers
    return Arrays(steps, containers.column_names(X), names, time_channel, has_dates, numbers)


def _read_rows(
    rows: Array, input_type: str, time_channel: int | None, names: tuple[str, ...]
) -> tuple[list[Array], bool | None]:
    """Return an array for each row, and whether their times are dates."""
    arrays, has_dates = [], None
    for index, row in enumerate(rows):
        ordered = _in_order(row, names, index)
        array, are_dates = _row_as_array(ordered, index, input_type, time_channel)
        arrays.append(array)
        if time_channel is not None and array.size and not np.isnan(array).all():
            has_dates = are_dates if has_dates is None else has_dates
            check_times_alike(are_dates, has_dates, f"X[{index}]")
    return arrays, has_dates


def _in_order(row: Any, names: tuple[str, ...], index: int) -> Any:
    """Return a data frame with the columns of these names, in their order; another row as it is.

    Raises
    ------
    InvalidSequencesError
        If a column is missing, or there is one too many.
    """
    columns = tuple(map(str, containers.names_of(row)))
    if columns in ((), names):
        return row
    for name in (*names, *columns):
        if not columns.count(name) == names.count(name) == 1:
            found = "a column" if name in columns else "no column"
            raise InvalidSequencesError(
                f"X[{index}] has {found} {name!r}: its columns are {[*columns[:5]]}, but those of "
                f"the first series, or at fit, {[*names[:5]]}. Every series needs the same "
                "columns, each once, in any order."
            )
    order = [columns.index(name) for name in names]
    return row.iloc[:, order] if hasattr(row, "iloc") else row.select(names)


def _row_as_array(
    row: object, index: int, input_type: str, time_channel: int | None = None
) -> tuple[Array, bool]:
    """Return one ragged row as an array of numbers of one or two dimensions.

    Only the time channel may hold dates or durations; returned too is whether it does.
    """
    containers.check_value(row, f"X[{index}] is")
    if containers.is_missing_or_nan(row):
        containers.refuse_row(index, "is missing")
    try:
        array, has_dates = _numbers_of_row(row, index, input_type, time_channel)
    except (InvalidSequencesError, InvalidSequencesTypeError):
        raise
    except (TypeError, ValueError) as error:
        found = "is not a sequence of steps of one width"
        if isinstance(row, tuple):
            found = "is a tuple. If it is (steps, label), take them apart: X, y = zip(*X)"
            if hasattr(row[-1], "columns"):
                found = f"is a name with its steps. {LONG_TABLE[:-1]}"
        containers.refuse_row(index, found, error)
    containers.check_type(array, f"X[{index}]")
    may_lack_ids = input_type != "measurements" and not isinstance(row, containers.PLAIN)
    if may_lack_ids and containers.is_integer(containers.type_of(row)):
        containers.check_known(array, index)
    if array.ndim not in (1, 2):
        containers.refuse_row(index, f"has {array.ndim} dimensions")
    return array, has_dates


def _numbers_of_row(
    row: object, index: int, input_type: str, time_channel: int | None
) -> tuple[Array, bool]:
    columns = containers.columns_of(row)
    if columns and not containers.type_names(columns, f"X[{index}]") <= containers.FLOATS:
        return _stacked(columns, index, time_channel, containers.names_of(row))
    array = containers.to_numpy(np.asarray(row) if columns else row, f"X[{index}]")
    steps = row if isinstance(row, list | tuple) and array.ndim > 1 else ()
    are_steps = array.dtype.kind == "O" and array.ndim == 1 and any(map(containers.is_row, array))
    if are_steps or any(isinstance(step, np.ma.MaskedArray) for step in steps):  # uncovered now
        array = np.stack([containers.to_numpy(step, f"X[{index}]") for step in steps or array])
    if array.ndim == 2 and array.dtype.kind in "OmM":
        return _stacked([*array.T], index, time_channel)
    if containers.holds_dates(array):
        return read_dates(array, index, time_channel), True
    if array.dtype.kind == "O":
        array = containers.numbers_of_objects(array[np.newaxis], input_type, index)[0]
    return array, False


def _stacked(
    columns: list[Column], index: int, time_channel: int | None, names: tuple[Any, ...] = ()
) -> tuple[Array, bool]:
    """Return the columns of a row, each of a type of its own, as one array."""
    time = None if time_channel is None else time_channel % len(columns)
    names = names or tuple(range(len(columns)))
    read = []
    for channel, column in enumerate(columns):
        own_time = 0 if channel == time else None
        try:
            read.append(_row_as_array(column, index, "measurements", own_time))
        except InvalidSequencesTypeError as error:
            containers.refuse_columns_of_strings(names, columns, f"X[{index}]")
            error.args = (f"{error} This is column {names[channel]!r}, which can be left out.",)
            raise
    arrays, have_dates = zip(*read, strict=True)
    if any(array.ndim > 1 for array in arrays):
        containers.refuse_row(index, "holds sequences in place of numbers")
    return np.column_stack(arrays), any(have_dates)
