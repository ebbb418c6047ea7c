"""Write the golden files that are missing: ``PYTHONPATH=tests python tests/io/make_golden.py``.

A new format has other names: files that were written once stay, and can be loaded for ever.
"""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from small_encoder import SmallEncoder

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer, WordVectors
from sklearn_lstm.io import save
from sklearn_lstm.storage.forms import FORMAT

FOLDER = Path(__file__).parent / "golden"
TEXTS = ["so good", "good fun!", "so bad", "bad, boring", "naïve plot", ""] * 20
Y = np.array(["pos", "pos", "neg", "neg", "neg", "pos"] * 20)
SERIES = [[0.0, 1.0, 2.0], [2.0, 1.0], [1.0, 1.5, 2.5, 4.0], [3.0, 1.0, 0.0]] * 6
NAN = np.nan  # times beside a channel with missing values
MEASURED = [
    [[0.0, 1.0], [1.0, NAN], [3.0, 2.0]],
    [[0.0, NAN], [2.0, 1.0]],
    [[5.0, 1.0], [5.5, NAN], [6.5, 1.5], [7.0, 3.0]],
    [[0.0, 3.0], [1.0, 0.0]],
] * 6
TABLE = np.random.default_rng(0).normal(size=(18, 4))
WINDOWS = np.random.default_rng(0).integers(1, 5, (60, 4))
EVENTS = [np.random.default_rng(row).integers(1, 5, 4 + row % 7) for row in range(120)]


def beside(texts):
    """Return a frame of texts, a number with holes and a category."""
    rows = np.arange(len(texts))
    shops = pd.Categorical(np.array(["left", "right"])[rows % 2])
    return pd.DataFrame({"text": texts, "price": np.where(rows % 7, rows % 5, NAN), "shop": shops})


def classifier(**parameters):
    defaults = {"hidden_size": 3, "max_epochs": 2, "random_state": 0, "precision": "float32"}
    return LSTMSequenceClassifier(**(defaults | parameters))


def continued():
    model = classifier(embedding_dim=None, class_weight=[{0: 1, 1: 2}, {0: 1.0, 1: np.float32(1)}])
    return model.partial_fit([[3, 4], [5]], [[0, 1], [1, 1]])


def pretrained():
    vectors = np.random.default_rng(0).normal(size=(8, 2)).astype(">f4")
    model = classifier(embeddings=vectors, pooling=("max", "attention"))
    return model.fit([[3, 4], [5, 6], [7]] * 2, np.array([1, 2, 3] * 2, ">i8"))


def words(**parameters):
    vectorizer = TextSequenceVectorizer(min_df=2)
    return make_pipeline(vectorizer, classifier(**parameters)).fit(TEXTS, Y)


def stream():
    model = words(max_epochs=1)
    new = ["good, but new", "new words"] * 2
    X = model[0].partial_fit(new).transform(new)
    model[-1].partial_fit(X, ["neg", "pos"] * 2)
    return model


def characters():
    vectorizer = TextSequenceVectorizer(analyzer="char")
    return make_pipeline(vectorizer, classifier(cell="rnn", max_epochs=1)).fit(TEXTS, Y)


def series():
    return classifier(cell="gru", num_layers=2).fit(SERIES, [1, 0, 1, 0] * 6)


def holes():
    return classifier(time_channel=0).fit(MEASURED, [1, 0, 1, 0] * 6)


def vectors():
    table = WordVectors(embedding_dim=3).fit([*TEXTS, "so much fun", "so very boring"])
    return words(embeddings=table)


def encoder():
    return words(encoder=SmallEncoder())


def table():
    return make_pipeline("passthrough", classifier()).fit(TABLE, [0, 1] * 9)


def positions():
    return classifier(linear_model="alone").fit(WINDOWS, WINDOWS[:, 1] % 2)


def states():
    model = classifier(linear_model="alone").fit(EVENTS, [np.sum(row == 3) % 2 for row in EVENTS])
    assert model.calibration_["weights"]["states"] > 0
    return model


def numbers():
    return words().fit(beside(TEXTS), Y)


MODELS = {  # how it is fitted, and what it reads
    "words": (words, [*TEXTS[:6], "never seen"]),
    "stream": (stream, [*TEXTS[:6], "new words, never seen"]),
    "characters": (characters, [*TEXTS[:6], "never seen"]),
    "untrained": (lambda: words(max_epochs=0), TEXTS[:6]),
    "series": (series, SERIES[:4]),
    "holes": (holes, MEASURED[:4]),
    "scores": (holes, MEASURED[:4]),  # as holes, since these are read as normal scores too
    "vectors": (vectors, [*TEXTS[:6], "never seen, very boring"]),
    "encoder": (encoder, [*TEXTS[:6], "never seen"]),
    "table": (table, TABLE[:3]),
    "positions": (positions, WINDOWS[:9]),
    "states": (states, [*EVENTS[:6], [3], [7, 3]]),
    "numbers": (numbers, beside(TEXTS[:6])),
    "continued": (continued, [[3, 4], [5, 6], [9]]),
    "pretrained": (pretrained, [[3, 4], [5, 6], [9]]),
}


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, (make, X) in MODELS.items():
        path = FOLDER / f"{name}-format{FORMAT}.safetensors"
        if path.exists():
            continue
        save(model := make(), path)
        np.save(path.with_suffix(".npy"), model.predict_proba(X))
        if name == "continued":
            joblib.dump(model, path.with_suffix(".joblib"))


if __name__ == "__main__":
    main()
