"""Files that an earlier version stored give the same probabilities as then.

``python tests/io/test_golden_files.py`` writes them anew, for a new format only: the files of an
old format stay, and keep their reader.
"""

from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")

FOLDER = Path(__file__).parent / "golden"
FLOAT32 = {"hidden_size": 3, "max_epochs": 2, "random_state": 0, "precision": "float32"}
TEXTS = ["so good", "good fun!", "so bad", "bad, boring", "never seen", ""] * 20
SERIES = [[0.0, 1.0, 2.0], [2.0, 1.0], [1.0, 1.5, 2.5, 4.0], [3.0, 1.0, 0.0]] * 6


def text_model():
    vectorizer = TextSequenceVectorizer(min_df=2)
    X = vectorizer.fit_transform(TEXTS)
    y = ["pos", "pos", "neg", "neg", "neg", "pos"] * 20
    return [vectorizer, LSTMSequenceClassifier(**FLOAT32).fit(X, y)]


def series_model():
    return LSTMSequenceClassifier(cell="gru", pooling="attention", **FLOAT32).fit(
        SERIES, [1, 0, 1, 0] * 6
    )


def continued_model():
    model = LSTMSequenceClassifier(embedding_dim=None, **FLOAT32)
    return model.partial_fit([[3, 4], [5]], [[0, 1], [1, 1]])


MODELS = {
    "text": (text_model, TEXTS[:6]),
    "series": (series_model, SERIES[:4]),
    "continued": (continued_model, [[3, 4], [5, 6], [9]]),
}


def load_skops(path):
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


LOADERS = {"joblib": joblib.load, "skops": load_skops}


def probabilities(model, X):
    if isinstance(model, list):
        vectorizer, model = model
        X = vectorizer.transform(X)
    return model.predict_proba(X)


@pytest.mark.parametrize("suffix", LOADERS)
@pytest.mark.parametrize("name", MODELS)
def test_a_stored_model_gives_the_probabilities_of_the_day_it_was_stored(name, suffix):
    model = LOADERS[suffix](FOLDER / f"{name}-format1.{suffix}")
    _, X = MODELS[name]
    expected = np.load(FOLDER / f"{name}-format1.npy")
    np.testing.assert_allclose(probabilities(model, X), expected, rtol=0, atol=1e-5)


def test_a_stored_model_that_was_continued_can_go_on():
    model = joblib.load(FOLDER / "continued-format1.joblib")
    model.partial_fit([[3, 9]], [[1, 0]])
    assert model.n_epochs_ == 2


def main():
    for name, (make, X) in MODELS.items():
        model = make()
        path = FOLDER / f"{name}-format1"
        joblib.dump(model, path.with_suffix(".joblib"))
        skops.io.dump(model, path.with_suffix(".skops"))
        np.save(path.with_suffix(".npy"), probabilities(model, X))


if __name__ == "__main__":
    main()
