"""A linear model of n-grams that learns online, in each call of `partial_fit`."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.members.member import Contributions, Member
from sklearn_lstm.members.ngrams.bags import Bag, NgramReader, bag_of


@dataclass(frozen=True)
class OnlineNgrams(NgramReader, Member):
    """Logistic regression on n-grams of ids, learned online by AdaGrad (Duchi et al. 2011).

    It learns from the errors of the whole model, in batches of 32 samples. The more a coefficient
    was corrected, the smaller its steps become: coefficients of rare n-grams change quickly, those
    of frequent ones slowly. In a sequence of n different n-grams each has the value 1 / sqrt(n).

    Parameters
    ----------
    shortest, longest, has_borders
        Of `NgramReader`.
    hashes : ndarray of shape (n_features,)
        Of the n-grams, in the order in which they came. The first feature stands for all that are
        not known.
    coef : ndarray of shape (n_features, n_outputs)
    squares : ndarray of shape (n_features, n_outputs)
        The sums of the squared gradients.
    row_of : ndarray of shape (2 ** HASH_BITS,) or None
        The feature of each hash, or 0. None: it has learned nothing since it was new or loaded, and
        the hashes are searched.
    """

    name = "online linear model"

    hashes: Annotated[NDArray[np.int32], "n_features"]
    coef: Annotated[NDArray[np.float32], "n_features n_outputs"]
    squares: Annotated[NDArray[np.float32], "n_features n_outputs"]
    row_of: NDArray[np.int32] | None = field(default=None, metadata={"is_stored": False})

    def logits(self, sequences: Sequences) -> Logits:
        """Return what n-grams add to the logits (n_samples, n_outputs)."""
        logits = []
        for rows in chunks_of_rows(sequences.lengths):
            bags = bag_of(len(rows), self.ngrams(sequences.read(rows), sequences.lengths[rows]))
            parts = values_of(bags), self.rows_of(bags.indices), bags.indptr[::2]
            logits.append(csr_matrix(parts, (len(rows), len(self.coef))) @ self.coef)
        return np.concatenate(logits).astype(np.float64)

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        The value of an n-gram is shared by the places where it occurs, and there by its steps. The
        rest of the score is that of n-grams of borders alone.
        """

        def shares(bag: Bag) -> NDArray[np.float64]:
            return np.asarray(values_of(bag) * (self.coef[self.rows_of(bag.indices)] @ direction))

        return self.shared_by_steps(sequences, shares)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        n_ngrams = len(self.hashes) - 1
        return f"{n_ngrams:,} n-grams of {self.shortest}-{self.longest} ids, from partial_fit"

    def rows_of(self, hashes: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the feature of each n-gram, or 0."""
        if self.row_of is None:
            places = np.searchsorted(self.hashes, hashes, sorter=self._order)
            found = self._order[np.minimum(places, len(self.hashes) - 1)]
            return np.where(self.hashes[found] == hashes, found, 0).astype(np.int32)
        rows: NDArray[np.int32] = self.row_of[hashes]
        rows[rows >= len(self.hashes)] = 0  # those of a later model in the same memory
        return rows

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.hashes)


def values_of(bags: Bag) -> NDArray[np.float32]:
    """Return the value of each entry of bags: 1 over the root of how many its row has."""
    n_entries = np.diff(bags.indptr)
    return np.repeat(1 / np.sqrt(np.maximum(n_entries, 1), dtype=np.float32), n_entries)
