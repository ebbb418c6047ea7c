"""An id that the user brings is the user's own: only 0 is special."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
import small_models
from numpy.testing import assert_array_equal

CONTAINERS = {
    "dense": np.array,
    "CSR": sp.csr_array,
    "ragged": lambda X: [np.array(row) for row in X],
}


small = partial(small_models.small, hidden_size=8, max_epochs=3)


def data(n_samples=60, seed=0):
    """Return sequences of the ids 1, 2 and 3, and whether they hold 1 more often than 2."""
    X = np.random.default_rng(seed).integers(1, 4, (n_samples, 12))
    return X, ((X == 1).sum(axis=1) > (X == 2).sum(axis=1)).astype(int)


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_ids_that_are_all_shifted_make_the_same_model(make):
    X, y = data()
    there = small().fit(make(X), y).predict_proba(make(X))
    assert_array_equal(small().fit(make(X + 10), y).predict_proba(make(X + 10)), there)


@pytest.mark.parametrize("embedding_dim", ["auto", 4, None])
@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_id_1_that_was_seen_is_not_the_unknown_token(make, embedding_dim):
    X, y = data()
    model = small(embedding_dim=embedding_dim).fit(make(X), y)
    seen, unseen = model.predict_proba(make([[1, 3]])), model.predict_proba(make([[77, 3]]))
    assert np.abs(seen - unseen).max() > 1e-6


@pytest.mark.parametrize("linear_model", [False, True])
def test_ids_that_were_not_seen_are_all_the_same_token_and_1_is_one_of_them(linear_model):
    X, y = data(120)
    model = small(linear_model=linear_model).fit(X + 10, y)
    unseen = [[1, 13, 13], [2, 13, 13], [50, 13, 13], [2**31 - 1, 13, 13]]
    rows = model.predict_proba(np.array(unseen))
    assert_array_equal(rows, rows[[0, 0, 0, 0]])
    assert (rows[0] != model.predict_proba(np.array([[13, 13, 13]]))[0]).any()


@pytest.mark.parametrize("input_type", ["words", "characters"])
def test_whole_floats_are_ids_where_the_user_says_so(input_type):
    X, y = data()
    model = small(input_type=input_type).fit(X.astype(float), y)
    assert model.input_type_ == input_type
    assert_array_equal(model.predict_proba(X), model.predict_proba(X.astype(float)))


@pytest.mark.parametrize("hold", [np.array, list, lambda X: [*X, [3.5]]])
def test_fractions_for_a_model_of_ids_are_refused(hold):
    X, y = data()
    model = small().fit(X, y)
    for row in (X[1] + 0.25, [3, 3.5, *X[1, 2:]]):
        with pytest.raises(ValueError, match=r"X\[1\] holds \d\.[25]+, but token ids are"):
            model.predict(hold([X[0].tolist(), list(map(float, row))]))
    for rows in ([*X.tolist()[:2], [3.5], *X.tolist()[3:]], np.where(X[2] == X, 3.5, X)):
        with pytest.raises(ValueError, match=r"X\[\d\] holds 3.5, but token ids are integers"):
            small(input_type="words").fit(rows, y)


def test_id_1_becomes_known_once_partial_fit_sees_it():
    X, y = data()
    model = small().partial_fit(X + 10, y, classes=[0, 1])
    one, unseen = model.predict_proba(np.array([[1, 13], [77, 13]]))
    assert_array_equal(one, unseen)
    model.partial_fit(X, y)
    one, unseen = model.predict_proba(np.array([[1, 13], [77, 13]]))
    assert np.abs(one - unseen).max() > 1e-6
