"""Texts in any script -> characters and words, as code points of many texts at once."""

import re
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Any, NamedTuple
from unicodedata import category, is_normalized, name, normalize

import numpy as np
from numpy.typing import NDArray

# The kinds of character that make words; see `words_of`. Plain texts have the first four.
BLANK, SYMBOL, WORD, APOSTROPHE, LETTER, MARK = range(6)
UNSTABLE = 8  # added to the kind of what normal form C may change; without such, no text is checked

# Scripts without spaces between words: how the Unicode names of their letters begin.
_SCRIPTS_WITHOUT_SPACES = (
    *("CJK ", "IDEOGRAPHIC ", "HIRAGANA ", "KATAKANA", "HALFWIDTH KATAKANA ", "HENTAIGANA "),
    *("THAI ", "LAO ", "KHMER ", "MYANMAR ", "TIBETAN ", "TAI ", "NEW TAI LUE "),
)
# They extend the character before them without being marks (Unicode's grapheme clusters): joiners,
# the vowel sign am of Thai and Lao, and the voicing signs of half-width kana.
_EXTENDERS = "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f"
_APOSTROPHES = "'’"  # noqa: RUF001 - the typeset one is meant
_ZERO_WIDTH_SPACE = "\u200b"
LOWERED_IN_CONTEXT = "İΣ"  # their lower case depends on their neighbours, or has two characters

# Texts of these characters have no marks, no letter that is a word, and are in normal form C: the
# letters of Latin, Greek and Cyrillic, ASCII, and usual punctuation. A regular expression finds
# their words.
PLAIN = re.compile(r"[\0-\u02ff\u0388-\u0482\u048a-\u052f\u2010-\u2027\u20a0-\u20bf]*")
PLAIN_WORDS = re.compile(rf"(?:(?<=[0-9])\.(?=[0-9]))?\w+(?:[{_APOSTROPHES}]\w+)*|[^\w\s]+")

_KEY_BYTES = 7  # characters of a key; its highest byte is their number
_KEY_MASKS = np.array([(1 << 8 * n) - 1 for n in range(_KEY_BYTES + 1)], np.uint64)
_SLOT_BITS = 16  # the table fits in the processor's cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth 1973, 6.4)


def is_mark(character: str) -> bool:
    """Return whether a character belongs to the one before it."""
    return character in _EXTENDERS or category(character).startswith("M")


def is_character(token: Hashable) -> bool:
    """Return whether a token is one character with its marks."""
    if not isinstance(token, str) or not token:
        return False
    marks = token[1:]
    # No mark is in ASCII, so most tokens need no loop; it is half of the time of reading one text.
    return not marks if marks.isascii() else all(map(is_mark, marks))


def kind_of(character: str) -> int:
    """Return the kind of a character, plus `UNSTABLE` if normal form C may change it."""
    if is_mark(character):
        return MARK + UNSTABLE
    if character.isalnum() or character == "_":
        is_letter = category(character) in {"Lo", "Lm", "Nl"}
        has_no_spaces = is_letter and name(character, "").startswith(_SCRIPTS_WITHOUT_SPACES)
        kind = LETTER if has_no_spaces else WORD
    elif character.isspace() or character == _ZERO_WIDTH_SPACE:
        kind = BLANK
    else:
        kind = APOSTROPHE if character in _APOSTROPHES else SYMBOL
    # Vowels and final consonants of Hangul, and vowels of Kirat Rai, compose with the letter before
    # them, as marks do.
    composes = "\u1160" <= character <= "\u11ff" or character in "\U00016d63\U00016d67"
    is_stable = not composes and normalize("NFC", character) == character
    return kind if is_stable else kind + UNSTABLE


class CharacterTable:
    """A function of characters, for arrays of code points; computed once for each character.

    Threads may share a table. It is replaced, never changed: a thread that reads it while another
    one replaces it computes some values again.

    Parameters
    ----------
    evaluate : callable
        From characters to an integer other than -1 for each, always the same for the same one.
    """

    def __init__(self, evaluate: Callable[[Iterable[str]], Iterable[int]]) -> None:
        self._evaluate = evaluate
        # By code point; -1: not computed yet. The last one stays -1: take() clips to it.
        self._values: NDArray[np.number] = np.full(1, -1, np.int8)

    def __call__(self, code_points: NDArray[Any]) -> NDArray[Any]:
        """Return the value of each code point, in a new array of the smallest type that fits."""
        known = self._values
        values: NDArray[Any] = known.take(code_points, mode="clip")
        is_new = values == -1
        if not is_new.any():
            return values
        new = np.unique(code_points[is_new])
        table = np.full(max(len(known), int(new[-1]) + 2), -1)
        table[: len(known)] = known
        table[new] = list(self._evaluate(map(chr, new.tolist())))
        table = table.astype(np.min_scalar_type(min(table.min(), -1 - table.max())))
        self._values = table
        return np.asarray(table.take(code_points, mode="clip"))


class Words(NamedTuple):
    """Where the words of some texts are.

    Parameters
    ----------
    text : str
        The texts, laid end to end.
    code_points : ndarray of shape (n_code_points,)
        Those of `text`, as bytes if all are below 256.
    starts, stops : ndarray of shape (n_words,)
        The words are ``text[start:stop]``.
    lengths : ndarray of shape (n_texts,)
        Words per text.
    is_composed : bool
        Whether `text` is in Unicode's normal form C.
    has_letters : bool
        Whether words may be letters of scripts without spaces between words.
    """

    text: str
    code_points: NDArray[np.generic]
    starts: NDArray[np.intp]
    stops: NDArray[np.intp]
    lengths: NDArray[np.int64]
    is_composed: bool
    has_letters: bool

    def as_strings(self, chosen: Any = slice(None)) -> list[str]:
        """Return the chosen words, in Unicode's normal form C."""
        borders = zip(self.starts[chosen].tolist(), self.stops[chosen].tolist(), strict=True)
        words = [self.text[start:stop] for start, stop in borders]
        return words if self.is_composed else [normalize("NFC", word) for word in words]


class WordLookup:
    """A function of words; computed once for most short words.

    A word of up to seven characters of Latin-1 is packed into a key of 64 bits, which picks a slot.
    The slot keeps the value of the first word that came to it. The values of all other words are
    computed each time. If there are many words, those of one character have a `CharacterTable`.

    Parameters
    ----------
    evaluate : callable
        From words to an integer other than -1 for each, always the same for the same word.
    """

    def __init__(self, evaluate: Callable[[Iterable[str]], Iterable[int]]) -> None:
        self._evaluate = evaluate
        self._characters = CharacterTable(lambda cs: evaluate(normalize("NFC", c) for c in cs))

    @cached_property
    def _slots(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """The key of each slot, 0 without a word, and its value."""
        return np.zeros(1 << _SLOT_BITS, np.uint64), np.zeros(1 << _SLOT_BITS, np.int32)

    def __call__(self, words: Words) -> NDArray[np.int32]:
        """Return the value of each word, in Unicode's normal form C."""
        if not words.has_letters or len(words.starts) < 1000:  # a table is not worth its while
            return self._look_up(words)
        is_single = words.stops - words.starts == 1
        longer = words._replace(starts=words.starts[~is_single], stops=words.stops[~is_single])
        values = np.empty(len(is_single), np.int32)
        values[is_single] = self._characters(words.code_points[words.starts[is_single]])
        values[~is_single] = self._look_up(longer)
        return values

    def _look_up(self, words: Words) -> NDArray[np.int32]:
        """Return the value of each word, from its slot if it is there."""
        keys, (taken, values) = _keys(words), self._slots
        slots = (keys * _MULTIPLIER >> np.uint64(64 - _SLOT_BITS)).astype(np.intp)
        found = taken.take(slots)
        new = np.flatnonzero((found == 0) & (keys > 0))
        if len(new):
            new_slots, first = np.unique(slots[new], return_index=True)
            taken[new_slots] = keys[new[first]]
            values[new_slots] = self._compute(words, new[first])
            found = taken.take(slots)
        values = values.take(slots)
        missed = np.flatnonzero((found != keys) | (keys == 0))
        values[missed] = self._compute(words, missed)
        return values

    def _compute(self, words: Words, chosen: NDArray[np.intp]) -> NDArray[np.int32]:
        return np.fromiter(self._evaluate(words.as_strings(chosen)), np.int32, len(chosen))


def _keys(words: Words) -> NDArray[np.uint64]:
    """Return the key of each word, 0 for those that have none."""
    code_points, starts = words.code_points, words.starts
    padded = np.zeros(len(code_points) + _KEY_BYTES, np.uint8)
    padded[: len(code_points)] = code_points
    windows = np.ndarray(len(code_points), np.dtype("<u8"), padded, strides=(1,))
    lengths = words.stops - starts
    has_key = lengths <= _KEY_BYTES
    if code_points.itemsize > 1:
        has_key &= np.maximum.reduceat(code_points, starts) <= 255
    keys: NDArray[np.uint64] = windows.take(starts)
    keys &= _KEY_MASKS.take(lengths, mode="clip")
    keys |= lengths.astype(np.uint64) << np.uint64(8 * _KEY_BYTES)
    keys *= has_key
    return keys


_kinds = CharacterTable(lambda characters: map(kind_of, characters))


def lengths_of(sequences: list[Any]) -> NDArray[np.int64]:
    """Return the length of each sequence."""
    return np.fromiter(map(len, sequences), np.int64, len(sequences))


def split_characters(texts: list[str], *, lowers: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the characters of texts, in normal form C; a run of white space is one blank.

    Parameters
    ----------
    texts : list of str
    lowers : bool
        Whether the caller will lower each character. Texts with characters that can't be lowered
        one by one are lowered here.

    Returns
    -------
    code_points : ndarray of shape (n_characters,)
    lengths : ndarray of shape (n_texts,)
    """
    joined = "".join(texts)
    code_points = _code_points(joined)
    kinds = _kinds(code_points)
    in_context = lowers and any(character in joined for character in LOWERED_IN_CONTEXT)
    if in_context or kinds.max(initial=0) >= UNSTABLE:
        texts = [normalize("NFC", text.lower() if lowers else text) for text in texts]
        code_points = _code_points("".join(texts))
        kinds = _kinds(code_points)
    lengths = lengths_of(texts)
    is_blank = (kinds == BLANK) & (code_points != ord(_ZERO_WIDTH_SPACE))
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


def words_of(text: str) -> list[str]:
    """Return the words of a text in any script, in order, in Unicode's normal form C.

    A word is

    - a run of letters, digits and underscores, in which apostrophes may stand alone; a point
      between two digits from 0 to 9 begins one;
    - one letter of a script that puts no spaces between words;
    - a run of other symbols, such as punctuation or emoji.

    Marks belong to the character before them.
    """
    if PLAIN.fullmatch(text):
        return PLAIN_WORDS.findall(text)
    return split_words([text], lowers=False).as_strings()


def split_words(texts: list[str], *, lowers: bool) -> Words:
    """Return where the words of texts are; `words_of` says what a word is.

    Parameters
    ----------
    texts : list of str
    lowers : bool
        Whether to lower the texts.
    """
    if lowers:
        texts = list(map(str.lower, texts))
    text = "\n".join([*texts, ""])  # the line ends keep the words of different texts apart
    code_points = _code_points(text)
    kinds = _kinds(code_points)
    highest = kinds.max()
    is_composed = bool(highest < UNSTABLE) or is_normalized("NFC", text)
    is_letter = _join_marks(kinds) if highest >= LETTER else None
    apostrophes = np.flatnonzero(kinds[1:-1] == APOSTROPHE) + 1
    is_inner = (kinds[apostrophes - 1] == WORD) & (kinds[apostrophes + 1] == WORD)
    kinds[apostrophes[is_inner]] = WORD
    kinds[kinds == APOSTROPHE] = SYMBOL
    points = np.flatnonzero(code_points[1:-1] == ord(".")) + 1
    points = points[_are_digits(code_points[points - 1]) & _are_digits(code_points[points + 1])]
    kinds[points] = WORD
    is_border = kinds[1:] != kinds[:-1]
    is_border[points - 1] = True
    if is_letter is not None:
        is_border |= is_letter[1:]
    borders = np.flatnonzero(is_border) + 1
    starts, stops = np.append(0, borders), np.append(borders, len(kinds))
    words = np.flatnonzero(kinds.take(starts) != BLANK)
    starts, stops = starts.take(words), stops.take(words)
    line_ends = np.cumsum(lengths_of(texts) + 1)
    n_words = np.diff(np.searchsorted(starts, line_ends), prepend=0)
    return Words(text, code_points, starts, stops, n_words, is_composed, is_letter is not None)


def _join_marks(kinds: NDArray[Any]) -> NDArray[np.bool_]:
    """Give marks, in place, the kind of the character before them; return where letters are."""
    kinds %= UNSTABLE
    is_letter = np.asarray(kinds == LETTER)
    is_mark = kinds == MARK
    marks = np.flatnonzero(is_mark)
    if len(marks):
        before = np.where(is_mark, 0, np.arange(len(kinds)))
        kinds_before = kinds[np.maximum.accumulate(before)[marks]]
        alone = np.isin(kinds_before, (BLANK, APOSTROPHE, MARK))
        kinds[marks] = np.where(alone, SYMBOL, kinds_before)
    return is_letter


def _are_digits(code_points: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which characters are digits from 0 to 9."""
    return (code_points >= ord("0")) & (code_points <= ord("9"))


def _code_points(text: str) -> NDArray[np.number]:
    """Return the code points of a text: bytes, which are a few times as fast, if they suffice."""
    try:
        return np.frombuffer(text.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
