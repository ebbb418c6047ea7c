"""What `partial_fit` learns of n-grams, beside the network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.fitting import read_as_at_fit
from sklearn_lstm.inspection import explain
from sklearn_lstm.members.member import ONLINE
from sklearn_lstm.members.solvers import adagrad

SMALL = {"hidden_size": 4, "precision": "float32", "random_state": 0}


def texts_of(words, n, rng):
    """Return texts of common words with one that tells the class, and the classes."""
    y = rng.integers(2, size=n)
    common = rng.choice(["the", "a", "is", "of", "to", "it"], (n, 6))
    texts = [
        " ".join([*before, words[label][rng.integers(len(words[label]))], *after])
        for before, after, label in zip(common[:, :3], common[:, 3:], y, strict=True)
    ]
    return texts, y


def online(model):
    """Return the n-grams that a classifier has learned online, with their coefficients."""
    (term,) = model._fitted.model[ONLINE].terms
    return term


JANUARY = [["sun", "warm", "dry"], ["rain", "cold", "wet"]]
FEBRUARY = [["up", "gain", "rise"], ["down", "loss", "fall"]]


def learn(model, texts, y, size):
    vectorizer, classifier = model
    for start in range(0, len(texts), size):
        some = texts[start : start + size]
        X = vectorizer.partial_fit(some).transform(some)
        classifier.partial_fit(X, y[start : start + size], classes=[0, 1])


@pytest.mark.parametrize("size", [1, 32])
def test_new_words_are_learned_after_a_fit_and_old_ones_are_kept(size):
    rng = np.random.default_rng(0)
    old, new = texts_of(JANUARY, 160, rng), texts_of(FEBRUARY, 64, rng)
    later_old, later_new = texts_of(JANUARY, 100, rng), texts_of(FEBRUARY, 100, rng)
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=2, **SMALL))
    model.fit(*old)
    assert model.score(*later_new) < 0.7
    learn(model, *new, size)
    assert model.score(*later_new) > 0.85
    assert model.score(*later_old) > 0.95
    assert "# online linear model: " in repr(model[-1])


def test_one_large_call_is_learned_in_batches_whatever_the_order_of_its_samples():
    rng = np.random.default_rng(0)
    (texts, y), later = texts_of(FEBRUARY, 320, rng), texts_of(FEBRUARY, 100, rng)
    texts, y = [texts[row] for row in np.argsort(y)], np.sort(y)
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(**SMALL))
    learn(model, texts, y, len(texts))
    assert model.score(*later) == 1
    assert np.abs(online(model[-1]).coef).max() < 5


def test_messages_that_come_one_batch_after_the_other_are_told_apart(few_messages):
    texts, languages = few_messages
    rows = {
        "without": {"linear_model": False},
        "words": {},
        "characters": {"input_type": "characters"},
    }
    scores = {}
    for name, parameters in rows.items():
        kind = "char" if "input_type" in parameters else "word"
        vectorizer = TextSequenceVectorizer(analyzer=kind)
        classifier = LSTMSequenceClassifier(**SMALL, **parameters)
        for start in range(0, 160, 16):
            X = vectorizer.partial_fit(texts[start : start + 16]).transform(
                texts[start : start + 16]
            )
            classifier.partial_fit(X, languages[start : start + 16], classes=["de", "nl"])
        scores[name] = classifier.score(vectorizer.transform(texts[160:]), languages[160:])
    assert scores["without"] < 0.7
    assert min(scores["words"], scores["characters"]) > 0.85


def streamed(y, classes=None):
    """Return a model that a stream taught ids of 3 to 8."""
    model, rng = LSTMSequenceClassifier(**SMALL), np.random.default_rng(0)
    X = [rng.integers(3, 9, size) for size in rng.integers(1, 7, len(y))]
    for rows in np.array_split(np.arange(len(y)), 4):
        model.partial_fit([X[row] for row in rows], y[rows], classes=classes)
    return model, X


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.arange(40) % 2, [0, 1]),
        (np.arange(40) % 3, [0, 1, 2]),
        (np.stack([np.arange(40) % 2, np.arange(40) % 3 == 0], axis=1).astype(int), None),
    ],
    ids=["two", "three", "multilabel"],
)
def test_contributions_add_up_to_the_score(y, classes):
    model, X = streamed(y, classes)
    X = [*X[:5], [3, 1000, 4]]
    scores = model.decision_function(X).reshape(len(X), -1)
    for each, score in zip(explain(model, X, model.classes_[-1]), scores, strict=True):
        assert_allclose(each.score, score[-1], rtol=1e-5, atol=1e-6)
        assert np.abs(each.linear).max() > 0.01


def test_samples_without_weight_teach_nothing_and_large_weights_stay_finite():
    models = [streamed(np.arange(40) % 2, [0, 1])[0] for _ in range(2)]
    models[0].partial_fit([[3, 4], [5, 6]], [0, 1], sample_weight=[1, 0])
    models[1].partial_fit([[3, 4]], [0])
    logits = [online(model).logits(read_as_at_fit(model, [[5, 6], [3, 8]])) for model in models]
    assert_allclose(*logits)
    proba = models[0].partial_fit([[7]], [0], sample_weight=[1e20]).predict_proba([[7], [3, 4]])
    assert np.isfinite(proba).all()


def test_a_later_fit_has_its_own_n_grams_and_no_linear_model_has_none():
    model, X = streamed(np.arange(40) % 2, [0, 1])
    model.set_params(max_epochs=1).fit(X * 3, np.arange(120) % 2)
    assert [member.name for member in model._fitted.model.members] == ["network", "linear model"]
    without = LSTMSequenceClassifier(**SMALL, linear_model=False)
    without.partial_fit(X, np.arange(40) % 2, classes=[0, 1])
    assert len(without._fitted.model.members) == 1


def test_a_full_table_learns_no_further_n_grams_but_what_it_has(monkeypatch):
    monkeypatch.setattr(adagrad.member, "LARGEST_COEF", 4 * 2 * 10)  # of 2 classes: 10 rows
    model, X = streamed(np.arange(40) % 2, [0, 1])
    before = online(model)
    assert len(before.coef) == 10
    after = online(model.partial_fit(X, np.arange(40) % 2))
    assert after.features.hashes.tolist() == before.features.hashes.tolist()
    assert (after.coef != before.coef).all()
