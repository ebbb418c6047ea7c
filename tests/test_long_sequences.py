"""A long sequence costs what it needs itself: its neighbours are not padded to its length."""

import numpy as np
import pytest

from sklearn_lstm import LSTMSequenceClassifier


def steps_read(model, X):
    """Return how many steps the first layer of the network reads in order to predict X."""
    n_steps = []
    first_layer = next(model.module_.children())
    handle = first_layer.register_forward_hook(
        lambda _layer, inputs, _output: n_steps.append(inputs[0].shape[:2].numel())
    )
    model.predict_proba(X)
    handle.remove()
    return sum(n_steps)


def sequences(kind, lengths):
    rng = np.random.default_rng(0)
    return [rng.integers(1, 9, n) if kind == "tokens" else rng.normal(size=n) for n in lengths]


def fitted(X):
    """Return a network that has learned the beginnings of these sequences."""
    small = {"hidden_size": 2, "embedding_dim": 2, "max_epochs": 1, "random_state": 0}
    model = LSTMSequenceClassifier(**small, linear_model=False)
    return model.fit([row[:9] for row in X], np.arange(len(X)) % 2)


@pytest.mark.parametrize("kind", ["tokens", "numeric"])
@pytest.mark.parametrize("n_samples", [1, 2, 5])
def test_a_sequence_of_3000_steps_is_read_once(kind, n_samples):
    X = sequences(kind, range(3000, 3000 + n_samples))
    assert steps_read(fitted(X * 4), X) == sum(map(len, X))


@pytest.mark.parametrize("kind", ["tokens", "numeric"])
def test_a_long_sequence_has_the_same_probabilities_beside_any_other(kind):
    X = sequences(kind, (3000, 3, 2500, 1, 2049, 2048, 2047, 3000))
    model = fitted(X)
    for row, expected in zip(X, model.predict_proba(X), strict=True):
        assert np.abs(model.predict_proba([row])[0] - expected).max() < 1e-7
