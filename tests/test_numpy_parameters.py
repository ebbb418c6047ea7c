"""Numbers of NumPy for every parameter, as a search over an array of them brings."""

import pickle
from functools import partial

import numpy as np
import pytest
import small_models
from numpy.testing import assert_array_equal
from sklearn.base import clone
from small_models import series, tokens

INTEGERS = {
    "embedding_dim": 5,
    "hidden_size": 3,
    "num_layers": 2,
    "max_epochs": 2,
    "batch_size": 7,
    "random_state": 3,
    "verbose": 0,
}
REALS = {"dropout": 0.25, "lr": 0.03125, "weight_decay": 0.0625}
BOOLEANS = {"normalize": False, "bidirectional": False, "early_stopping": True}

small = partial(small_models.small, embedding_dim=4, early_stopping=True)


@pytest.mark.parametrize("make", [tokens, series])
def test_numbers_of_numpy_are_the_python_numbers_that_they_equal(make, round_trip):
    X, y = make()
    numbers = {name: np.uint8(value) for name, value in INTEGERS.items()}
    numbers |= {name: np.float32(value) for name, value in REALS.items()}
    numbers |= {name: np.bool_(value) for name, value in BOOLEANS.items()}
    plain = small(**INTEGERS | REALS | BOOLEANS).fit(X, y)
    model = small(**numbers).fit(X, y)
    restored, again = round_trip(model), clone(model).fit(X, y)
    expected = plain.predict_proba(X)
    for other in (model, restored, again):
        assert_array_equal(other.predict_proba(X), expected)
        found = {name: type(other.get_params()[name]) for name in numbers}
        assert found == {name: type(value) for name, value in numbers.items()}
    expected = plain.partial_fit(X, y).predict_proba(X)
    for other in (model, restored, again):
        assert_array_equal(other.partial_fit(X, y).predict_proba(X), expected)


@pytest.mark.parametrize(
    ("name", "value"), [("linear_model", np.True_), ("lr", np.int64(1)), ("dropout", np.int64(0))]
)
def test_a_number_of_another_type_is_what_it_equals(name, value):
    X, y = tokens()
    expected = small(**{name: value.item()}).fit(X, y).predict_proba(X)
    assert_array_equal(small(**{name: value}).fit(X, y).predict_proba(X), expected)


def test_class_weights_may_be_numbers_of_numpy():
    X, y = tokens()
    expected = small(class_weight={0: 1.0, 1: 4.0}).fit(X, y).predict_proba(X)
    weights = {np.int64(0): np.int64(1), np.int64(1): np.float32(4)}
    model = small(class_weight=weights).fit(X, y)
    assert_array_equal(model.predict_proba(X), expected)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("hidden_size", np.float64(4)), ("hidden_size", np.int64(0)), ("lr", np.float32(-1))],
)
def test_a_number_of_numpy_out_of_range_is_refused_as_in_scikit_learn(name, value):
    X, y = tokens()
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        small(**{name: value}).fit(X, y)
