"""The linear model of sequences that all have the same length: ids at their positions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_lstm import LSTMSequenceClassifier, Predictor
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save

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


def test_a_longer_sequence_is_counted_from_its_end(fitted, windows):
    X, y = windows
    longer = np.concatenate([np.full((200, 3), 2), X[300:]], axis=1)
    assert fitted.score(longer, y[300:]) > 0.98


def test_it_is_stored(fitted, windows, tmp_path):
    X, _ = windows
    save(fitted, path := tmp_path / "model.safetensors")
    expected = fitted.predict_proba(X)
    for stored in (load(path), Predictor.load(path)):
        assert_allclose(stored.predict_proba(X), expected, atol=1e-7)
    assert "positions" in load(path).calibration_["weights"]
