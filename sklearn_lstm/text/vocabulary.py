"""Counts of tokens -> which get an id, and which id: 0 padding, 1 unknown, then the vocabulary."""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from numbers import Integral
from typing import Annotated, Any, NamedTuple, NoReturn, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.analysis import Analysis, TokenBatch, read_tokens
from sklearn_lstm.text.words import is_character

# Ids: no step; every token that is not in the vocabulary; and from then on the vocabulary.
PADDING_ID, UNKNOWN, FIRST_TOKEN = range(3)
FEWEST_TEXTS = 20  # that tell whether texts are single words
FIRST_UNKNOWN = -2  # where unknown tokens are told apart, the k-th one is -2 - k

Keep: TypeAlias = Callable[[TokenBatch], None]  # what keeps batches until all tokens are known


def number_tokens(tokens: Iterable[Hashable], first: int = FIRST_TOKEN) -> dict[Hashable, int]:
    """Return the id of each token, in order from the first id on."""
    return {token: id_ for id_, token in enumerate(tokens, first)}


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

    ids: Annotated[dict[Any, int], "n_tokens of n_numbers"]
    occurrences: Annotated[NDArray[np.int64], "n_numbers"]
    documents: Annotated[NDArray[np.int64], "n_numbers"]
    n_texts: int

    @classmethod
    def none(cls) -> Self:
        """Return the counts of no texts."""
        return cls({}, np.zeros(FIRST_TOKEN, np.int64), np.zeros(FIRST_TOKEN, np.int64), 0)

    def __add__(self, other: Self) -> Self:
        """Return the counts of the texts of both."""
        ids = number_tokens(self.ids | other.ids)
        occurrences, documents = np.zeros((2, FIRST_TOKEN + len(ids)), np.int64)
        for part in (self, other):
            at = [ids[token] for token in part.ids]
            occurrences[at] += part.occurrences[FIRST_TOKEN:]
            documents[at] += part.documents[FIRST_TOKEN:]
        return type(self)(ids, occurrences, documents, self.n_texts + other.n_texts)

    def without(self, vocabulary: Container[Hashable]) -> Self:
        """Return the counts of the tokens that are not in the vocabulary."""
        left = {token: id_ for token, id_ in self.ids.items() if token not in vocabulary}
        at = [0, 1, *left.values()]
        occurrences, documents = self.occurrences[at], self.documents[at]
        return type(self)(number_tokens(left), occurrences, documents, self.n_texts)


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

    def are_single_words(self) -> bool:
        """Return whether most of many texts are one token, and most tokens occur once."""
        occurrences = self.tokens.occurrences
        most = 2 * self.lengths[1] > self.tokens.n_texts >= FEWEST_TEXTS
        return bool(most and 2 * np.count_nonzero(occurrences == 1) > len(occurrences))

    def are_unique(self) -> bool:
        """Return whether over three quarters of the tokens of many texts occur once."""
        counts, are_many = self.tokens.occurrences, self.tokens.n_texts >= FEWEST_TEXTS
        return bool(are_many and 4 * np.count_nonzero(counts == 1) > 3 * counts.sum())

    def are_decimals(self) -> bool:
        """Return whether over a quarter of the tokens of many texts are decimals, and few words.

        The first 1,000 tokens tell it.
        """
        first = [*map(str, islice(self.tokens.ids, 1000))]
        counts = self.tokens.occurrences[FIRST_TOKEN:][: len(first)]
        is_word = np.array([any(map(str.isalpha, token)) for token in first], bool)
        has_few_words = 10 * counts[is_word].sum() < counts.sum()
        are_many = self.tokens.n_texts >= FEWEST_TEXTS
        return bool(are_many and has_few_words and 4 * sum(map(_is_decimal, first)) > len(first))

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


def _is_decimal(token: str) -> bool:
    return "." in token and token.strip("-+").replace(".", "", 1).isdecimal()


def count_texts(
    analysis: Analysis, raw_documents: Iterable[object], keep: Keep | None = None
) -> TextCounts:
    """Read texts and count their tokens.

    Parameters
    ----------
    analysis : Analysis
    raw_documents : iterable
        Texts, or what `analysis.input` says. Read once, a bounded number at a time.
    keep : callable or None
        It gets the numbers of the tokens, batch by batch.
    """
    ids: defaultdict[Hashable, int] = defaultdict(count(FIRST_TOKEN).__next__)
    occurrences = documents = np.zeros(FIRST_TOKEN, np.int64)
    n_of_length: Counter[int] = Counter()
    for tokens, lengths in read_tokens(analysis, raw_documents, partial(map, ids.__getitem__)):
        n_ids = FIRST_TOKEN + len(ids)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        pairs = np.sort(rows * n_ids + tokens)
        in_texts = pairs[np.diff(pairs, prepend=-1) > 0] % n_ids
        occurrences = _add_counts(occurrences, tokens)
        documents = _add_counts(documents, in_texts)
        n_of_length.update(lengths.tolist())
        if keep is not None:
            keep((tokens, lengths))
    counts = TokenCounts(dict(ids), occurrences, documents, n_of_length.total())
    return TextCounts(counts, n_of_length)


def _add_counts(counts: NDArray[np.int64], numbers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the counts of 0, 1, ..., in a new array, with one more for each of the numbers."""
    total = np.bincount(numbers, minlength=len(counts))
    total[: len(counts)] += counts
    return total


class CallIds:
    """The ids of the tokens of one call of `transform` or `fit_transform`.

    Parameters
    ----------
    vocabulary : dict
        Token to id.

    Attributes
    ----------
    unknown : dict
        Unknown tokens so far, and their numbers: -2, -3, ... in the order in which they were looked
        up. The first one, "", is that of an empty text.
    """

    def __init__(self, vocabulary: dict[Hashable, int]) -> None:
        self.vocabulary: dict[Hashable, int] = vocabulary
        self.unknown: dict[Hashable, int] = {"": FIRST_UNKNOWN}

    def __call__(self, tokens: Iterable[Hashable]) -> Iterator[int]:
        """Yield the id of each token, or its number if it is unknown."""
        find, unknown = self.vocabulary.get, self.unknown
        number = unknown.setdefault
        return (find(token) or number(token, FIRST_UNKNOWN - len(unknown)) for token in tokens)


def frequent_tokens(counts: TokenCounts, min_df: float, max_df: float) -> list[Hashable]:
    """Return the tokens that at least `min_df` and at most `max_df` texts hold.

    They are sorted by falling frequency, ties alphabetically, so that the order of the texts does
    not matter.
    """
    is_frequent = counts.documents >= _n_texts(min_df, counts)
    is_frequent &= counts.documents <= _n_texts(max_df, counts)
    tokens = [token for token, id_ in counts.ids.items() if is_frequent[id_]]
    try:
        tokens.sort()
    except TypeError as error:
        types = sorted({type(token).__name__ for token in tokens})
        raise ValueError(
            f"Tokens of several types, {types}: {error}. Make them strings, and leave out None."
        ) from error
    occurrences = dict(zip(counts.ids, counts.occurrences[FIRST_TOKEN:].tolist(), strict=True))
    return sorted(tokens, key=occurrences.__getitem__, reverse=True)  # ties stay alphabetical


def refuse_empty_vocabulary(counts: TokenCounts, min_df: float, max_df: float) -> NoReturn:
    """Raise the error of ``CountVectorizer`` that says why there is no token."""
    if not counts.ids:
        why = "empty vocabulary; perhaps the documents only contain stop words"
        raise ValueError(f"{why}, or nothing: no token was found in {counts.n_texts:,} texts.")
    fewest, most, n_texts = _n_texts(min_df, counts), _n_texts(max_df, counts), counts.n_texts
    why = "After pruning, no terms remain. Try a lower min_df or a higher max_df"
    if most < fewest:
        why = "max_df corresponds to < documents than min_df"
    raise ValueError(
        f"{why}: min_df={min_df} and max_df={max_df} keep tokens in {fewest:g} to {most:g} of "
        f"{n_texts:,} texts."
    )


def _n_texts(bound: float, counts: TokenCounts) -> float:
    """Return a bound as a number of texts: an integer is one already, a float is a share."""
    return bound if isinstance(bound, Integral) else bound * counts.n_texts


def are_characters(vocabulary: Mapping[Hashable, int]) -> bool:
    """Return whether most of the first 1,000 tokens are one character with its marks.

    The first tokens are the most frequent ones. A Chinese vocabulary has words in Latin letters
    and numbers too, and an English one has punctuation marks.
    """
    first = list(islice(vocabulary, 1000))
    return sum(map(is_character, first)) > len(first) / 2
