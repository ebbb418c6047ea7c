"""The page "In production" exports a network alone, which onnxruntime runs."""

import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import onnxruntime
from scipy.special import softmax
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.io import save

DOCS = Path(__file__).parents[1] / "docs"


def test_the_exported_network_is_the_model_that_was_fitted_without_a_linear_model(
    monkeypatch, tmp_path
):
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.chdir(tmp_path)
    texts, labels = ["so good", "good fun", "so bad", "bad, boring"] * 4, [1, 1, 0, 0] * 4
    vectorizer, classifier = (
        TextSequenceVectorizer(),
        LSTMSequenceClassifier(
            linear_model=False, max_epochs=3, precision="float32", random_state=0
        ),
    )
    model = make_pipeline(vectorizer, classifier).fit(texts, labels)
    save(model, "network.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch prefers its new exporter
        exec(import_module("recipes").program("export.py"), {})  # noqa: S102 - as a reader does
    session = onnxruntime.InferenceSession("network.onnx")
    for text in ("so good, so boring", "fun", "never heard of it"):
        ids = vectorizer.transform([text]).data[np.newaxis].astype(np.int64)
        (logits,) = session.run(None, {"ids": ids})
        assert np.allclose(softmax(logits, axis=1), model.predict_proba([text]), atol=1e-6)
