"""Pipelines of imbalanced-learn: a sampler only takes part in fitting, and may lose the words."""

import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain, gate_activations
from sklearn_lstm.members.features.ngrams import LetterFeatures

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


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
@pytest.mark.parametrize("sampler", [RandomUnderSampler, RandomOverSampler])
def test_a_sampler_that_adds_rows_loses_the_letters_of_words(sampler):
    model = fitted_after(sampler(random_state=0))
    known = [type(features) for features in model[-1].linear_model_.features]
    assert (LetterFeatures in known) == (sampler is RandomUnderSampler)
    model.predict(TEXTS)


@pytest.mark.parametrize("sampler", [SMOTE(), ADASYN(), BorderlineSMOTE()])
def test_a_sampler_that_makes_texts_between_others_is_refused(sampler):
    labels = (np.random.default_rng(0).random(len(TEXTS)) < 0.3).astype(int)
    X = TextSequenceVectorizer().fit_transform(TEXTS)
    with pytest.raises(TypeError, match=r"no texts can be made between others.*RandomOverSampler"):
        sampler.fit_resample(X, labels)
