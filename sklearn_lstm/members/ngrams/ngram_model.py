"""A linear model of n-grams of ids, and of the letters of words.

A recurrent network reads in order, and a bag of n-grams does not. They make different errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import Rows, Sequences, chunks_of_rows
from sklearn_lstm.exceptions import InputTypeWarning, warn_user
from sklearn_lstm.members.member import Contributions, LinearMember
from sklearn_lstm.members.ngrams.bags import (
    LETTER_LENGTHS,
    Bag,
    Lexicon,
    NgramReader,
    TfIdf,
    are_letters,
    bags_of,
    entries_of,
)
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
        """Return the length of each vector, (n_vectors, 1); of 0 infinity."""
        # One after the other, whatever the width: `sum` rounds by its blocks.
        lengths = np.sqrt(np.add.reduceat(np.square(vectors), [0], axis=1))
        return np.where(lengths > 0, lengths, np.float32(np.inf))


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

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each token of sequences adds to the scores ``logits @ directions``.

        The rest is what the centre subtracts.
        """
        weights, vectors, tokens = self.means.weighted(sequences, np.arange(len(sequences)))
        sums, coef = weights @ vectors, self.coef @ directions
        lengths, gap_lengths = self.means.lengths(sums), self.means.lengths(self.means.gaps(sums))
        scales = 1 / (lengths.astype(float) * gap_lengths)  # (n_samples, 1)
        scales = weights.data[:, np.newaxis] * scales.repeat(sequences.lengths, axis=0)
        added = (vectors @ coef)[tokens] * scales
        base = -(self.means.centre * (lengths < np.inf) / gap_lengths.astype(float)) @ coef
        return added, base


@dataclass(frozen=True)
class NgramModel(NgramReader, LinearMember):
    """Linear support vector machines (SVMs), one for each output, on the tf-idf of n-grams of ids.

    Words: n-grams of one or two. Characters: n-grams of five lengths, mostly one to five. The
    beginning and the end of a sequence count as characters, because the ends of names and of single
    words tell much. N-grams of letters too if it is known how words are spelled, those among
    characters included.

    Parameters
    ----------
    shortest, longest, has_borders
        Of `NgramReader`.
    hashes : ndarray of shape (n_features,)
        Of the n-grams of ids, and after them those of letters, both in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    lexicon : Lexicon or None
        None: it sees no letters.
    vectors : VectorModel or None
    knows_words : bool
        Whether the X of fit said which words the ids stand for.
    """

    hashes: Annotated[NDArray[np.int32], "n_features"]
    idf: Annotated[NDArray[np.float32], "n_features"]
    coef: Annotated[NDArray[np.float32], "n_features n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    lexicon: Lexicon | None = None
    vectors: VectorModel | None = None
    knows_words: bool = True

    def logits(self, sequences: Sequences) -> Logits:
        """Return the signed distances from the decision boundaries (n_samples, n_outputs).

        Warns
        -----
        InputTypeWarning
            If these sequences say which words their ids stand for, but those of fit did not.
        """
        if not self.knows_words and Lexicon.of(sequences) is not None:
            warn_user(
                "X says which words its ids stand for, but the X of fit did not, so the linear "
                "model knows nothing of their letters. Samplers that add rows, such as "
                "RandomOverSampler, and scipy.sparse.vstack drop the words: pass "
                "class_weight='balanced', or join the texts before the vectorizer.",
                InputTypeWarning,
            )
        logits = []
        for rows in chunks_of_rows(sequences.lengths):
            bags = bags_of(self, self.lexicon, sequences, rows)
            means = None if self.vectors is None else self.vectors.means(sequences.subset(rows))
            logits.append(self.logits_of(bags, means))
        return np.concatenate(logits)

    def logits_of(self, bags: Bag | csr_matrix, means: NDArray[np.float32] | None) -> Logits:
        """Return the logits of sequences.

        Parameters
        ----------
        bags : Bag or csr_matrix
            Which n-grams they hold.
        means : ndarray of shape (n_sequences, embedding_dim) or None
            Of their vectors.
        """
        products = self._weights(bags) @ self.coef  # of ids and of letters, row by row
        logits = products[::2] + self.intercept + products[1::2]
        if self.vectors is not None and means is not None:
            logits += means.astype(np.float64) @ self.vectors.coef
        return np.asarray(logits)

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each step of sequences adds to the scores ``logits @ directions``.

        The value of an n-gram is shared by the places where it occurs, and there by its steps. That
        of an n-gram of letters is shared by the words that hold it. The rest of the score is that
        of no n-gram.
        """
        rows = np.arange(len(sequences))
        bags = bags_of(self, self.lexicon, sequences, rows)
        features, (_, is_known) = self._weights(bags), self._weights.known(bags)
        values = np.zeros((len(is_known), directions.shape[1]))
        known_values = self.coef[features.indices] @ directions
        values[is_known] = features.data[:, np.newaxis] * known_values
        is_letters = are_letters(bags.indices) > 0
        added, base = self.shared_by_steps(sequences, lambda _: values[~is_letters])
        base += self.intercept @ directions
        if self.lexicon is not None:
            spellings = sequences.read_spellings(rows)
            letters, n_ngrams = self.lexicon.ngrams_of_steps(spellings, sequences.spelling)
            row = rows.repeat(sequences.lengths).repeat(n_ngrams)
            entry, n_words = entries_of(row, letters)
            parts = 1 / n_words[entry], entry, np.append(0, np.cumsum(n_ngrams))
            added += csr_matrix(parts, (len(n_ngrams), len(n_words))) @ values[is_letters]
        if self.vectors is not None:
            of_vectors = self.vectors.contributions(sequences, directions)
            added, base = added + of_vectors[0], base + of_vectors[1]
        return added, base

    @property
    def _weights(self) -> TfIdf:
        return TfIdf(self.hashes, self.idf)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        n_letters = np.count_nonzero(are_letters(self.hashes))
        n_ids = len(self.hashes) - n_letters
        parts = [f"{n_ids:,} n-grams of {self.shortest}-{self.longest} ids"]
        if self.lexicon is not None:
            parts.append(
                f"{n_letters:,} n-grams of {LETTER_LENGTHS[0]}-{LETTER_LENGTHS[-1]} letters"
            )
        if self.vectors is not None:
            parts.append(f"the mean of {self.vectors.width:,} columns of vectors")
        return " and ".join(parts)


@dataclass(frozen=True)
class PositionModel(NgramModel):
    """The same on one id, or two neighbours, at each position.

    It reads sequences that all have the same length, where a position may mean the same in each:
    windows around a place in DNA, aligned sequences, codes of a fixed form.
    """

    name = "positions"
