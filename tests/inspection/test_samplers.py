"""Pipelines of imbalanced-learn: a sampler only takes part in fitting, and may lose the words."""

import warnings

import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.inspection import explain, gate_activations

TEXTS = ["good day", "fine day", "good night"] * 12 + ["bad day", "awful night"] * 2
LABELS = [1] * 36 + [0] * 4


@pytest.fixture(scope="module")
def model():
    classifier = LSTMSequenceClassifier(
        hidden_size=4, max_epochs=2, random_state=0, precision="float32", linear_model=False
    )
    sampler = RandomOverSampler(random_state=0)
    return make_pipeline(TextSequenceVectorizer(), sampler, classifier).fit(TEXTS, LABELS)


def test_a_pipeline_with_a_sampler_is_explained(model):
    (explanation,) = explain(model, ["good day"])
    assert explanation.data.tolist() == ["good", "day"]
    assert explanation.score == pytest.approx(
        abs(model.decision_function(["good day"])[0]), abs=1e-4
    )
    assert len(gate_activations(model, ["good day"])) == 1


def fitted_after(sampler):
    classifier = LSTMSequenceClassifier(hidden_size=4, max_epochs=0, random_state=0)
    model = make_pipeline(TextSequenceVectorizer(), sampler, classifier)
    return model.fit([f"{text} {row}" for row, text in enumerate(TEXTS * 14)], LABELS * 14)


def test_a_sampler_that_takes_rows_away_keeps_the_words():
    model = fitted_after(RandomUnderSampler(random_state=0))
    assert model[-1].linear_model_.lexicon is not None
    model.predict(TEXTS)


@pytest.mark.parametrize("sampler", [SMOTE(), ADASYN(), BorderlineSMOTE()])
def test_a_sampler_that_makes_texts_between_others_is_refused(sampler):
    labels = (np.random.default_rng(0).random(len(TEXTS)) < 0.3).astype(int)
    X = TextSequenceVectorizer().fit_transform(TEXTS)
    with pytest.raises(TypeError, match=r"no texts can be made between others.*RandomOverSampler"):
        sampler.fit_resample(X, labels)


def test_after_a_sampler_has_lost_the_words_the_classifier_says_so():
    model = fitted_after(RandomOverSampler(random_state=0))
    assert model[-1].linear_model_.lexicon is None
    with pytest.warns(InputTypeWarning, match="letters.*class_weight='balanced'") as caught:
        model.predict(TEXTS)
    assert [warning.filename for warning in caught] == [__file__]
    ids = model[0].transform(TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model[-1].predict(ids.tocsc().tocsr())  # no more words than at fit
