"""Which tokens get an id, and which id."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_lstm.tokens import read_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from sklearn.feature_extraction.text import CountVectorizer

    from sklearn_lstm.tokens import TokenRuns

PADDING, UNKNOWN, FIRST_TOKEN = 0, 1, 2  # ids with a meaning


@dataclass
class TokenCounts:
    """How often, and in how many texts, each token was read so far."""

    indices: defaultdict[Any, int] = field(default_factory=lambda: defaultdict(None))
    occurrences: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    documents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n_texts: int = 0

    def copy(self) -> TokenCounts:
        """Copy, so that reading on leaves this one as it is."""
        return TokenCounts(self.indices.copy(), self.occurrences, self.documents, self.n_texts)

    def read(self, counter: CountVectorizer, texts: Iterable[Any]) -> Iterator[TokenRuns]:
        """Count the tokens of texts and yield their indices, batch by batch."""
        self.indices.default_factory = self.indices.__len__
        for indices, lengths in read_tokens(
            counter, texts, lambda tokens: map(self.indices.__getitem__, tokens)
        ):
            n_tokens = len(self.indices)
            text_numbers = np.repeat(np.arange(len(lengths)), lengths)
            pairs = np.sort(text_numbers * n_tokens + indices)
            in_texts = pairs[np.diff(pairs, prepend=-1) > 0] % max(n_tokens, 1)
            self.occurrences = _plus(self.occurrences, n_tokens, indices)
            self.documents = _plus(self.documents, n_tokens, in_texts)
            self.n_texts += len(lengths)
            yield indices, lengths
        self.indices.default_factory = None

    def between(self, at_least: float, at_most: float, known: Iterable[Any]) -> list[Any]:
        """List the tokens that `at_least` to `at_most` texts have, but not the known ones.

        By falling frequency, those of like frequency in alphabetical order, so that the order of
        the texts does not matter.
        """
        wanted = (self.documents >= at_least) & (self.documents <= at_most)
        wanted[[self.indices[token] for token in known if token in self.indices]] = False
        tokens = sorted(token for token, index in self.indices.items() if wanted[index])
        occurrences = self.occurrences[[self.indices[token] for token in tokens]]
        return [tokens[rank] for rank in np.argsort(-occurrences, kind="stable").tolist()]


def extend_vocabulary(
    vocabulary: Mapping[Any, int],
    counts: TokenCounts,
    *,
    min_df: float,
    max_df: float,
    max_features: int | None,
) -> dict[Any, int]:
    """Return the vocabulary with the next ids given to what was counted and is frequent enough."""
    at_least, at_most = (
        bound if isinstance(bound, Integral) else bound * counts.n_texts
        for bound in (min_df, max_df)
    )
    tokens = counts.between(at_least, at_most, vocabulary)
    if max_features is not None:
        tokens = tokens[: max(max_features - len(vocabulary), 0)]
    first_id = FIRST_TOKEN + len(vocabulary)
    return {**vocabulary, **{token: first_id + rank for rank, token in enumerate(tokens)}}


def check_not_empty(
    vocabulary: Mapping[Any, int], counts: TokenCounts, *, min_df: float, max_df: float
) -> None:
    """Raise the errors of ``CountVectorizer`` for a vocabulary without tokens."""
    if vocabulary:
        return
    if not counts.indices:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
    at_least, at_most = (
        bound if isinstance(bound, Integral) else bound * counts.n_texts
        for bound in (min_df, max_df)
    )
    if at_most < at_least:
        raise ValueError("max_df corresponds to < documents than min_df")
    raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")


def given_vocabulary(counter: CountVectorizer) -> dict[Any, int]:
    """Return the ids of the tokens in `counter.vocabulary`, checked by ``CountVectorizer``."""
    tokens = counter.get_feature_names_out()
    return {token: FIRST_TOKEN + rank for rank, token in enumerate(tokens)}


def _plus(
    counts: NDArray[np.int64], n_tokens: int, indices: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    # A new array, never in place: the copies of TokenCounts share the old one.
    total = np.bincount(indices, minlength=n_tokens)
    total[: len(counts)] += counts
    return total
