"""The tokens that ids stand for, where the X of a vectorizer says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.counting import FIRST_UNKNOWN, UNKNOWN
from sklearn_lstm.text.scripts import is_character
from sklearn_lstm.text.vocabulary import UnknownTokens

PADDING_ID = 0  # in a table of ids: no step
LARGEST_ID = int(np.iinfo(np.int32).max)


@dataclass(frozen=True)
class Spelling:
    """Which token a spelling stands for: the id of a known one, or -2 - k, the k-th unknown one.

    Parameters
    ----------
    vocabulary : mapping
        Token to id.
    unknown_words : list
        Tokens that the vocabulary lacks.
    """

    vocabulary: Mapping[Any, int]
    unknown_words: list[Any]

    def words(self, spellings: Iterable[int]) -> dict[int, str]:
        """Return the words of these spellings; characters are no words."""
        ids = {number for number in spellings if number > 0}
        words = {id_: word for word, id_ in self.vocabulary.items() if id_ in ids} if ids else {}
        for number in spellings:
            if number <= FIRST_UNKNOWN:
                words[number] = self.unknown_words[FIRST_UNKNOWN - number]
        return {number: word for number, word in words.items() if _is_word(word)}


def _is_word(token: Any) -> bool:
    return isinstance(token, str) and not is_character(token)


def read_spellings(X: Any) -> tuple[Spelling | None, NDArray[np.integer[Any]]]:
    """Return how the entries of a sparse X are spelled; None if it does not say so.

    Returns
    -------
    Spelling or None
    ndarray of shape (n_entries,)
        The spelling of each entry.
    """
    vocabulary = getattr(X, "vocabulary", None)
    if not isinstance(vocabulary, Mapping):
        return None, X.data
    spellings, unknown = X.data, UnknownTokens()
    is_unknown = X.data == UNKNOWN
    tokens = getattr(X, "unknown_tokens", ())
    if len(tokens) and len(tokens) == np.count_nonzero(is_unknown):
        spellings = spellings.astype(np.int32)
        spellings[is_unknown] = [unknown[token] for token in tokens]
    return Spelling(vocabulary, list(unknown)), spellings
