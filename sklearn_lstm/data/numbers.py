"""Numbers and categories beside sequences: the other columns of the data frame that holds them."""

import logging
import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data import containers
from sklearn_lstm.data.containers import JOIN, LARGEST, Array, Column
from sklearn_lstm.exceptions import InvalidSequencesError

LOST = (
    "X has none. Pass a data frame. Rows X[rows] of the matrix of a TextSequenceVectorizer keep "
    "them; dense output, vstack and save_npz lose them."
)
NO_TEXTS_ADVICE = (
    "Pass that column too, as strings: frame['text'] = frame['text'].astype(object).fillna('')."
)
NUMBERS_ADVICE = (
    "Turn strings such as '£1,200.50' into numbers by frame[{0!r}] = pd.to_numeric(frame[{0!r}]"
    ".astype(str).str.replace(r'[^\\d.-]', '', regex=True)), 'True' by frame[{0!r}] == 'True'."
)
DATES_ADVICE = (
    "Turn dates into numbers: frame[{0!r}] = (pd.to_datetime(frame[{0!r}], utc=True) - "
    "pd.Timestamp('2020', tz='UTC')).dt.days."
)
STRINGS_ADVICE = (
    "Make few values that recur a category: frame.astype({{{0!r}: 'category'}}). If each column "
    "holds a token, pass frame.to_numpy().tolist() to TextSequenceVectorizer(analyzer=list)."
)
COLUMNS_ADVICE: dict[Any, str] = {  # by the type of a value; {0!r} is the name of its column
    (np.datetime64, date): DATES_ADVICE,
    (np.timedelta64, timedelta): "Turn it into numbers: frame[{0!r}].dt.total_seconds().",
    str: STRINGS_ADVICE,
    object: "Leave it out: frame.drop(columns=[{0!r}]).",
}
MOST_LOOKED_AT = 1_000  # values, at first
FEWEST_ROWS = 20  # that tell which strings are categories


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

    def __getitem__(self, rows: Any) -> Self:
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

    @property
    def empty(self) -> tuple[str, ...]:
        """The names of the columns of numbers without a value."""
        columns = self.columns.items()
        return tuple(name for name, v in columns if v.dtype.kind == "f" and np.isnan(v).all())


NO_NUMBERS = Numbers((), {})


def check_numbers(numbers: Numbers, names: tuple[str, ...], categories: tuple[str, ...]) -> None:
    """Raise an error for other columns than those of fit; one without a value may be either."""
    if numbers.columns.keys() != set(names):
        found = f"X {containers.difference(tuple(numbers.columns), names)}." if numbers else LOST
        raise InvalidSequencesError(f"Beside the sequences of fit stood {[*names]}, but {found}")
    for name in set(names) & (set(categories) ^ set(numbers.categories)):  # perhaps a stranger's
        if not all(map(containers.is_missing_or_nan, numbers.columns[name])):
            found = "numbers, but at fit it held categories"
            if name not in categories:
                found = "categories, but at fit it held numbers"
            raise InvalidSequencesError(
                f"The column {name!r} of X holds {found}, by its type. Convert it: "
                f"frame.astype({{{name!r}: 'category'}}), or numbers by pd.to_numeric."
            )


def found_in_columns(columns: dict[str, Array], targets: NDArray[np.generic]) -> Iterator[str]:
    """Tell what tells the class of every sample, or counts the rows: left in, not meant."""
    are_many = targets.ndim == 1 and len(targets) >= FEWEST_ROWS
    n_classes = len(np.unique(targets)) if are_many else 0
    for name, column in columns.items():
        if len(column) >= FEWEST_ROWS and column.dtype.kind != "O" and (np.diff(column) == 1).all():
            told = f"{name} counts the rows, so it says nothing about new ones."
            yield f"{told} Leave it out of X."
        if len({*column[:MOST_LOOKED_AT].tolist()}) > n_classes:  # much faster
            continue
        n_values = len({*column.tolist()})
        if n_values == n_classes == len({*zip(column.tolist(), targets.tolist(), strict=True)}):
            yield f"{name} tells the class of every sample. If it is the target, leave it out of X."


def texts_and_numbers(X: object, categories: tuple[str, ...] | None) -> tuple[Any, Numbers]:
    """Return the column of texts of a data frame, and the others; anything else as it is.

    Parameters
    ----------
    X : object
    categories : tuple of str or None
        The columns of categories at fit. None: this is X of fit, and tells which they are.

    Raises
    ------
    InvalidSequencesError
        If not exactly one column holds neither numbers nor categories: the texts.
    """
    columns = containers.read_frame(X)
    if not isinstance(columns, dict) or len(columns) < 2:
        return X, NO_NUMBERS
    said = _found_categories(columns) if categories is None else categories
    for name in said:
        if all(isinstance(value, str) for value in columns[name].known):
            columns[name] = replace(columns[name], content="categories")
    texts, numbers = split(columns, "texts" if categories is None else "texts of fit")
    if categories is None:
        own = next(name for name in columns if name not in numbers.columns)
        for name in said:
            _say_category(name, own, tuple(columns))
    return texts, numbers


@cache  # once for a table, not in every fold
def _say_category(name: str, texts: str, _: tuple[str, ...]) -> None:
    """Log that a column of strings is taken for a category."""
    logging.getLogger("sklearn_lstm").warning(
        "The strings of the column %r recur, so it is a category, and its words are not read. If "
        "it holds texts, join it: %s. Else frame.astype({%r: 'category'}). %s",
        *(name, JOIN.format(name, texts), name, NUMBERS_ADVICE.format(name)),
    )


def _found_categories(columns: dict[str, Column]) -> tuple[str, ...]:
    """Return the columns of strings in which few values recur, if one other is left: the texts.

    The texts have the most letters: what is left without them may be ids.
    """
    if len(next(iter(columns.values())).values) < FEWEST_ROWS:
        return ()
    known = {name: column.known for name, column in columns.items() if not column.is_beside}
    strings = {name: v for name, v in known.items() if any(isinstance(value, str) for value in v)}
    recurring = tuple(name for name, values in strings.items() if recur(values))
    return () if longest_texts(strings) in recurring else recurring


def recur(values: list[Any]) -> bool:
    """Return whether each value stands there twice on average, as categories do."""
    return 2 * len({*values}) <= len(values)


def split(columns: dict[str, Column], wanted: str = "texts") -> tuple[Array, Numbers]:
    """Return the one column that holds neither numbers nor categories, and the others by name."""
    own = [name for name, column in columns.items() if not column.is_beside]
    if not len(next(iter(columns.values())).values):
        raise InvalidSequencesError(f"X is empty: found 0 sample(s), shape (0, {len(columns)}).")
    if len(own) != 1:
        raise InvalidSequencesError(_advice(columns, own, wanted))
    beside = {name: _values(columns[name], name) for name in columns if name not in own}
    return columns[own[0]].values, Numbers(tuple(columns), beside)


def _advice(columns: dict[str, Column], own: list[str], wanted: str) -> str:
    """Return what to do about no or several columns that hold neither numbers nor categories."""
    known = {name: columns[name].known for name in own if columns[name].content != wanted}
    kept = next((name for name in own if name not in known), longest_texts(known))
    # Of each column a value that is no number, if there is any.
    shown = {name: min(values, key=containers.is_number) for name, values in known.items()}
    advice = ""
    if own:
        other = next(name for name in known if name != kept)
        value = shown[other]
        advice = next(text for kind, text in COLUMNS_ADVICE.items() if isinstance(value, kind))
        if isinstance(value, str) and any(map(str.isdigit, value)):
            advice = f"{advice} {NUMBERS_ADVICE} {DATES_ADVICE}"
        if isinstance(value, str) and wanted == "texts":
            advice = f"Join texts: {JOIN}. {advice}"
        elif isinstance(value, str) and wanted == "texts of fit":
            advice = NUMBERS_ADVICE
        advice = advice.format(other, kept)
    named = [f"{name!r} ({reprlib.repr(value)})" for name, value in [*shown.items()][:5]]
    return (
        f"Exactly one column of X has to hold the {wanted}, and the others numbers or categories, "
        f"by their types, as at fit. Out of {[*columns]}, {len(known)} hold neither: "
        f"{', '.join(named) or 'all are numbers or categories'}. {advice or NO_TEXTS_ADVICE}"
    )


def longest_texts(columns: dict[str, list[Any]]) -> str:
    """Return the name of the column whose values have the most letters."""

    def n_letters(name: str) -> float:
        looked_at = columns[name][:MOST_LOOKED_AT]
        texts = [str(value) for value in looked_at if isinstance(value, Iterable)]  # no times
        return sum(map(str.isalpha, "".join(texts))) / max(len(looked_at), 1)

    return max(columns, key=n_letters, default="")


def _values(column: Column, name: str) -> Array:
    """Return numbers as floats, and categories as texts."""
    if column.content == "categories":
        return containers.as_objects([*map(_category, column.values)])
    array = column.values
    if array.dtype.kind == "O":
        array = np.array([np.nan if containers.is_missing(v) else float(v) for v in array])
    array = array.astype(np.float64)
    is_too_large = np.abs(array) > LARGEST  # NaN is not
    if is_too_large.any():
        row = int(is_too_large.argmax())
        found = f"The column {name!r} holds {array[row]} in row {row}"
        raise InvalidSequencesError(f"{found}, which is too large. Correct it, or make it NaN.")
    return array


def _category(value: Any) -> str | None:
    """Return the name of a category; pandas makes floats of integers beside a missing one."""
    if containers.is_missing_or_nan(value):
        return None
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value) if is_whole else value)
