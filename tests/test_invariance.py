"""Random ragged batches: neither padding, order nor grouping changes a probability."""

from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from sklearn_lstm import LSTMSequenceClassifier

MEASUREMENTS = st.floats(-1e3, 1e3, width=32)

cells = st.sampled_from(["lstm", "gru", "rnn"])
poolings = st.sampled_from(["max", "mean", "last", "attention"])
rows_of_ids = st.lists(
    st.lists(st.integers(1, 40), min_size=1, max_size=25), min_size=1, max_size=12
)
rows_of_series = st.lists(
    st.integers(1, 25).flatmap(lambda n: npst.arrays(np.float64, (n, 2), elements=MEASUREMENTS)),
    min_size=1,
    max_size=12,
)
thorough = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@cache
def fitted(kind, cell, pooling):
    """Return a model that tells sequences apart."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 20, 40)
    X = [rng.integers(2, 30, n) if kind == "ids" else rng.normal(size=(n, 2)) for n in lengths]
    model = LSTMSequenceClassifier(
        cell=cell,
        hidden_size=5,
        num_layers=2,
        pooling=pooling,
        linear_model=(cell, pooling) == ("lstm", "max"),  # it does not depend on the network
        max_epochs=4,
        lr=0.03,
        random_state=0,
    )
    return model.fit(X, np.arange(40) % 3)


def assert_same(probabilities, expected):
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)


def assert_order_and_grouping_do_not_matter(model, X, data):
    expected = model.predict_proba(X)
    order = data.draw(st.permutations(range(len(X))), label="order")
    assert_same(model.predict_proba([X[row] for row in order]), expected[order])
    cuts = sorted(data.draw(st.sets(st.integers(1, len(X))), label="cuts") | {0, len(X)})
    groups = [X[start:stop] for start, stop in pairwise(cuts)]
    assert_same(np.concatenate([model.predict_proba(group) for group in groups]), expected)
    assert_same(model.predict_proba([*X, *X])[len(X) :], expected)


@given(cell=cells, pooling=poolings, X=rows_of_ids, extra=st.integers(0, 60), data=st.data())
@thorough
def test_ids(cell, pooling, X, extra, data):
    model = fitted("ids", cell, pooling)
    expected = model.predict_proba(X)
    assert_order_and_grouping_do_not_matter(model, X, data)
    n_columns = max(map(len, X)) + extra
    dense, with_gaps = np.zeros((2, len(X), n_columns), dtype=int)
    for row, ids in enumerate(X):
        dense[row, : len(ids)] = ids
        columns = data.draw(st.permutations(range(n_columns)), label="columns")[: len(ids)]
        with_gaps[row, sorted(columns)] = ids
    assert_same(model.predict_proba(dense), expected)
    assert_same(model.predict_proba(with_gaps), expected)
    assert_same(model.predict_proba(sparse.csr_matrix(with_gaps)), expected)


@given(cell=cells, pooling=poolings, X=rows_of_series, extra=st.integers(0, 60), data=st.data())
@thorough
def test_series(cell, pooling, X, extra, data):
    model = fitted("series", cell, pooling)
    expected = model.predict_proba(X)
    assert_order_and_grouping_do_not_matter(model, X, data)
    padded = np.full((len(X), max(map(len, X)) + extra, 2), np.nan)
    for row, series in enumerate(X):
        padded[row, : len(series)] = series
    assert_same(model.predict_proba(padded), expected)
