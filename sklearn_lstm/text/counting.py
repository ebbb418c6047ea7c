"""Texts -> numbers and counts of their tokens: what a vocabulary is learned from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.analysis import Analysis, TokenBatch, read_tokens

# Id 0 is padding.
UNKNOWN = 1  # the id of every token that is not in the vocabulary
FIRST_TOKEN = 2
FIRST_UNKNOWN = -2  # where unknown tokens are told apart, the k-th one is -2 - k


class TokenBatches(Protocol):
    """A list of TokenBatch, or what keeps them elsewhere."""

    def append(self, batch: TokenBatch, /) -> None:
        """Add a batch."""

    def __iter__(self) -> Iterator[TokenBatch]:
        """Return the batches in order."""


def number_tokens(tokens: Iterable[Hashable], first: int = FIRST_TOKEN) -> dict[Hashable, int]:
    """Return the id of each token, in order from the first id on."""
    return {token: id_ for id_, token in enumerate(tokens, first)}


def _no_counts() -> NDArray[np.int64]:
    return np.zeros(FIRST_TOKEN, np.int64)


@dataclass(frozen=True)
class TokenCounts:
    """How often, and in how many texts, each token was read.

    Parameters
    ----------
    ids : dict
        Token to number: 2, 3, ... by first appearance.
    occurrences, documents : ndarray of shape (2 + n_tokens,)
        By number: how often the token was read, and in how many texts.
    n_texts : int
        How many texts were read.
    """

    ids: Annotated[dict[Any, int], "n_tokens of n_numbers"] = field(default_factory=dict)
    occurrences: Annotated[NDArray[np.int64], "n_numbers"] = field(default_factory=_no_counts)
    documents: Annotated[NDArray[np.int64], "n_numbers"] = field(default_factory=_no_counts)
    n_texts: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        """Return the counts of the texts of both."""
        ids = number_tokens(self.ids | other.ids)
        occurrences, documents = np.zeros((2, FIRST_TOKEN + len(ids)), np.int64)
        for part in (self, other):
            at = [ids[token] for token in part.ids]
            occurrences[at] += part.occurrences[FIRST_TOKEN:]
            documents[at] += part.documents[FIRST_TOKEN:]
        return TokenCounts(ids, occurrences, documents, self.n_texts + other.n_texts)

    def without(self, vocabulary: Container[Hashable]) -> TokenCounts:
        """Return the counts of the tokens that are not in the vocabulary."""
        left = {token: id_ for token, id_ in self.ids.items() if token not in vocabulary}
        at = [0, 1, *left.values()]
        occurrences, documents = self.occurrences[at], self.documents[at]
        return TokenCounts(number_tokens(left), occurrences, documents, self.n_texts)


class TextCounts(NamedTuple):
    """Counts of the texts of one call.

    Parameters
    ----------
    tokens : TokenCounts
        Of their tokens.
    lengths : Counter
        How many texts have how many tokens.
    """

    tokens: TokenCounts
    lengths: Counter[int]

    @property
    def longest(self) -> int:
        """The most tokens of a text, at least 1."""
        return max([1, *self.lengths])

    def coverage(self, vocabulary: Container[Hashable], max_length: int) -> dict[str, int]:
        """Return numbers of texts, of tokens, and of what a vocabulary and a length leave out."""
        too_long = (n for length, n in self.lengths.items() if length > max_length)
        return {
            "n_texts": self.tokens.n_texts,
            "n_tokens": int(self.tokens.occurrences.sum()),
            "n_unknown_tokens": int(self.tokens.without(vocabulary).occurrences.sum()),
            "n_truncated_texts": sum(too_long),
            "n_empty_texts": self.lengths[0],
        }


def count_texts(
    analysis: Analysis, raw_documents: Iterable[object], batches: TokenBatches | None = None
) -> TextCounts:
    """Read texts and count their tokens.

    Parameters
    ----------
    analysis : Analysis
    raw_documents : iterable
        Texts, or what `analysis.input` says. Read once, a bounded number at a time.
    batches : TokenBatches or None
        The numbers of the tokens are appended to it, batch by batch.
    """
    ids: defaultdict[Hashable, int] = defaultdict(count(FIRST_TOKEN).__next__)
    occurrences = documents = _no_counts()
    n_of_length: Counter[int] = Counter()
    for tokens, lengths in read_tokens(analysis, raw_documents, partial(map, ids.__getitem__)):
        n_ids = FIRST_TOKEN + len(ids)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        pairs = np.sort(rows * n_ids + tokens)
        in_texts = pairs[np.diff(pairs, prepend=-1) > 0] % n_ids
        occurrences = _add_counts(occurrences, tokens)
        documents = _add_counts(documents, in_texts)
        n_of_length.update(lengths.tolist())
        if batches is not None:
            batches.append((tokens, lengths))
    counts = TokenCounts(dict(ids), occurrences, documents, n_of_length.total())
    return TextCounts(counts, n_of_length)


def _add_counts(counts: NDArray[np.int64], numbers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the counts of 0, 1, ..., in a new array, with one more for each of the numbers."""
    total = np.bincount(numbers, minlength=len(counts))
    total[: len(counts)] += counts
    return total
