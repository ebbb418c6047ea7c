"""The weight of an n-gram: how much it tells about the sequences that hold it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, chunks_of_rows
from sklearn_lstm.members.ngrams.bags import Bag, are_letters


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
        """Return the weights of n-grams of ids that so many sequences hold, of letters that two."""
        frequency = np.bincount(bags.indices)
        hashes = np.flatnonzero(frequency)
        hashes = hashes[frequency[hashes] >= np.where(are_letters(hashes), 2, fewest)]
        idf = np.log((1 + bags.shape[0] // 2) / (1 + frequency[hashes])) + 1
        return cls(hashes.astype(np.int32), idf.astype(np.float32))

    def __len__(self) -> int:
        return len(self.hashes)

    def __call__(self, bags: Bag | csr_matrix) -> csr_matrix:
        """Return the features of bags (2 * n_sequences, n_features).

        The Euclidean length of a row is the value that all its entries have in the bag: 1 for
        n-grams of ids, the root of the share of words for n-grams of letters.
        """
        if not len(self):
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
        return csr_matrix((data, features, ends), (n_rows, len(self)))
