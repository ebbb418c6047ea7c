"""Sequences from lists of arrays, without the checks of X."""

import numpy as np
import pytest

from sklearn_lstm.data import runs
from sklearn_lstm.data.sequences import Samples, Sequences
from sklearn_lstm.linear import ngrams


@pytest.fixture
def sequences_of():
    """A function: list of arrays (T,) of ids or (T, n_channels) of measurements -> Sequences."""

    def build(X):
        n_channels = X[0].shape[1] if np.ndim(X[0]) == 2 else None
        lengths = np.array([len(row) for row in X])
        return Sequences(
            lengths,
            n_channels,
            lambda rows: np.concatenate([X[row] for row in rows]),
            n_features=n_channels or 1,
        )

    return build


@pytest.fixture
def samples_of(sequences_of):
    """A function: list of arrays, targets and perhaps weights -> Samples."""

    def build(X, targets, weights=None):
        weights = np.ones(len(X)) if weights is None else weights
        return Samples(sequences_of(X), np.asarray(targets), weights)

    return build


@pytest.fixture
def allow_bytes(monkeypatch):
    """A function: the largest size of the coefficients of n-grams."""
    return lambda n_bytes: monkeypatch.setattr(ngrams, "LARGEST_COEF", n_bytes)


@pytest.fixture
def _no_collisions(monkeypatch):
    monkeypatch.setattr(runs, "HASH_BITS", 25)  # no two runs share a hash


@pytest.fixture
def sentences(rng):
    """A function: number of samples, and of ids -> sentences of up to 19 random ids."""

    def draw(n_samples, n_ids=40):
        return [rng.integers(2, n_ids, length) for length in rng.integers(1, 20, n_samples)]

    return draw


@pytest.fixture
def pairs(rng):
    """A function: number of samples -> X, y.

    Class 1 is where id 5 follows id 4 at the beginning, and class 0 where 4 follows 5.
    """

    def draw(n_samples):
        y = rng.integers(0, 2, n_samples)
        X = [rng.integers(6, 40, length) for length in rng.integers(2, 20, n_samples)]
        for row, label in zip(X, y, strict=True):
            row[:2] = (4, 5) if label else (5, 4)
        return X, y

    return draw
