"""The linear model of sequences of which nearly all have one length: ids at their positions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from sklearn_lstm import LSTMSequenceClassifier, Predictor
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.members.features import ngrams

N_STEPS, PLACE = 12, 7


@pytest.fixture(scope="module")
def windows():
    """Return windows of four ids, whose class is the id at one place."""
    X = np.random.default_rng(0).integers(2, 6, (500, N_STEPS))
    return X, X[:, PLACE] % 2


@pytest.fixture(scope="module")
def fitted(windows):
    X, y = windows
    return LSTMSequenceClassifier(linear_model="alone", random_state=0).fit(X[:300], y[:300])


def test_what_a_position_tells_is_learned_without_a_network(fitted, windows):
    X, y = windows
    assert fitted.score(X[300:], y[300:]) > 0.98


def test_the_position_is_what_explains(fitted, windows):
    X, _ = windows
    found = explain(fitted, X[300:320])
    assert np.mean([np.abs(one.values) for one in found], axis=0).argmax() == PLACE
    decisions = fitted.decision_function(X[300:320])
    scores = [one.score * (1 if one.target == 1 else -1) for one in found]
    assert_allclose(scores, decisions, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:X was read as")  # of which n-grams tell nothing
def test_sequences_of_several_lengths_have_no_positions(windows):
    X, y = windows
    shorter = [row[: N_STEPS - row[0] // 5] for row in X[:300]]
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0).fit(shorter, y[:300])
    assert "positions" not in model.calibration_["weights"]


def test_one_sequence_that_is_a_step_shorter_does_not_take_the_positions_away(
    windows, caplog, monkeypatch
):
    monkeypatch.setattr(ngrams, "_told", set())
    X, y = windows
    with_shorter = [X[0, 1:], *X[1:300]]
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0)
    assert model.fit(with_shorter, y[:300]).score(X[300:], y[300:]) > 0.98
    assert not caplog.messages
    model.predict(X[:3, 1:])
    (told,) = caplog.messages
    assert told.startswith("No sequence of X has 12 steps")


def test_of_a_sequence_with_another_length_positions_say_nothing(fitted, windows):
    """They would say it of other places: a token more at the end moves all before it."""
    X, y = windows
    longer = np.concatenate([X[300:], np.full((200, 1), 2)], axis=1)
    for others in (longer, longer[:, :-2]):
        assert log_loss(y[300:], fitted.predict_proba(others)) < 0.8
        (one,) = explain(fitted, others[:1], 1)
        assert_allclose(one.score, fitted.decision_function(others[:1]), rtol=1e-5)


def test_leaving_out_a_token_leaves_the_others_where_they_are(fitted, windows):
    found = explain(fitted, windows[0][300:320], method="leave_one_out")
    sizes = np.sort(np.mean([np.abs(one.values) for one in found], axis=0))
    assert sizes[-2] < 0.2 * sizes[-1]


def test_it_is_stored(fitted, windows, tmp_path):
    X, _ = windows
    save(fitted, path := tmp_path / "model.safetensors")
    expected = fitted.predict_proba(X)
    for stored in (load(path), Predictor.load(path)):
        assert_allclose(stored.predict_proba(X), expected, atol=1e-7)
    assert "positions" in load(path).calibration_["weights"]
