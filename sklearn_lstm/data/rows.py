"""One sequence of X in any container -> an array of numbers: columns in order, dates as numbers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data import containers
from sklearn_lstm.data.time_stamps import read_dates, with_exact_times
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError


def channel_names(rows: Iterable[Any]) -> tuple[str, ...]:
    """Return the names of the columns of the first data frame among rows, if there is one."""
    return tuple(map(str, next(filter(None, map(_names_of, rows)), ())))


def column_names(X: Any) -> tuple[str, ...]:
    """Return the names of the columns of a data frame, as scikit-learn does: strings, or none."""
    names = _names_of(X)
    return names if {*map(type, names)} <= {str} else ()


def _names_of(frame: Any) -> tuple[Any, ...]:
    names = getattr(frame, "column_names", None)  # of pyarrow, whose `columns` are arrays
    return tuple(getattr(frame, "columns", ()) if names is None else names)


def in_order(row: Any, names: tuple[str, ...], index: int) -> Any:
    """Return a data frame with the columns of these names, in their order; another row as it is.

    Raises
    ------
    InvalidSequencesError
        If a column is missing, or there is one too many.
    """
    columns = tuple(map(str, _names_of(row)))
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


def row_as_array(
    row: Any, index: int, input_type: str, time_channel: int | None = None
) -> tuple[NDArray[Any], bool]:
    """Return one ragged row as an array of numbers of one or two dimensions.

    Only the time channel may hold dates or durations; returned too is whether it does.
    """
    containers.check_value(row, f"X[{index}] is")
    if not containers.is_row(row) and containers.is_missing_or_nan(row):
        containers.refuse_row(index, "is missing")
    try:
        array, has_dates = _numbers_of_row(row, index, input_type, time_channel)
    except (InvalidSequencesError, InvalidSequencesTypeError):
        raise
    except (TypeError, ValueError) as error:
        containers.refuse_row(index, "is not a sequence of steps of one width", error)
    containers.check_kind(array, f"X[{index}]")
    may_lack_ids = input_type != "measurements" and not isinstance(row, containers.PLAIN)
    if may_lack_ids and containers.is_integer(containers.type_of(row)):
        containers.check_known(array, index)
    if array.ndim not in (1, 2):
        containers.refuse_row(index, f"has {array.ndim} dimensions")
    steps = array if array.ndim == 2 else array[:, np.newaxis]
    if time_channel is None or not -steps.shape[1] <= time_channel < steps.shape[1]:
        return array, has_dates
    steps = with_exact_times(steps, np.array([len(steps)]), time_channel)
    return steps.reshape(array.shape), has_dates


def _numbers_of_row(
    row: Any, index: int, input_type: str, time_channel: int | None
) -> tuple[NDArray[Any], bool]:
    columns = containers.columns_of(row)
    if columns and not containers.type_names(columns, f"X[{index}]") <= containers.FLOATS:
        return _stacked(columns, index, time_channel, _names_of(row))
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
    columns: list[Any], index: int, time_channel: int | None, names: tuple[str, ...] = ()
) -> tuple[NDArray[Any], bool]:
    """Return the columns of a row, each of a type of its own, as one array."""
    time = None if time_channel is None else time_channel % len(columns)
    read = []
    for channel, column in enumerate(columns):
        try:
            read.append(row_as_array(column, index, "measurements", 0 if channel == time else None))
        except InvalidSequencesTypeError as error:
            name = f"column {names[channel]!r}" if names else f"channel {channel}"
            error.add_note(f"This is {name}: leave it out, or turn it into numbers.")
            raise
    arrays, have_dates = zip(*read, strict=True)
    if any(array.ndim > 1 for array in arrays):
        containers.refuse_row(index, "holds sequences in place of numbers")
    return np.column_stack(arrays), any(have_dates)
