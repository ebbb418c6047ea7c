"""Numbers and categories beside sequences: the other columns of the data frame that holds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data import containers
from sklearn_lstm.exceptions import InvalidSequencesError

# Names of types of pandas, polars and pyarrow. A column of null holds nothing but missing numbers.
NUMBERS = re.compile(r"(?i)u?int\d|float|half|double|bool|decimal|sparse\[|null")
CATEGORIES = re.compile(r"(?i)categor|enum|dictionary")
LISTS = re.compile(r"(?i)\w*list|array\(")
LOST = (
    "Pass a data frame with these columns. The matrix of a TextSequenceVectorizer keeps them where "
    "its rows are selected, X[rows]; dense output, scipy.sparse.vstack and save_npz lose them."
)


@dataclass(frozen=True, eq=False)
class Numbers:
    """What is known of each sequence beside its steps.

    Parameters
    ----------
    names : tuple of str
        Of all columns of the data frame, also that of the sequences.
    columns : dict of str to ndarray of shape (n_samples,)
        By name, numbers in float64, NaN in place of a missing one; or categories as objects: texts,
        or None.
    """

    names: tuple[str, ...]
    columns: dict[str, NDArray[Any]]

    @classmethod
    def joined(cls, batches: Sequence[Numbers]) -> Numbers:
        """Return the rows of batches in their order; the first says what a column holds."""
        joined = {}
        for name, first in batches[0].columns.items():
            columns = [batch.columns[name] for batch in batches]
            # One without a value may be of the other type.
            joined[name] = np.concatenate(columns, dtype=first.dtype, casting="unsafe")
        return replace(batches[0], columns=joined)

    def __getitem__(self, rows: Any) -> Numbers:
        """Return those of some rows, or of one."""
        items = self.columns.items()
        selected = {name: np.asarray(v[rows], v.dtype).ravel() for name, v in items}
        return replace(self, columns=selected)

    def __bool__(self) -> bool:
        return bool(self.columns)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the columns of categories."""
        return tuple(name for name, values in self.columns.items() if values.dtype.kind == "O")


NO_NUMBERS = Numbers((), {})


def check_numbers(numbers: Numbers, names: tuple[str, ...], categories: tuple[str, ...]) -> None:
    """Raise an error for other columns than those of fit; one without a value may be either."""
    if numbers.columns.keys() != set(names):
        raise InvalidSequencesError(
            f"The model has learned from the columns {[*names]} beside the sequences, but X has "
            f"{[*numbers.columns]}. {LOST}"
        )
    for name in set(categories) ^ set(numbers.categories):
        if not all(map(containers.is_missing_or_nan, numbers.columns[name])):
            both = "numbers", "categories"
            found, expected = both if name in categories else both[::-1]
            raise InvalidSequencesError(
                f"The column {name!r} of X holds {found}, by its type, but at fit it held "
                f"{expected}. Convert it."
            )


def texts_and_numbers(X: Any) -> tuple[Any, Numbers]:
    """Return the column of texts of a data frame, and the others; anything else as it is."""
    columns = containers.named_columns(X)
    return _split(columns, "texts") if len(columns) > 1 else (X, NO_NUMBERS)


def sequences_and_numbers(X: Any, columns: list[tuple[str, Any]]) -> tuple[Any, Numbers]:
    """Return the column of sequences of a data frame, and the others; anything else as it is."""
    has_both = len(columns) > 1 and sum(_holds_sequences(column) for _, column in columns) == 1
    return _split(columns, "sequences") if has_both else (X, NO_NUMBERS)


def _split(columns: list[tuple[str, Any]], wanted: str) -> tuple[Any, Numbers]:
    """Return the one column that holds neither numbers nor categories, and the others by name."""
    names = tuple(name for name, _ in columns)
    own = [(name, column) for name, column in columns if not _is_beside(column)]
    if len(own) != 1:
        found = [f"{name!r} ({_type_name(column):.40})" for name, column in own]
        strings = [name for name, column in own if not _holds_sequences(column)] or names[:1]
        raise InvalidSequencesError(
            f"Exactly one column of X has to hold the {wanted}, and the others numbers or "
            f"categories, by their types. Out of {[*names]}, {len(own)} hold neither: "
            f"{', '.join(found) or 'none'}. Make a column of strings a category, such as "
            f"frame.astype({{{strings[-1]!r}: 'category'}}) (polars: Categorical; "
            "pyarrow: dictionary_encode), turn dates into numbers, and leave out what is neither."
        )
    if len({*names}) < len(names):
        raise InvalidSequencesError(f"The columns of X need different names, found {[*names]}.")
    ((own_name, sequences),) = own
    beside = {name: _values(column, name) for name, column in columns if name != own_name}
    return sequences, Numbers(names, beside)


def _type_name(column: Any) -> str:
    dtype: Any = getattr(column, "dtype", getattr(column, "type", None))
    return str(getattr(dtype, "pyarrow_dtype", dtype))


def _is_beside(column: Any) -> bool:
    """Return whether a column holds numbers or categories, or no value at all.

    pandas makes objects of Arrow's booleans where one is missing.
    """
    name = _type_name(column)
    if name != "object":
        return (NUMBERS.match(name) or CATEGORIES.match(name)) is not None
    return not any(
        containers.is_row(value)
        or not (isinstance(value, bool | np.bool_) or containers.is_missing_or_nan(value))
        for value in column
    )


def _holds_sequences(column: Any) -> bool:
    if _type_name(column).lower() != "object":
        return LISTS.match(_type_name(column)) is not None
    return containers.is_row(
        next((value for value in column if not containers.is_missing(value)), None)
    )


def _values(column: Any, name: str) -> NDArray[Any]:
    """Return numbers as floats, categories as texts."""
    if CATEGORIES.match(_type_name(column)):
        values = column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()
        return np.fromiter(map(_category, values), np.object_, len(values))
    array = containers.to_numpy(column, f"The column {name!r}")
    if array.dtype.kind == "O":
        array = np.array(
            [np.nan if containers.is_missing(value) else float(value) for value in array]
        )
    array = array.astype(np.float64)
    is_too_large = np.abs(array) > containers.LARGEST  # NaN is not
    if is_too_large.any():
        row = int(is_too_large.argmax())
        raise InvalidSequencesError(
            f"The column {name!r} holds infinity or a value too large ({array[row]}) in row {row}. "
            "Correct it, or make it NaN if it is missing."
        )
    return array


def _category(value: Any) -> str | None:
    """Return the name of a category; pandas makes floats of integers beside a missing one."""
    if containers.is_missing_or_nan(value):
        return None
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value) if is_whole else value)
