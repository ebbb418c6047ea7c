"""``linear_model="alone"``, or ``max_epochs=0``, fits the linear model alone."""

import numpy as np
import pytest

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.fitting import read_as_at_fit


@pytest.fixture
def data(pairs):
    return pairs(300)


def alone(**parameters):
    return LSTMSequenceClassifier(
        **({"max_epochs": 0, "hidden_size": 8, "random_state": 0} | parameters)
    )


@pytest.mark.parametrize("max_epochs", ["auto", 5])
def test_its_name_is_that_of_no_epochs(data, max_epochs):
    named = alone(linear_model="alone", max_epochs=max_epochs).fit(*data)
    expected = alone().fit(*data).decision_function(data[0])
    np.testing.assert_array_equal(named.decision_function(data[0]), expected)
    assert named.n_epochs_ == 0


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_network_neither_learns_nor_counts(data, early_stopping):
    X, y = data
    model = alone(early_stopping=early_stopping).fit(X[:200], y[:200])
    assert model.n_epochs_ == len(model.history_) == 0
    assert model.calibration_["weights"]["network"] == 0
    sequences = read_as_at_fit(model, X)
    expected = model.calibration_["weights"]["linear model"] * model.linear_model_.logits(sequences)
    expected += model._fitted.model.biases
    np.testing.assert_allclose(model.decision_function(X), expected[:, 1] - expected[:, 0])
    assert model.score(X[200:], y[200:]) > 0.95


def test_series_and_several_labels_have_it_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 30, 2)), rng.integers(0, 2, 80)
    X[y == 1, 10:20] += 2
    assert alone().fit(X, y).score(X, y) > 0.9
    Y = np.stack([y, y], axis=1)
    assert (alone().fit(X, Y).predict(X) == Y).mean() > 0.9


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_network_that_is_trained_later_counts(data, method):
    X, y = data
    model = alone().fit(X, y).set_params(max_epochs=2)
    getattr(model, method)(X, y)
    assert model.n_epochs_ > 0
    # `fit` holds samples out of a network that has seen none; `partial_fit` learns from all.
    assert (model.calibration_["weights"]["network"] == 0.5) == (method == "partial_fit")


def test_without_any_member_an_error_names_what_is_lacking(data):
    with pytest.raises(ValueError, match="A model without a network needs linear_model=True"):
        alone(linear_model=False, max_epochs=0).fit(*data)
