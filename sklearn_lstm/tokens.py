"""Texts to tokens to integers: the analysis of ``CountVectorizer``, in batches of bounded size."""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.lookup import CharacterTable, WordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

TOKEN_PATTERN = r"\w+(?:['’]\w+)*|[^\w\s]+"  # noqa: RUF001, S105 - typeset apostrophe, no password

# The integers of some texts, one text after the other, and how many each text has.
TokenRuns: TypeAlias = tuple[NDArray[np.integer[Any]], NDArray[np.int64]]

# Characters (or tokens) per batch: small enough for the processor's cache.
_BATCH_SIZE = 1 << 16
# The kinds of character that TOKEN_PATTERN tells apart.
_BLANK, _MARK, _WORD, _APOSTROPHE = range(4)


def iterate_texts(raw_documents: Iterable[Any]) -> Iterator[Any]:
    """Return the texts one by one; refuse what only looks like a column of texts."""
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


def warn_of_ignored_parameters(counter: Any, vocabulary: Iterable[Any]) -> None:
    """Warn as ``CountVectorizer`` does, save that the default `token_pattern` is no choice."""
    has_pattern = counter.token_pattern not in {None, TOKEN_PATTERN}
    ignored = []
    if counter.tokenizer is not None and has_pattern:
        ignored.append(("token_pattern", "'tokenizer' is not None"))
    if counter.preprocessor is not None and callable(counter.analyzer):
        ignored.append(("preprocessor", "'analyzer' is callable"))
    if counter.analyzer != "word":
        chosen = {
            "stop_words": counter.stop_words is not None,
            "token_pattern": has_pattern,
            "tokenizer": counter.tokenizer is not None,
        }
        ignored += [(name, "'analyzer' != 'word'") for name in chosen if chosen[name]]
    for name, reason in ignored:
        warnings.warn(f"The parameter '{name}' will not be used since {reason}", stacklevel=4)
    words = (token for token in vocabulary if isinstance(token, str))
    if counter.lowercase and any(any(map(str.isupper, word)) for word in words):
        warnings.warn(
            "Upper case characters found in vocabulary while 'lowercase' is True. These entries "
            "will not be matched with any documents",
            stacklevel=4,
        )


def read_tokens(
    counter: Any, texts: Iterable[Any], find: Callable[[Iterable[Hashable]], Iterable[int]]
) -> Iterator[TokenRuns]:
    """Read texts as a ``CountVectorizer`` with the parameters of `counter` would.

    Characters, and words under `TOKEN_PATTERN`, are told apart by NumPy over the code points of
    many texts at once; everything else by the analyzer of `counter`. The tokens are the same.

    Parameters
    ----------
    counter : CountVectorizer
        Its parameters say what a token is.
    texts : iterable of str, bytes, file objects or file names
        Read once, a bounded number at a time.
    find : callable
        From tokens to an integer >= 0 for each, always the same for the same token.

    Yields
    ------
    integers, lengths : ndarray of a type of integers, ndarray of int64
        The integers of the tokens of the next texts, and how many tokens each text has.
    """
    # Nothing is done to a character that depends on others: whole batches can be lowered.
    is_plain = counter.preprocessor is None and counter.strip_accents is None
    lowers = is_plain and counter.lowercase
    preprocess = counter.build_preprocessor()
    if counter.analyzer == "char":
        find_characters = CharacterTable(
            lambda characters: find(map(str.lower, characters) if lowers else characters)
        )
        for batch in _in_batches(texts, counter, preprocess, keeps_str=is_plain):
            codes, lengths = _split_characters(batch, lowers=lowers)
            yield find_characters(codes), lengths
    elif _has_default_words(counter):
        find_words = WordTable(find)
        for batch in _in_batches(texts, counter, preprocess, keeps_str=is_plain):
            codes, starts, stops, lengths = _split_words(batch, lowers=lowers)
            yield find_words(codes, starts, stops), lengths
    else:
        for lists in _in_batches(texts, counter, _analyzer(counter, preprocess)):
            lengths = _lengths(lists)
            yield np.fromiter(find(chain.from_iterable(lists)), np.int32, lengths.sum()), lengths


def _has_default_words(counter: Any) -> bool:
    return (
        counter.analyzer == "word"
        and counter.tokenizer is None
        and counter.token_pattern == TOKEN_PATTERN
        and not counter.get_stop_words()
    )


def _analyzer(counter: Any, preprocess: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """Give what makes a list of tokens out of a text."""
    if callable(counter.analyzer):
        return lambda text: list(counter.analyzer(text))
    stop_words, tokenize = counter.get_stop_words() or (), counter.build_tokenizer()
    return lambda text: [t for t in tokenize(preprocess(text)) if t not in stop_words]


def _kind(character: str) -> int:
    if character.isalnum() or character == "_":
        return _WORD
    if character.isspace():
        return _BLANK
    return _APOSTROPHE if character in "'’" else _MARK  # noqa: RUF001


_kinds = CharacterTable(lambda characters: map(_kind, characters))
_lowered = CharacterTable(lambda characters: map(ord, map(str.lower, characters)))
_LATIN_LOWER = bytes(range(256)).decode("latin-1").lower().encode("latin-1")
_LOWERED_IN_CONTEXT = "İΣ"  # one becomes two characters, one depends on its neighbours


def _in_batches(
    texts: Iterable[Any],
    counter: Any,
    analyze: Callable[[Any], Any],
    *,
    keeps_str: bool = False,
) -> Iterator[list[Any]]:
    """Decode and analyze each text, save str if `keeps_str`; collect up to the size of a batch."""
    decode, is_content = counter.decode, counter.input == "content"
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
        if size >= _BATCH_SIZE:
            yield batch
            n_read += len(batch)
            batch, size = [], 0
    if batch:
        yield batch


def _split_characters(texts: list[str], *, lowers: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Split into characters, a run of white space being one blank as in ``CountVectorizer``."""
    codes, lengths = _code_points(texts, "", lowers=lowers)
    is_blank = _kinds(codes) == _BLANK
    is_doubled = is_blank[1:] & is_blank[:-1]
    ends = np.cumsum(lengths)
    is_doubled[ends[(ends > 0) & (ends < len(codes))] - 1] = False  # not by the next text
    superfluous = np.flatnonzero(is_doubled) + 1
    if not len(superfluous):
        return codes, lengths
    codes = codes.copy()
    codes[superfluous - 1] = ord(" ")
    rows = np.searchsorted(ends, superfluous, side="right")
    lengths -= np.bincount(rows, minlength=len(lengths))
    return np.delete(codes, superfluous), lengths


def _split_words(
    texts: list[str], *, lowers: bool
) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Split at `TOKEN_PATTERN`: code points, where words start and stop, and words per text."""
    # The line ends keep the words of different texts apart.
    codes, lengths = _code_points(texts, "\n", lowers=lowers)
    kinds = _kinds(codes)
    if lowers:
        codes = _lower(codes)
    apostrophes = np.flatnonzero(kinds[1:-1] == _APOSTROPHE) + 1
    is_inner = (kinds[apostrophes - 1] == _WORD) & (kinds[apostrophes + 1] == _WORD)
    kinds[apostrophes[is_inner]] = _WORD
    kinds[kinds == _APOSTROPHE] = _MARK
    borders = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    starts, stops = np.append(0, borders), np.append(borders, len(kinds))
    words = np.flatnonzero(kinds.take(starts) != _BLANK)
    starts, stops = starts.take(words), stops.take(words)
    line_ends = np.cumsum(lengths + 1)
    n_words = np.diff(np.searchsorted(starts, line_ends), prepend=0)
    return codes, starts, stops, n_words


def _lengths(sequences: list[Any]) -> NDArray[np.int64]:
    return np.fromiter(map(len, sequences), np.int64, len(sequences))


def _code_points(
    texts: list[str], separator: str, *, lowers: bool
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give the code points of texts, a separator after each text, and the length of each text.

    Characters of Latin-1 are given as bytes: a few times as fast. If `lowers`, what can't be
    lowered one by one has been lowered.
    """
    joined = separator.join(texts) + separator
    if lowers and any(character in joined for character in _LOWERED_IN_CONTEXT):
        texts = [text.lower() for text in texts]
        joined = separator.join(texts) + separator
    try:
        codes = np.frombuffer(joined.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
    return codes, _lengths(texts)


def _lower(codes: NDArray[Any]) -> NDArray[Any]:
    """Lower characters whose lower case is one character each."""
    if codes.itemsize == 1:
        return np.frombuffer(bytearray(codes).translate(_LATIN_LOWER), np.uint8)
    return _lowered(codes).astype(codes.dtype)
