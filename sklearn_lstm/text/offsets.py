"""Where in a text its tokens stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from unicodedata import category, normalize

_JAMO = range(0x1160, 0x1200)  # vowels and final consonants of Hangul compose as marks do


def find_offsets(
    text: str, tokens: Iterable[str], preprocess: Callable[[str], str], *, analyzer: str
) -> list[tuple[int, int]]:
    """Return start and stop in `text` of each of its tokens, in order.

    Tokens are found in the preprocessed text, of which each piece is known to stand for a piece of
    `text`: a character with its marks in Unicode's normal form C, if tokens are words; a character,
    or white space that becomes one blank, if they are characters.

    Raises
    ------
    ValueError
        If a token is not a part of the preprocessed text.
    """
    whole = preprocess(text)
    is_aligned = len(whole) == len(text)  # else pieces are preprocessed one by one
    if analyzer == "char":
        borders = [match.start() for match in re.finditer(r"\s\s+|.", text, re.DOTALL)]
    else:
        borders = [
            place for place, character in enumerate(text) if not place or not _joins(character)
        ]
    shown, places = [], []
    for start, stop in pairwise([*borders, len(text)]):
        piece = whole[start:stop] if is_aligned else preprocess(text[start:stop])
        if analyzer != "char":
            piece = normalize("NFC", piece)
        elif stop - start > 1:
            piece = " "
        shown.append(piece)
        places += [(start, stop)] * len(piece)
    preprocessed = "".join(shown)
    offsets, position = [], 0
    for token in tokens:
        found = preprocessed.find(token, position) if isinstance(token, str) else -1
        if found < 0:
            raise ValueError(
                f"The token {token!r} is not a part of the text {text!r}, so it has no place in "
                "it. Use a tokenizer that only cuts texts."
            )
        position = found + len(token)
        offsets.append((places[found][0], places[position - 1][1]))
    return offsets


def _joins(character: str) -> bool:
    """Return whether a character belongs to the one before it."""
    return category(character).startswith("M") or ord(character) in _JAMO
