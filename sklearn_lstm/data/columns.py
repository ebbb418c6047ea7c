"""What a column of a data frame holds, by its type, or as its values look."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np

from sklearn_lstm.data import containers
from sklearn_lstm.data.containers import Column

# By the names of types of pandas, polars and pyarrow. A column of null holds nothing but missing
# numbers.
CONTENTS = {
    "numbers": re.compile(r"(?i)u?int\d|float|half|double|bool|decimal|sparse\[|null"),
    "categories": re.compile(r"(?i)categor|enum|dictionary"),
    "dates": re.compile(r"(?i)date|time|duration|period"),
    "sequences": re.compile(r"(?i)\w*list|array\("),
}
MOST_LOOKED_AT = 1_000  # values, for letters and numbers
MONEY, UNITS = r"[€£$¥%,]", r"[^\d.-]"  # what stands beside the digits of a number


def type_name(column: Column) -> str:
    """Return the name of the type of a column, of any library."""
    dtype: object = getattr(column, "dtype", getattr(column, "type", None))
    return str(getattr(dtype, "pyarrow_dtype", dtype))


def content_of(column: Column) -> str:
    """Return what a column holds, of `CONTENTS`; "" for strings and anything else.

    pandas makes objects of Arrow's booleans where one is missing.
    """
    name = type_name(column)
    if name.lower() != "object":
        return next((content for content, types in CONTENTS.items() if types.match(name)), "")
    values = containers.listed(column)
    known = (value for value in values if not containers.is_missing_or_nan(value))
    first = next(known, True)  # a column without a value holds missing numbers
    if all(isinstance(value, Real | Decimal | np.bool_) for value in chain([first], known)):
        return "numbers"
    if containers.is_row(first):
        return "sequences"
    return "dates" if any(map(containers.is_date, values)) else ""


def is_beside(column: Column) -> bool:
    """Return whether a column can stand beside sequences or texts."""
    return content_of(column) in {"numbers", "categories"}


def likely_content(column: Column) -> str:
    """Return what a column that holds neither numbers nor categories seems to hold."""
    values = known_values(column)
    if not any(isinstance(value, str) for value in values):
        return content_of(column)
    if may_be_category(values):
        return "recurring"
    if not _are_most(values, _has_digits):
        return "texts"
    return "numbers" if _are_most(values, partial(is_number, beside=UNITS)) else "dates"


def known_values(column: Column) -> list[Any]:
    """Return the values of a column that are not missing."""
    return [v for v in containers.listed(column) if not containers.is_missing_or_nan(v)]


def longest_texts(columns: dict[str, list[Any]]) -> str:
    """Return the name of the column whose values have the most letters."""

    def n_letters(name: str) -> float:
        looked_at = columns[name][:MOST_LOOKED_AT]
        return sum(map(str.isalpha, "".join(map(str, looked_at)))) / max(len(looked_at), 1)

    return max(columns, key=n_letters, default="")


def may_be_category(values: list[Any]) -> bool:
    """Return whether all values are strings, no numbers, and mostly recur."""
    are_strings = all(isinstance(value, str) for value in values)
    return are_strings and 2 * len({*values}) <= len(values) and not _are_most(values, is_number)


def _are_most(values: list[Any], condition: Callable[[Any], bool]) -> bool:
    looked_at = values[:MOST_LOOKED_AT]
    return 2 * sum(map(condition, looked_at)) > len(looked_at)


def is_number(value: object, beside: str = MONEY) -> bool:
    """Return whether a value is a number once what stands beside the digits is left out."""
    try:
        return float(re.sub(beside, "", str(value))) is not None
    except ValueError:
        return False


def _has_digits(value: object) -> bool:
    """Return whether a value has digits and few letters, as amounts, dates and ids have."""
    n_letters, n_digits = (sum(map(is_it, str(value))) for is_it in (str.isalpha, str.isdigit))
    return n_letters <= min(n_digits, 3) and n_digits > 0
