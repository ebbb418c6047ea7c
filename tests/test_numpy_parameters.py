"""Numbers of NumPy for every parameter, as a search over an array of them brings."""

import pickle
from functools import partial

import numpy as np
import pytest
import small_models
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_lstm import TextSequenceVectorizer

INTEGERS = {
    "embedding_dim": 5,
    "hidden_size": 3,
    "num_layers": 2,
    "max_epochs": 2,
    "batch_size": 7,
    "n_iter_no_change": 2,
    "random_state": 3,
    "verbose": 0,
}
REALS = {
    "dropout": 0.25,
    "lr": 0.03125,
    "weight_decay": 0.0625,
    "validation_fraction": 0.25,
}
BOOLEANS = {
    "linear_model": True,
    "normalize": False,
    "bidirectional": False,
    "early_stopping": True,
}
CASES = [
    *((name, value, np.uint8) for name, value in INTEGERS.items()),
    *((name, value, np.float32) for name, value in REALS.items()),
    ("lr", 1, np.int64),
    ("dropout", 0, np.int64),
    *((name, value, np.bool_) for name, value in BOOLEANS.items()),
]


small = partial(small_models.small, embedding_dim=4, early_stopping=True)


def tokens(n_samples=60):
    rng = np.random.default_rng(0)
    return rng.integers(1, 9, (n_samples, 5)), np.arange(n_samples) % 2


def series(n_samples=24):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_samples, 5)), np.arange(n_samples) % 2


@pytest.mark.parametrize(("name", "value", "kind"), CASES)
def test_a_number_of_numpy_is_the_python_number_that_it_equals(name, value, kind):
    X, y = tokens()
    expected = small(**{name: value}).fit(X, y).predict_proba(X)
    model = small(**{name: kind(value)}).fit(X, y)
    assert_array_equal(model.predict_proba(X), expected)
    assert type(model.get_params()[name]) is kind


def all_of_numpy():
    return small(
        **{name: np.int64(value) for name, value in INTEGERS.items()},
        **{name: np.float32(value) for name, value in REALS.items()},
    )


@pytest.mark.parametrize("make", [tokens, series])
def test_a_model_with_numbers_of_numpy_survives_a_round_trip(make, round_trip):
    X, y = make()
    model = all_of_numpy().fit(X, y)
    restored = round_trip(model)
    assert restored.get_params() == model.get_params()
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    plain = small(**INTEGERS, **REALS).fit(X, y)
    first, *others = (each.partial_fit(X, y).predict_proba(X) for each in (plain, model, restored))
    for other in others:
        assert_array_equal(other, first)


def test_a_clone_keeps_numbers_of_numpy():
    X, y = tokens()
    model = all_of_numpy()
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert_array_equal(copied.fit(X, y).predict_proba(X), model.fit(X, y).predict_proba(X))


@pytest.mark.parametrize(
    "grid",
    [
        {"hidden_size": np.arange(2, 4), "batch_size": np.array([8], np.int32)},
        {"lr": np.logspace(-3, -1, 2), "dropout": np.linspace(0, 0.5, 1, dtype=np.float32)},
        {"bidirectional": np.array([False, True]), "random_state": np.arange(1)},
    ],
    ids=" and ".join,
)
def test_a_grid_search_goes_over_arrays_of_numbers(grid):
    X, y = tokens()
    search = GridSearchCV(small(), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert_array_equal(pickle.loads(pickle.dumps(search)).predict(X), search.predict(X))


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


def test_the_vectorizer_takes_numbers_of_numpy():
    texts = ["so good", "good fun, so good", "so bad", "bad, so boring"]
    plain = {"max_length": 3, "min_df": 1, "max_df": 0.75, "max_features": 5}
    kinds = {"max_df": np.float32}
    numpy = {name: kinds.get(name, np.int64)(value) for name, value in plain.items()}
    expected = TextSequenceVectorizer(**plain).fit_transform(texts)
    vectorizer = TextSequenceVectorizer(**numpy)
    assert_array_equal(vectorizer.fit_transform(texts).toarray(), expected.toarray())
    restored = pickle.loads(pickle.dumps(vectorizer))
    assert_array_equal(restored.transform(texts).toarray(), expected.toarray())
