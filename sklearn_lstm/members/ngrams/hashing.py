"""N-grams of integers, hashed: of the ids of a sequence, or of the letters of a word."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

HASH_BITS = 22  # two n-grams with the same hash are taken for the same
LARGEST_COEF = 1 << 30  # bytes of the coefficients of a model: n-grams x outputs x 4
Integers: TypeAlias = NDArray[np.integer]
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)


class Bag(NamedTuple):
    """Which hashes each sequence has, in order, and how much they count: arrays of a CSR matrix.

    Even rows hold the n-grams of ids of a sequence, odd rows those of letters. SciPy checks a
    matrix, which takes as long as to find the n-grams of a short text.
    """

    data: NDArray[np.bool_ | np.floating]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]

    def as_matrix(self) -> csr_matrix:
        """Return the matrix (2 * n_sequences, 2 * 2**HASH_BITS)."""
        return csr_matrix(self, (len(self.indptr) - 1, 2 << HASH_BITS))


def bag_of(n_sequences: int, *ngrams: tuple[Integers, Integers]) -> Bag:
    """Return each hash of a sequence once; each counts 1.

    The n-grams are the sequence of each, and its hash.
    """
    n_bits = HASH_BITS + 1  # the first one for `are_letters`
    parts = [(rows.astype(np.int64, copy=False) << n_bits) | hashes for rows, hashes in ngrams]
    keys = np.concatenate(parts)
    keys.sort(kind="stable")  # half the time: those of a word are in order already
    # np.unique hashes first, which takes four times longer.
    is_last = np.ones(len(keys), np.bool_)
    is_last[:-1] = keys[1:] != keys[:-1]
    keys = keys[is_last]
    borders = np.arange(2 * n_sequences + 1, dtype=np.int64) << HASH_BITS
    ends = keys.searchsorted(borders).astype(np.int32)
    return Bag(is_last[is_last], (keys & ((1 << n_bits) - 1)).astype(np.int32), ends)


def as_letters(hashes: Integers) -> Integers:
    """Return the hashes of n-grams of letters, where those of ids stand beside them."""
    return hashes + (1 << HASH_BITS)


def are_letters(hashes: Integers) -> Integers:
    """Return 1 for n-grams of letters, 0 for those of ids."""
    return hashes >> HASH_BITS


def with_borders(values: Integers, lengths: Integers) -> tuple[Integers, Integers]:
    """Put a border before and after each sequence: 0, which is no id and no character."""
    bordered = np.zeros(len(values) + 2 * len(lengths), values.dtype)
    n_borders = np.repeat(2 * np.arange(len(lengths)) + 1, lengths)  # up to each value
    bordered[np.arange(len(values)) + n_borders] = values
    return bordered, lengths + 2


def hash_ngrams(
    values: Integers, lengths: Integers, ngram_lengths: range
) -> tuple[Integers, Integers]:
    """Return the n-grams of one length after the other, those of all sequences.

    That is where they start among all values, and their hashes.
    """
    values = values.astype(np.uint64)  # -1, a step without an id, becomes the largest number
    n_left = lengths.cumsum().repeat(lengths) - np.arange(len(values))  # up to the end
    state = np.ones(len(values), np.uint64)  # not 0: a border that comes first has to count
    starts, states = [], []
    for length in range(1, ngram_lengths[-1] + 1):
        n_ngrams = max(len(values) - length + 1, 0)
        state = state[:n_ngrams] * MULTIPLIERS[0] + values[length - 1 :]
        if length in ngram_lengths:
            starts.append((n_left[:n_ngrams] >= length).nonzero()[0])
            states.append(state[starts[-1]])
    mixed = np.concatenate(states)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[1]
    return np.concatenate(starts), (mixed >> np.uint64(64 - HASH_BITS)).astype(np.int64)
