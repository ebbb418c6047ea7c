"""Words, characters or a signal: what ids are taken for where nobody says it."""

import re

import numpy as np
import pandas as pd
import pytest
from as_read import read_sequences
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import CHARACTERS, WORDS
from sklearn_lstm.exceptions import InputTypeWarning

RANKS = np.arange(5_000)
ZIPF = 1 / (RANKS + 3)  # how often words occur


def kind_of(X):
    return InputFormat.found_in(X)[0].kind


def draw(n_texts, probabilities, length=20):
    rng = np.random.default_rng(0)
    size, p = (n_texts, length), probabilities / probabilities.sum()
    return rng.choice(len(p), size, p=p)


def words(n_texts):
    return [[f"word{number}" for number in text] for text in draw(n_texts, ZIPF)]


@pytest.mark.parametrize("analyzer", [list, lambda events: map(str.upper, events)])
def test_names_of_few_events_are_characters(analyzer):
    events = [[f"event{number}" for number in text] for text in draw(30, ZIPF[:200] ** 1.5)]
    vectorizer = TextSequenceVectorizer(analyzer=analyzer)
    assert kind_of(vectorizer.fit_transform(events)) is CHARACTERS
    joined = [" ".join(text) for text in events]
    assert kind_of(TextSequenceVectorizer().fit_transform(joined)) is WORDS


@pytest.mark.parametrize("max_features", [None, 500, 50, 5])
@pytest.mark.parametrize("n_texts", [30, 1_000])
def test_lists_of_words_are_words_in_a_vocabulary_of_any_size(n_texts, max_features):
    vectorizer = TextSequenceVectorizer(analyzer=list, max_features=max_features)
    assert kind_of(vectorizer.fit_transform(words(n_texts))) is WORDS


def test_ids_of_a_thousand_words_are_words():
    ids = draw(3_000, ZIPF) + 2
    assert kind_of(np.where(ids < 1_000, ids, 1)) is WORDS


def test_bytes_are_characters():
    letters = np.exp(-np.arange(256) / 12)
    texts, packed = draw(300, letters, 100), draw(300, np.ones(256), 100)
    is_packed = np.random.default_rng(1).random((300, 1)) < 0.4
    assert kind_of(np.where(is_packed, packed, texts) + 1) is CHARACTERS


@pytest.mark.parametrize("X", [np.ones((9, 3), int), np.arange(1, 7).reshape(2, 3)])
def test_a_guess_from_hardly_anything_is_no_error(X):
    assert kind_of(X) in (CHARACTERS, WORDS)


def test_ids_are_guessed_where_the_vectorizer_says_nothing():
    X = TextSequenceVectorizer().fit_transform(["a bc", "bc def"])
    assert kind_of(X) is WORDS
    for silent in (X * 1, pd.DataFrame(X.toarray(), columns=["input_type", "vocabulary"])):
        assert kind_of(silent) is CHARACTERS  # three ids


RNG = np.random.default_rng(0)


def signal(n_levels):
    frequency = RNG.uniform(0.005, 0.03, (10, 1))
    return [
        np.round((0.5 + 0.5 * np.sin(frequency[i] * np.arange(400))) * n_levels).astype(int)
        for i in range(10)
    ]


@pytest.mark.parametrize("n_levels", [255, 4095])
@pytest.mark.parametrize("hold", [list, np.array])
def test_integers_that_look_like_a_signal_get_a_warning(hold, n_levels):
    with pytest.warns(InputTypeWarning, match="signal.*input_type='measurements'"):
        read_sequences(hold(signal(n_levels)))


@pytest.mark.parametrize("padding", ["post", "pre"])
def test_ids_beside_fractions_get_a_warning(padding):
    frame = pd.DataFrame({"text": ["so good", "so bad", "not good at all", "bad"], "price": 0.5})
    ids = TextSequenceVectorizer(output="dense", padding=padding)
    joined = make_column_transformer((ids, "text"), ("passthrough", ["price"]))
    X, y = joined.fit_transform(frame), [1, 0, 0, 0]
    with pytest.warns(InputTypeWarning, match=r"frame\[\[.*input_type='measurements'"):
        LSTMSequenceClassifier(max_epochs=1).fit(X, y)
    for other in (X[:, 1:] + 0.5, X[:, :1], np.where(X == 0, np.nan, X), X[:, [0, 2, 1, 3, 4]]):
        read_sequences(other)  # warnings are errors
    LSTMSequenceClassifier(max_epochs=1, input_type="measurements").fit(X, y)
    X[1, -1] = np.nan
    with pytest.warns(InputTypeWarning, match="padded token ids"):
        read_sequences(X)


@pytest.mark.parametrize("numbers", [["price"], []])
def test_ids_beside_one_hot_columns_get_the_warning(numbers):
    frame = pd.DataFrame({"text": ["so good", "bad", "not good at all"] * 9, "price": 0.5})
    frame["shop"] = [*"abac" * 6, *"bab"]
    parts = (OneHotEncoder(), ["shop"]), (TextSequenceVectorizer(), "text")
    X = make_column_transformer(*parts, ("passthrough", numbers), sparse_threshold=0).fit_transform(
        frame
    )
    with pytest.warns(InputTypeWarning, match="padded token ids, beside others"):
        read_sequences(X)
    counts = np.where(np.arange(6) < RNG.integers(1, 7, (99, 1)), [5.0, 4, 3, 2, 1, 1], 0)
    for other in (X[:, :3], X[:, 3:7], counts, np.hstack([X[:, :4], X[:, 7:]])):
        read_sequences(other)  # warnings are errors


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("padding", "first"), [(-1, 0), (-100, 1), (-1.0, 0), (0.0, 1)])
@pytest.mark.parametrize("hold", [np.asarray, list])
def test_padding_that_is_read_as_a_value_gets_a_warning(padding, first, order, hold):
    ids, n_steps = draw(300, ZIPF[:500]) + first, RNG.integers(1, 21, (300, 1))
    X = np.where(np.arange(20) < n_steps, ids, padding)[:, ::order]
    with pytest.warns(InputTypeWarning, match="padding.*input_type='measurements'") as caught:
        read_sequences(hold(X))
    for code in re.findall(r"np\.where\(.*?\)(?:\.astype\(int\))?", str(caught[0].message)):
        read = read_sequences(eval(code, {"np": np, "X": X}))  # noqa: S307 - our own text
        assert (read.n_channels is None) == ("int" in code)
        if order == 1 or read.n_channels is None:
            assert_array_equal(read.lengths, n_steps.ravel())
    read_sequences(X[:, :1])  # warnings are errors
    read_sequences(X, "measurements")


def test_a_column_of_integers_behind_ids_gets_a_warning():
    frame = pd.DataFrame({"text": ["good", "bad day", "not good at all"] * 9, "price": 9})
    parts = (TextSequenceVectorizer(), "text"), ("passthrough", ["price"])
    with pytest.warns(InputTypeWarning, match="or beside numbers.*Leave ColumnTransformer out"):
        read_sequences(make_column_transformer(*parts).fit_transform(frame))


@pytest.mark.parametrize("noise", [0, 2, 5])
@pytest.mark.parametrize("n_steps", [12, 60])
def test_sensors_of_few_values_and_noise_get_the_warning(noise, n_steps):
    rng = np.random.default_rng(0)
    phases = rng.uniform(0.05, 0.3, (200, 1)) * np.arange(n_steps) + rng.uniform(0, 6, (200, 1))
    values = 40 + 15 * np.sin(phases) + rng.normal(0, max(noise, 0.1), phases.shape)
    X = np.round(values).astype(int)
    assert 30 < len(np.unique(X)) < 90
    with pytest.warns(InputTypeWarning, match="signal"):
        LSTMSequenceClassifier(max_epochs=0).fit(X, np.arange(200) % 2)


def test_a_signal_is_seen_behind_rows_of_rest():
    with pytest.warns(InputTypeWarning, match="signal"):
        read_sequences([np.full(400, 7)] * 400 + 40 * signal(255))


@pytest.mark.parametrize("input_type", ["words", "characters", "measurements"])
def test_the_classifier_warns_where_the_user_did_not_say_what_x_is(input_type):
    model = LSTMSequenceClassifier(hidden_size=2, max_epochs=1, random_state=0)
    X, y = signal(255), np.arange(10) % 2
    for each in (model, make_pipeline(model)):
        with pytest.warns(InputTypeWarning) as caught:
            each.fit(X, y)
        assert [warning.filename for warning in caught] == [__file__]
    model.set_params(input_type=input_type).fit(X, y).predict(X)  # a warning would be an error


SCALE = np.array([2, 4, 6, 7, 9, 11, 13, 14, 16, 18, 19, 21, 23, 25, 26])  # D major
LETTERS = RNG.dirichlet(np.full(30, 0.5))
BASES = RNG.integers(0, 4, (99, 60))
ORDINARY = {
    "words": RNG.zipf(1.3, (100, 50)).clip(1, 30_000),
    "bases": RNG.integers(1, 5, (100, 50)),
    "notes": [
        60 + SCALE[RNG.choice([-4, -2, -1, 0, 1, 2, 3], 30).cumsum() % 15] for _ in range(99)
    ],
    "letters of many scripts": [
        300 * script + RNG.choice(30, 40, p=LETTERS) for script in range(12) for _ in range(9)
    ],
    "numbered by frequency": RNG.choice(60, (99, 40), p=ZIPF[:60] / ZIPF[:60].sum()) + 1,
    "overlapping triples of bases": BASES[:, :-2] + 4 * BASES[:, 1:-1] + 16 * BASES[:, 2:] + 1,
    "few integers": np.arange(60).reshape(6, 10),
    "counts": RNG.poisson(5, (100, 50)),
    "sorted rows of one id": np.arange(2, 2002)[:, np.newaxis],
    "short texts": TextSequenceVectorizer(output="dense").fit_transform(
        [" ".join(RNG.choice(list("abcdefghij"), n)) for n in RNG.geometric(0.2, 60)]
    ),
    "walks": RNG.normal(size=(40, 60)).cumsum(axis=1),
    "walks of integers": RNG.integers(-2, 3, (300, 30)).cumsum(axis=1),
    "stocks that run out": np.maximum(60 - RNG.integers(0, 9, (99, 40)).cumsum(axis=1), 0.0),
    "nothing": np.zeros((9, 4), int),
}


def test_tokens_of_a_vectorizer_are_no_signal_however_close_they_are():
    events = [[f"event{(first + at) % 68}" for at in range(30)] for first in range(68)]
    kind_of(TextSequenceVectorizer(analyzer=list).fit_transform(events))  # warnings are errors


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_sequences_get_no_warning(name):
    read_sequences(ORDINARY[name])  # pytest makes errors of warnings


def test_counts_with_zeros_between_others_get_a_warning():
    counts = load_digits().data[:200].astype(int)
    with pytest.warns(InputTypeWarning, match="most rows have 0.*input_type='measurements'"):
        InputFormat.found_in(counts)
