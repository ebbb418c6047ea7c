"""Which tokens get an id, and which id: 0 padding, 1 unknown, then the vocabulary."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.counting import UNKNOWN, TokenCounts
from sklearn_lstm.text.scripts import is_character

_FIRST_TOKEN = 2
_MANY_WORDS = 200
_NEARLY_ALL = 0.85
_FREQUENT_TOKENS = 1000


def number_tokens(tokens: Iterable[Any]) -> dict[Any, int]:
    """Return the id of each token, in order from 2 on."""
    return {token: rank for rank, token in enumerate(tokens, _FIRST_TOKEN)}


@dataclass(frozen=True)
class Selection:
    """Which tokens get an id.

    Parameters
    ----------
    given : dict
        The ids of tokens that the user gave.
    learns : bool
        Whether tokens of texts follow.
    min_df, max_df, max_features
        As in `TextSequenceVectorizer`.
    """

    given: dict[Any, int]
    learns: bool
    min_df: float
    max_df: float
    max_features: int | None

    def learn(self, counts: TokenCounts) -> dict[Any, int]:
        """Return the ids of the given tokens, and of the tokens that are frequent enough.

        Raises
        ------
        ValueError
            If there is none; the errors are those of ``CountVectorizer``.
        """
        vocabulary = self.extend(self.given, counts)
        if vocabulary:
            return vocabulary
        if not counts.indices:
            raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
        if _n_texts(self.max_df, counts) < _n_texts(self.min_df, counts):
            raise ValueError("max_df corresponds to < documents than min_df")
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")

    def extend(self, vocabulary: dict[Any, int], counts: TokenCounts) -> dict[Any, int]:
        """Return the vocabulary with the next ids for frequent tokens, by falling frequency."""
        if not self.learns:
            return self.given
        at_least, at_most = _n_texts(self.min_df, counts), _n_texts(self.max_df, counts)
        tokens = counts.between(at_least, at_most, vocabulary)
        if self.max_features is not None:
            tokens = tokens[: max(int(self.max_features) - len(vocabulary), 0)]
        return number_tokens([*vocabulary, *tokens])


class TokenNumbers:
    """Numbers for the tokens of one call: ids, and beyond them numbers for unknown tokens.

    Parameters
    ----------
    vocabulary : mapping
        Token to id.
    """

    def __init__(self, vocabulary: Mapping[Any, int]) -> None:
        self._vocabulary = vocabulary
        self._first_unknown = _FIRST_TOKEN + len(vocabulary)
        self._unknown: defaultdict[Any, int] = defaultdict(count(self._first_unknown).__next__)

    def __call__(self, tokens: Iterable[Any]) -> Iterator[int]:
        """Yield the number of each token."""
        find, unknown = self._vocabulary.get, self._unknown
        return (find(token) or unknown[token] for token in tokens)

    def take_unknown(
        self, numbers: NDArray[np.int32]
    ) -> tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.object_]]:
        """Replace the numbers of unknown tokens by their id, in place.

        Returns
        -------
        at : ndarray of int
            Where `numbers` held unknown tokens.
        places : ndarray of int
            The place of each of them in `unknown_vocabulary`.
        unknown_vocabulary : ndarray of object
            Each unknown token once, after "", which is the token of an empty text.
        """
        at = np.flatnonzero(numbers >= self._first_unknown)
        places = numbers[at] - (self._first_unknown - 1)
        numbers[at] = UNKNOWN
        return at, places, np.fromiter(("", *self._unknown), np.object_)


def _n_texts(bound: float, counts: TokenCounts) -> float:
    """Return a number of texts: an integer is one, a float is a share of the texts."""
    return bound if isinstance(bound, Integral) else bound * counts.n_texts


def warn_of_words_seen_once(counts: TokenCounts) -> None:
    """Warn if nearly all words were seen only once: the tokens are not words then.

    In 74 of the 75 languages of Lingua's test sentences, at most 82 % of 200 or more words occur
    once; in Korean it is 89 % of 317 words and 79 % of 1,400. Of the clauses of 6,000 Chinese
    reviews 87 % occur once, of hashes all.
    """
    n_words, share = counts.share_of_words_seen_once()
    if n_words >= _MANY_WORDS and share > _NEARLY_ALL:
        warnings.warn(
            f"{share:.0%} of the {n_words} words of the training texts were seen only once, so "
            "that little can be learned from them. Perhaps they are not words. Pass a `tokenizer` "
            "that finds the words of these texts, another `token_pattern`, or analyzer='char'.",
            stacklevel=4,
        )


def given_vocabulary(vocabulary: Mapping[Any, int] | Iterable[Any]) -> dict[Any, int]:
    """Return the ids of the tokens that the user gave, with the checks of ``CountVectorizer``.

    ``CountVectorizer`` itself does not take tokens that are tuples.
    """
    if isinstance(vocabulary, Mapping):
        indices = set(vocabulary.values())
        if len(indices) != len(vocabulary):
            raise ValueError("Vocabulary contains repeated indices.")
        for index in range(len(vocabulary)):
            if index not in indices:
                raise ValueError(
                    f"Vocabulary of size {len(vocabulary)} doesn't contain index {index}."
                )
        tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    else:
        # The order of a set differs from process to process.
        is_set = isinstance(vocabulary, set | frozenset)
        tokens = sorted(vocabulary) if is_set else list(vocabulary)
    # Strings of an array are NumPy scalars.
    tokens = [token.item() if isinstance(token, np.generic) else token for token in tokens]
    if not tokens:
        raise ValueError("empty vocabulary passed to fit")
    seen: set[Any] = set()
    for token in tokens:
        if token in seen:
            raise ValueError(f"Duplicate term in vocabulary: {token!r}")
        seen.add(token)
    return number_tokens(tokens)


def token_unit(vocabulary: Mapping[Any, int]) -> Literal["word", "char"]:
    """Return "char" if most of the first 1,000 tokens are one character with its marks.

    The first tokens are the most frequent ones. A Chinese vocabulary has words in Latin letters
    and numbers too, and an English one has punctuation marks.
    """
    first = list(islice(vocabulary, _FREQUENT_TOKENS))
    return "char" if sum(map(is_character, first)) > len(first) / 2 else "word"
