"""The weight of an n-gram: how much it tells about the sequences that hold it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, chunks_of_rows


@dataclass(frozen=True)
class TfIdf:
    """The tf-idf of n-grams.

    Parameters
    ----------
    hashes : ndarray of shape (n_features,)
        Of the n-grams, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    """

    hashes: NDArray[np.int32]
    idf: NDArray[np.float32]

    @classmethod
    def of(cls, bags: csr_matrix, fewest: int) -> TfIdf:
        """Return the weights of the n-grams that at least so many sequences hold."""
        frequency = np.bincount(bags.indices)
        hashes = np.flatnonzero(frequency >= fewest).astype(np.int32)
        idf = np.log((1 + bags.shape[0]) / (1 + frequency[hashes])) + 1
        return cls(hashes, idf.astype(np.float32))

    def __len__(self) -> int:
        return len(self.hashes)

    def __call__(self, bags: csr_matrix) -> csr_matrix:
        """Return the features (n_sequences, n_features) of bags.

        The Euclidean length of a row is the value that all entries of its bag have: 1 for
        n-grams of ids, the root of the share of words for n-grams of letters.
        """
        if not len(self):
            return csr_matrix((bags.shape[0], 0), dtype=np.float32)
        if bags.nnz <= VALUES_PER_CHUNK:
            return self._weighed(bags)
        parts = [self._weighed(bags[rows]) for rows in chunks_of_rows(np.diff(bags.indptr))]
        return vstack(parts, format="csr")

    def _weighed(self, bags: csr_matrix) -> csr_matrix:
        features = np.minimum(np.searchsorted(self.hashes, bags.indices), len(self) - 1)
        is_known = self.hashes[features] == bags.indices
        ends = np.append(np.int32(0), np.cumsum(is_known, dtype=np.int32))[bags.indptr]
        features = features[is_known].astype(np.int32)
        weighed = csr_matrix((self.idf[features], features, ends), (bags.shape[0], len(self)))
        rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        lengths = np.sqrt(np.bincount(rows, np.square(weighed.data), len(ends) - 1))
        weighed.data /= lengths[rows]
        weighed.data *= bags.data[is_known]
        return weighed
