"""Vectors of whole texts: by an encoder, or the mean of the vectors of their tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows, Sequences, chunks_of_rows
from sklearn_lstm.members.member import ENCODER, Array, ColumnFeatures, Contributions, Features
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN


@dataclass(frozen=True)
class MeanVectorFeatures(Features):
    """The mean of the vectors in a sequence, relative to the centre of all sequences.

    Rare tokens count more, by their inverse document frequency (idf). The mean
    is divided by its length, then the centre is subtracted, and the difference is divided by its
    length. It is 0 where no token has a vector.

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
    centre: Annotated[NDArray[np.float32], "n_features"]

    @property
    def n_idf(self) -> int:
        """The number of weights."""
        return len(self.ids) + 1

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return self.vectors.width

    @classmethod
    def of(cls, sequences: Sequences, vectors: PretrainedVectors) -> Self:
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
        return replace(new, centre=new.means(sequences).mean(axis=0))

    def means(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return the features (n_sequences, embedding_dim)."""
        return np.concatenate([block for _, block in self.blocks(sequences)])

    def blocks(self, sequences: Sequences) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and their features."""
        for rows in chunks_of_rows(sequences.lengths):
            weights, vectors, _ = self.weighted(sequences, rows)
            gaps = self._gaps(weights @ vectors)
            yield rows, gaps / self._lengths(gaps)

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

    def _gaps(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the differences from the centre of what weighted tokens add up to."""
        lengths = self._lengths(sums)
        return np.where(lengths < np.inf, sums / lengths - self.centre, 0)

    def _lengths(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the length of each vector, (n_vectors, 1); of 0 infinity."""
        # One after the other, whatever the width: `sum` rounds by its blocks.
        lengths = np.sqrt(np.add.reduceat(np.square(vectors), [0], axis=1))
        return np.where(lengths > 0, lengths, np.float32(np.inf))

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each token adds; the rest is what the centre subtracts."""
        weights, vectors, tokens = self.weighted(sequences, np.arange(len(sequences)))
        sums, scores = weights @ vectors, coef @ directions
        lengths, gap_lengths = self._lengths(sums), self._lengths(self._gaps(sums))
        scales = 1 / (lengths.astype(float) * gap_lengths)  # (n_samples, 1)
        scales = weights.data[:, np.newaxis] * scales.repeat(sequences.lengths, axis=0)
        added = (vectors @ scores)[tokens] * scales
        base = -(self.centre * (lengths < np.inf) / gap_lengths.astype(float)) @ scores
        return added, base

    def describe(self) -> str:
        """Return what the features are."""
        return "columns of the mean of vectors"


# --- Sentence encoders


@dataclass(frozen=True)
class EncoderFeatures(ColumnFeatures):
    """The vector of a whole text.

    Parameters
    ----------
    encoder : SentenceEncoder
    mean
        Of `ColumnFeatures`.
    """

    have_one_unit = True
    encoder: SentenceEncoder

    @property
    def n_features(self) -> int:
        """The length of a vector."""
        return int(self.encoder.mark.shape[1])

    def vectors(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return the vectors of all texts, which are read and encoded part by part."""
        parts = chunks_of_rows(sequences.lengths)
        return np.concatenate([self.encoder(sequences.texts(rows)) for rows in parts])

    def describe(self) -> str:
        """Return what the features are."""
        return "columns of vectors of whole texts"


def read_encoder(context: FitContext) -> Reader:
    """Encode the texts, which takes longest; the encoder keeps their vectors during a fit."""
    encoder: Any = context.settings.encoder
    reader = Reader.of(context, EncoderFeatures(encoder))
    sequences, n_texts = reader.samples.sequences, len(reader.samples)
    for start in range(0, n_texts, ROWS_AT_ONCE):
        context.progress.show(ENCODER, start / n_texts)
        encoder(sequences.texts(np.arange(start, min(start + ROWS_AT_ONCE, n_texts))))
    return reader


TEXT_VECTORS = Recipe(
    ENCODER,
    suits=lambda settings: settings.encoder is not None,  # also with linear_model=False
    read=read_encoder,
    solver="regression",
    stored=(EncoderFeatures,),
)
