"""Data frames and columns of pandas, polars and pyarrow -> NumPy arrays, by narwhals."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError, imported

NARWHALS = "narwhals.stable.v2"  # which is the same in all later versions
LIBRARIES = {"pandas", "polars", "pyarrow"}
PLAIN = (np.ndarray, list, tuple)  # nearly all X and rows
TEXT = (str, bytes)
FIELDS_ADVICE = (
    "Fields have no order. Pass a list of data frames: [pd.DataFrame(row) for row in X] (dict: "
    "X.values(); polars: X.to_list(); pyarrow: X.to_pylist(), of tensors X.to_numpy_ndarray())."
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
    found = [f"{verb} {columns[:5]}" for verb, columns in named.items() if columns]
    return " and ".join(found) or "has them in another order"
