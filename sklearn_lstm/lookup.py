"""Characters and words to integers, many at once: each is looked up in Python only once or so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BYTES = np.arange(256)
_KEY_BYTES = 7  # characters of a word that make a key, below one byte for how many there are
_KEY_MASKS = np.array([(1 << 8 * n) - 1 for n in range(_KEY_BYTES + 1)], np.uint64)
_SLOT_BITS = 16  # so that the table fits in the processor's cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth 1973, 6.4)


class CharacterTable:
    """A function of characters, over arrays of code points; evaluated once per character.

    Its values are integers >= 0, held in as few bytes as they need.
    """

    def __init__(self, evaluate: Callable[[Iterable[str]], Iterable[int]]) -> None:
        self._evaluate = evaluate
        # By code point, -1 where not evaluated yet, as is always the last, to which take() clips.
        self._values: NDArray[Any] = np.full(1, -1, np.int8)

    def __call__(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Give the value of each code point, in an array of its own."""
        values = self._read(codes)
        if values.min(initial=0) >= 0:
            return values
        missing = np.flatnonzero(values < 0)
        new = np.unique(codes[missing])
        new_values = list(self._evaluate(map(chr, new.tolist())))
        largest = max(int(self._values.max()), *new_values)
        size = max(len(self._values), int(new[-1]) + 2)
        table = np.full(size, -1, np.min_scalar_type(-1 - largest))
        table[: len(self._values)] = self._values
        table[new] = new_values
        self._values = table
        values = values.astype(table.dtype, copy=False)
        values[missing] = table.take(codes[missing])
        return values

    def _read(self, codes: NDArray[Any]) -> NDArray[Any]:
        if codes.itemsize > 1 or self._values.itemsize > 1:
            return self._values.take(codes, mode="clip")
        table = self._values.take(_BYTES, mode="clip").tobytes()
        return np.frombuffer(bytearray(codes).translate(table), np.int8)  # in half the time


class WordTable:
    """A function of words, over the code points of many; most are not evaluated twice.

    A word of up to seven characters of Latin-1 is a number of 64 bits. Its hash leads to a slot
    that keeps the value of the word that came first; all other words are evaluated as they come.
    """

    def __init__(self, evaluate: Callable[[Iterable[str]], Iterable[int]]) -> None:
        self._evaluate = evaluate
        self._keys = np.zeros(1 << _SLOT_BITS, np.uint64)  # 0: no word yet
        self._values = np.zeros(1 << _SLOT_BITS, np.int32)

    def __call__(
        self, codes: NDArray[Any], starts: NDArray[np.intp], stops: NDArray[np.intp]
    ) -> NDArray[np.int32]:
        """Give the values of the words ``codes[start:stop]``, of bytes or UTF-32."""
        encoding = "latin-1" if codes.itemsize == 1 else "utf-32-le"
        text = codes.tobytes().decode(encoding, "surrogatepass")

        def evaluate(words: NDArray[np.intp]) -> NDArray[np.int32]:
            borders = zip(starts[words].tolist(), stops[words].tolist(), strict=True)
            spelled = [text[start:stop] for start, stop in borders]
            return np.fromiter(self._evaluate(spelled), np.int32, len(spelled))

        keys = _keys(codes, starts, stops)
        slots = (keys * _MULTIPLIER >> np.uint64(64 - _SLOT_BITS)).astype(np.intp)
        found = self._keys.take(slots)
        new = np.flatnonzero((found == 0) & (keys > 0))
        if len(new):
            new_slots, first = np.unique(slots[new], return_index=True)
            self._keys[new_slots] = keys[new[first]]
            self._values[new_slots] = evaluate(new[first])
            found = self._keys.take(slots)
        values = self._values.take(slots)
        others = np.flatnonzero((found != keys) | (keys == 0))
        values[others] = evaluate(others)
        return values


def _keys(
    codes: NDArray[Any], starts: NDArray[np.intp], stops: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """Give the number that stands for each word, or 0 for those that have none."""
    padded = np.zeros(len(codes) + _KEY_BYTES, np.uint8)
    padded[: len(codes)] = codes
    windows = np.ndarray(len(codes), np.dtype("<u8"), padded, strides=(1,))
    lengths = stops - starts
    has_key = lengths <= _KEY_BYTES
    if codes.itemsize > 1:
        has_key &= np.maximum.reduceat(codes, starts) <= 255
    keys: NDArray[np.uint64] = windows.take(starts)
    keys &= _KEY_MASKS.take(lengths, mode="clip")
    keys |= lengths.astype(np.uint64) << np.uint64(8 * _KEY_BYTES)
    keys *= has_key
    return keys
