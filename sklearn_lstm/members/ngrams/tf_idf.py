"""The weight of an n-gram: how much it tells about the sequences that hold it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, chunks_of_rows
from sklearn_lstm.members.ngrams.hashing import Bag


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

    def __call__(self, bags: Bag | csr_matrix) -> csr_matrix:
        """Return the features (n_sequences, n_features) of bags.

        The Euclidean length of a row is the value that all entries of its bag have: 1 for
        n-grams of ids, the root of the share of words for n-grams of letters.
        """
        n_rows = len(bags.indptr) - 1
        if not len(self):
            return csr_matrix((n_rows, 0), dtype=np.float32)
        if len(bags.data) <= VALUES_PER_CHUNK:
            return self._weighed(bags)
        whole = csr_matrix(bags)  # of which rows can be selected
        parts = [self._weighed(whole[rows]) for rows in chunks_of_rows(np.diff(bags.indptr))]
        return vstack(parts, format="csr")

    def _weighed(self, bags: Bag | csr_matrix) -> csr_matrix:
        features = self.hashes.searchsorted(bags.indices)
        is_known = self.hashes.take(features, mode="clip") == bags.indices
        ends = np.append(np.int32(0), is_known.cumsum(dtype=np.int32))[bags.indptr]
        features = features[is_known].astype(np.int32)
        data, n_rows = self.idf[features], len(ends) - 1
        rows = np.arange(n_rows).repeat(ends[1:] - ends[:-1])
        lengths = np.sqrt(np.bincount(rows, np.square(data), n_rows))
        data /= lengths[rows]
        data *= bags.data[is_known]
        return csr_matrix((data, features, ends), (n_rows, len(self)))
