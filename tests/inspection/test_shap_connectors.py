"""SHAP draws our explanations, and its explainers run on our Pipelines."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import shap
from sklearn.exceptions import NotFittedError

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import as_shap_explanation, as_shap_masker, explain


def test_one_explanation_is_drawn_as_waterfall_and_as_text(fitted_texts):
    model, texts = fitted_texts("word")
    explanation = explain(model, texts)[0]
    found = as_shap_explanation(explanation)
    np.testing.assert_array_equal(found.values, explanation.values)
    assert found.base_values == explanation.base_value
    assert found.output_names == explanation.target
    assert found.feature_names == explanation.data.tolist()
    shap.plots.waterfall(found, show=False)
    plt.close("all")
    assert explanation.data[0] in shap.plots.text(found, display=False)


def test_many_explanations_are_drawn_as_text(fitted_texts):
    model, texts = fitted_texts("word")
    found = as_shap_explanation(explain(model, texts))
    assert len(found.values) == len(texts)
    html = shap.plots.text(found, display=False)
    assert "good" in html
    np.testing.assert_array_equal(found[1].values, explain(model, texts)[1].values)


def test_series_are_drawn_as_waterfall():
    X = np.random.default_rng(0).normal(size=(30, 8, 2))
    model = LSTMSequenceClassifier(max_epochs=1, hidden_size=4, random_state=0)
    for data in (X, X[:, :, 0]):
        model.fit(data, np.arange(30) % 2)
        shap.plots.waterfall(as_shap_explanation(explain(model, data[:1])[0]), show=False)
        plt.close("all")


def test_partition_explainer_runs_on_raw_texts(fitted_texts):
    model, _ = fitted_texts("word")
    texts = ["Not good, very DULL.", "fun film"]
    found = shap.Explainer(model.predict_proba, as_shap_masker(model[0]))(texts, silent=True)
    assert [len(row) for row in found.values] == [6, 2]
    assert [token.strip() for token in found.data[0]] == ["Not", "good", ",", "very", "DULL", "."]
    total = found.base_values + [values.sum(axis=0) for values in found.values]
    np.testing.assert_allclose(total, model.predict_proba(texts), atol=1e-3)


def test_a_hidden_token_is_one_unknown_token(fitted_texts):
    model, _ = fitted_texts("word")
    masker = as_shap_masker(model[0])
    (hidden,) = masker(np.array([True, False, True]), "good plot .")
    assert model[0].transform(hidden).toarray()[0, :3].tolist() == [
        model[0].vocabulary_["good"],
        1,
        model[0].vocabulary_["."],
    ]


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(ImportError, match="pip install shap"):
        as_shap_masker(TextSequenceVectorizer().fit(["a"]))


@pytest.mark.parametrize(
    "parameters", [{"token_pattern": r"(?u)\b\w\w+\b"}, {"strip_accents": "ascii"}]
)
def test_other_tokenizers_can_be_masked_too(parameters):
    vectorizer = TextSequenceVectorizer(**parameters).fit(["good plot", "bad plot"])
    masker = as_shap_masker(vectorizer)
    (hidden,) = masker(np.array([True, False]), "good plot")
    ids = vectorizer.transform(hidden).toarray()[0]
    assert ids.tolist() == [vectorizer.vocabulary_["good"], 1]


def test_what_cannot_be_masked_is_refused(fitted_texts):
    model, _ = fitted_texts("word")
    with pytest.raises(TypeError, match=r"model\[0\]; got Pipeline"):
        as_shap_masker(model)
    with pytest.raises(NotFittedError):
        as_shap_masker(TextSequenceVectorizer())
    with pytest.raises(ValueError, match="leaves no token of a hidden word"):
        as_shap_masker(TextSequenceVectorizer(token_pattern="[0-9]+").fit(["1 2"]))


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="no explanation"):
        as_shap_explanation([])
