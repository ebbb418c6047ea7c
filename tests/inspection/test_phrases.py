"""`explain_phrases`: neighbours that depend on each other stay together."""

import numpy as np
import pytest

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.inspection import explain, explain_phrases


def test_the_phrases_of_a_sequence_are_all_of_it(fitted):
    model, X = fitted
    for phrases, each in zip(explain_phrases(model, X[:3]), explain(model, X[:3]), strict=True):
        borders = [0, *(phrase.stop for phrase in phrases)]
        assert [phrase.start for phrase in phrases] == borders[:-1]
        assert borders[-1] == len(each.data)
        np.testing.assert_array_equal(np.concatenate([p.data for p in phrases]), each.data)


def test_an_effect_is_what_the_score_loses_without_the_phrase():
    rng = np.random.default_rng(0)
    X = [rng.integers(1, 9, 8) for _ in range(120)]
    y = [int(3 in ids) for ids in X]
    model = LSTMSequenceClassifier(
        hidden_size=12, max_epochs=5, random_state=0, precision="float32"
    ).fit(X, y)
    for ids, phrases in zip(X[:5], explain_phrases(model, X[:5], 1), strict=True):
        for phrase in phrases:
            hidden = ids.copy()
            hidden[phrase.start : phrase.stop] = 57  # unknown
            expected = np.diff(model.decision_function([hidden, ids]))[0]
            assert phrase.effect == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_tokens_that_decide_together_are_one_phrase():
    # Label 1: "2 3" or "4 5"; label 0: "2 5" or "4 3". No token says anything by itself.
    rng = np.random.default_rng(0)
    X, y, places = [], np.arange(600) % 2, rng.integers(0, 7, 600)
    for label, place in zip(y, places, strict=True):
        ids = rng.integers(6, 16, 9)
        a = rng.integers(2)
        ids[place : place + 2] = 2 + 2 * a, 3 + 2 * (a if label else 1 - a)
        X.append(ids)
    model = LSTMSequenceClassifier(hidden_size=32, random_state=0, max_epochs=25).fit(
        X[:500], y[:500]
    )
    assert model.score(X[500:], y[500:]) > 0.95
    found = explain_phrases(model, X[500:])
    is_whole = [
        any(phrase.start <= place and place + 2 <= phrase.stop for phrase in phrases)
        for phrases, place in zip(found, places[500:], strict=True)
    ]
    assert np.mean(is_whole) > 0.9


def test_no_phrase_is_longer_than_the_longest(fitted_texts):
    model, texts = fitted_texts("word")
    for longest in (1, 2, 30):
        for phrases in explain_phrases(model, texts, longest=longest):
            assert max(phrase.stop - phrase.start for phrase in phrases) <= longest
    with pytest.raises(ValueError, match="longest must be an integer from 1 on; got 0"):
        explain_phrases(model, texts, longest=0)


def test_integers_that_are_measurements_give_the_phrases_of_floats():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 3, (60, 7, 1)), np.arange(60) % 2
    model = LSTMSequenceClassifier(hidden_size=6, max_epochs=3, random_state=0).fit(X, y)
    for integers, floats in zip(
        explain_phrases(model, X[:5]), explain_phrases(model, X[:5].astype(float)), strict=True
    ):
        assert [phrase.effect for phrase in integers] == [phrase.effect for phrase in floats]
