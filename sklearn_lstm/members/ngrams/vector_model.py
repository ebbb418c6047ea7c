"""The vectors of words, as a linear model sees them: their mean in a sequence.

They tell which words are alike, also words that no sequence with a label holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Rows, Sequences, chunks_of_rows
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN


@dataclass(frozen=True)
class MeanVectors:
    """The mean of the vectors in a sequence, relative to the centre of all sequences.

    Rare tokens count more, by their inverse document frequency (idf). For each table of vectors the
    mean has length 1, then the centre is subtracted, and the difference has length 1. It is 0 where
    the table knows no token.

    Parameters
    ----------
    vectors : PretrainedVectors
        Those of `fit`.
    ids : ndarray of shape (n_ids,)
        Those of the training sequences, in ascending order.
    idf : ndarray of shape (n_ids + 1,)
        The last one is that of all other tokens.
    centre : ndarray of shape (embedding_dim,)
    """

    vectors: PretrainedVectors
    ids: Annotated[NDArray[np.int64], "n_ids"]
    idf: Annotated[NDArray[np.float32], "n_idf"]
    centre: Annotated[NDArray[np.float32], "width"]

    @property
    def n_idf(self) -> int:
        """The number of weights."""
        return len(self.ids) + 1

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.vectors.width

    @classmethod
    def of(cls, sequences: Sequences, vectors: PretrainedVectors) -> MeanVectors:
        """Find the idf of all tokens, and the centre of the sequences."""
        ids = sequences.distinct_ids().astype(np.int64)
        frequency = np.zeros(len(ids) + 1)
        for rows in chunks_of_rows(sequences.lengths):
            row = np.repeat(rows, sequences.lengths[rows])
            pairs = np.unique(row * len(ids) + np.searchsorted(ids, sequences.read(rows)))
            frequency += np.bincount(pairs % len(ids), minlength=len(frequency))
        idf = np.log((1 + len(sequences)) / (1 + frequency)) + 1
        zeros = np.zeros(vectors.width, np.float32)
        new = cls(vectors, ids, idf.astype(np.float32), zeros)
        return replace(new, centre=new(sequences).mean(axis=0))

    def __call__(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return the features (n_sequences, embedding_dim)."""
        parts = []
        for rows in chunks_of_rows(sequences.lengths):
            weights, vectors, _ = self.weighted(sequences, rows)
            gaps = self.gaps(weights @ vectors)
            parts.append(gaps / self.lengths(gaps))
        return np.concatenate(parts)

    def weighted(
        self, sequences: Sequences, rows: Rows
    ) -> tuple[csr_matrix, NDArray[np.float32], NDArray[np.intp]]:
        """Return the weights of tokens in sequences, and the vectors of tokens.

        Returns
        -------
        weights : csr_matrix of shape (n_sequences, n_tokens)
        vectors : ndarray of shape (n_tokens, embedding_dim)
        tokens : ndarray of shape (n_steps,)
            Which token each step has.
        """
        spellings, tokens = np.unique(sequences.read_spellings(rows), return_inverse=True)
        # Unknown words come last, as they came: BLAS rounds the product of a row by its place.
        order = np.lexsort((np.abs(spellings), spellings <= FIRST_UNKNOWN))
        spellings, tokens = spellings[order], np.argsort(order)[tokens]
        _, vectors = self.vectors(spellings, sequences.spelling)
        place = np.minimum(np.searchsorted(self.ids, spellings), len(self.ids) - 1)
        idf = self.idf[np.where(self.ids[place] == spellings, place, len(self.ids))]
        ends = np.append(0, np.cumsum(sequences.lengths[rows]))
        shape = (len(rows), len(spellings))
        return csr_matrix((idf[tokens], tokens, ends), shape), vectors, tokens

    def gaps(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the differences from the centre of what weighted tokens add up to."""
        lengths = self.lengths(sums)
        return np.where(lengths < np.inf, sums / lengths - self.centre, 0)

    def lengths(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the length of the part of each table, in all of its columns; of 0 infinity."""
        widths = self.vectors.widths
        starts = np.append(0, np.cumsum(widths)[:-1])
        lengths = np.sqrt(np.add.reduceat(np.square(vectors), starts, axis=1))
        return np.repeat(np.where(lengths > 0, lengths, np.float32(np.inf)), widths, axis=1)


@dataclass(frozen=True)
class VectorModel:
    """The part of a linear model that sees the vectors of tokens.

    Parameters
    ----------
    means : MeanVectors
    coef : ndarray of shape (embedding_dim, n_outputs)
    """

    means: MeanVectors
    coef: Annotated[NDArray[np.float32], "width n_outputs"]

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.means.width

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what each token of one sequence adds to the score ``logits @ direction``.

        The rest is what the centre subtracts.
        """
        weights, vectors, tokens = self.means.weighted(sequences, np.arange(1))
        sums = weights @ vectors
        length = self.means.lengths(sums)
        slopes = (self.coef @ direction) / self.means.lengths(self.means.gaps(sums))[0]
        token_scores = vectors @ (slopes / length[0])
        base = -(self.means.centre * (length[0] < np.inf)) @ slopes
        return weights.data * token_scores[tokens], float(base)

    def describe(self) -> str:
        """Return what this part consists of, in a few words."""
        return f"the mean of {len(self.coef):,} columns of vectors"
