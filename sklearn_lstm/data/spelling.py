"""The words that token ids stand for, where the X of a vectorizer says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """Which token a spelling stands for: the id of a known one, or a number beyond all ids.

    Parameters
    ----------
    vocabulary : mapping
        Token to id.
    unknown_words : list
        Tokens that the vocabulary lacks; their numbers start at `FIRST_UNKNOWN`.
    """

    vocabulary: Mapping[Any, int]
    unknown_words: list[Any]

    def words(self, spellings: Iterable[int]) -> dict[int, str]:
        """Return the words of these spellings; characters are no words."""
        ids = {number for number in spellings if 0 < number < FIRST_UNKNOWN}
        words = {id_: word for word, id_ in self.vocabulary.items() if id_ in ids} if ids else {}
        for number in spellings:
            if number >= FIRST_UNKNOWN:
                words[number] = self.unknown_words[number - FIRST_UNKNOWN]
        return {number: word for number, word in words.items() if _is_word(word)}


def _is_word(token: Any) -> bool:
    return isinstance(token, str) and not is_character(token)


def read_spellings(X: Any) -> tuple[Spelling | None, NDArray[np.int64] | None]:
    """Return how the entries of a sparse X are spelled; None if it does not say so.

    Returns
    -------
    Spelling or None
    ndarray of shape (n_entries,) or None
        The spelling of each entry.
    """
    vocabulary = getattr(X, "vocabulary", None)
    if not isinstance(vocabulary, Mapping):
        return None, None
    spellings, numbers = X.data, dict[Any, int]()
    is_unknown = X.data == UNKNOWN
    tokens = getattr(X, "unknown_tokens", ())
    if len(tokens) and len(tokens) == np.count_nonzero(is_unknown):
        spellings = spellings.astype(np.int64)
        spellings[is_unknown] = [
            numbers.setdefault(token, FIRST_UNKNOWN + len(numbers)) for token in tokens
        ]
    return Spelling(vocabulary, list(numbers)), spellings
