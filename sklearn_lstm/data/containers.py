"""X in a container of any library -> a NumPy array, without losing what is an integer."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from numbers import Integral
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.spelling import LARGEST_ID
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError

DURATIONS = (timedelta, np.timedelta64)
LARGEST_INTEGER = np.iinfo(np.int64).max
PIPELINE_ADVICE = (
    "Turn texts into token ids first:\n"
    "    make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())\n"
    "(if the texts are split into tokens already: TextSequenceVectorizer(analyzer=list))"
)


def as_array(X: Any, input_type: str) -> NDArray[Any]:
    """Return X as an array: of one dimension and dtype object if its rows are ragged.

    Parameters
    ----------
    X : object
    input_type : {"auto", "tokens", "numeric"}
        "numeric" makes floats of integers that no integer type can hold.

    Raises
    ------
    InvalidSequencesError, InvalidSequencesTypeError
        For strings, missing integers, and arrays that are no set of sequences.
    """
    table = _integer_table(X, input_type)
    if table is not None:
        return table
    if isinstance(X, list | tuple) and any(map(is_row, X)) and not _is_table(X):
        return np.fromiter(X, np.object_, len(X))
    if columns_of(X) and holds_dates(X):
        raise InvalidSequencesTypeError(
            "X is one data frame with dates, times or durations, but each series has to be a data "
            "frame of its own. Pass a list of them, such as [steps.drop(columns='id') for _, steps "
            "in frame.groupby('id')]."
        )
    array = to_numpy(X, "X")
    check_kind(array, "X")
    if array.ndim > 1 and holds_dates(array):
        return np.fromiter(array, np.object_, len(array))
    if array.ndim == 0 or (array.ndim == 1 and array.dtype.kind != "O" and array.size):
        raise InvalidSequencesError(
            f"Expected a set of sequences, got a {array.ndim}-D array. Reshape your data: "
            "X.reshape(1, -1) if it is one sequence, X.reshape(-1, 1) if each entry is a sequence."
        )
    if input_type != "numeric":
        _check_lists_of_integers(X, array)
    if array.dtype.kind != "O" or array.ndim == 1:
        return array
    if array.size == len(array) > 0 and is_row(array.flat[0]):
        return array.ravel()  # a data frame whose one column holds lists
    return numbers_of_objects(array, input_type)


def check_kind(array: NDArray[Any], name: str) -> None:
    """Raise an error for an array that can hold no real numbers."""
    if array.dtype.kind in "SUT":
        raise InvalidSequencesTypeError(f"{name} holds strings, not numbers. {PIPELINE_ADVICE}.")
    if array.dtype.kind == "c":
        raise InvalidSequencesError(
            f"{name} is complex (Complex data not supported), but it has to hold real numbers."
        )
    if array.dtype.kind == "V" or (array.dtype.kind in "mM" and array.ndim < 2):
        raise InvalidSequencesTypeError(f"{name} has to hold numbers, found dtype {array.dtype}.")


def describe_wrong_id(row: int, value: Any) -> str:
    """Return what is wrong with a number that is no token id."""
    return (
        f"X[{row}] holds {value}, but token ids are integers from 0 (padding) to {LARGEST_ID}. "
        "Pass input_type='numeric' if X holds measurements."
    )


def refuse_row(index: int, found: str, cause: Exception | None = None) -> NoReturn:
    """Raise the error for a row that is no sequence."""
    expected = "Each row has to be a sequence of shape (T,) or (T, n_channels)."
    raise InvalidSequencesError(f"X[{index}] {found}. {expected}") from cause


def is_row(value: Any) -> bool:
    """Return whether a value can be a sequence."""
    return hasattr(value, "__len__") and not isinstance(value, str | bytes | dict)


def _is_table(X: list[Any] | tuple[Any, ...]) -> bool:
    """Return whether X is a list of equally long lists: the table that NumPy makes of it."""
    are_equal = all(isinstance(row, list | tuple) and len(row) == len(X[0]) for row in X)
    return are_equal and len(X[0]) > 0 and not is_row(X[0][0])


def to_numpy(values: Any, name: str) -> NDArray[Any]:
    """Return X, or a row of it, as an array in which no integer has become a float."""
    if isinstance(values, AbstractSet):
        raise InvalidSequencesError(
            f"{name} is a {type(values).__name__}, which has no order of its own. Pass a list, in "
            "the order that the classifier shall read."
        )
    try:
        if np.ma.is_masked(values) and values.dtype.kind in "iu":  # NumPy would uncover them
            values = np.where(values.mask, None, values.data)  # still integers, if they are ids
        elif np.ma.is_masked(values):
            values = values.astype(np.float64).filled(np.nan)
        array = np.asarray(values)
    except (RuntimeError, TypeError) as error:
        raise InvalidSequencesTypeError(
            f"{name} can't be turned into a NumPy array: {error} For a tensor of measurements pass "
            "tensor.detach().float().cpu()."
        ) from error
    may_be_rounded = array.dtype.kind == "f" and not hasattr(values, "dtype")
    if may_be_rounded and (array >= LARGEST_INTEGER).any():
        return np.asarray(values, object)
    return array


def numbers_of_objects(array: NDArray[Any], input_type: str, first_row: int = 0) -> NDArray[Any]:
    """Return rows of Python numbers as integers if all are, else as floats; None becomes NaN.

    Of integers in two dimensions, which are token ids, none may be missing.
    """
    for (row, *_), value in np.ndenumerate(array):
        if isinstance(value, str | bytes):
            raise InvalidSequencesTypeError(
                f"X[{first_row + row}] holds strings, not numbers. {PIPELINE_ADVICE}."
            )
        if is_row(value):
            raise InvalidSequencesError(
                f"X[{first_row + row}] holds a sequence in one of {array.shape[1]} columns: pass "
                "the one column that holds the sequences."
            )
    missing = np.array([*map(is_missing, array.flat)], bool).reshape(array.shape)
    are_integers = all(map(_is_id, array[~missing]))
    if missing.any():
        if are_integers and array.ndim == 2 and input_type != "numeric":
            _refuse_missing(first_row + int(np.argwhere(missing)[0, 0]))
        return np.where(missing, np.nan, array).astype(np.float64)
    if are_integers and input_type != "numeric":
        for (row, *_), value in np.ndenumerate(array):
            if value > LARGEST_INTEGER:
                raise InvalidSequencesError(describe_wrong_id(first_row + row, value))
    try:
        return array.astype(np.int64 if are_integers else np.float64)
    except OverflowError:
        return array.astype(np.float64)


def as_list(values: Any) -> list[Any]:
    """Return plain values: those of tensors and pyarrow are objects of which no two are equal."""
    for name in ("tolist", "to_pylist", "to_list"):
        if hasattr(values, name):
            return list(getattr(values, name)())
    return list(np.asarray(values) if hasattr(values, "__array__") else values)


def _is_id(value: Any) -> bool:
    """Return whether a value is an integer; a boolean is a measurement."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, or pandas' mark of a missing value."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def is_missing_or_nan(value: Any) -> bool:
    """Return whether a value is missing, or is no number."""
    return is_missing(value) or bool(value != value)  # noqa: PLR0124


def _refuse_missing(row: int) -> NoReturn:
    raise InvalidSequencesError(
        f"X[{row}] holds a missing value, but token ids have none. Drop it; in a table of ids, 0 "
        "is padding."
    )


def type_of(column: Any) -> Any:
    """Return the type of what a column of pandas, polars or pyarrow holds."""
    dtype = getattr(column, "dtype", getattr(column, "type", None))
    return getattr(dtype, "pyarrow_dtype", dtype)


def is_integer(dtype: Any) -> bool:
    """Return whether a type of NumPy, pandas, polars or pyarrow is one of integers."""
    is_named = re.match(r"(?i)u?int\d", str(dtype)) is not None
    return is_named or getattr(dtype, "kind", None) in {"i", "u"}  # sparse, or of other byte order


def is_date(value: Any) -> bool:
    """Return whether a value is a date, a time of day, both, or a duration."""
    is_missing = type(value).__name__ == "NaTType"  # of pandas
    return isinstance(value, (date, time, np.datetime64, *DURATIONS)) and not is_missing


def holds_dates(row: Any) -> bool:
    """Return whether an array holds dates or durations, or a data frame has columns of them.

    polars would make numbers of such columns, in the unit of each.
    """
    if isinstance(row, np.ndarray):
        return row.dtype.kind in "mM" or (row.dtype.kind == "O" and any(map(is_date, row.flat)))
    is_arrow = hasattr(row, "itercolumns")
    dtypes = row.schema.types if is_arrow else row.dtypes if hasattr(row, "columns") else ()
    return any(str(dtype).lower().startswith(("date", "time", "duration")) for dtype in dtypes)


def _integer_table(X: Any, input_type: str) -> NDArray[np.int64] | None:
    """Return a data frame of integers alone as an array; None for anything else.

    NumPy would make floats of columns of several types, and of missing values.
    """
    columns = columns_of(X)
    if not columns or not all(is_integer(type_of(column)) for column in columns):
        return None
    nulls = [(getattr(column, "is_null", None) or column.isna)() for column in columns]
    missing = np.flatnonzero(np.concatenate([*map(np.asarray, nulls)]))
    if len(missing) and input_type == "numeric":
        return None
    if len(missing):
        _refuse_missing(missing[0] % len(X))
    return np.column_stack([_as_int64(np.asarray(column.to_numpy())) for column in columns])


def columns_of(X: Any) -> list[Any]:
    """Return the columns of a data frame."""
    if hasattr(X, "get_columns"):  # polars
        return list(X.get_columns())
    if hasattr(X, "itercolumns"):  # pyarrow
        return list(X.itercolumns())
    if hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2:  # pandas
        return [X.iloc[:, position] for position in range(X.shape[1])]
    return []


def _as_int64(values: NDArray[Any]) -> NDArray[np.int64]:
    if values.dtype == np.uint64:
        values = np.minimum(values, np.uint64(LARGEST_INTEGER))
    return values.astype(np.int64)


def _check_lists_of_integers(X: Any, array: NDArray[Any]) -> None:
    """Raise an error for a missing value in a column of lists of ids, which NumPy makes NaN."""
    column, *further = columns_of(X) or [X]
    dtype = type_of(column)
    if not further and is_integer(getattr(dtype, "inner", getattr(dtype, "value_type", None))):
        if hasattr(column, "is_null") and (missing := np.flatnonzero(column.is_null())).size:
            refuse_row(missing[0], "is missing")  # which polars 1.0 makes an empty array
        for index, row in enumerate(array.ravel() if array.dtype.kind == "O" else array):
            if is_missing(row):
                refuse_row(index, "is missing")
            check_known(row, index)


def check_known(ids: NDArray[Any], row: int) -> None:
    """Raise an error for NaN in a row of integers: a missing one."""
    if ids.dtype.kind == "f" and np.isnan(ids).any():
        _refuse_missing(row)
