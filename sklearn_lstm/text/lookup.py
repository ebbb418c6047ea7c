"""Values of many characters or words at once; a Python function computes most only once."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

_BYTES = np.arange(256)
_KEY_BYTES = 7  # characters of a key; its highest byte is their number
_KEY_MASKS = np.array([(1 << 8 * n) - 1 for n in range(_KEY_BYTES + 1)], np.uint64)
_SLOT_BITS = 16  # the table fits in the processor's cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth 1973, 6.4)


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

    def __call__(self, code_points: NDArray[np.number]) -> NDArray[Any]:
        """Return the value of each code point, in a new array of the smallest type that fits."""
        known = self._values
        values = _take(known, code_points)
        is_new = values == -1
        if not is_new.any():
            return values
        new = np.unique(code_points[is_new])
        table = np.full(max(len(known), int(new[-1]) + 2), -1)
        table[: len(known)] = known
        table[new] = list(self._evaluate(map(chr, new.tolist())))
        self._values = table.astype(np.min_scalar_type(min(table.min(), -1 - table.max())))
        return _take(self._values, code_points)


def _take(table: NDArray[np.number], code_points: NDArray[Any]) -> NDArray[np.number]:
    """Return the values of code points in a table, the last one for those beyond it."""
    if code_points.itemsize > 1 or table.itemsize > 1:
        return table.take(code_points, mode="clip")
    # Bytes to bytes takes half the time.
    values = table.take(_BYTES, mode="clip").tobytes()
    return np.frombuffer(bytearray(code_points).translate(values), np.int8)


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
    code_points: NDArray[Any]
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
