"""Small models of every kind, and data for them."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy.sparse import csr_matrix
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

WORDS = ["good", "bad", "not", "very", "the", "film", "plot", "dull", "fun", "."]
SMALL = {"hidden_size": 12, "max_epochs": 4, "random_state": 0, "precision": "float32"}


def random_ids(n=120, seed=0):
    """Return ragged ids; whether 3 comes before 4 makes the class."""
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 12, size) for size in rng.integers(1, 25, n)]


def random_series(n=60, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(3, 2, (size, n_channels)).cumsum(0) for size in rng.integers(3, 20, n)]


def texts_and_labels(n=150, seed=0):
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size)) for size in rng.integers(1, 12, n)]
    return texts, ["pos" if text.count("good") > text.count("bad") else "neg" for text in texts]


def dense(rows):
    X = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for row, ids in zip(X, rows, strict=True):
        row[: len(ids)] = ids
    return X


def classes(n, n_classes, seed=0):
    return np.random.default_rng(seed).permutation(np.arange(n) % n_classes)


def lstm(**parameters):
    return LSTMSequenceClassifier(**SMALL | parameters)


TEXTS, LABELS = texts_and_labels()
IDS, SERIES = random_ids(), random_series()
PADDED = np.full((60, 19, 2), np.nan)
for _row, _steps in zip(PADDED, SERIES, strict=True):
    _row[: len(_steps)] = _steps

AS_THEY_ARE = {"normalize": False, "embedding_dim": None}
DEEP = {"cell": "gru", "num_layers": 3, "pooling": ("attention", "last")}
LABELS_OF_IDS, LABELS_OF_SERIES = (
    np.column_stack([classes(n, 2, seed) for seed in range(n_labels)])
    for n, n_labels in ((120, 3), (60, 2))
)
# Name -> (unfitted model, X, y)
KINDS = {
    "texts": (make_pipeline(TextSequenceVectorizer(), lstm()), TEXTS, LABELS),
    "characters": (make_pipeline(TextSequenceVectorizer(analyzer="char"), lstm()), TEXTS, LABELS),
    "sparse ids": (lstm(), csr_matrix(dense(IDS)), classes(120, 3)),
    "ragged ids": (lstm(), IDS, classes(120, 5).astype(str)),
    "one-hot ids": (lstm(embedding_dim=None), dense(IDS), classes(120, 2)),
    "series": (
        lstm(input_type="measurements"),
        np.nan_to_num(PADDED[:, :, 0]),
        classes(60, 2).astype(bool),
    ),
    "channels": (lstm(), PADDED, classes(60, 3)),
    "ragged series": (lstm(), SERIES, classes(60, 4)),
    "series as they are": (lstm(**AS_THEY_ARE), SERIES, classes(60, 2)),
    "multilabel": (lstm(), IDS, LABELS_OF_IDS),
    "two labels": (lstm(), SERIES, LABELS_OF_SERIES),
    "network alone": (lstm(linear_model=False), IDS, classes(120, 3)),
    "linear model alone": (lstm(max_epochs=0), IDS, classes(120, 3)),
    "convolutions alone": (lstm(max_epochs=0), SERIES, classes(60, 3)),
    "three layers of GRU": (lstm(**DEEP), IDS, classes(120, 3)),
}


@pytest.fixture(autouse=True)
def _draw_in_memory():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture(params=KINDS, scope="session")
def fitted(request):
    """A fitted model of each kind, and its X."""
    model, X, y = KINDS[request.param]
    return model.fit(X, y), X


@pytest.fixture(scope="session")
def fitted_texts():
    """A function: analyzer, parameters -> a fitted Pipeline, and texts."""
    fitted_pipelines = {}

    def fit(analyzer, **parameters):
        key = analyzer, tuple(sorted(parameters.items()))
        if key not in fitted_pipelines:
            of_vectorizer = {"max_length", "truncation"} & parameters.keys()
            own = {name: parameters.pop(name) for name in of_vectorizer}
            vectorizer = TextSequenceVectorizer(analyzer=analyzer, **own)
            model = make_pipeline(vectorizer, lstm(**parameters))
            fitted_pipelines[key] = model.fit(TEXTS, LABELS)
        return fitted_pipelines[key], TEXTS[:10]

    return fit
