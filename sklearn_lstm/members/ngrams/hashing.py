"""N-grams of integers, hashed: of the ids of a sequence, or of the letters of a word."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

HASH_BITS = 22  # two n-grams with the same hash are taken for the same
LARGEST_COEF = 1 << 30  # bytes of the coefficients of a model: n-grams x outputs x 4
Integers: TypeAlias = NDArray[np.integer]
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)


def hash_ngrams(
    values: Integers, lengths: Integers, ngram_lengths: range, *, has_borders: bool
) -> tuple[Integers, Integers]:
    """Return the hashes of the n-grams of each length, and the number of the sequence of each."""
    if has_borders:
        values, lengths = with_borders(values, lengths)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    _, starts, hashes = ngrams_of(values, lengths, ngram_lengths)
    return rows[starts], hashes


def bags_of(rows: Integers, hashes: Integers, n_rows: int) -> csr_matrix:
    """Return which hashes each row has: a matrix of ones (n_rows, 2**HASH_BITS)."""
    columns, ends = distinct(rows, hashes, n_rows)
    ones = np.ones(len(columns), np.bool_)
    return csr_matrix((ones, columns, ends.astype(np.int32)), (n_rows, 1 << HASH_BITS))


def distinct(
    rows: Integers, hashes: Integers, n_rows: int
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return each hash of a row once, row after row, and where each row begins and ends.

    Shapes (n_hashes,) and (n_rows + 1,).
    """
    keys = np.sort((rows.astype(np.int64) << HASH_BITS) | hashes)
    # np.unique hashes first, which takes four times longer.
    keys = keys[np.diff(keys, prepend=-1) > 0]
    ends = np.searchsorted(keys, np.arange(n_rows + 1) << HASH_BITS)
    return (keys & ((1 << HASH_BITS) - 1)).astype(np.int32), ends


def with_borders(values: Integers, lengths: Integers) -> tuple[Integers, Integers]:
    """Put a border before and after each sequence: 0, which is no id and no character."""
    bordered = np.zeros(len(values) + 2 * len(lengths), values.dtype)
    n_borders = np.repeat(2 * np.arange(len(lengths)) + 1, lengths)  # up to each value
    bordered[np.arange(len(values)) + n_borders] = values
    return bordered, lengths + 2


def ngrams_of(
    values: Integers, lengths: Integers, ngram_lengths: range
) -> tuple[list[int], Integers, Integers]:
    """Return the n-grams of one length after the other, those of all sequences.

    That is how many there are of each length, where they start among all values, and their hashes.
    """
    values = values.astype(np.uint64)  # -1, a step without an id, becomes the largest number
    n_left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(values))  # up to the end
    state = np.ones(len(values), np.uint64)  # not 0: a border that comes first has to count
    all_starts, all_hashes = [], []
    for length in range(1, ngram_lengths[-1] + 1):
        n_ngrams = max(len(values) - length + 1, 0)
        state = state[:n_ngrams] * MULTIPLIERS[0] + values[length - 1 :]
        if length not in ngram_lengths:
            continue
        starts = np.flatnonzero(n_left[:n_ngrams] >= length)
        mixed = state[starts]
        mixed = (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[1]
        all_starts.append(starts)
        all_hashes.append((mixed >> np.uint64(64 - HASH_BITS)).astype(np.int64))
    sizes = list(map(len, all_starts))
    return sizes, np.concatenate(all_starts), np.concatenate(all_hashes)
