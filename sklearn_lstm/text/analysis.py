"""Texts -> tokens -> ids, as ``CountVectorizer`` finds tokens, in batches of bounded size."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeAlias
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm.parameters import SHARED, plain_parameters
from sklearn_lstm.text.lookup import CharacterTable, WordLookup
from sklearn_lstm.text.words import lengths_of, split_characters, split_words, words_of

# The ids of the tokens of some texts, laid end to end, and how many tokens each text has.
TokenBatch: TypeAlias = tuple[NDArray[np.integer], NDArray[np.int64]]


def count_vectorizer_like(estimator: BaseEstimator) -> CountVectorizer:
    """Return a ``CountVectorizer`` with the parameters of an estimator that has the same ones.

    Its tokenizer is `words_of` if the estimator has words, and neither a tokenizer nor a pattern.
    """
    parameters = plain_parameters(estimator)
    analysis = CountVectorizer(**{name: parameters[name] for name in SHARED})
    if analysis.analyzer == "word" and (analysis.tokenizer or analysis.token_pattern) is None:
        analysis.tokenizer = words_of
    return analysis


def check_as_count_vectorizer(estimator: BaseEstimator) -> list[Hashable]:
    """Warn and raise as ``CountVectorizer`` does in ``fit``, with the same parameters.

    Returns
    -------
    list
        The tokens of the parameter `vocabulary`, in order.
    """
    given = [""] if estimator.vocabulary is None else estimator.vocabulary
    analysis = count_vectorizer_like(estimator)
    if isinstance(given, set | frozenset):
        given = sorted(given)  # their own order differs from process to process
    elif not isinstance(given, Mapping):
        given = given.to_pylist() if hasattr(given, "to_pylist") else list(given)  # pyarrow's
        _check_distinct(given)  # CountVectorizer's own error fails for tuples
    analysis.set_params(vocabulary=given)
    if not all(isinstance(token, str) for token in given):
        analysis.lowercase = False  # CountVectorizer would look for upper case in other tokens too
    indices = analysis.fit([]).vocabulary_
    tokens = sorted(indices, key=indices.get) if estimator.vocabulary is not None else []
    # Strings of an array are NumPy scalars. Dates of Python are other tokens than those of NumPy.
    tokens = [
        token.item() if isinstance(token, np.generic) and token.dtype.kind not in "mM" else token
        for token in tokens
    ]
    refuse_nan(tokens)
    if analysis.tokenizer is words_of:  # whose tokens have this form
        tokens = [normalize("NFC", token) if isinstance(token, str) else token for token in tokens]
        _check_distinct(tokens)
    return tokens


def _check_distinct(tokens: list[Hashable]) -> None:
    for token, times in Counter(tokens).most_common(1):
        if times > 1:
            raise ValueError(f"Duplicate term in vocabulary: {token!r}")


def refuse_nan(tokens: Iterable[Hashable]) -> None:
    """Raise an error if a token is or holds NaN: a copy, as in a stored file, is another token."""
    for token in tokens:
        if type(token) is not str and _holds_nan(token):
            raise ValueError(
                f"{token!r} can't be a token: NaN and NaT equal nothing, so that they would not be "
                "found again. Put another value in their place."
            )


def _holds_nan(token: Hashable) -> bool:
    if isinstance(token, tuple | frozenset):
        return any(map(_holds_nan, token))
    is_other = token != token  # noqa: PLR0124
    return isinstance(is_other, bool | np.bool_) and bool(is_other)  # not NA of pandas


def iterate_texts(raw_documents: Any) -> Iterator[Any]:
    """Return an iterator over the texts; refuse a string, and tables of several columns."""
    if isinstance(raw_documents, str):
        raise ValueError("Iterable over raw text documents expected, string object received.")
    names: Any = getattr(raw_documents, "column_names", getattr(raw_documents, "columns", ()))
    if len(names) == 1:  # as other libraries pass on a column of a data frame
        raw_documents = raw_documents[names[0]]
    shape: tuple[int, ...] = getattr(raw_documents, "shape", (0,))
    if isinstance(raw_documents, np.ndarray) and shape[1:] == (1,):
        return iter(raw_documents[:, 0])
    if len(shape) != 1:
        raise ValueError(
            f"Expected one column of texts, got a {type(raw_documents).__name__} of shape "
            f"{tuple(shape)}; select the column, such as frame['text'] or array[:, 0]."
        )
    if hasattr(raw_documents, "to_pylist"):  # pyarrow iterates over its own scalars
        return (scalar.as_py() for scalar in raw_documents)
    return iter(raw_documents)


def read_tokens(
    analysis: CountVectorizer,
    raw_documents: Iterable[object],
    find: Callable[[Iterable[Hashable]], Iterable[int]],
) -> Iterator[TokenBatch]:
    """Read texts as a ``CountVectorizer`` with the parameters of `analysis` does.

    NumPy finds characters, and the words of `words_of`, in many texts at once. All other tokens
    are found text by text, by the functions of `analysis`. The tokens are the same either way.

    Parameters
    ----------
    analysis : CountVectorizer
        Its parameters say what a token is.
    raw_documents : iterable of str, bytes, file objects or file names
        Read once, a bounded number at a time.
    find : callable
        From tokens to their ids, always the same id for the same token.

    Yields
    ------
    ids, lengths : TokenBatch
        Of the next texts.
    """
    texts = iterate_texts(raw_documents)
    # Without these two, a str is at most lowered, which is faster for many at once.
    is_plain = analysis.preprocessor is None and analysis.strip_accents is None
    lowers = is_plain and analysis.lowercase
    preprocess = analysis.build_preprocessor()
    if analysis.analyzer == "char":
        find_characters = CharacterTable((lambda cs: find(map(str.lower, cs))) if lowers else find)
        for batch in _in_batches(texts, analysis, preprocess, keeps_str=is_plain):
            code_points, lengths = split_characters(batch, lowers=lowers)
            yield find_characters(code_points), lengths
    elif analysis.tokenizer is words_of and not analysis.get_stop_words():
        find_words = WordLookup(find)
        for batch in _in_batches(texts, analysis, preprocess, keeps_str=is_plain):
            words = split_words(batch, lowers=lowers)
            yield find_words(words), words.lengths
    else:
        for lists in _in_batches(texts, analysis, _analyzer(analysis, preprocess)):
            lengths = lengths_of(lists)
            yield np.fromiter(find(chain.from_iterable(lists)), np.int32, lengths.sum()), lengths


def _analyzer(
    analysis: CountVectorizer, preprocess: Callable[[object], object]
) -> Callable[[object], list[Hashable]]:
    """Return the function from a text to the list of its tokens."""
    if callable(analysis.analyzer):
        return lambda text: list(analysis.analyzer(text))
    stop_words, tokenize = analysis.get_stop_words() or (), analysis.build_tokenizer()
    return lambda text: [t for t in tokenize(preprocess(text)) if t not in stop_words]


def _in_batches(
    texts: Iterable[Any],
    analysis: CountVectorizer,
    analyze: Callable[[object], object],
    *,
    keeps_str: bool = False,
) -> Iterator[list[Any]]:
    """Yield lists of decoded and analyzed texts; a str stays as it is if `keeps_str`."""
    decode, is_content = analysis.decode, analysis.input == "content"
    batch: list[Any] = []
    size = 0
    for index, text in enumerate(texts):
        try:
            is_decoded = is_content and type(text) is str
            if not (is_decoded and keeps_str):
                text = analyze(text if is_decoded else decode(text))  # noqa: PLW2901
            size += len(text)
        except Exception as error:
            error.add_note(f"This was the text at index {index}.")
            if text is None or isinstance(text, float) or type(text).__name__ == "NAType":
                error.add_note(
                    "It is missing. Leave out such rows, with their labels, or make them empty "
                    "texts: frame['text'].fillna('')."
                )
            if isinstance(text, list | tuple | np.ndarray) and not callable(analysis.analyzer):
                error.add_note("Pass analyzer=list if the texts are split into tokens already.")
            raise
        batch.append(text)
        if size >= 1 << 16:  # characters or tokens: they fit into the processor's cache
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
