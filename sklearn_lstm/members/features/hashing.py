"""Sequences as bags of hashed n-grams, and the weight of each."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, Rows, Sequences, chunks_of_rows
from sklearn_lstm.members.member import Array, Features

HASH_BITS = 22  # two n-grams with the same hash are taken for the same
Integers: TypeAlias = NDArray[np.integer]
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)


class Bag(NamedTuple):
    """Which hashes each sequence has, in order, and how much they count: arrays of a CSR matrix.

    SciPy checks a matrix, which takes as long as to find the n-grams of a short text.
    """

    data: NDArray[np.bool_ | np.floating]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]


def bag_of(n_sequences: int, rows: Integers, hashes: Integers) -> Bag:
    """Return each hash of a sequence once; each counts 1.

    The n-grams are the sequence of each, and its hash.
    """
    keys = (rows.astype(np.int64, copy=False) << HASH_BITS) | hashes
    keys.sort(kind="stable")  # half the time: those of a word are in order already
    # np.unique hashes first, which takes four times longer.
    is_last = np.ones(len(keys), np.bool_)
    is_last[:-1] = keys[1:] != keys[:-1]
    keys = keys[is_last]
    borders = np.arange(n_sequences + 1, dtype=np.int64) << HASH_BITS
    ends = keys.searchsorted(borders).astype(np.int32)
    return Bag(np.ones(len(keys), np.bool_), (keys & ((1 << HASH_BITS) - 1)).astype(np.int32), ends)


def matrix_of(bag: Bag) -> csr_matrix:
    """Return a bag as a matrix (n_sequences, n_hashes)."""
    return csr_matrix(bag, (len(bag.indptr) - 1, 1 << HASH_BITS))


def entries_of(rows: Integers, hashes: Integers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which entry of its bag each n-gram is, and at how many places each entry stands."""
    keys = rows.astype(np.int64) << HASH_BITS | hashes
    _, entry, n_places = np.unique(keys, return_inverse=True, return_counts=True)
    return entry, n_places


def hash_ngrams(
    values: Integers, lengths: Integers, ngram_lengths: range, n_steps: int = 0
) -> tuple[Integers, Integers, list[int]]:
    """Return the n-grams of one length after the other, those of all sequences.

    That is where they start among all values, their hashes, and how many there are of each length.
    With `n_steps`, equal values at two positions, counted from the end, are two n-grams, and
    sequences of another number of steps have none.
    """
    values = values.astype(np.uint64)  # -1, a step without an id, becomes the largest number
    n_left = lengths.cumsum().repeat(lengths) - np.arange(len(values))  # up to the end
    # Not 0: a border that comes first has to count.
    state = n_left.astype(np.uint64) if n_steps else np.ones(len(values), np.uint64)
    if n_steps:
        n_left[(lengths != n_steps).repeat(lengths)] = 0
    starts, states = [np.zeros(0, np.intp)], [state[:0]]  # for an empty range, in a forged file
    for length in range(1, ngram_lengths.stop):
        n_ngrams = max(len(values) - length + 1, 0)
        state = state[:n_ngrams] * MULTIPLIERS[0] + values[length - 1 :]
        if length in ngram_lengths:
            starts.append((n_left[:n_ngrams] >= length).nonzero()[0])
            states.append(state[starts[-1]])
    mixed = np.concatenate(states)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[1]
    hashes = (mixed >> np.uint64(64 - HASH_BITS)).astype(np.int64)
    return np.concatenate(starts), hashes, [*map(len, starts[1:])]


@dataclass(frozen=True)
class TfIdfFeatures(Features):
    """The tf-idf of hashed n-grams, of those that `least` sequences hold, or more.

    Parameters
    ----------
    hashes : ndarray of shape (n_features,)
        Of the n-grams, in ascending order; at first none.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    """

    least: ClassVar[int] = 1

    hashes: Annotated[NDArray[np.int32], "n_features"] = field(
        default_factory=lambda: np.empty(0, np.int32), kw_only=True
    )
    idf: Annotated[NDArray[np.float32], "n_features"] = field(
        default_factory=lambda: np.empty(0, np.float32), kw_only=True
    )

    @property
    def n_features(self) -> int:
        """The number of n-grams."""
        return len(self.hashes)

    @abstractmethod
    def bags(self, sequences: Sequences, rows: Rows) -> Bag:
        """Return which n-grams some sequences hold."""

    def kept(self, frequency: Integers, fewest: int) -> NDArray[np.intp]:
        """Return the hashes that at least so many sequences hold, by their frequency."""
        return np.flatnonzero(frequency >= max(self.least, fewest))

    def learned(self, bags: csr_matrix, fewest: int) -> Self:
        """Return the features of the hashes that at least so many of these sequences hold."""
        n_sequences, frequency = bags.shape[0], np.bincount(bags.indices)
        hashes = self.kept(frequency, fewest)
        idf = np.log((1 + n_sequences) / (1 + frequency[hashes])) + 1
        return replace(self, hashes=hashes.astype(np.int32), idf=idf.astype(np.float32))

    def blocks(self, sequences: Sequences) -> Iterator[tuple[Rows, csr_matrix]]:
        """Yield rows and their features."""
        for rows in chunks_of_rows(sequences.lengths):
            yield rows, self.weighed(self.bags(sequences, rows))

    def weighed(self, bags: Bag | csr_matrix) -> csr_matrix:
        """Return the features of bags (n_sequences, n_features).

        The Euclidean length of a row is the value that all its entries have in the bag.
        """
        if not self.n_features:
            return csr_matrix((len(bags.indptr) - 1, 0), dtype=np.float32)
        if len(bags.data) <= VALUES_PER_CHUNK:
            return self._weighed(bags)
        whole = csr_matrix(bags)  # of which rows can be selected
        parts = [self._weighed(whole[rows]) for rows in chunks_of_rows(np.diff(bags.indptr))]
        return vstack(parts, format="csr")

    def _weighed(self, bags: Bag | csr_matrix) -> csr_matrix:
        features = self.hashes.searchsorted(bags.indices)
        is_known = self.hashes.take(features, mode="clip") == bags.indices
        features = features[is_known].astype(np.int32)
        data, n_rows = self.idf[features], len(bags.indptr) - 1
        rows = np.arange(n_rows).repeat(bags.indptr[1:] - bags.indptr[:-1])[is_known]
        data /= np.sqrt(np.bincount(rows, np.square(data), n_rows))[rows]
        data *= bags.data[is_known]
        ends = rows.searchsorted(np.arange(n_rows + 1)).astype(np.int32)
        return csr_matrix((data, features, ends), (n_rows, self.n_features))

    def entry_scores(self, bags: Bag, coef: Array, directions: Array) -> NDArray[np.float64]:
        """Return what each entry of bags adds to scores, (n_entries, n_scores)."""
        scores = np.zeros((len(bags.indices), directions.shape[1]))
        matrix = self.weighed(bags)
        first, stop = (self.hashes.searchsorted(bags.indices, side) for side in ("left", "right"))
        scores[first < stop] = matrix.data[:, np.newaxis] * (coef[matrix.indices] @ directions)
        return scores
