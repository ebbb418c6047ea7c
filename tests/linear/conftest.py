"""Sequences from lists of arrays, without the checks of X."""

import numpy as np
import pytest

from sklearn_lstm.data.sequences import Samples, Sequences


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
