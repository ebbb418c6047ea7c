"""Kinds of characters in every script: marks, and letters of scripts without spaces."""

from __future__ import annotations

from collections.abc import Hashable
from unicodedata import category, name, normalize

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
    return kind + UNSTABLE * (composes or normalize("NFC", character) != character)
