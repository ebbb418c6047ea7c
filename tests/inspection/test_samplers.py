"""Explanations of pipelines of imbalanced-learn: a sampler only takes part in fitting."""

import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import ExplanationDisplay, explain, gate_activations

TEXTS = ["good day", "fine day", "good night"] * 12 + ["bad day", "awful night"] * 2
LABELS = [1] * 36 + [0] * 4


@pytest.fixture(scope="module")
def model():
    classifier = LSTMSequenceClassifier(
        hidden_size=4, max_epochs=2, random_state=0, precision="float32"
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


def test_a_pipeline_with_a_sampler_is_drawn(model):
    display = ExplanationDisplay.from_estimator(model, ["good day"])
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["good", "day"]
