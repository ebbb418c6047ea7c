"""Numbers and categories beside sequences: the other columns of the data frame that holds them."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data import containers
from sklearn_lstm.data.columns import (
    content_of,
    is_beside,
    known_values,
    longest_texts,
    looks_like,
    may_be_category,
)
from sklearn_lstm.data.containers import Array, Column
from sklearn_lstm.exceptions import InputTypeWarning, InvalidSequencesError, warn_user

LOST = (
    "X has none. Pass a data frame with these columns. The matrix of a TextSequenceVectorizer "
    "keeps them where its rows are selected, X[rows]; dense output, scipy.sparse.vstack and "
    "save_npz lose them."
)
REMEDIES = {  # by what a column looks like; {0!r} is its name, {1!r} that of the texts
    "dates": "Turn dates into numbers: frame[{0!r}] = (pd.to_datetime(frame[{0!r}], utc=True) - "
    "pd.Timestamp('2020', tz='UTC')).dt.days.",
    "numbers": "Turn strings such as '£1,200.50' into numbers: frame[{0!r}] = pd.to_numeric("
    "frame[{0!r}].astype(str).str.replace(r'[^\\d.-]', '', regex=True)), but '1.200,50 €' by "
    "r'[^\\d,-]' and then .str.replace(',', '.').",
    "": f"Join columns of texts, {containers.JOIN}. Make few values that recur a category, "
    "frame.astype({{{0!r}: 'category'}}) (polars: Categorical; pyarrow: dictionary_encode). Leave "
    "out what is left, such as ids: frame.drop(columns=[{0!r}]).",
}
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
        learned = f"has learned from the columns {[*names]} beside the sequences"
        raise InvalidSequencesError(
            f"The model {learned if names else 'was fitted to sequences alone'}, but {found}"
        )
    for name in set(categories) ^ set(numbers.categories):
        if not all(map(containers.is_missing_or_nan, numbers.columns[name])):
            contents = "numbers", "categories"
            found, expected = contents if name in categories else contents[::-1]
            raise InvalidSequencesError(
                f"The column {name!r} of X holds {found}, by its type, but at fit it held "
                f"{expected}. Convert it: frame.astype({{{name!r}: 'category'}}), or numbers by "
                "pd.to_numeric."
            )


def warn_of_columns(numbers: Numbers, targets: NDArray[np.generic]) -> None:
    """Warn of columns that tell nothing, as nearly all values differ, or all, as the target does.

    Warns
    -----
    InputTypeWarning
    """
    n_classes = len(np.unique(targets)) if targets.ndim == 1 else 0
    for name, column in numbers.columns.items():
        counts = Counter(value for value in column.tolist() if isinstance(value, str))
        share = sum(times == 1 for times in counts.values()) / max(counts.total(), 1)
        if counts.total() >= 50 and share > 0.85:
            warn_user(
                f"{share:.0%} of the {counts.total()} values of the column {name!r} are seen only "
                "once, so that little can be learned from it as a category. If it holds texts, "
                "join it with the others; if it is an id, leave it out; turn dates into numbers.",
                InputTypeWarning,
            )
        n_values = len({*column.tolist()})
        if n_values == n_classes == len({*zip(column.tolist(), targets.tolist(), strict=True)}):
            warn_user(
                f"The column {name!r} tells the class of every sample. If it is the target, leave "
                "it out of X.",
                InputTypeWarning,
            )


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
    columns = containers.named_columns(X)
    if len(columns) < 2:
        return X, NO_NUMBERS
    if categories is not None:
        return _split(columns, "texts", categories)
    found = _found_categories(columns)
    texts, numbers = _split(columns, "texts", found)
    own = next(name for name in numbers.names if name not in numbers.columns)
    for name in found:
        _say_category(name, own)
    return texts, numbers


@cache  # once, not in every fold
def _say_category(name: str, texts: str) -> None:
    """Log that a column of strings is taken for a category."""
    logging.getLogger("sklearn_lstm").warning(
        "The strings of the column %r recur, so it is a category, and its words are not read. If "
        "it holds texts, join it: %s. Else frame.astype({%r: 'category'}) says so.",
        *(name, containers.JOIN.format(name, texts), name),
    )


def sequences_and_numbers(X: object) -> tuple[Any, Numbers]:
    """Return the column of sequences of a data frame, and the others; anything else as it is."""
    columns = containers.named_columns(X)
    has_both = (
        len(columns) > 1 and sum(content_of(column) == "sequences" for _, column in columns) == 1
    )
    return _split(columns, "sequences") if has_both else (X, NO_NUMBERS)


def _found_categories(columns: list[tuple[str, Column]]) -> tuple[str, ...]:
    """Return the columns of strings in which few values recur, if one other is left: the texts.

    The texts have the most letters: what is left without them may be ids.
    """
    if len(columns[0][1]) < FEWEST_ROWS:
        return ()
    known = {name: known_values(column) for name, column in columns if not is_beside(column)}
    strings = {name: v for name, v in known.items() if any(isinstance(value, str) for value in v)}
    recurring = tuple(name for name, values in strings.items() if may_be_category(values))
    return recurring if {*strings} - {*recurring} == {longest_texts(strings)} else ()


def _split(
    columns: list[tuple[str, Column]], wanted: str, categories: tuple[str, ...] = ()
) -> tuple[Any, Numbers]:
    """Return the one column that holds neither numbers nor categories, and the others by name."""
    names = tuple(name for name, _ in columns)
    own = {name: v for name, v in columns if not (is_beside(v) or name in categories)}
    if not own:
        raise InvalidSequencesError(
            f"No column of X holds the {wanted}: by their types, {[*names]} hold numbers or "
            f"categories. Pass the column of the {wanted} too. If its texts are a category, or all "
            "missing, make them strings: frame['text'] = frame['text'].astype(object).fillna('')."
        )
    if len(own) > 1:
        types = {name: str(containers.own_type_of(column)) for name, column in own.items()}
        found = ", ".join(f"{name!r} ({type_name:.40})" for name, type_name in types.items())
        raise InvalidSequencesError(
            f"Exactly one column of X has to hold the {wanted}, and the others numbers or "
            f"categories, by their types, as at fit. Out of {[*names]}, {len(own)} hold neither: "
            f"{found}. {_advice(own, wanted)}"
        )
    if len({*names}) < len(names):
        raise InvalidSequencesError(f"The columns of X need different names, found {[*names]}.")
    ((own_name, sequences),) = own.items()
    beside = {
        name: _values(column, name, is_category=name in categories and not is_beside(column))
        for name, column in columns
        if name != own_name
    }
    return sequences, Numbers(names, beside)


def _advice(own: dict[str, Column], wanted: str) -> str:
    """Return what to do about all but one of these columns, by what each looks like."""
    known = {name: known_values(column) for name, column in own.items()}
    like = {name: looks_like(values) for name, values in known.items()}
    sequences = [name for name, column in own.items() if content_of(column) == wanted]
    texts = longest_texts({name: values for name, values in known.items() if not like[name]})
    others = {like[name]: name for name in own if name not in (sequences or [texts])}
    texts = "text" if sequences else texts
    return " ".join(REMEDIES[kind].format(name, texts) for kind, name in others.items())


def _values(column: Column, name: str, *, is_category: bool) -> Array:
    """Return numbers as floats, categories, by their type or as said, as texts."""
    if is_category or content_of(column) == "categories":
        values = containers.listed(column)
        _check_categories(values, name, are_strings=is_category)
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


def _check_categories(values: list[Any], name: str, *, are_strings: bool) -> None:
    """Raise an error for categories that are no strings, or that only their types tell apart."""
    others = [v for v in values if not (isinstance(v, str) or containers.is_missing_or_nan(v))]
    if are_strings and others:
        raise InvalidSequencesError(
            f"The column {name!r} of X holds a {type(others[0]).__name__}, but at fit it "
            "held categories, which are strings. Convert it."
        )
    for twin in {*map(_category, others)}.intersection(values if others else ()):
        raise InvalidSequencesError(
            f"The column {name!r} holds {twin!r} as a string and as a number. Make all of its "
            f"values strings: frame.astype({{{name!r}: str}}).astype({{{name!r}: 'category'}})."
        )


def _category(value: Any) -> str | None:
    """Return the name of a category; pandas makes floats of integers beside a missing one."""
    if containers.is_missing_or_nan(value):
        return None
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value) if is_whole else value)
