"""Numbers and categories beside sequences: the other columns of the data frame that holds them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data import containers
from sklearn_lstm.exceptions import InputTypeWarning, InvalidSequencesError, warn_user

# Names of types of pandas, polars and pyarrow. A column of null holds nothing but missing numbers.
NUMBERS = re.compile(r"(?i)u?int\d|float|half|double|bool|decimal|sparse\[|null")
CATEGORIES = re.compile(r"(?i)categor|enum|dictionary")
DATES = re.compile(r"(?i)date|time|duration|period")
LISTS = re.compile(r"(?i)\w*list|array\(")
LOST = (
    "X has none. Pass a data frame with these columns. The matrix of a TextSequenceVectorizer "
    "keeps them where its rows are selected, X[rows]; dense output, scipy.sparse.vstack and "
    "save_npz lose them."
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
        found = f"X {containers.difference(tuple(numbers.columns), names)}." if numbers else LOST
        raise InvalidSequencesError(
            f"The model has learned from the columns {[*names]} beside the sequences, but {found}"
        )
    for name in set(categories) ^ set(numbers.categories):
        if not all(map(containers.is_missing_or_nan, numbers.columns[name])):
            both = "numbers", "categories"
            found, expected = both if name in categories else both[::-1]
            raise InvalidSequencesError(
                f"The column {name!r} of X holds {found}, by its type, but at fit it held "
                f"{expected}. Convert it."
            )


class NumberBatches:
    """The numbers of batches. The first value of a column says whether it holds categories."""

    def __init__(self) -> None:
        self._batches: list[Numbers] = []
        self._is_category: dict[str, bool] = {}  # of the columns that have had a value

    def add(self, numbers: Numbers) -> None:
        """Add those of a batch, if it has the columns of the first one."""
        for name, values in numbers.columns.items():
            if name not in self._is_category and not all(map(containers.is_missing_or_nan, values)):
                self._is_category[name] = name in numbers.categories
        is_category = dict.fromkeys(numbers.categories, True) | self._is_category
        first = self._batches[0] if self._batches else numbers
        categories = tuple(name for name in first.columns if is_category.get(name))
        check_numbers(numbers, tuple(first.columns), categories)
        containers.check_same_columns(numbers.names, first.names)  # that of the sequences too
        self._batches.append(numbers)

    def joined(self) -> Numbers:
        """Return the rows of all batches in their order."""
        joined, first = dict[str, NDArray[Any]](), self._batches[0]
        for name, values in first.columns.items():
            columns = [batch.columns[name] for batch in self._batches]
            # One without a value may be of the other type.
            dtype = object if self._is_category.get(name, values.dtype == object) else float
            joined[name] = np.concatenate(columns, dtype=dtype, casting="unsafe")
        return replace(first, columns=joined)


def warn_of_values_seen_once(numbers: Numbers) -> None:
    """Warn of columns of categories nearly all of whose values are seen once.

    Warns
    -----
    InputTypeWarning
    """
    for name in numbers.categories:
        counts = Counter(value for value in numbers.columns[name] if isinstance(value, str))
        share = sum(times == 1 for times in counts.values()) / max(counts.total(), 1)
        if counts.total() >= 50 and share > 0.85:
            warn_user(
                f"{share:.0%} of the {counts.total()} values of the column {name!r} are seen only "
                "once, so that little can be learned from it as a category. If it holds texts, "
                "join it with the others: frame['title'] + ' ' + frame['text']. If it is an id, "
                "leave it out, and turn dates into numbers.",
                InputTypeWarning,
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
    if not own:
        raise InvalidSequencesError(
            f"No column of X holds the {wanted}: by their types, {[*names]} hold numbers or "
            f"categories. {_remedy_without_texts(columns)}"
        )
    if len(own) > 1:
        found = ", ".join(f"{name!r} ({_type_name(column):.40})" for name, column in own)
        raise InvalidSequencesError(
            f"Exactly one column of X has to hold the {wanted}, and the others numbers or "
            f"categories, by their types. Out of {[*names]}, {len(own)} hold neither: {found}. "
            f"{_remedies(own, wanted)}"
        )
    if len({*names}) < len(names):
        raise InvalidSequencesError(f"The columns of X need different names, found {[*names]}.")
    ((own_name, sequences),) = own
    beside = {name: _values(column, name) for name, column in columns if name != own_name}
    return sequences, Numbers(names, beside)


def _remedies(own: list[tuple[str, Any]], wanted: str) -> str:
    """Return what to do about several columns that hold neither numbers nor categories."""
    dates = [name for name, column in own if _holds_dates(column)]
    strings = {
        name: [value for value in containers.listed(column) if isinstance(value, str)]
        for name, column in own
        if containers.holds_strings(column)
    }
    recurring = [name for name, values in strings.items() if 2 * len({*values}) <= len(values)]
    texts = [name for name in strings if name not in recurring]
    remedies = list[str]()
    if wanted == "texts" and len(texts or strings) > 1:
        joined = " + ' ' + ".join(f"frame[{name!r}]" for name in texts or strings)
        remedies.append(f"Join columns of texts: {joined}; leave out one that is an id.")
    elif wanted != "texts" and texts:
        remedies.append(f"Leave out texts and ids: frame.drop(columns={texts}).")
    if recurring:
        category = f"frame.astype({{{recurring[-1]!r}: 'category'}})"
        others = "polars: Categorical; pyarrow: dictionary_encode"
        remedies.append(f"Make few values that recur a category: {category} ({others}).")
    if dates:
        remedies.append(f"Turn dates into numbers, or leave them out: {dates}.")
    return " ".join(remedies) or "Leave out what is neither."


def _remedy_without_texts(columns: list[tuple[str, Any]]) -> str:
    """Return what to do if each column holds numbers or categories."""
    for name, column in columns:
        if all(map(containers.is_missing_or_nan, containers.listed(column))):
            return f"If {name!r} is the column of texts, no row has a text."
    for name, column in columns:
        if CATEGORIES.match(_type_name(column)):
            strings = f"frame.astype({{{name!r}: str}}) (polars: String; pyarrow: cast)"
            return f"If the texts are a category, turn them into strings: {strings}."
    return "Pass the column of texts too, such as frame[['text', 'price']]."


def _holds_dates(column: Any) -> bool:
    return DATES.match(_type_name(column)) is not None or any(
        map(containers.is_date, containers.listed(column))
    )


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
        values = containers.listed(column)
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
