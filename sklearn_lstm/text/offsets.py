"""Where in a text its tokens stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from unicodedata import category, normalize


def find_offsets(
    text: str, tokens: Iterable[str], preprocess: Callable[[str], str]
) -> list[tuple[int, int]]:
    """Return start and stop in `text` of each of its tokens, in order.

    Tokens are found in the preprocessed text: lower case, Unicode's normal form C. Each of its
    characters is known to stand for a character of `text` and the marks after it.

    Raises
    ------
    ValueError
        If a token is not a part of the preprocessed text.
    """
    characters, places = [], []
    start = 0
    for stop in range(1, len(text) + 1):
        if stop < len(text) and category(text[stop]).startswith("M"):
            continue  # a mark belongs to the character before it
        piece = text[start:stop]
        shown = " " if piece.isspace() else normalize("NFC", preprocess(piece))
        characters.append(shown)
        places += [(start, stop)] * len(shown)
        start = stop
    preprocessed = "".join(characters)
    offsets, position = [], 0
    for token in tokens:
        found = preprocessed.find(token, position)
        if found < 0:
            raise ValueError(
                f"The token {token!r} is not a part of the text {text!r}, so it has no place in "
                "it. Use a tokenizer that only cuts texts."
            )
        position = found + len(token)
        offsets.append((places[found][0], places[position - 1][1]))
    return offsets
