"""Runs of integers, hashed, and how much each tells about the sequences that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Lengths

BORDER = 0  # no id, and no character
HASH_BITS = 22  # two runs with the same hash are taken for the same
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)


def hash_runs(
    values: NDArray[Any], lengths: Lengths, run_lengths: range, *, has_borders: bool
) -> csr_matrix:
    """Return which runs each sequence holds: a matrix of ones (n_sequences, 2**HASH_BITS)."""
    if has_borders:
        values, lengths = with_borders(values, lengths)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    keys = [
        (rows[starts] << HASH_BITS) | hashes
        for _, starts, hashes in runs_of(values, lengths, run_lengths)
    ]
    ordered = np.sort(np.concatenate(keys))  # np.unique hashes first, which takes four times longer
    is_new = np.ones(len(ordered), np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    ordered = ordered[is_new]
    ends = np.searchsorted(ordered, np.arange(len(lengths) + 1) << HASH_BITS)
    hashes = (ordered & ((1 << HASH_BITS) - 1)).astype(np.int32)
    return bags_of(hashes, ends)


def bags_of(hashes: NDArray[np.int32], ends: NDArray[np.integer[Any]]) -> csr_matrix:
    """Return the hashes of sequences, laid end to end, as a matrix of ones."""
    shape = (len(ends) - 1, 1 << HASH_BITS)
    return csr_matrix((np.ones(len(hashes), np.bool_), hashes, ends), shape)


def with_borders(values: NDArray[Any], lengths: Lengths) -> tuple[NDArray[Any], Lengths]:
    """Put a border before and after each sequence."""
    ends = np.cumsum(lengths)
    return np.insert(values, np.concatenate([ends - lengths, ends]), BORDER), lengths + 2


def runs_of(
    values: NDArray[Any], lengths: Lengths, run_lengths: range
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
    """Yield the runs of each length: where they start among all values, and their hashes."""
    values = values.astype(np.uint64)  # -1, a step without an id, becomes the largest number
    n_left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(values))  # up to the end
    state = np.ones(len(values), np.uint64)  # not 0: a border that comes first has to count
    for length in range(1, run_lengths[-1] + 1):
        n_runs = max(len(values) - length + 1, 0)
        state = state[:n_runs] * MULTIPLIERS[0] + values[length - 1 :]
        if length not in run_lengths:
            continue
        starts = np.flatnonzero(n_left[:n_runs] >= length)
        mixed = state[starts]
        mixed = (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[1]
        yield length, starts, (mixed >> np.uint64(64 - HASH_BITS)).astype(np.int64)


@dataclass(frozen=True)
class RunFeatures:
    """The tf-idf of runs.

    Parameters
    ----------
    runs : ndarray of shape (n_features,)
        Hashes, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    """

    runs: NDArray[np.int32]
    idf: NDArray[np.float32]

    @classmethod
    def of(cls, bags: csr_matrix, fewest: int) -> RunFeatures:
        """Return the features of the runs that at least so many sequences hold."""
        frequency = np.bincount(bags.indices, minlength=1 << HASH_BITS)
        runs = np.flatnonzero(frequency >= fewest).astype(np.int32)
        idf = np.log((1 + bags.shape[0]) / (1 + frequency[runs])) + 1
        return cls(runs, idf.astype(np.float32))

    def __len__(self) -> int:
        return len(self.runs)

    def __call__(self, bags: csr_matrix) -> csr_matrix:
        """Return the features (n_sequences, n_features) of bags, each row of Euclidean length 1."""
        if not len(self):
            return csr_matrix((bags.shape[0], 0), dtype=np.float32)
        features = np.minimum(np.searchsorted(self.runs, bags.indices), len(self) - 1)
        is_known = self.runs[features] == bags.indices
        ends = np.append(0, np.cumsum(is_known))[bags.indptr]
        features = features[is_known].astype(np.int32)
        shape = (bags.shape[0], len(self))
        weighed = csr_matrix((self.idf[features], features, ends), shape=shape)
        squares = np.asarray(weighed.multiply(weighed).sum(axis=1), np.float32).ravel()
        weighed.data /= np.repeat(np.sqrt(np.maximum(squares, 1e-12)), np.diff(weighed.indptr))
        return weighed
