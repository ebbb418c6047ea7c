"""What a column of a data frame holds, by its type, or as its values look."""

from __future__ import annotations

import re
from decimal import Decimal
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
    "sequences": re.compile(r"(?i)\w*list|array\("),
}
MOST_LOOKED_AT = 1_000  # values, for letters and numbers
LOOKS = {  # of strings that are something else; amounts may have signs or a unit
    "dates": re.compile(r"\d{1,4}[-/.]\d\d?[-/.]\d{1,4}([T ][\d:.+Z-]*)?"),
    "numbers": re.compile(r"\W*\d[\d.,]*\W*[^\W\d]{0,4}"),
}
BESIDE_DIGITS = re.compile(r"[€£$¥%,]")  # of a number


def content_of(column: Column) -> str:
    """Return what a column holds, of `CONTENTS`; "" for strings and anything else.

    pandas makes objects of Arrow's booleans where one is missing.
    """
    name = str(containers.own_type_of(column))
    if name.lower() != "object":
        return next((content for content, types in CONTENTS.items() if types.match(name)), "")
    values = containers.listed(column)
    known = (value for value in values if not containers.is_missing_or_nan(value))
    first = next(known, True)  # a column without a value holds missing numbers
    if all(isinstance(value, Real | Decimal | np.bool_) for value in chain([first], known)):
        return "numbers"
    return "sequences" if containers.is_row(first) else ""


def is_beside(column: Column) -> bool:
    """Return whether a column can stand beside sequences or texts."""
    return content_of(column) in {"numbers", "categories"}


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
    if 2 * len({*values}) > len(values) or not all(isinstance(value, str) for value in values):
        return False
    looked_at = values[:MOST_LOOKED_AT]
    return 2 * sum(map(_is_number, looked_at)) <= len(looked_at)


def looks_like(values: list[Any]) -> str:
    """Return what most values look like, in LOOKS; "" if like nothing of it."""
    texts = [*map(str, values[:MOST_LOOKED_AT])]
    for name, look in LOOKS.items():
        if 2 * sum(look.fullmatch(text) is not None for text in texts) > len(texts):
            return name
    return ""


def _is_number(value: object) -> bool:
    """Return whether a value is a number, or an amount."""
    try:
        return float(BESIDE_DIGITS.sub("", str(value))) is not None
    except ValueError:
        return False
