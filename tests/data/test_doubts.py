"""Ids that look like measurements, and measurements that look like ids, get a warning."""

import numpy as np
import pandas as pd
import pytest
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


def test_sorted_rows_of_one_id_are_no_signal():
    warn_of_doubts(read_sequences(np.arange(2, 2002)[:, None]))  # a warning would be an error


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


@pytest.mark.parametrize("place", ["before", "behind"])
def test_whole_floats_beside_padded_ids_get_a_warning(place):
    ids = TextSequenceVectorizer(output="dense").fit_transform(TEXTS).astype(float)
    years = 2000 + RNG.poisson(2, (60, 1))
    with pytest.warns(InputTypeWarning, match="with zeros behind zeros.*ids alone"):
        warn_of_doubts(
            read_sequences(np.hstack([years, ids] if place == "before" else [ids, years]))
        )


def test_floats_beside_ids_in_a_sparse_matrix_are_an_error_that_tells_of_both_causes():
    frame = pd.DataFrame({"n": RNG.normal(size=60), "text": TEXTS})
    join = make_column_transformer(("passthrough", ["n"]), (TextSequenceVectorizer(), "text"))
    X = join.set_params(sparse_threshold=1).fit_transform(frame)
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
    "floats of digits": load_digits().data,
    "few integers": np.arange(60).reshape(6, 10),
    "counts": RNG.poisson(5, (100, 50)),
    "floats of counts": RNG.poisson(5, (100, 50)).astype(float),
    "padded counts": np.where(np.arange(50) < RNG.integers(9, 50, (100, 1)), 4.0, np.nan),
    "walks": walks(),
    "start at 0": np.pad(walks(), [(0, 0), (3, 0)]),
    "rest before walks": np.vstack([np.where(TIME[:60] < 5, 3.0, walks(300)), walks(100)]),
    "few series": np.array([[0.0, 1.0, 2.5], [1.0, 2.0, 3.5]]),
    "indicators": np.hstack([walks(), RNG.integers(0, 2, (40, 3))]),
    "short texts": TextSequenceVectorizer(output="dense").fit_transform(TEXTS),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_sequences_get_no_warning(name):
    warn_of_doubts(read_sequences(ORDINARY[name]))  # pytest makes errors of warnings
