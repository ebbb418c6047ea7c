"""The letters of words, as a linear model sees them.

They tell what unknown and rare words are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.ngrams.lexicon import NGRAM_LENGTHS, Lexicon, bags_of_steps
from sklearn_lstm.members.ngrams.tf_idf import TfIdf


@dataclass(frozen=True)
class LetterModel:
    """The part of a linear model that sees the letters of words.

    Parameters
    ----------
    lexicon : Lexicon
    hashes : ndarray of shape (n_features,)
        Of the n-grams that at least two sequences hold, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    """

    lexicon: Lexicon
    hashes: Annotated[NDArray[np.int32], "n_features"]
    idf: Annotated[NDArray[np.float32], "n_features"]
    coef: Annotated[NDArray[np.float32], "n_features n_outputs"]

    def logits_of_bags(self, bags: csr_matrix) -> NDArray[np.float64]:
        """Return what the n-grams of sequences add to their logits (n_samples, n_outputs)."""
        return np.asarray(TfIdf(self.hashes, self.idf)(bags) @ self.coef)

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each word of one sequence adds to the score ``logits @ direction``.

        The value of an n-gram is shared by the words that hold it.
        """
        hashes, n_ngrams = self.lexicon.ngrams_of_steps(sequences)
        contributions = np.zeros(len(n_ngrams))
        bags = bags_of_steps(sequences.lengths, hashes, n_ngrams)
        features = TfIdf(self.hashes, self.idf)(bags)
        if features.nnz:
            known = self.hashes[features.indices]
            place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            is_known = known[place] == hashes
            step = np.repeat(np.arange(len(contributions)), n_ngrams)
            values = features.data * (self.coef[features.indices] @ direction)
            shares = values / np.bincount(place[is_known])
            np.add.at(contributions, step[is_known], shares[place[is_known]])
        return contributions

    def describe(self) -> str:
        """Return what this part consists of, in a few words."""
        return f"{len(self.hashes):,} n-grams of {NGRAM_LENGTHS[0]}-{NGRAM_LENGTHS[-1]} letters"
