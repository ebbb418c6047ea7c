"""A linear model of n-grams that learns from the errors of the whole model, in `partial_fit`."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.encoding.token_codes import GrowingTables
from sklearn_lstm.members.member import BATCH_SIZE_OF_PARTIAL_FIT, Contributions, Member
from sklearn_lstm.members.ngrams.bags import (
    HASH_BITS,
    LARGEST_COEF,
    Bag,
    NgramReader,
    bag_of,
    choose_reader,
)
from sklearn_lstm.targets.samples import Samples

RATE = 0.7  # the learning rate of AdaGrad
FIRST_SQUARE = 0.01  # the initial sum of squared gradients: a larger one makes first steps smaller


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

    @classmethod
    def new(cls, samples: Samples, kind: Kind) -> Self:
        """Return a model that knows no n-gram yet, for sequences like these."""
        shape = 1, samples.targets.n_outputs
        return cls(
            **vars(choose_reader(samples.sequences, kind)),
            hashes=np.full(1, -1, np.int32),  # a hash that no n-gram has
            coef=np.zeros(shape, np.float32),
            squares=np.full(shape, FIRST_SQUARE, np.float32),
        )

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

    def learned(
        self, samples: Samples, known: Logits, growing: GrowingTables, rng: np.random.Generator
    ) -> Self:
        """Return a model that has learned some samples as soon as the changes are written.

        Parameters
        ----------
        samples : Samples
        known : ndarray of shape (n_samples, n_outputs)
            The logits of all other members, which have not learned these samples.
        growing : GrowingTables
        rng : numpy Generator
            Draws the order of the samples.
        """
        targets, n_samples, n_outputs = samples.targets, *known.shape
        ids, lengths = samples.sequences.read(np.arange(len(samples))), samples.sequences.lengths
        bags = bag_of(len(samples), self.ngrams(ids, lengths))
        hashes, columns = np.unique(bags.indices, return_inverse=True)
        rows = self.rows_of(hashes)
        is_new = rows == 0
        # When the coefficients take so much memory, no further n-grams are learned.
        is_new &= np.cumsum(is_new) <= LARGEST_COEF // (4 * n_outputs) - len(self.hashes)
        row_of, new = self.row_of, np.zeros((np.count_nonzero(is_new), n_outputs))
        if row_of is None or not growing.owns(self.hashes):  # or another model would see the new
            row_of = np.zeros(1 << HASH_BITS, np.int32)
            row_of[self.hashes[1:]] = np.arange(1, len(self.hashes))
        model = replace(
            self,
            hashes=growing.with_rows(self.hashes, hashes[is_new]),
            coef=growing.with_rows(self.coef, new),
            squares=growing.with_rows(self.squares, new + FIRST_SQUARE),
            row_of=row_of,
        )
        rows[is_new] = np.arange(len(self.hashes), len(model.hashes))
        # An n-gram without a feature has the value 0, so that feature 0 stays as it is.
        entries = values_of(bags) * (rows > 0)[columns], columns, bags.indptr[::2]
        values = csr_matrix(entries, (n_samples, len(hashes)))
        coef, squares = (table[rows].astype(np.float64) for table in (model.coef, model.squares))
        weights, truth = targets.weights.reshape(n_samples, -1), targets.indicators()
        order = rng.permutation(n_samples)
        for start in range(0, n_samples, BATCH_SIZE_OF_PARTIAL_FIT):
            batch = order[start : start + BATCH_SIZE_OF_PARTIAL_FIT]
            batch_values = values[batch]
            its_ngrams, columns = np.unique(batch_values.indices, return_inverse=True)
            entries = batch_values.data, columns, batch_values.indptr
            batch_values = csr_matrix(entries, (len(batch), len(its_ngrams)))
            logits = known[batch] + batch_values @ coef[its_ngrams]
            errors = weights[batch] * (targets.labels.proba(logits) - truth[batch])
            squares[its_ngrams] += batch_values.power(2).T @ errors**2
            coef[its_ngrams] -= RATE * (batch_values.T @ errors) / np.sqrt(squares[its_ngrams])
        growing.change(model.coef, rows, coef)
        growing.change(model.squares, rows, np.minimum(squares, np.finfo(np.float32).max))
        growing.change(row_of, hashes[is_new], rows[is_new])
        return model


def values_of(bags: Bag) -> NDArray[np.float32]:
    """Return the value of each entry of bags: 1 over the root of how many its row has."""
    n_entries = np.diff(bags.indptr)
    return np.repeat(1 / np.sqrt(np.maximum(n_entries, 1), dtype=np.float32), n_entries)
