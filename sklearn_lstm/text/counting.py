"""Counts of tokens: what a vocabulary is learned from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm.text.analysis import TokenRuns, read_tokens

UNKNOWN = 1  # the id of every token that is not in the vocabulary


def _no_counts() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass
class TokenCounts:
    """How often, and in how many texts, each token was read so far.

    Parameters
    ----------
    indices : dict
        Token to index, by first appearance.
    occurrences, documents : ndarray of shape (n_tokens,)
        By index: how often the token was read, and in how many texts.
    n_texts : int
        How many texts were read.
    """

    indices: dict[Any, int] = field(default_factory=dict)
    occurrences: NDArray[np.int64] = field(default_factory=_no_counts)
    documents: NDArray[np.int64] = field(default_factory=_no_counts)
    n_texts: int = 0

    def read(self, analysis: CountVectorizer, raw_documents: Iterable[Any]) -> Iterator[TokenRuns]:
        """Count the tokens of texts and yield their indices, batch by batch."""
        indices: defaultdict[Any, int] = defaultdict(None, self.indices)
        indices.default_factory = indices.__len__
        self.indices = indices
        for tokens, lengths in read_tokens(
            analysis, raw_documents, lambda tokens: map(indices.__getitem__, tokens)
        ):
            n_tokens = len(indices)
            text_numbers = np.repeat(np.arange(len(lengths)), lengths)
            pairs = np.sort(text_numbers * n_tokens + tokens)
            in_texts = pairs[np.diff(pairs, prepend=-1) > 0] % max(n_tokens, 1)
            self.occurrences = _add_counts(self.occurrences, n_tokens, tokens)
            self.documents = _add_counts(self.documents, n_tokens, in_texts)
            self.n_texts += len(lengths)
            yield tokens, lengths
        indices.default_factory = None

    def between(self, at_least: float, at_most: float, known: Iterable[Any]) -> list[Any]:
        """Return the tokens, without the known ones, that `at_least` to `at_most` texts hold.

        They are sorted by falling frequency, ties alphabetically, so that the order of the texts
        does not matter.
        """
        wanted = (self.documents >= at_least) & (self.documents <= at_most)
        wanted[[self.indices[token] for token in known if token in self.indices]] = False
        tokens = sorted(token for token, index in self.indices.items() if wanted[index])
        occurrences = self.occurrences[[self.indices[token] for token in tokens]]
        return [tokens[rank] for rank in np.argsort(-occurrences, kind="stable").tolist()]

    def share_of_words_seen_once(self) -> tuple[int, float]:
        """Return how many words were read, and the share of those that occurred once.

        Tokens without a letter or digit do not count. The share is 0 if it is far from 1.
        """
        is_once = self.occurrences == 1
        if np.count_nonzero(is_once) * 4 < self.occurrences.sum():
            return 0, 0.0
        is_word = np.fromiter(map(_is_word, self.indices), bool, len(self.indices))
        n_words = int(self.occurrences[is_word].sum())
        return n_words, np.count_nonzero(is_once & is_word) / max(n_words, 1)

    def without(self, vocabulary: Mapping[Any, int]) -> TokenCounts:
        """Return the counts of the tokens that are not in the vocabulary."""
        left = [(token, index) for token, index in self.indices.items() if token not in vocabulary]
        old = np.fromiter((index for _, index in left), np.intp, len(left))
        indices = {token: index for index, (token, _) in enumerate(left)}
        return TokenCounts(indices, self.occurrences[old], self.documents[old], self.n_texts)


@dataclass
class TextCounts:
    """What was read of the texts of one call.

    Parameters
    ----------
    counts : TokenCounts
        The counts after these texts.
    before : ndarray of shape (n_tokens_before,)
        How often each token had been read before these texts.
    coverage : dict
        Numbers of texts and tokens.
    longest : int
        The most tokens of a text, at least 1.
    """

    counts: TokenCounts
    before: NDArray[np.int64]
    coverage: dict[str, int]
    longest: int = 1

    def count_unknown(self, vocabulary: Mapping[Any, int]) -> None:
        """Note in `coverage` how many tokens are not in the vocabulary."""
        n_read = self.counts.occurrences.copy()
        n_read[: len(self.before)] -= self.before
        known = np.fromiter((token in vocabulary for token in self.counts.indices), np.bool_)
        self.coverage["n_unknown_tokens"] = int(n_read[~known].sum())


def count_texts(
    analysis: CountVectorizer,
    raw_documents: Iterable[Any],
    counts: TokenCounts,
    max_length: int | None,
    keep: Callable[[TokenRuns], None] | None = None,
) -> TextCounts:
    """Add the tokens of texts to `counts`.

    Parameters
    ----------
    analysis : CountVectorizer
        Its parameters say what a token is.
    raw_documents : iterable
        Texts, or what `analysis.input` says. Read once, a bounded number at a time.
    counts : TokenCounts
        What was counted before; its attributes are replaced, its arrays and dict stay as they are.
    max_length : int or None
        Longer texts count as truncated.
    keep : callable or None
        Called with the indices of the tokens of each batch, and the lengths of its texts.
    """
    coverage = dict.fromkeys(
        ("n_texts", "n_tokens", "n_unknown_tokens", "n_truncated_texts", "n_empty_texts"), 0
    )
    read = TextCounts(counts, counts.occurrences, coverage)
    for indices, lengths in counts.read(analysis, raw_documents):
        if keep is not None:
            keep((indices, lengths))
        coverage["n_texts"] += len(lengths)
        coverage["n_tokens"] += len(indices)
        coverage["n_empty_texts"] += int(np.count_nonzero(lengths == 0))
        if max_length is not None:
            coverage["n_truncated_texts"] += int(np.count_nonzero(lengths > max_length))
        read.longest = max(read.longest, int(lengths.max()))
    return read


def _add_counts(
    counts: NDArray[np.int64], n_tokens: int, indices: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Return the counts, in a new array, with one more for each index."""
    total = np.bincount(indices, minlength=n_tokens)
    total[: len(counts)] += counts
    return total


def _is_word(token: Any) -> bool:
    return not isinstance(token, str) or any(map(str.isalnum, token))
