"""X, a row of it, or y in a container of any library -> NumPy arrays; data frames by narwhals."""

import reprlib
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NoReturn, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError, imported

NARWHALS = "narwhals.stable.v2"  # which is the same in all later versions
LIBRARIES = {"pandas", "polars", "pyarrow"}
PLAIN = (np.ndarray, list, tuple)  # nearly all X and rows
TEXT = (str, bytes)
FIELDS_ADVICE = (
    "Fields have no order. Pass a list of data frames: [pd.DataFrame(row) for row in X] (dict: "
    "[*X.values()]; polars: X.to_list(); pyarrow: X.to_pylist(), of tensors X.to_numpy_ndarray()). "
    "Of named events pass [[step['event'] for step in row] for row in X] to a "
    "TextSequenceVectorizer(analyzer=list)."
)
Array: TypeAlias = NDArray[np.generic]  # of any type


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a data frame, or a column alone, without its library.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Numbers of one type; or objects, such as strings, sequences, and integers of which some
        are missing.
    content : {"numbers", "categories", "sequences", ""}
        What it holds; "" for strings and anything else.
    """

    values: Array
    content: str

    @classmethod
    def of(cls, series: Any, dtype: Any) -> Self:
        """Return a column of narwhals; what NumPy would lose are objects of Python."""
        nw = imported(NARWHALS, "A data frame")
        is_nested, is_category = dtype in (nw.List, nw.Array), dtype in (nw.Categorical, nw.Enum)
        inner = dtype.inner if is_nested else dtype
        has_gaps = not dtype.is_float() and series.null_count() > 0
        if has_gaps or is_category or dtype == nw.String or inner == nw.Struct:
            values = _python_values(series)
            if is_category and all(map(is_number, values)):
                values = np.array([*values])
        else:
            values = series.to_numpy()
        if is_nested:
            values = as_objects(values)  # polars makes a table of lists of one length
            if inner.is_integer() and any(np.asarray(row).dtype.kind == "f" for row in values):
                values = _python_values(series)  # NaN stood for a missing integer
        content = "categories" if is_category else _content_of(values)
        if content == "sequences" and not is_nested and dtype != nw.Object:
            raise InvalidSequencesTypeError(f"X holds maps or tensors ({dtype}). {FIELDS_ADVICE}")
        return cls(values, content)

    @property
    def is_beside(self) -> bool:
        """Whether it can stand beside sequences or texts."""
        return self.content in {"numbers", "categories"}

    @property
    def known(self) -> list[Any]:
        """The values that are not missing."""
        return [value for value in self.values if not is_missing_or_nan(value)]


def _python_values(series: Any) -> NDArray[np.object_]:
    """Return the values of a column of narwhals as they are in Python, None for missing ones."""
    return as_objects([None if is_missing(value) else value for value in series.to_list()])


def _content_of(values: Array) -> str:
    if values.dtype.kind != "O":
        return "numbers" if values.dtype.kind in "biuf" else ""
    known = (value for value in values if not is_missing_or_nan(value))
    first = next(known, 0)  # a column without a value holds missing numbers
    if is_row(first):
        return "sequences"
    return "numbers" if is_number(first) and all(map(is_number, known)) else ""


def is_number(value: object) -> bool:
    """Return whether a value is a real number, or a boolean."""
    return isinstance(value, Real | Decimal | np.bool_)


def is_row(value: object) -> bool:
    """Return whether a value can be a sequence."""
    return hasattr(value, "__len__") and not isinstance(value, (*TEXT, Mapping))


def is_missing(value: object) -> bool:
    """Return whether a value is None, or the mark of pandas or NumPy for a missing value."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def is_missing_or_nan(value: object) -> bool:
    """Return whether a value is missing, or is no number."""
    return is_missing(value) or (not is_row(value) and bool(value != value))  # noqa: PLR0124


def as_objects(values: Collection[Any]) -> NDArray[np.object_]:
    """Return values in an array of one dimension, each as it is."""
    return np.fromiter(values, np.object_, len(values))


def names_of(X: object) -> tuple[Any, ...]:
    """Return the names of the columns of a data frame; none of anything else."""
    names = getattr(X, "column_names", None)  # of pyarrow, whose `columns` are arrays
    return tuple(getattr(X, "columns", ()) if names is None else names)


def column_names(X: object) -> tuple[str, ...]:
    """Return the names of the columns of a data frame, as scikit-learn does: strings, or none."""
    names = names_of(X)
    return names if {*map(type, names)} <= {str} else ()


def read_frame(X: Any) -> dict[str, Column] | Column | None:
    """Return the columns of a data frame by name, or a column alone; None for anything else.

    Raises
    ------
    InvalidSequencesTypeError
        For a lazy frame, which has no rows yet, and for maps and tensors.
    ValueError
        If two columns have one name.
    """
    if isinstance(X, PLAIN) or isinstance(getattr(X, "dtype", None), np.dtype):
        return None
    packages = {base.__module__.partition(".")[0] for base in type(X).__mro__}
    if not packages & LIBRARIES:
        return None
    nw = imported(NARWHALS, "A data frame")
    if "pandas" in packages:
        pd = imported("pandas", "X")
        X = pd.Series(X) if isinstance(X, pd.api.extensions.ExtensionArray) else X
    if "pyarrow" in packages:
        pa = imported("pyarrow", "X")
        X = pa.chunked_array([X]) if isinstance(X, pa.Array) else X
        X = pa.Table.from_batches([X]) if isinstance(X, pa.RecordBatch) else X
    found = nw.from_native(X, allow_series=True, pass_through=True)
    if isinstance(found, nw.LazyFrame):
        raise InvalidSequencesTypeError("A lazy frame has no rows yet. Pass frame.collect().")
    if isinstance(found, nw.Series):
        return Column.of(found, found.dtype)
    if not isinstance(found, nw.DataFrame):
        return None
    dtypes = [*found.schema.values()]
    if len({*dtypes}) == 1 and dtypes[0].is_float():  # much faster than one by one
        columns = [Column(values, "numbers") for values in found.to_numpy().T]
    else:
        columns = [*map(Column.of, found.iter_columns(), dtypes)]
    return dict(zip(map(str, found.columns), columns, strict=True))


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
    named = {"lacks": missing, "adds": new}
    found = [f"{verb} {reprlib.repr(columns)}" for verb, columns in named.items() if columns]
    return " and ".join(found) or "has them in another order"


# --- What a container holds, as arrays


LARGEST = np.finfo(np.float32).max  # of a measurement, number or weight: networks compute with it
LARGEST_ID = int(np.iinfo(np.int32).max)
LARGEST_EXACT = np.float64(2**53)  # floats hold all integers up to it
PIPELINE_ADVICE = (
    "Texts need a vectorizer: make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier()), "
    "lists of tokens one with analyzer=list. Numbers in strings: [np.asarray(row, float) for row "
    "in X]; lists in strings: [json.loads(row) for row in X]."
)
FRAME_ADVICE = (
    "Leave ColumnTransformer out: make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())"
    " reads texts and numbers of a data frame, frame[['text', 'price']]."
)
JOIN = "frame[{1!r}] = frame.pop({0!r}).fillna('') + ' ' + frame[{1!r}].fillna('')"
JOIN_TEXTS = JOIN.format("title", "text")
LONG_TABLE = (
    "If X is a long table, cut it up: groups = frame.sort_values('time').groupby('id'), X = "
    "[steps[['x', 'y']] for _, steps in groups], y = groups['label'].first()."
)
TIMES_ADVICE = (
    "Turn times into seconds: t = frame['time'] (strings: t = pd.to_datetime(frame['time'])), "
    "frame['time'] = (t - t.iloc[0]) / pd.Timedelta('1s')."
)
ROW_EXPECTED = (
    "Each row has to be a sequence of shape (T,) or (T, n_channels). Take pairs, such as (name, "
    "steps), apart: first, second = zip(*X). Numbers beside sequences, and one row of a table, "
    "need a data frame: pd.DataFrame({'series': [*X], 'age': ages}), pd.DataFrame([X])."
)
COLUMNS_OF_ROWS = (
    "Pass the column of the sequences or, if all are channels, [np.column_stack(row) for row in "
    "frame[['x', 'y']].to_numpy()]."
)
ADVICE: dict[Any, str] = {
    TEXT: PIPELINE_ADVICE,
    # The first words are those that scikit-learn's checks look for.
    Mapping: f"float() argument must be a string or a real number. {FIELDS_ADVICE}",
    AbstractSet: "It has no order. Pass a list, in the order that the classifier shall read.",
    sparse.spmatrix | sparse.sparray: "X[rows] keeps the words, a list of rows does not.",
    (date, time, timedelta, np.datetime64, np.timedelta64): TIMES_ADVICE,
}
IDS_EXPECTED = (
    f"but token ids are integers from 0 (padding) to {LARGEST_ID}. Make X as for fit; there pass "
    "other codes to a TextSequenceVectorizer(analyzer=list), arrays as X.tolist(), and of "
    "measurements set input_type='measurements'."
)


def as_array(X: Any, input_type: str) -> NDArray[Any]:
    """Return X as an array: of one dimension and dtype object if its rows are ragged.

    Parameters
    ----------
    X : object
        No data frame.
    input_type : str
        As in `read_sequences`. "measurements" makes floats of integers that no integer type can
        hold.

    Raises
    ------
    InvalidSequencesError, InvalidSequencesTypeError
        For strings, missing integers, and arrays that are no set of sequences.
    """
    if isinstance(X, list | tuple) and any(map(is_row, X)) and not _is_table(X):
        return as_objects(X)
    check_value(X, "X is")
    array = to_numpy(X, "X")
    if array.dtype.kind == "U":  # also of [1, "x"]
        array = np.asarray(X, object)
    check_type(array, "X")
    if array.ndim == 0 or (array.ndim == 1 and array.dtype.kind != "O" and array.size):
        raise InvalidSequencesError(
            f"X is no set of sequences, but a {array.ndim}-D {type(X).__name__}. Pass a list: "
            "list(X) of an iterator, [X] if X is one sequence. Reshape your data if each number is "
            "a sequence: X.reshape(-1, 1)."
        )
    if array.dtype.kind != "O" or array.ndim == 1:
        return array
    if array.size == len(array) > 0 and is_row(array.flat[0]):
        return array.ravel()  # one column of lists
    return numbers_of_objects(array, input_type)


def check_type(array: Array, name: str) -> None:
    """Raise an error for an array that can hold no real numbers."""
    if array.dtype.kind == "c":
        found = f"{name} is complex. Complex data not supported"
        raise InvalidSequencesError(f"{found}: pass real numbers, such as the magnitudes.")
    if array.dtype.kind not in "biufO":
        refuse_value(array.flat[0] if array.size else array.dtype, f"{name} holds")


def check_value(value: object, found: str) -> None:
    """Raise an error for what is no sequence, though NumPy may make one of it."""
    if not isinstance(value, PLAIN) and isinstance(value, (*ADVICE,)):
        refuse_value(value, found)


def refuse_value(value: object, found: str, advice: str = "") -> NoReturn:
    """Raise the error for what is no number, and no sequence of them."""
    value = value.item() if isinstance(value, np.character) else value
    known = (advice for types, advice in ADVICE.items() if isinstance(value, types))
    advice = advice or next(known, COLUMNS_OF_ROWS if is_row(value) else ROW_EXPECTED)
    found = f"{found} a {type(value).__name__}: {reprlib.repr(value)}"
    raise InvalidSequencesTypeError(f"{found}. {advice}")


def refuse_row(index: int, found: str, cause: Exception | None = None) -> NoReturn:
    """Raise the error for a row that is no sequence."""
    raise InvalidSequencesError(f"X[{index}] {found}. {ROW_EXPECTED}") from cause


def _is_table(X: list[Any] | tuple[Any, ...]) -> bool:
    """Return whether X is a list of equally long lists: the table that NumPy makes of it."""
    are_equal = all(isinstance(row, list | tuple) and len(row) == len(X[0]) for row in X)
    return are_equal and len(X[0]) > 0 and not is_row(X[0][0])


def to_numpy(values: Any, name: str) -> Array:
    """Return X, a row of it, or y as an array in which no integer has become a float."""
    found = read_frame(values)
    if isinstance(found, dict):
        return stacked([column.values for column in found.values()])
    values = values if found is None else found.values
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal length, in a container of Python
        array = np.fromiter(values, np.object_)
    except Exception as error:
        raise InvalidSequencesTypeError(
            f"{name} can't become an array ({error}). Of tensors, pass .detach().float().cpu()."
        ) from error
    parts = values if isinstance(values, list | tuple) and array.ndim > 1 else [values]
    if any(isinstance(part, np.ma.MaskedArray) and part.mask.any() for part in parts):
        raise InvalidSequencesTypeError(
            f"{name} is a masked array. Pass {name}.astype(float).filled(np.nan), ids .filled(0)."
        )
    may_be_rounded = array.dtype.kind == "f" and not hasattr(values, "dtype")
    if array.dtype.kind == "T" or (may_be_rounded and (np.abs(array) >= LARGEST_EXACT).any()):
        return np.asarray(values, object)
    return array


def stacked(columns: list[Array]) -> Array:
    """Return columns as a table: of integers only if all are, as booleans are measurements."""
    table, types = np.column_stack(columns), {column.dtype.kind for column in columns}
    if types == {"i", "u"} and table.dtype.kind == "f":
        return np.column_stack([column.astype(object) for column in columns])
    return table.astype(np.float64) if "b" in types and table.dtype.kind in "iu" else table


def numbers_of_objects(array: Array, input_type: str, first_row: int = 0) -> Array:
    """Return rows of Python numbers as integers if all are, else as floats; None becomes NaN.

    Of integers in two dimensions, which are token ids, none may be missing.
    """
    missing = np.array([*map(is_missing, array.flat)], bool).reshape(array.shape)
    for (row, *_), value in np.ndenumerate(np.where(missing, 0, array)):
        if not is_number(value):
            refuse_value(value, f"X[{first_row + row}] holds")
    are_ids = input_type != "measurements" and all(map(_is_id, array[~missing]))
    if are_ids and array.ndim == 2 and missing.any() and not missing.all():
        raise InvalidSequencesError(
            f"X[{first_row + np.argwhere(missing)[0, 0]}] holds a missing value, but token ids "
            "have none. Drop it; in a table of ids, 0 is padding."
        )
    numbers = np.where(missing, np.nan, array)
    try:
        return numbers.astype(np.int64 if are_ids and not missing.any() else np.float64)
    except OverflowError:
        largest = np.abs(np.where(missing, 0, array)).argmax()
        row, value = first_row + largest // array[0].size, array.flat[largest]
        raise InvalidSequencesError(
            f"X[{row}] holds {reprlib.repr(value)}, which is too large: token ids go up to "
            f"{LARGEST_ID}, measurements up to {LARGEST:.3g}."
        ) from None


def _is_id(value: object) -> bool:
    """Return whether a value is an integer; a boolean is a measurement."""
    return isinstance(value, Integral) and not isinstance(value, bool)
