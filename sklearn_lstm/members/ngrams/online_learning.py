"""How n-grams learn online, from the errors of the whole model."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.encoding.growing_tables import GrowingTables
from sklearn_lstm.members.ngrams.bags import HASH_BITS, LARGEST_COEF, bag_of, choose_reader
from sklearn_lstm.members.ngrams.online_ngrams import OnlineNgrams, values_of
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.duration import BATCH_SIZE_OF_PARTIAL_FIT

RATE = 0.7  # the learning rate of AdaGrad
FIRST_SQUARE = 0.01  # the initial sum of squared gradients: a larger one makes first steps smaller


def new_online_ngrams(samples: Samples, kind: Kind) -> OnlineNgrams:
    """Return a model that knows no n-gram yet, for sequences like these."""
    shape = 1, samples.targets.n_outputs
    return OnlineNgrams(
        **vars(choose_reader(samples.sequences, kind)),
        hashes=np.full(1, -1, np.int32),  # a hash that no n-gram has
        coef=np.zeros(shape, np.float32),
        squares=np.full(shape, FIRST_SQUARE, np.float32),
    )


def learn(
    before: OnlineNgrams,
    samples: Samples,
    known: Logits,
    growing: GrowingTables,
    rng: np.random.Generator,
) -> OnlineNgrams:
    """Return a model that has learned some samples as soon as the changes are written.

    Parameters
    ----------
    before : OnlineNgrams
    samples : Samples
    known : ndarray of shape (n_samples, n_outputs)
        The logits of all other members, which have not learned these samples.
    growing : GrowingTables
    rng : numpy Generator
        Draws the order of the samples.
    """
    targets, n_samples, n_outputs = samples.targets, *known.shape
    ids, lengths = samples.sequences.read(np.arange(len(samples))), samples.sequences.lengths
    bags = bag_of(len(samples), before.ngrams(ids, lengths))
    hashes, columns = np.unique(bags.indices, return_inverse=True)
    rows = before.rows_of(hashes)
    is_new = rows == 0
    # When the coefficients take so much memory, no further n-grams are learned.
    is_new &= np.cumsum(is_new) <= LARGEST_COEF // (4 * n_outputs) - len(before.hashes)
    model = _with_features(before, hashes[is_new], growing)
    rows[is_new] = np.arange(len(before.hashes), len(model.hashes))
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
    new = np.arange(len(before.hashes), len(model.hashes), dtype=np.int32)
    growing.change(model.coef, rows, coef)
    growing.change(model.squares, rows, np.minimum(squares, np.finfo(np.float32).max))
    growing.change(model.row_of, model.hashes[new], new)
    return model


def _with_features(
    model: OnlineNgrams, new: NDArray[np.int32], growing: GrowingTables
) -> OnlineNgrams:
    """Return the model with features for new n-grams, whose coefficients are 0."""
    zeros = np.zeros((len(new), model.coef.shape[1]))
    return replace(
        model,
        hashes=growing.with_rows(model.hashes, new),
        coef=growing.with_rows(model.coef, zeros),
        squares=growing.with_rows(model.squares, zeros + FIRST_SQUARE),
        row_of=model.row_of if growing.owns(model.hashes) else _row_of(model.hashes),
    )


def _row_of(hashes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the feature of each hash, or 0."""
    row_of = np.zeros(1 << HASH_BITS, np.int32)
    row_of[hashes[1:]] = np.arange(1, len(hashes))
    return row_of
