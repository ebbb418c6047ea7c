"""States of machines: what they tell, when they are found, and what is said of them."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.exceptions import NothingLearnedWarning
from sklearn_lstm.inspection import explain, explain_classes
from sklearn_lstm.io import load, save
from sklearn_lstm.members.features.automata import MOST_STATES
from sklearn_lstm.members.features.states import StateFeatures, Strings


def letters(n_samples, seed=0, shortest=8, longest=25):
    """Return lists of ids from 5 to 8."""
    rng = np.random.default_rng(seed)
    return [rng.integers(5, 9, rng.integers(shortest, longest)) for _ in range(n_samples)]


def parity(X):
    return [int((row == 5).sum() % 2) for row in X]


def alone(**parameters):
    return LSTMSequenceClassifier(linear_model="alone", random_state=0, **parameters)


X, NEW = letters(300), letters(200, seed=1)


@pytest.fixture(scope="module")
def model():
    return alone().fit(X, parity(X))


# --- What machines read


def slow_states(table, symbols, place):
    """Return the state after some steps; None if there is no such place."""
    state = 0
    for symbol in symbols[: max(place, 0)]:
        state = table[symbol, state]
    return None if place < 0 else state


def test_states_are_those_of_a_machine_that_reads_symbol_by_symbol():
    rng = np.random.default_rng(0)
    rows = sorted(([*rng.integers(0, 3, rng.integers(1, 12))] for _ in range(40)), key=len)[::-1]
    strings = Strings.of(np.concatenate(rows), np.array([*map(len, rows)]), 3)
    tables = rng.integers(0, MOST_STATES, (5, 3, MOST_STATES)).astype(np.uint8)
    found = strings.states(tables, strings.places)
    for column, symbols in enumerate(rows):
        length = len(symbols)
        last = [max(np.flatnonzero(np.equal(symbols, one)), default=-1) for one in range(3)]
        at_end = [place if place == length - 1 else -1 for place in last]
        counted = range(1, 8)
        before_end = [max(length - number, -1) for number in counted]
        after_start = [number if number <= length else -1 for number in counted]
        for row, place in enumerate([length, *last, *at_end, *before_end, *after_start]):
            for machine, table in enumerate(tables):
                state = slow_states(table, symbols, place)
                assert found[row, column, machine] == (255 if state is None else state)


@pytest.mark.parametrize(
    ("table", "place", "state", "words"),
    [
        ([[1, 0], [0, 1], [0, 1]], 0, 1, "an odd number of 'on'"),
        ([[1, 2, 0], [0, 1, 2], [1, 2, 0]], 0, 2, "the number of 'on', another one modulo 3 is 2"),
        ([[1, 1], [0, 0], [0, 1]], 0, 1, "after 'on' (not 'off')"),
        ([[1, 1], [0, 0], [0, 1]], 2, 0, "at the last 'off': at first or after 'off' (not 'on')"),
        (
            [[1, 2, 2], [0, 0, 0], [0, 1, 2]],
            4,
            2,
            "if 'on' is last: after 'on' (not 'off') [state 3 of 3]",
        ),
        ([[1, 1], [0, 0], [0, 0]], 7, 1, "1 before the end: after 'on' (not 'off', another one)"),
        ([[1, 1], [0, 0], [0, 1]], 20, 1, "7 after the start: after 'on' (not 'off')"),
    ],
)
def test_a_feature_says_what_it_is_in_words(table, place, state, words):
    whole = np.tile(np.arange(MOST_STATES, dtype=np.uint8), (3, 1))
    whole[:, : len(table[0])] = table
    columns = np.array([place]), np.array([state])
    features = StateFeatures.of(np.array([5, 6]), ["on", "off"], whole[np.newaxis], *columns)
    assert features.names == [words]
    assert features.describe() == f"state of machines: {words}"


# --- What is found


def test_parity_is_learned(model):
    assert model.score(NEW, parity(NEW)) == 1
    assert "an odd number of '5'" in repr(model) or "an even number of '5'" in repr(model)


def test_whose_turn_it_is_when_a_word_comes():
    rng = np.random.default_rng(0)

    def draw(n_samples):
        texts, speakers = [], []
        for _ in range(n_samples):
            words = rng.choice(["turn", *(f"word{number}" for number in range(20))], 20).tolist()
            words.insert(place := int(rng.integers(20)), "yes")
            texts.append(" ".join(words))
            speakers.append(words[:place].count("turn") % 2)
        return texts, speakers

    model = make_pipeline(TextSequenceVectorizer(), alone()).fit(*draw(500))
    assert model.score(*draw(300)) > 0.99
    assert "at the last 'yes': an" in repr(model[-1])


def test_which_came_first_and_last():
    def are_equal(X):
        return [int(row[0] == row[-1]) for row in X]

    X = letters(1000, seed=2)
    assert alone().fit(X, are_equal(X)).score(NEW, are_equal(NEW)) > 0.99


def test_several_labels():
    def labels(X):
        return np.array([[(row == 5).sum() % 2, (row == 6).sum() % 2, 7 in row] for row in X])

    model = alone().fit(X, labels(X))
    assert model.score(NEW, labels(NEW)) > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_have_nothing_to_do_with_x_give_states_no_weight(seed):
    y = np.random.default_rng(seed).integers(0, 2, len(X))
    model = LSTMSequenceClassifier(linear_model="alone", random_state=seed)
    with pytest.warns(NothingLearnedWarning):
        model.fit(X, y)
    assert "states" not in model.calibration_["weights"]


def test_samples_without_weight_are_not_searched():
    y = np.array(parity(X))
    wrong = np.random.default_rng(0).random(300) < 0.4
    weights = np.where(wrong, 1e-9, 1)
    model = alone().fit(X, np.where(wrong, 1 - y, y), sample_weight=weights)
    assert model.score(NEW, parity(NEW)) > 0.99


def test_what_groups_alone_tell_is_not_believed():
    """Sequences of one group begin alike, and a class belongs to a group."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    first = rng.integers(5, 9, (30, 4))[groups]
    X = [np.append(first[row], rng.integers(5, 9, 10)) for row in range(300)]
    y = rng.integers(0, 2, 30)[groups]
    with pytest.warns(NothingLearnedWarning):
        model = alone().fit(X, y, groups=groups)
    assert "states" not in model.calibration_["weights"]


def test_what_is_true_in_all_groups_is_found():
    model = alone().fit(X, parity(X), groups=np.arange(len(X)) % 8)
    assert model.score(NEW, parity(NEW)) == 1


def test_copies_are_searched_once():
    """Of 80 sequences, each five times, none can be told from chance."""
    few = letters(80, seed=3)
    y = np.random.default_rng(0).integers(0, 2, 80)
    with pytest.warns(NothingLearnedWarning):
        model = alone().fit(few * 5, np.tile(y, 5))
    assert "states" not in model.calibration_["weights"]


def test_texts_of_many_words_have_no_states():
    rng = np.random.default_rng(0)
    X = [rng.integers(5, 1000, 15) for _ in range(200)]
    y = [int((row < 500).sum() % 2) for row in X]
    model = alone(input_type="words")
    with pytest.warns(NothingLearnedWarning):
        model.fit(X, y)
    assert "states" not in model.calibration_["weights"]


def test_bits_are_the_same_twice(model):
    again = alone().fit(X, parity(X))
    assert_array_equal(again.predict_proba(NEW), model.predict_proba(NEW))


# --- What becomes of them


@pytest.mark.parametrize("method", ["shares", "leave_one_out"])
def test_explanations_add_up(model, method):
    scores = model.decision_function(NEW[:5])
    for found, score in zip(explain(model, NEW[:5], 1, method=method), scores, strict=True):
        assert found.score == pytest.approx(score, abs=1e-6)


def test_leaving_out_a_token_leaves_the_others_where_they_are():
    """The third letter from the end decides; a letter deleted behind it would move it."""
    model = alone().fit(X, [int(row[-3] == 5) for row in X])
    assert model.calibration_["weights"]["states"]
    found = explain(model, [[6, 7, 6, 7, 8, 6, 7, 8, 5, 6, 7]], 1, method="leave_one_out")[0]
    sizes = np.abs(found.values)
    assert sizes.argmax() == 8
    assert np.delete(sizes, 8).max() < sizes[8] / 2


def test_a_state_belongs_to_the_step_that_entered_it():
    X = [row.tolist() for row in letters(300, longest=12)]
    model = alone().fit(X, parity(map(np.array, X)))
    features = model._fitted.model["states"].features[0]
    assert not features.places.any()  # all are read at the end
    (found,) = explain(model, [[6, 5, 6, 6, 7, 8]], 1)
    assert np.abs(found.linear).argmax() == 1


def test_explain_classes_says_it_in_words(model):
    found = explain_classes(model, NEW)
    rows = zip(found.parts, found.names, strict=True)
    assert any(part == "states" and "number of '5'" in name for part, name in rows)
    assert "number of '5'" in repr(found)
    assert found.means[:, 1].sum() == pytest.approx(model.decision_function(NEW).mean())


def test_it_is_stored_and_copied(model, tmp_path):
    save(model, tmp_path / "model")
    expected = model.predict_proba(NEW)
    ways = copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))
    for again in (*(way(model) for way in ways), load(tmp_path / "model")):
        assert_array_equal(again.predict_proba(NEW), expected)
        assert again._fitted.model["states"].describe() == model._fitted.model["states"].describe()
    assert_allclose(Predictor.load(tmp_path / "model").predict_proba(NEW), expected)


def test_each_sequence_is_read_by_itself(model):
    """Also sequences of other lengths, and with ids that are new."""
    others = [*NEW[:10], np.array([5]), np.array([99, 5, 98]), np.tile(NEW[0], 50)]
    together = model.predict_proba(others)
    assert_allclose(together, [model.predict_proba([row])[0] for row in others], rtol=1e-12)
    assert_allclose(together[10], together[11], atol=0.2)


def test_partial_fit_leaves_it_as_it_is():
    model = LSTMSequenceClassifier(max_epochs=1, hidden_size=4, random_state=0)
    before = model.fit(X, parity(X))._fitted.model["states"]
    assert model.partial_fit(NEW, parity(NEW))._fitted.model["states"] is before


def test_the_last_switch_needs_no_luck():
    rng = np.random.default_rng(0)
    words = rng.choice([5, 6, 7, 8], (800, 20), p=[0.1, 0.1, 0.4, 0.4])

    def last_switch(row):
        return next((int(word) for word in row[::-1] if word < 7), 6)

    y = [*map(last_switch, words)]
    scores = []
    for start, stop in pairwise([0, 300, 600]):
        fitted = alone().fit(words[start:stop].tolist(), y[start:stop])
        scores.append(fitted.score(words[600:].tolist(), y[600:]))
    assert min(scores) > 0.98


def test_of_long_sequences_the_end_is_searched():
    rng = np.random.default_rng(0)
    X = [
        rng.choice([1, 2, 3, 4], rng.integers(1_500, 2_500), p=[0.02, 0.02, 0.48, 0.48])
        for _ in range(400)
    ]
    y = [row[row < 3][-1] for row in X]
    assert alone().fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.98
