"""Small classifiers that are quick to train."""

import numpy as np

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.network.architecture import Architecture


def tokens(n_samples=120):
    """Return ids and two classes, which have nothing to do with each other."""
    return np.random.default_rng(0).integers(1, 9, (n_samples, 5)), np.arange(n_samples) % 2


def series(n_samples=40):
    """Return series and two classes, which have nothing to do with each other."""
    return np.random.default_rng(0).normal(size=(n_samples, 5)), np.arange(n_samples) % 2


def bumps(n_series, n_channels=1, seed=0):
    """Return noise with a short pulse in its first channel, up in class 1 and down in class 0."""
    rng = np.random.default_rng(seed)
    y, X = rng.integers(0, 2, n_series), []
    for sign in 2 * y - 1:
        series = rng.normal(size=(rng.integers(30, 60), n_channels)) / 4
        start = rng.integers(len(series) - 6)
        series[start : start + 6, 0] += 2 * sign
        X.append(series)
    return X, y


def small(**parameters):
    """Return a network without the linear model, unless a test is about both."""
    defaults = {"hidden_size": 4, "max_epochs": 2, "linear_model": False, "random_state": 0}
    return LSTMSequenceClassifier(**(defaults | parameters))


# Training whose gradients nothing but the batches decides.
PLAIN = {"hidden_size": 6, "max_epochs": 2, "batch_size": 20, "random_state": 1, "dropout": 0.0}
PLAIN |= {"linear_model": False}  # else some samples would be held out
PLAIN |= {"weight_decay": 0.0, "precision": "float32"}


def small_architecture(**changes):
    """Return what a small network of token codes consists of, but for these changes."""
    defaults = {
        "n_inputs": 9,
        "n_outputs": 3,
        "tokens": True,
        "embedding_dim": 5,
        "cell": "lstm",
        "hidden_size": 4,
        "num_layers": 1,
        "bidirectional": True,
        "pooling": ("max",),
        "dropout": 0.0,
        "steps_per_frame": 1,
    }
    return Architecture(**defaults | changes)
