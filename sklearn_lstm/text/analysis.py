"""Texts to tokens to integers, as ``CountVectorizer`` analyses them, in batches of bounded size."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm.parameters import NOT_SHARED
from sklearn_lstm.text.words import lengths_of, split_characters, split_words, words_of
from sklearn_lstm.text.lookup import CharacterTable, WordTable

# The integers of some texts, laid end to end, and how many each text has.
TokenRuns: TypeAlias = tuple[NDArray[np.integer[Any]], NDArray[np.int64]]

# Characters (or tokens) per batch: small enough for the processor's cache.
BATCH_SIZE = 1 << 16


def count_vectorizer_like(estimator: BaseEstimator) -> CountVectorizer:
    """Return a ``CountVectorizer`` with the parameters of an estimator that has the same ones.

    Its tokenizer is `words_of` if the estimator has neither a tokenizer nor a pattern.
    """
    shared = CountVectorizer().get_params().keys() - NOT_SHARED
    analysis = CountVectorizer(**{name: getattr(estimator, name) for name in shared})
    if analysis.tokenizer is None and analysis.token_pattern is None:
        analysis.tokenizer = words_of
    return analysis


def iterate_texts(raw_documents: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over the texts; refuse a string and tables."""
    if isinstance(raw_documents, str):
        raise ValueError("Iterable over raw text documents expected, string object received.")
    shape = getattr(raw_documents, "shape", None)
    if shape is not None and len(shape) != 1:
        raise ValueError(
            f"Expected one column of texts, got a {type(raw_documents).__name__} of shape "
            f"{tuple(shape)}; select the column, such as frame['text'] or array[:, 0]."
        )
    if hasattr(raw_documents, "to_pylist"):  # pyarrow iterates over its own scalars
        return (scalar.as_py() for scalar in raw_documents)
    return iter(raw_documents)


def warn_of_ignored_parameters(analysis: CountVectorizer, vocabulary: Iterable[Any]) -> None:
    """Warn as ``CountVectorizer`` does."""
    has_pattern = analysis.token_pattern is not None
    has_tokenizer = analysis.tokenizer is not None and analysis.tokenizer is not words_of
    ignored = []
    if has_tokenizer and has_pattern:
        ignored.append(("token_pattern", "'tokenizer' is not None"))
    if analysis.preprocessor is not None and callable(analysis.analyzer):
        ignored.append(("preprocessor", "'analyzer' is callable"))
    if analysis.analyzer != "word":
        chosen = {
            "stop_words": analysis.stop_words is not None,
            "token_pattern": has_pattern,
            "tokenizer": has_tokenizer,
        }
        ignored += [(name, "'analyzer' != 'word'") for name in chosen if chosen[name]]
    for name, reason in ignored:
        warnings.warn(f"The parameter '{name}' will not be used since {reason}", stacklevel=4)
    words = (token for token in vocabulary if isinstance(token, str))
    if analysis.lowercase and any(any(map(str.isupper, word)) for word in words):
        warnings.warn(
            "Upper case characters found in vocabulary while 'lowercase' is True. These entries "
            "will not be matched with any documents",
            stacklevel=4,
        )


def read_tokens(
    analysis: CountVectorizer,
    raw_documents: Iterable[Any],
    find: Callable[[Iterable[Hashable]], Iterable[int]],
) -> Iterator[TokenRuns]:
    """Read texts as a ``CountVectorizer`` with the parameters of `analysis` does.

    NumPy finds characters, and the words of `words_of`, among the code points of many texts at
    once; the analyzer of `analysis` finds all other tokens. Both ways find the same tokens.

    Parameters
    ----------
    analysis : CountVectorizer
        Its parameters say what a token is.
    raw_documents : iterable of str, bytes, file objects or file names
        Read once, a bounded number at a time.
    find : callable
        From tokens to an integer >= 0 for each, always the same for the same token.

    Yields
    ------
    integers, lengths : ndarray of integers, ndarray of int64
        The integers of the tokens of the next texts, and how many tokens each text has.
    """
    texts = iterate_texts(raw_documents)
    # Without these two, characters can be lowered one by one.
    is_plain = analysis.preprocessor is None and analysis.strip_accents is None
    lowers = is_plain and analysis.lowercase
    preprocess = analysis.build_preprocessor()
    if analysis.analyzer == "char":
        find_characters = CharacterTable(
            lambda characters: find(map(str.lower, characters) if lowers else characters)
        )
        for batch in _in_batches(texts, analysis, preprocess, keeps_str=is_plain):
            code_points, lengths = split_characters(batch, lowers=lowers)
            yield find_characters(code_points), lengths
    elif _has_default_words(analysis):
        find_words = WordTable(find)
        for batch in _in_batches(texts, analysis, preprocess, keeps_str=is_plain):
            *words, lengths, is_composed = split_words(batch, lowers=lowers)
            yield find_words(*words, is_composed=is_composed), lengths
    else:
        for lists in _in_batches(texts, analysis, _analyzer(analysis, preprocess)):
            lengths = lengths_of(lists)
            yield np.fromiter(find(chain.from_iterable(lists)), np.int32, lengths.sum()), lengths


def _has_default_words(analysis: CountVectorizer) -> bool:
    return (
        analysis.analyzer == "word"
        and analysis.tokenizer is words_of
        and not analysis.get_stop_words()
    )


def _analyzer(
    analysis: CountVectorizer, preprocess: Callable[[Any], Any]
) -> Callable[[Any], list[Any]]:
    """Return the function from a text to the list of its tokens."""
    if callable(analysis.analyzer):
        return lambda text: list(analysis.analyzer(text))
    stop_words, tokenize = analysis.get_stop_words() or (), analysis.build_tokenizer()
    return lambda text: [t for t in tokenize(preprocess(text)) if t not in stop_words]


def _in_batches(
    texts: Iterable[Any],
    analysis: CountVectorizer,
    analyze: Callable[[Any], Any],
    *,
    keeps_str: bool = False,
) -> Iterator[list[Any]]:
    """Yield lists of decoded and analyzed texts; a str stays as it is if `keeps_str`."""
    decode, is_content = analysis.decode, analysis.input == "content"
    batch: list[Any] = []
    size = n_read = 0
    for text in texts:
        try:
            is_decoded = is_content and type(text) is str
            if not (is_decoded and keeps_str):
                text = analyze(text if is_decoded else decode(text))  # noqa: PLW2901
            size += len(text)
        except Exception as error:
            error.add_note(f"This was the text at index {n_read + len(batch)}.")
            raise
        batch.append(text)
        if size >= BATCH_SIZE:
            yield batch
            n_read += len(batch)
            batch, size = [], 0
    if batch:
        yield batch
