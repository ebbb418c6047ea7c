"""X in any container -> NumPy arrays, and what else it says: names, numbers beside the sequences.

In rows of several columns, the columns are in the order of the names.
"""

import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_lstm.data import containers
from sklearn_lstm.data.containers import Array, Column
from sklearn_lstm.data.numbers import NO_NUMBERS, Numbers, split
from sklearn_lstm.exceptions import InvalidSequencesError

NAMES_ADVICE = (
    "Leave out names, or pass named events, [[*rows['event']] for rows in X], to a "
    "TextSequenceVectorizer(analyzer=list). Strings become numbers by pd.to_numeric, lists by "
    f"frame['series'].map(json.loads). {containers.TIMES_ADVICE}"
)


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
    time_channel : int, str or None
        The channel that holds the time of each step; a name that none has stays as it is.
    numbers : Numbers
        The columns beside the sequences.
    """

    steps: Any
    column_names: tuple[str, ...]
    channel_names: tuple[str, ...]
    time_channel: int | str | None
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
    steps, numbers = X, getattr(X, "numbers", None) or NO_NUMBERS
    found = containers.read_frame(X)
    if isinstance(found, dict):
        contents = [column.content for column in found.values()]
        if contents.count("sequences") == 1:
            steps, numbers = split(found, "sequences")
        else:
            steps = _table_of(found, "X")
    if not sparse.issparse(steps):
        steps = containers.as_array(steps, input_type)
    if steps.shape[0] == 0:
        raise InvalidSequencesError(f"X is empty: found 0 sample(s), shape {steps.shape}.")
    is_ragged = steps.ndim == 1 and steps.dtype.kind == "O"
    if is_ragged and not names:
        names = tuple(map(str, next(filter(None, map(containers.names_of, steps)), ())))
    if isinstance(time_channel, str) and time_channel in names:
        time_channel = names.index(time_channel)
    if is_ragged:
        steps = [_read_row(row, index, input_type, names) for index, row in enumerate(steps)]
    return Arrays(steps, containers.column_names(X), names, time_channel, numbers)


def _read_row(row: Any, index: int, input_type: str, names: tuple[str, ...]) -> Array:
    """Return one ragged row as an array of numbers, (T,) or (T, n_channels)."""
    place = f"X[{index}]"
    containers.check_value(row, f"{place} is")
    if containers.is_missing_or_nan(row):
        containers.refuse_row(index, "is missing")
    found = containers.read_frame(row)
    if isinstance(found, dict):
        array = _table_of(_in_order(found, names, index), place)
    else:
        array = containers.to_numpy(found.values if found else row, place)
    if array.ndim == 1 and array.dtype.kind == "O" and any(map(containers.is_row, array)):
        try:
            array = np.stack([containers.to_numpy(step, place) for step in array])
        except ValueError as error:
            containers.refuse_row(index, "is not a sequence of steps of one width", error)
    containers.check_type(array, place)
    if array.dtype.kind == "O":
        array = containers.numbers_of_objects(array[np.newaxis], input_type, index)[0]
    if array.ndim not in (1, 2):
        containers.refuse_row(index, f"has {array.ndim} dimensions")
    return array


def _in_order(columns: dict[str, Column], names: tuple[str, ...], index: int) -> dict[str, Column]:
    """Return the columns of a data frame by these names, in their order."""
    if {*names} != {*columns}:
        raise InvalidSequencesError(
            f"X[{index}] {containers.difference(tuple(columns), names)}: every series needs the "
            f"columns of the first one, or of fit, {reprlib.repr([*names])}, in any order."
        )
    return {name: columns[name] for name in names}


def _table_of(columns: dict[str, Column], place: str) -> Array:
    """Return the columns of a data frame as a table; what is no number is an error."""
    wrong = [name for name, column in columns.items() if not column.is_beside]
    if wrong:
        value, advice = columns[wrong[0]].known[0], ""
        n_words = sum(map(str.isalpha, value.split())) if isinstance(value, str) else 0
        if len(wrong) < len(columns) and not (containers.is_row(value) or n_words > 1):
            advice = NAMES_ADVICE if place != "X" else f"{NAMES_ADVICE} {containers.LONG_TABLE}"
        containers.refuse_value(value, f"{place}, in columns {wrong[:5]}, holds", advice)
    return containers.stacked([column.values for column in columns.values()])
