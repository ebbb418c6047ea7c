"""SHAP draws our explanations."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import shap

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.inspection import Explanation, as_shap_explanation, explain


def test_one_explanation_is_drawn_as_waterfall_and_as_text(fitted_texts):
    model, texts = fitted_texts("word")
    explanation = explain(model, texts)[0]
    found = as_shap_explanation(explanation)
    np.testing.assert_array_equal(found.values, explanation.values)
    assert found.base_values == explanation.base_value
    assert found.output_names == explanation.target
    assert found.feature_names == explanation.data.tolist()
    shap.plots.waterfall(found, show=False)
    assert explanation.data[0] in shap.plots.text(found, display=False)


def test_half_a_surrogate_pair_is_drawn():
    data, values = np.array(["so", "a\udc80b", "\ud83d"], object), np.arange(3.0)
    found = as_shap_explanation(Explanation(data, values, values, 0.0, "\udc80"))
    assert found.feature_names == ["so", "a\ufffdb", "\ufffd"]
    shap.plots.waterfall(found, show=False)
    plt.gcf().canvas.draw()
    shap.plots.text(found, display=False).encode()


def test_characters_stand_side_by_side_beside_the_whole_text():
    data, values = np.array(["o", "k"], object), np.arange(2.0)
    found = as_shap_explanation(Explanation(data, values, values, 0.0, 1, whole=0.5))
    assert found.data.tolist() == ["o", "k", " the whole text"]
    assert found.feature_names == ["o", "k", "the whole text"]
    assert found.values.tolist() == [0.0, 2.0, 0.5]


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


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(ImportError, match="pip install shap"):
        as_shap_explanation([])


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="explanations is empty: pass at least one"):
        as_shap_explanation([])
