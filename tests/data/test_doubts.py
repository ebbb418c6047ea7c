"""Ids that look like measurements, and measurements that look like ids, get a warning."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.data.ambiguous_input import warn_of_doubts
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.exceptions import InputTypeWarning, InvalidSequencesTypeError

RNG = np.random.default_rng(0)
TIME = np.arange(400)


def walks(n_rows=40, n_steps=60):
    return RNG.normal(size=(n_rows, n_steps)).cumsum(axis=1)


def signal(n_levels):
    frequency = RNG.uniform(0.005, 0.03, (10, 1))
    return [
        np.round((0.5 + 0.5 * np.sin(frequency[i] * TIME)) * n_levels).astype(int)
        for i in range(10)
    ]


@pytest.mark.parametrize("n_levels", [255, 4095])
@pytest.mark.parametrize("hold", [list, np.array])
def test_integers_that_look_like_a_signal_get_a_warning(hold, n_levels):
    with pytest.warns(InputTypeWarning, match="signal.*input_type='numeric'"):
        warn_of_doubts(read_sequences(hold(signal(n_levels))))


def test_a_signal_is_seen_behind_rows_of_rest():
    with pytest.warns(InputTypeWarning, match="signal"):
        warn_of_doubts(read_sequences([np.full(400, 7)] * 400 + 40 * signal(255)))


@pytest.fixture
def mixed():
    ids = RNG.integers(0, 50, (30, 6))
    table = np.hstack([RNG.normal(size=(30, 2)), ids])
    scale = make_column_transformer((StandardScaler(), [0, 1]), ("passthrough", slice(2, 8)))
    return scale.fit_transform(table)


def test_ids_beside_scaled_numbers_get_a_warning(mixed):
    with pytest.warns(InputTypeWarning, match="columns 2 to 7.*ids alone.*input_type='numeric'"):
        warn_of_doubts(read_sequences(mixed))


def test_the_classifier_warns_where_the_user_did_not_say_what_x_is(mixed):
    model = LSTMSequenceClassifier(max_epochs=0, random_state=0)
    y = np.arange(30) % 2
    for each in (model, make_pipeline(model)):
        with pytest.warns(InputTypeWarning) as caught:
            each.fit(mixed, y)
        assert [warning.filename for warning in caught] == [__file__]
    model.set_params(input_type="numeric").fit(mixed, y).predict(mixed)


TEXTS = [" ".join(RNG.choice(list("abcdefghij"), n)) for n in RNG.geometric(0.2, 60)]
WIDTH = max(len(text.split()) for text in TEXTS)


def joined(*, first, dtype, is_sparse):
    """Return ids of texts beside two whole numbers, as ColumnTransformer joins them."""
    numbers = {"n": 1 + RNG.poisson(2, 60), "year": 2000 + RNG.poisson(2, 60)}
    numbers["n"][::4] = 0
    frame = pd.DataFrame(numbers, dtype=dtype).assign(text=TEXTS)
    parts = [("passthrough", ["n", "year"]), (TextSequenceVectorizer(), "text")]
    parts = parts if first == "numbers" else parts[::-1]
    return make_column_transformer(*parts, sparse_threshold=int(is_sparse)).fit_transform(frame)


@pytest.mark.parametrize("dtype", [int, float])
@pytest.mark.parametrize(("first", "column"), [("numbers", 0), ("ids", WIDTH)])
def test_whole_numbers_beside_ids_get_a_warning(first, column, dtype):
    for is_sparse in {dtype is int, False}:
        X = joined(first=first, dtype=dtype, is_sparse=is_sparse)
        assert sparse.issparse(X) == is_sparse
        with pytest.warns(InputTypeWarning, match=f"first being column {column}.* ids alone"):
            warn_of_doubts(read_sequences(X))


def test_floats_beside_ids_in_a_sparse_matrix_are_an_error_that_tells_of_both_causes():
    X = joined(first="ids", dtype=float, is_sparse=True)
    with pytest.raises(
        InvalidSequencesTypeError, match=r"bag of words.* ColumnTransformer .*alone"
    ):
        read_sequences(X)


ORDINARY = {
    "words": RNG.zipf(1.3, (100, 50)).clip(1, 30_000),
    "bases": RNG.integers(1, 5, (100, 50)),
    "notes": [
        60 + RNG.choice([-4, -2, -1, 0, 1, 2, 3], 30).cumsum().clip(-20, 20) for _ in range(99)
    ],
    "digits": load_digits().data.astype(int),
    "few integers": np.arange(60).reshape(6, 10),
    "counts": RNG.poisson(5, (100, 50)),
    "floats of counts": RNG.poisson(5, (100, 50)).astype(float),
    "padded counts": np.where(np.arange(50) < RNG.integers(9, 50, (100, 1)), 4.0, np.nan),
    "walks": walks(),
    "start at 0": np.pad(walks(), [(0, 0), (3, 0)]),
    "rest before walks": np.vstack([np.where(TIME[:60] < 5, 3.0, walks(300)), walks(100)]),
    "few series": np.array([[0.0, 1.0, 2.5], [1.0, 2.0, 3.5]]),
    "indicators": np.hstack([walks(), RNG.integers(0, 2, (40, 3))]),
    "short texts": TextSequenceVectorizer().fit_transform(TEXTS),
    "short texts in a table": TextSequenceVectorizer(output="dense").fit_transform(TEXTS),
    "padding first": TextSequenceVectorizer(output="dense", padding="pre").fit_transform(TEXTS),
    "two texts": sparse.hstack([TextSequenceVectorizer().fit_transform(TEXTS)] * 2),
    "a text and the begin of it": sparse.hstack(
        [TextSequenceVectorizer(max_length=length).fit_transform(TEXTS) for length in (None, 6)]
    ),
    "rests": RNG.integers(1, 5, (60, 12)) * (RNG.random((60, 12)) < 0.7),
    "codes, of which one is rare": RNG.integers(1, 5, (60, 4))
    * (RNG.random((60, 4)) < [1, 1, 0.1, 1]),
    "no ids": sparse.csr_array((60, 12), dtype=int),
    "columns far apart": sparse.csr_array(([1, 2], ([0, 1], [0, 2**31 - 2]))),
    "texts": TextSequenceVectorizer().fit_transform(["good day", "bad day"] * 600),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_sequences_get_no_warning(name):
    warn_of_doubts(read_sequences(ORDINARY[name]))  # pytest makes errors of warnings
