"""X in a container of any library -> a NumPy array, without losing what is an integer."""

import re
import reprlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from itertools import compress
from numbers import Integral
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError

DURATIONS = (timedelta, np.timedelta64)
TEXT = (str, bytes)
LARGEST = np.finfo(np.float32).max  # of a measurement, number or weight: networks compute with it
LARGEST_ID = int(np.iinfo(np.int32).max)
LARGEST_EXACT = int(2 / np.finfo(np.float64).eps)  # float64 holds all integers up to it
FLOATS = {"float32", "float64"}  # of which NumPy makes a table without a copy, if all are of one
PIPELINE_ADVICE = (
    "Turn texts into token ids first:\n"
    "    make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())\n"
    "(if the texts are split into tokens already: TextSequenceVectorizer(analyzer=list)). Lists "
    "that a file holds as strings, '[1, 2]', become lists again by [json.loads(row) for row in X]. "
    "Numbers with a decimal comma: pd.read_csv(..., decimal=',')."
)
FIELDS_ADVICE = (
    "Fields have names, but no order. Pass a data frame, whose columns have names; as X a list of "
    "one for each sequence, in the order of the labels: [pd.DataFrame(row) for row in X] (dict: "
    "X.values(); polars: X.to_list(); pyarrow: X.to_pylist(), of tensors X.to_numpy_ndarray())."
)
FRAME_ADVICE = (
    "Leave ColumnTransformer out: make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())"
    " reads texts and numbers of a data frame, frame[['text', 'price']]."
)
JOIN = "frame[{1!r}] = frame.pop({0!r}).fillna('') + ' ' + frame[{1!r}].fillna('')"
JOIN_TEXTS = JOIN.format("title", "text")
LONG_TABLE = (
    "If X is a long table, with a row for each step, cut it up, groups = "
    "frame.sort_values('time').groupby('id'), and pass a list with a data frame for each series, "
    "of what was measured: [steps[['x', 'y']] for _, steps in groups], and their labels: "
    "groups['label'].first(), or, from a second table, "
    "labels.set_index('id')['label'][[*groups.groups]]."
)
ADVICE: dict[Any, str] = {
    TEXT: PIPELINE_ADVICE,
    # The first words are those that scikit-learn's checks look for.
    Mapping: f"float() argument must be a string or a real number. {FIELDS_ADVICE}",
    AbstractSet: "It has no order. Pass a list, in the order that the classifier shall read.",
    sparse.spmatrix | sparse.sparray: "X[rows] keeps the words, a list of rows does not.",
}
MISREAD = re.compile(r"(?i)struct[<(]|map<|shape_tensor")  # types that NumPy takes for others
IDS_EXPECTED = (
    f"but token ids are integers from 0 (padding) to {LARGEST_ID}. Pass input_type='measurements' "
    "if X holds measurements."
)
Array: TypeAlias = NDArray[np.generic]  # of any type
Column: TypeAlias = Any  # of a data frame of pandas, polars or pyarrow
PLAIN = (np.ndarray, list, tuple)  # nearly all rows, which most checks do not concern


def as_array(X: Any, input_type: str) -> NDArray[Any]:
    """Return X as an array: of one dimension and dtype object if its rows are ragged.

    Parameters
    ----------
    X : object
    input_type : str
        As in `read_sequences`. "measurements" makes floats of integers that no integer type can
        hold.

    Raises
    ------
    InvalidSequencesError, InvalidSequencesTypeError
        For strings, missing integers, and arrays that are no set of sequences.
    """
    if isinstance(X, list | tuple) and any(map(is_row, X)) and not _is_table(X):
        return np.fromiter(X, np.object_, len(X))
    check_value(X, "X is")
    columns = columns_of(X)
    types = type_names(columns, "X")
    levels = map(np.ptp, getattr(getattr(X, "columns", None), "codes", ()))  # of pandas
    if any(map(re.compile("date|time|duration").match, types)) or np.count_nonzero([*levels]) > 1:
        raise InvalidSequencesTypeError(
            "X is one data frame with dates, times, durations or levels of columns, but each "
            f"series of several channels has to be a data frame of its own. {LONG_TABLE} If each "
            "row is a series of one channel, pass X.to_numpy()."
        )
    try:
        array = to_numpy(X, "X")
    except ValueError:  # rows of unequal length, in a container of Python
        array = np.fromiter(X, np.object_)
    if array.dtype.kind in "OSU":
        advice = f" {LONG_TABLE} If they hold texts, put a TextSequenceVectorizer first."
        refuse_columns_of_strings(names_of(X), columns, "X", advice)
    check_type(array, "X")
    if (array.ndim == 3 and array.dtype.kind == "O") or (array.ndim > 1 and holds_dates(array)):
        return np.fromiter(array, np.object_, len(array))  # each channel has a type of its own
    if array.ndim == 0 or (array.ndim == 1 and array.dtype.kind != "O" and array.size):
        raise InvalidSequencesError(
            f"X is no set of sequences, but a {array.ndim}-D {type(X).__name__}. Pass a list: "
            "list(X) of an iterator, [X] if X is one sequence; batches to fit_batches. "
            "Reshape your data if each number is a sequence: X.reshape(-1, 1)."
        )
    _check_nulls(columns or [X], array, input_type)
    if array.dtype.kind != "O" or array.ndim == 1:
        return array
    if array.size == len(array) > 0 and is_row(array.flat[0]):
        return array.ravel()  # a data frame whose one column holds lists
    return numbers_of_objects(array, input_type)


def refuse_columns_of_strings(
    names: Sequence[object], columns: list[Column], place: str, advice: str = ""
) -> None:
    """Raise an error if some columns hold strings, and others do not."""
    are_strings = [any(isinstance(v, TEXT) for v in listed(column)) for column in columns]
    if any(are_strings) and not all(are_strings):
        raise InvalidSequencesTypeError(
            f"{place} holds strings in columns {[*compress(names, are_strings)]}. Leave out names. "
            "Turn times into dates, frame['time'] = pd.to_datetime(frame['time']), for "
            "time_channel='time', and numbers that are strings into numbers by pd.to_numeric."
            f"{advice}"
        )


def listed(column: Column) -> list[Any]:
    """Return the values of a column of any library."""
    return column.to_pylist() if hasattr(column, "to_pylist") else list(column)


def check_type(array: Array, name: str) -> None:
    """Raise an error for an array that can hold no real numbers."""
    if array.dtype.kind in "SU":
        raise InvalidSequencesTypeError(f"{name} holds strings, not numbers. {PIPELINE_ADVICE}")
    if array.dtype.kind == "c":
        raise InvalidSequencesError(
            f"{name} is complex (Complex data not supported), but it has to hold real numbers."
        )
    if array.dtype.kind == "V" or (array.dtype.kind in "mM" and array.ndim < 2):
        raise InvalidSequencesTypeError(f"{name} has to hold numbers, found dtype {array.dtype}.")


def check_value(value: object, found: str) -> None:
    """Raise an error for a string, and for what has no order of its own: they are no sequences."""
    for base, advice in () if isinstance(value, PLAIN) else ADVICE.items():
        if isinstance(value, base):
            error = InvalidSequencesTypeError if base in (TEXT, Mapping) else InvalidSequencesError
            raise error(f"{found} a {type(value).__name__}: {reprlib.repr(value)}. {advice}")


def refuse_row(index: int, found: str, cause: Exception | None = None) -> NoReturn:
    """Raise the error for a row that is no sequence."""
    expected = "Each row has to be a sequence of shape (T,) or (T, n_channels)."
    raise InvalidSequencesError(f"X[{index}] {found}. {expected}") from cause


def is_row(value: object) -> bool:
    """Return whether a value can be a sequence."""
    return hasattr(value, "__len__") and not isinstance(value, (*TEXT, Mapping))


def _is_table(X: list[Any] | tuple[Any, ...]) -> bool:
    """Return whether X is a list of equally long lists: the table that NumPy makes of it."""
    are_equal = all(isinstance(row, list | tuple) and len(row) == len(X[0]) for row in X)
    return are_equal and len(X[0]) > 0 and not is_row(X[0][0])


def to_numpy(values: object, name: str) -> Array:
    """Return X, a row of it, or y as an array in which no integer has become a float."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):  # NumPy would uncover it
        array = np.array(values.data, None if values.dtype.kind in "fmM" else object)
        array[np.ma.getmaskarray(values)] = None  # NaN in floats, NaT in dates
        return array
    if not isinstance(values, PLAIN):
        columns = columns_of(values)
        if not type_names(columns or [values], name) <= FLOATS and columns:
            return _table([to_numpy(column, name) for column in columns])
        values = _in_own_type(values)
    try:
        array = np.asarray(values)
    except ValueError:
        raise
    except Exception as error:
        raise InvalidSequencesTypeError(
            f"{name} can't be turned into a NumPy array ({error}). For a tensor pass "
            "tensor.detach().float().cpu()."
        ) from error
    may_be_rounded = array.dtype.kind == "f" and not hasattr(values, "dtype")
    is_rounded = may_be_rounded and (np.abs(array) >= np.float64(LARGEST_EXACT)).any()
    return np.asarray(values, object) if is_rounded or array.dtype.kind == "T" else array


def _in_own_type(column: Column) -> Column:
    """Return a column of pandas or pyarrow so that NumPy keeps the type of its values.

    NumPy makes objects of nullable values, and of a null in a dictionary its last value.
    """
    if hasattr(getattr(column, "dtype", None), "numpy_dtype") and not column.isna().any():
        return column.to_numpy(column.dtype.numpy_dtype)
    is_dictionary = hasattr(getattr(column, "type", None), "index_type")
    return column.cast(column.type.value_type) if is_dictionary else column


def _table(columns: list[Array]) -> Array:
    """Return columns as a table: of integers only if all are, as booleans are measurements."""
    columns = [np.fromiter(column, object) if column.ndim > 1 else column for column in columns]
    table, types = np.column_stack(columns), {column.dtype.kind for column in columns}
    if types == {"i", "u"} and table.dtype.kind == "f":
        return np.column_stack([column.astype(object) for column in columns])
    return table.astype(np.float64) if "b" in types and table.dtype.kind in "iu" else table


def numbers_of_objects(array: Array, input_type: str, first_row: int = 0) -> Array:
    """Return rows of Python numbers as integers if all are, else as floats; None becomes NaN.

    Of integers in two dimensions, which are token ids, none may be missing.
    """
    missing = np.array([*map(is_missing, array.flat)], bool).reshape(array.shape)
    are_ids = input_type != "measurements" and not missing.all()
    are_ids = are_ids and all(map(_is_id, array[~missing]))
    for (row, *_), value in np.ndenumerate(np.where(missing, 0, array)):
        if isinstance(value, TEXT) or is_row(value) or not hasattr(value, "__float__"):
            check_value(value, f"X[{first_row + row}] holds")
            advice = (
                ": pass the one column that holds the sequences, or, if all are channels, "
                "[np.column_stack(row) for row in frame[['x', 'y']].to_numpy()]"
            ) * is_row(value)
            refuse_row(first_row + row, f"holds {reprlib.repr(value)}, which is no number{advice}")
        if are_ids and value >= 1 << 63:  # of which int64 holds none
            raise InvalidSequencesError(f"X[{first_row + row}] holds {value}, {IDS_EXPECTED}")
    if are_ids and array.ndim == 2 and missing.any():
        _refuse_missing(first_row + int(np.argwhere(missing)[0, 0]))
    numbers = np.where(missing, np.nan, array)
    try:
        return numbers.astype(np.int64 if all(map(_is_id, numbers.flat)) else np.float64)
    except OverflowError:
        bounded = [max(min(value, 1e308), -1e308) for value in numbers.flat]
        return np.reshape(np.array(bounded, np.float64), numbers.shape)  # too large, but floats


def _is_id(value: object) -> bool:
    """Return whether a value is an integer; a boolean is a measurement."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_missing(value: object) -> bool:
    """Return whether a value is None, or the mark of pandas or NumPy for a missing value."""
    return value is None or type(value).__name__ in {"NAType", "NaTType", "MaskedConstant"}


def is_missing_or_nan(value: object) -> bool:
    """Return whether a value is missing, or is no number."""
    return is_missing(value) or (not is_row(value) and bool(value != value))  # noqa: PLR0124


def _refuse_missing(row: int) -> NoReturn:
    raise InvalidSequencesError(
        f"X[{row}] holds a missing value, but token ids have none. Drop it; in a table of ids, 0 "
        "is padding."
    )


def own_type_of(column: Column) -> Any:
    """Return the type of a column of pandas, polars or pyarrow."""
    dtype: Any = getattr(column, "dtype", getattr(column, "type", None))
    return getattr(dtype, "pyarrow_dtype", dtype)


def type_of(column: Column) -> Any:
    """Return the type of what a column holds: of a dictionary, that of its values."""
    dtype = own_type_of(column)
    return dtype.value_type if hasattr(dtype, "index_type") else dtype


def is_integer(dtype: object) -> bool:
    """Return whether a type of NumPy, pandas, polars or pyarrow is one of integers."""
    is_named = re.match(r"(?i)(dictionary<values=)?u?int\d", str(dtype)) is not None
    return is_named or getattr(dtype, "kind", None) in {"i", "u"}  # sparse, or of other byte order


def is_date(value: object) -> bool:
    """Return whether a value is a date, with a time or without, or a duration."""
    return isinstance(value, (date, np.datetime64, *DURATIONS)) and not is_missing(value)


def holds_dates(array: Array) -> bool:
    """Return whether an array holds dates or durations."""
    return array.dtype.kind in "mM" or (array.dtype.kind == "O" and any(map(is_date, array.flat)))


def type_names(columns: list[Column], name: str) -> set[str]:
    """Return the types of columns, if NumPy would read all with their names and their shape."""
    names = {str(type_of(column)) for column in columns}
    for type_name in filter(MISREAD.search, names):
        raise InvalidSequencesTypeError(f"{name} holds the type {type_name:.60}. {FIELDS_ADVICE}")
    return {name.lower() for name in names}


def names_of(frame: object) -> tuple[Any, ...]:
    """Return the names of the columns of a data frame."""
    names = getattr(frame, "column_names", None)  # of pyarrow, whose `columns` are arrays
    return tuple(getattr(frame, "columns", ()) if names is None else names)


def column_names(X: object) -> tuple[str, ...]:
    """Return the names of the columns of a data frame, as scikit-learn does: strings, or none."""
    names = names_of(X)
    return names if {*map(type, names)} <= {str} else ()


def check_same_columns(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Raise an error for a data frame with other columns than that of fit, or in another order."""
    if names not in ((), expected):
        remedy = f"frame[{[*expected]}]" if len(expected) <= 10 else "frame[names]"
        raise InvalidSequencesError(
            "The columns of X have to be those of fit, or of the first batch, in the same order, "
            f"but X {difference(names, expected)}. Pass {remedy}, made as in fit."
        )


def difference(names: tuple[str, ...], expected: tuple[str, ...]) -> str:
    """Return how the columns of a data frame differ from those that are expected."""
    missing = [name for name in expected if name not in names]
    new = [name for name in names if name not in expected]
    parts = [f"lacks {missing[:5]}"] * bool(missing) + [f"adds {new[:5]}"] * bool(new)
    return " and ".join(parts) or "has them in another order"


def named_columns(X: object) -> list[tuple[str, Column]]:
    """Return the columns of a data frame with their names, as strings."""
    return [*zip(map(str, names_of(X)), columns_of(X), strict=False)]


def columns_of(X: Any) -> list[Column]:
    """Return the columns of a data frame."""
    if isinstance(X, PLAIN):
        return []
    columns = getattr(X, "get_columns", getattr(X, "itercolumns", None))  # of polars, or pyarrow
    if columns is not None:
        return list(columns())
    is_frame = hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2
    return [column for _, column in X.items()] if is_frame else []


def _check_nulls(columns: list[Column], array: Array, input_type: str) -> None:
    """Raise an error for a missing row of a column of lists, and for a missing token id.

    NumPy makes NaN of the id, polars an empty row or one of NaN of the row.
    """
    types = [type_of(column) for column in columns]
    inner = [getattr(dtype, "inner", getattr(dtype, "value_type", dtype)) for dtype in types]
    if inner != types and hasattr(columns[0], "is_null"):
        for index in np.flatnonzero(columns[0].is_null()).tolist():
            refuse_row(index, "is missing")
    are_ids = all(is_integer(dtype) or str(dtype).lower() == "null" for dtype in inner)
    if are_ids and array.dtype.kind in "fO" and input_type != "measurements":
        for row, ids in enumerate(array if array.dtype.kind == "f" else array.ravel()):
            check_known(ids, row)


def check_known(ids: Array, row: int) -> None:
    """Raise an error for NaN in a row of integers: a missing one."""
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "f" and np.isnan(ids).any():
        _refuse_missing(row)
