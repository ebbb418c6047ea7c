"""Texts to tokens to integers: the analysis of ``CountVectorizer``, in batches of bounded size."""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
        find_characters = _CharacterTable(find)
        for batch in _in_batches(texts, counter, preprocess, keeps_str=is_plain):
            codes, lengths = _split_characters(batch, lowers=lowers)
            yield find_characters(codes), lengths
    elif _has_default_words(counter):
        for batch in _in_batches(texts, counter, preprocess, keeps_str=is_plain):
            tokens, lengths = _split_words(batch, lowers=lowers)
            yield np.fromiter(find(tokens), np.int32, len(tokens)), lengths
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


class _CharacterTable:
    """A function of characters, over arrays of code points; evaluated once per character.

    Its values are integers >= 0, held in as few bytes as they need.
    """

    def __init__(self, evaluate: Callable[[Iterable[str]], Iterable[int]]) -> None:
        self._evaluate = evaluate
        # By code point, -1 where not evaluated yet, as is always the last, to which take() clips.
        self._values: NDArray[Any] = np.full(1, -1, np.int8)

    def __call__(self, codes: NDArray[Any]) -> NDArray[Any]:
        values = self._values.take(codes, mode="clip")
        if values.min(initial=0) >= 0:
            return values
        new = np.flatnonzero(np.bincount(codes[values < 0]))
        new_values = list(self._evaluate(map(chr, new.tolist())))
        largest = max(int(self._values.max()), *new_values)
        size = max(len(self._values), int(new[-1]) + 2)
        table = np.full(size, -1, np.min_scalar_type(-1 - largest))
        table[: len(self._values)] = self._values
        table[new] = new_values
        self._values = table
        return table.take(codes)


def _kind(character: str) -> int:
    if character.isalnum() or character == "_":
        return _WORD
    if character.isspace():
        return _BLANK
    return _APOSTROPHE if character in "'’" else _MARK  # noqa: RUF001


_kinds = _CharacterTable(lambda characters: map(_kind, characters))
_LATIN = bytes(range(256)).decode("latin-1")
_LATIN_LOWER, _LATIN_KINDS = _LATIN.lower().encode("latin-1"), bytes(map(_kind, _LATIN))


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
    codes, kinds, lengths = _code_points(texts, "", lowers=lowers)
    is_blank = kinds == _BLANK
    follows_blank = is_blank[1:] & is_blank[:-1]
    ends = np.cumsum(lengths)
    # The first character of a text follows none.
    follows_blank[ends[(ends > 0) & (ends < len(codes))] - 1] = False
    superfluous = np.flatnonzero(follows_blank) + 1
    if not len(superfluous):
        return codes, lengths
    codes = codes.copy()
    codes[superfluous - 1] = ord(" ")
    texts_of_superfluous = np.searchsorted(ends, superfluous, side="right")
    lengths -= np.bincount(texts_of_superfluous, minlength=len(lengths))
    return np.delete(codes, superfluous), lengths


def _split_words(texts: list[str], *, lowers: bool) -> tuple[list[str], NDArray[np.int64]]:
    """Split at `TOKEN_PATTERN`: put a blank at each border of two tokens, then ``str.split``."""
    # The line ends keep the tokens of different texts apart.
    codes, kinds, lengths = _code_points(texts, "\n", lowers=lowers)
    apostrophes = np.flatnonzero(kinds[1:-1] == _APOSTROPHE) + 1
    is_inner = (kinds[apostrophes - 1] == _WORD) & (kinds[apostrophes + 1] == _WORD)
    kinds[apostrophes[is_inner]] = _WORD
    kinds[kinds == _APOSTROPHE] = _MARK
    is_start = kinds != _BLANK
    is_start[1:] &= kinds[1:] != kinds[:-1]
    borders = np.flatnonzero(is_start[1:] & (kinds[:-1] != _BLANK)) + 1
    encoding = "latin-1" if codes.itemsize == 1 else "utf-32-le"
    spaced = np.insert(codes, borders, ord(" ")).tobytes().decode(encoding, "surrogatepass")
    line_ends = np.cumsum(lengths + 1) - 1
    n_tokens_until = np.searchsorted(np.flatnonzero(is_start), line_ends)
    return spaced.split(), np.diff(n_tokens_until, prepend=0)


def _lengths(sequences: list[Any]) -> NDArray[np.int64]:
    return np.fromiter(map(len, sequences), np.int64, len(sequences))


def _code_points(
    texts: list[str], separator: str, *, lowers: bool
) -> tuple[NDArray[Any], NDArray[np.int8], NDArray[np.int64]]:
    """Give the code points of texts, what kinds they are of, and the length of each text.

    Characters of Latin-1, whose lower case is one too, are read as bytes: a few times as fast.
    """
    try:
        latin = separator.join(texts).encode("latin-1")
    except UnicodeEncodeError:
        texts = [text.lower() for text in texts] if lowers else texts
        utf_32 = separator.join(texts).encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(utf_32, np.dtype("<u4"))
        return codes, _kinds(codes), _lengths(texts)
    kinds = np.frombuffer(latin.translate(_LATIN_KINDS), np.int8).copy()
    latin = latin.translate(_LATIN_LOWER) if lowers else latin
    return np.frombuffer(latin, np.uint8), kinds, _lengths(texts)
