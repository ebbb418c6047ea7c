"""The linear model sees the mean of the vectors of tokens, also of words that fit never saw."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.fitting import read_as_at_fit
from sklearn_lstm.inspection import explain
from sklearn_lstm.vectors import side_by_side

GOOD = ["good", "great", "fine", "lovely", "superb", "charming"]
BAD = ["bad", "awful", "poor", "dreadful", "dull", "boring"]
FILLERS = ["film", "story", "actor", "scene", "plot", "music", "the", "was"]


@pytest.fixture(scope="module")
def table():
    """Vectors of words: those of one kind are near each other."""
    rng = np.random.default_rng(0)
    kinds = np.repeat([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0]], [len(GOOD), len(BAD), len(FILLERS)], 0)
    vectors = np.hstack([kinds, 0.2 * rng.normal(size=(len(kinds), 5))])
    return dict(zip([*GOOD, *BAD, *FILLERS], vectors.astype(np.float32), strict=True))


def reviews(n_samples, good, bad, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n_samples) % 2
    texts = [
        " ".join(rng.permutation([*rng.choice(FILLERS, 4), rng.choice(good if label else bad)]))
        for label in y
    ]
    return texts, y


def linear(**parameters):
    return make_pipeline(
        TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=0, random_state=0, **parameters)
    )


@pytest.fixture(scope="module")
def model(table):
    return linear(embeddings=table).fit(*reviews(120, GOOD[:2], BAD[:2], 0))


def test_words_that_fit_never_saw_are_told_apart_by_their_vectors(model):
    texts, y = reviews(100, GOOD[2:], BAD[2:], 1)
    assert model.score(texts, y) > 0.95
    without = linear().fit(*reviews(120, GOOD[:2], BAD[:2], 0))
    assert without.score(texts, y) < 0.8


def test_a_sequence_without_a_vector_is_read_by_its_ngrams_alone(model):
    a, b = model.decision_function(["qqq xyzzy", "qqq xyzzy unheardof"])
    assert np.isfinite([a, b]).all()


def test_contributions_of_the_words_sum_to_the_logit_and_frequent_words_count_less(model):
    texts = ["the film was superb", "the plot was dreadful qqq", "qqq xyzzy"]
    explanations = explain(model, texts, target=1)
    sums = [found.linear.sum() + found.base_value for found in explanations]
    np.testing.assert_allclose(sums, model.decision_function(texts), atol=1e-6)
    assert np.argmax(explanations[0].linear) == 3
    sequences = read_as_at_fit(model[-1], model[0].transform(["film superb unheardof"]))
    weights = model[-1].linear_model_.vectors.means.weighted(sequences, np.arange(1))[0].data
    assert weights[0] < weights[1] == weights[2]


def test_each_table_counts_by_itself(table):
    silent = {word: np.zeros(3, np.float32) + 1 for word in table}  # the same for all words
    X, y = reviews(120, GOOD[:2], BAD[:2], 0)
    texts, labels = reviews(100, GOOD[2:], BAD[2:], 1)
    both = linear(embeddings=side_by_side(silent, table)).fit(X, y)
    assert both[-1].linear_model_.vectors.coef.shape == (11, 2)
    assert both.score(texts, labels) > 0.95
