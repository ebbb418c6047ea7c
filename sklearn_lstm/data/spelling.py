"""The words that token ids stand for, where the X of a vectorizer says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.counting import UNKNOWN
from sklearn_lstm.text.scripts import is_character

LARGEST_ID = int(np.iinfo(np.int32).max)
FIRST_UNKNOWN = LARGEST_ID + 1


@dataclass(frozen=True)
class Spelling:
    """Which word each step of some sequences stands for.

    Parameters
    ----------
    read : callable
        Rows -> a number for each of their steps, laid end to end: the id of a known word, or
        `FIRST_UNKNOWN` plus the place of an unknown one.
    vocabulary : mapping
        Word to id.
    unknown_words : list
        Words that the vocabulary lacks.
    """

    read: Callable[[NDArray[np.intp]], NDArray[Any]]
    vocabulary: Mapping[Any, int]
    unknown_words: list[Any]

    def words(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the words of these numbers; characters are no words."""
        ids = {number for number in numbers if 0 < number < FIRST_UNKNOWN}
        words = {id_: word for word, id_ in self.vocabulary.items() if id_ in ids} if ids else {}
        for number in numbers:
            if number >= FIRST_UNKNOWN:
                words[number] = self.unknown_words[number - FIRST_UNKNOWN]
        return {number: word for number, word in words.items() if _is_word(word)}


def _is_word(token: Any) -> bool:
    return isinstance(token, str) and not is_character(token)


def read_spelling(
    X: Any, lay_out: Callable[[NDArray[Any]], Callable[[NDArray[np.intp]], NDArray[Any]]]
) -> Spelling | None:
    """Return which words the entries of a sparse X stand for; None if it does not say so.

    Parameters
    ----------
    X : sparse matrix
        Of a `TextSequenceVectorizer`, or any other.
    lay_out : callable
        From a value of each entry to the function that reads the values of rows.
    """
    vocabulary = getattr(X, "vocabulary", None)
    if not isinstance(vocabulary, Mapping) or not any(map(_is_word, vocabulary)):
        return None
    numbers, places = X.data.astype(np.int64), dict[Any, int]()
    is_unknown = X.data == UNKNOWN
    tokens = getattr(X, "unknown_tokens", ())
    if len(tokens) == np.count_nonzero(is_unknown):
        numbers[is_unknown] = [
            FIRST_UNKNOWN + places.setdefault(token, len(places)) for token in tokens
        ]
    return Spelling(lay_out(numbers), vocabulary, list(places))
