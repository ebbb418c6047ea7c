"""Texts that are longer than all training texts are read whole."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import save

FILLING = ["the", "of", "and", "a", "in", "was", "it", "on"]


def texts_of(first_words, n_filling):
    rng = np.random.default_rng(n_filling)
    return [" ".join([word.lower(), *rng.choice(FILLING, n_filling)]) for word in first_words]


LABELS = np.array(["Good", "Bad"] * 60)
LONG = np.array(["Good", "Bad", "Bad", "Good"])


@pytest.fixture(scope="module", params=[True, False, "alone"])
def model(request):
    parameters = {"hidden_size": 4, "max_epochs": 20, "precision": "float32", "random_state": 0}
    classifier = LSTMSequenceClassifier(linear_model=request.param, **parameters)
    return make_pipeline(TextSequenceVectorizer(), classifier).fit(texts_of(LABELS, 6), LABELS)


def test_what_stands_at_the_beginning_of_a_longer_text_decides(model, tmp_path):
    texts = texts_of(LONG, 60)
    save(model, tmp_path / "model")
    for one in (model, Predictor.load(tmp_path / "model")):
        assert one.predict(texts).tolist() == LONG.tolist()
        assert one.predict(texts[:1]).tolist() == ["Good"]
    assert [len(one.data) for one in explain(model, texts)] == [61] * 4
    assert model[0].known_share([f"{texts[0]}{' unknown' * 61}"]).tolist() == [0.5]
