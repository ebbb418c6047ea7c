"""Few samples: a linear model counts most, and the probabilities can be believed."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer


@pytest.mark.parametrize("n_samples", [8, 64])
def test_few_texts_are_predicted_as_well_as_by_logistic_regression(messages, n_samples):
    texts, languages = messages
    train, test = np.split(np.random.default_rng(1).permutation(len(texts)), [n_samples])
    losses = [
        log_loss(
            languages[test], model.fit(texts[train], languages[train]).predict_proba(texts[test])
        )
        for model in (
            make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0)),
            make_pipeline(TfidfVectorizer(), LogisticRegression()),
        )
    ]
    assert losses[0] < losses[1] + 0.05


@pytest.mark.parametrize("max_epochs", [0, "auto"])
def test_eight_series_of_four_classes_are_better_than_a_guess(digit_rows, max_epochs):
    X_train, y_train, X_test, y_test = digit_rows
    rows = np.sort(
        [row for name in np.unique(y_train) for row in np.flatnonzero(y_train == name)[:2]]
    )
    model = LSTMSequenceClassifier(max_epochs=max_epochs, random_state=0)
    model.fit(X_train[rows], y_train[rows])
    assert log_loss(y_test, model.predict_proba(X_test)) < np.log(4) - 0.1


@pytest.mark.parametrize("n_samples", [2, 3])
def test_two_texts_are_enough(n_samples):
    texts, y = ["a good film", "a bad film", "the day was long"], [0, 1, 2]
    model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
    model.fit(texts[:n_samples], y[:n_samples])
    probabilities = model.predict_proba(["good", "bad"])
    assert probabilities.argmax(axis=1).tolist() == [0, 1]
    assert probabilities.max() < 0.9
