"""Characters and words among the code points of many texts at once."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.text.lookup import CharacterTable
from sklearn_lstm.text.scripts import (
    APOSTROPHE,
    BLANK,
    LETTER,
    MARK,
    SYMBOL,
    UNSTABLE,
    WORD,
    kind_of,
)

# Lowering them depends on their neighbours, or gives two characters.
LOWERED_IN_CONTEXT = "İΣ"
_LATIN_LOWER = bytes(range(256)).decode("latin-1").lower().encode("latin-1")

# Texts of these characters have no marks, no such letters, and are in normal form C: the letters of
# Latin, Greek and Cyrillic, ASCII, and usual punctuation. A regular expression finds their words.
PLAIN = re.compile(r"[\0-\u02ff\u0388-\u0482\u048a-\u052f\u2010-\u2027\u20a0-\u20bf]*")
PLAIN_WORDS = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]+")  # noqa: RUF001


_kinds = CharacterTable(lambda characters: map(kind_of, characters))
_blanks = CharacterTable(lambda characters: map(str.isspace, characters))
_lowered = CharacterTable(lambda characters: map(ord, map(str.lower, characters)))


def lengths_of(sequences: list[Any]) -> NDArray[np.int64]:
    """Return the length of each sequence."""
    return np.fromiter(map(len, sequences), np.int64, len(sequences))


def split_characters(texts: list[str], *, lowers: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the characters of texts; a run of white space is one blank.

    Parameters
    ----------
    texts : list of str
    lowers : bool
        Whether the caller lowers the characters; here only those that depend on others are.

    Returns
    -------
    code_points : ndarray of shape (n_characters,)
    lengths : ndarray of shape (n_texts,)
    """
    code_points, lengths = _code_points(texts, "", lowers=lowers)
    is_blank = _blanks(code_points) == 1
    is_doubled = is_blank[1:] & is_blank[:-1]
    ends = np.cumsum(lengths)
    is_doubled[ends[(ends > 0) & (ends < len(code_points))] - 1] = False  # not by the next text
    superfluous = np.flatnonzero(is_doubled) + 1
    if not len(superfluous):
        return code_points, lengths
    code_points = code_points.copy()
    code_points[superfluous - 1] = ord(" ")
    rows = np.searchsorted(ends, superfluous, side="right")
    lengths -= np.bincount(rows, minlength=len(lengths))
    return np.delete(code_points, superfluous), lengths


class Words(NamedTuple):
    """The words of some texts.

    Parameters
    ----------
    code_points : ndarray of shape (n_code_points,)
        The texts, laid end to end.
    starts, stops : ndarray of shape (n_words,)
        The words are ``code_points[start:stop]``.
    lengths : ndarray of shape (n_texts,)
        Words per text.
    is_composed : bool
        Whether the words are known to be in Unicode's normal form C.
    """

    code_points: NDArray[Any]
    starts: NDArray[np.intp]
    stops: NDArray[np.intp]
    lengths: NDArray[np.int64]
    is_composed: bool


def words_of(text: str) -> list[str]:
    """Return the words of a text in any script, in order, in Unicode's normal form C.

    A word is

    - a run of letters, digits and underscores, in which apostrophes may stand alone;
    - one letter of a script that puts no spaces between words;
    - a run of other symbols, such as punctuation or emoji.

    Marks belong to the character before them.
    """
    if PLAIN.fullmatch(text):
        return PLAIN_WORDS.findall(text)
    words = split_words([text], lowers=False)
    borders = zip(words.starts.tolist(), words.stops.tolist(), strict=True)
    return [normalize("NFC", text[start:stop]) for start, stop in borders]


def split_words(texts: list[str], *, lowers: bool) -> Words:
    """Return where the words of texts are; see `words_of`.

    Parameters
    ----------
    texts : list of str
    lowers : bool
        Whether to lower the texts.
    """
    # The line ends keep the words of different texts apart.
    code_points, lengths = _code_points(texts, "\n", lowers=lowers)
    kinds = _kinds(code_points)
    if lowers:
        code_points = _lower(code_points)
    highest = kinds.max()
    starts_letter = _resolve_marks(kinds) if highest > APOSTROPHE else None
    apostrophes = np.flatnonzero(kinds[1:-1] == APOSTROPHE) + 1
    is_inner = (kinds[apostrophes - 1] == WORD) & (kinds[apostrophes + 1] == WORD)
    kinds[apostrophes[is_inner]] = WORD
    kinds[kinds == APOSTROPHE] = SYMBOL
    is_border = kinds[1:] != kinds[:-1]
    if starts_letter is not None:
        is_border |= starts_letter[1:]
    borders = np.flatnonzero(is_border) + 1
    starts, stops = np.append(0, borders), np.append(borders, len(kinds))
    words = np.flatnonzero(kinds.take(starts) != BLANK)
    starts, stops = starts.take(words), stops.take(words)
    line_ends = np.cumsum(lengths + 1)
    n_words = np.diff(np.searchsorted(starts, line_ends), prepend=0)
    return Words(code_points, starts, stops, n_words, bool(highest < UNSTABLE))


def _resolve_marks(kinds: NDArray[Any]) -> NDArray[np.bool_]:
    """Replace marks, in place, by the kind that they belong to; return where letters start."""
    kinds %= UNSTABLE
    starts_letter = np.asarray(kinds == LETTER)
    is_mark = kinds == MARK
    marks = np.flatnonzero(is_mark)
    if len(marks):
        before = np.where(is_mark, 0, np.arange(len(kinds)))
        kinds_before = kinds[np.maximum.accumulate(before)[marks]]
        stands_alone = np.isin(kinds_before, (BLANK, APOSTROPHE, MARK))
        kinds[marks] = np.where(stands_alone, SYMBOL, kinds_before)
    return starts_letter


def _code_points(
    texts: list[str], separator: str, *, lowers: bool
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the code points of texts, a separator after each, and the length of each text.

    Code points of Latin-1 are bytes: a few times as fast. If `lowers`, texts with characters that
    can't be lowered one by one are lowered.
    """
    joined = separator.join(texts) + separator
    if lowers and any(character in joined for character in LOWERED_IN_CONTEXT):
        texts = [text.lower() for text in texts]
        joined = separator.join(texts) + separator
    try:
        code_points = np.frombuffer(joined.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        code_points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
    return code_points, lengths_of(texts)


def _lower(code_points: NDArray[Any]) -> NDArray[Any]:
    """Return the lower case of characters that can be lowered one by one."""
    if code_points.itemsize == 1:
        return np.frombuffer(bytearray(code_points).translate(_LATIN_LOWER), np.uint8)
    return _lowered(code_points).astype(code_points.dtype)
