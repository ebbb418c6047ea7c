"""A linear model of n-grams that learns from the errors of the whole model, in `partial_fit`."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.members.member import BATCH_SIZE_OF_PARTIAL_FIT, Contributions, Member
from sklearn_lstm.members.ngrams.bags import LARGEST_COEF, Bag, NgramReader, bag_of, choose_reader
from sklearn_lstm.targets.targets import Samples

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
        Of the n-grams, in ascending order. The first feature stands for all that are not known.
    coef : ndarray of shape (n_features, n_outputs)
    squares : ndarray of shape (n_features, n_outputs)
        The sums of the squared gradients.
    """

    name = "online linear model"

    hashes: Annotated[NDArray[np.int32], "n_features"]
    coef: Annotated[NDArray[np.float32], "n_features n_outputs"]
    squares: Annotated[NDArray[np.float32], "n_features n_outputs"]

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

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each step of sequences adds to the scores ``logits @ directions``.

        The value of an n-gram is shared by the places where it occurs, and there by its steps. The
        rest of the score is that of n-grams of borders alone.
        """

        def values(bags: Bag) -> NDArray[np.float64]:
            coef = self.coef[self.rows_of(bags.indices)] @ directions
            return np.asarray(values_of(bags)[:, np.newaxis] * coef)

        return self.shared_by_steps(sequences, values)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        n_ngrams = len(self.hashes) - 1
        return f"{n_ngrams:,} n-grams of {self.shortest}-{self.longest} ids, from partial_fit"

    def rows_of(self, hashes: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the feature of each n-gram, or 0."""
        places = np.searchsorted(self.hashes, hashes.astype(self.hashes.dtype, copy=False))
        places = np.minimum(places, len(self.hashes) - 1)
        return np.where(self.hashes[places] == hashes, places, 0).astype(np.int32)

    def learned(self, samples: Samples, known: Logits, rng: np.random.Generator) -> Self:
        """Return a model that has learned some samples too.

        Parameters
        ----------
        samples : Samples
        known : ndarray of shape (n_samples, n_outputs)
            The logits of all other members, which have not learned these samples.
        rng : numpy Generator
            Draws the order of the samples.
        """
        targets, n_samples, n_outputs = samples.targets, *known.shape
        ids, lengths = samples.sequences.read(np.arange(len(samples))), samples.sequences.lengths
        bags = bag_of(len(samples), self.ngrams(ids, lengths))
        hashes, columns = np.unique(bags.indices, return_inverse=True)
        is_new = self.rows_of(hashes) == 0
        # When the coefficients take so much memory, no further n-grams are learned.
        is_new &= np.cumsum(is_new) <= LARGEST_COEF // (4 * n_outputs) - len(self.hashes)
        places = np.searchsorted(self.hashes, hashes[is_new])
        model = replace(
            self,
            hashes=np.insert(self.hashes, places, hashes[is_new]),
            coef=np.insert(self.coef, places, 0, axis=0),
            squares=np.insert(self.squares, places, FIRST_SQUARE, axis=0),
        )
        rows = model.rows_of(hashes)
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
        model.coef[rows] = coef
        model.squares[rows] = np.minimum(squares, np.finfo(np.float32).max)
        return model


def values_of(bags: Bag) -> NDArray[np.float32]:
    """Return the value of each entry of bags: 1 over the root of how many its row has."""
    n_entries = np.diff(bags.indptr)
    return np.repeat(1 / np.sqrt(np.maximum(n_entries, 1), dtype=np.float32), n_entries)
