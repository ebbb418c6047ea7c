"""Which X, y and parameters the classifier takes, found by running tiny fits.

``python docs/capabilities.py --write`` writes capabilities.md; without ``--write`` it is compared.
"""

import pickle
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from scipy.sparse import csr_array
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

N = 100  # from here on there is a linear model for token ids
_random = np.random.default_rng(0)
_lengths = _random.integers(3, 7, N)
IDS = [_random.integers(1, 9, length) for length in _lengths]
SERIES = [_random.normal(size=length) for length in _lengths]
CHANNELS = [_random.normal(size=(length, 2)) for length in _lengths]
TEXTS = np.array([" ".join(f"w{i}" for i in ids) for ids in IDS])
FRAME = pd.DataFrame({"text": TEXTS, "price": _random.normal(size=N)})


def _padded(rows: list[Any], fill: float) -> Any:
    """Return the rows side by side as an array of shape (N, 6)."""
    return np.array([[*row, *[fill] * (6 - len(row))] for row in rows])


X = {
    "token ids, dense": _padded(IDS, 0),
    "token ids, CSR": csr_array(_padded(IDS, 0)),
    "token ids, list of arrays": IDS,
    "token ids, list of lists": [row.tolist() for row in IDS],
    "token ids, pandas column of lists": pd.Series([row.tolist() for row in IDS]),
    "token ids, polars column of lists": pl.Series([row.tolist() for row in IDS]),
    "token ids, pyarrow column of lists": pa.array([row.tolist() for row in IDS]),
    "series, 2-D floats": _padded(SERIES, np.nan),
    "series, 3-D": np.stack([row[:3] for row in CHANNELS]),
    "series, list of (T,)": SERIES,
    "series, list of (T, n_channels)": CHANNELS,
    "series with missing values": np.where(_padded(SERIES, np.nan) > 1, np.nan, _padded(SERIES, 0)),
    "series, pandas column of lists": pd.Series([row.tolist() for row in SERIES]),
    "series, polars column of lists": pl.Series([row.tolist() for row in SERIES]),
    "series, pyarrow column of lists": pa.array([row.tolist() for row in SERIES]),
}
_third = np.arange(N) % 3
X["series in a data frame, with a number and a category beside them"] = pd.DataFrame(
    {"series": SERIES, "age": _lengths, "place": pd.Categorical(["home", "ward"] * (N // 2))}
)
Y = {
    "2 classes": _third == 0,
    "3 classes": _third,
    "strings": np.array(["low", "middle", "high"])[_third],
    "multilabel": np.stack([_third == 0, _third < 2], axis=1).astype(int),
}


class Encoder:
    """What stands for a sentence encoder: the length of a text is its vector."""

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Return the vector of each text."""
        return [[len(text)] for text in texts]


REFUSED: dict[str, tuple[Any, Any, dict[str, Any]]] = {  # X, y and parameters
    "texts without the vectorizer": (TEXTS, _third, {}),
    "a bag of words, CSR of floats": (csr_array(_padded(IDS, 0).astype(float)), _third, {}),
    "a sentence encoder for ids without words": (IDS, _third, {"encoder": Encoder()}),
    "y of real numbers": (IDS, _third + 0.5, {}),
    "a threshold for three classes": (IDS, _third, {"threshold": "f1"}),
    "no network and no linear model": (IDS, _third, {"max_epochs": 0, "linear_model": False}),
    "an optimiser that needs several losses": (IDS, _third, {"optimizer": torch.optim.LBFGS}),
}
CHANGES: dict[str, dict[str, Any]] = {
    "defaults": {},
    'cell="gru"': {"cell": "gru"},
    'cell="rnn"': {"cell": "rnn"},
    "num_layers=2": {"num_layers": 2},
    "bidirectional=False": {"bidirectional": False},
    'pooling="last"': {"pooling": "last"},
    'pooling="attention"': {"pooling": "attention"},
    "embedding_dim=None": {"embedding_dim": None},
    "embeddings=array": {"embeddings": np.eye(10, 2)},
    "normalize=False": {"normalize": False},
    "linear_model=False": {"linear_model": False},
    'linear_model="alone"': {"linear_model": "alone"},
    "criterion=torch.nn.MultiMarginLoss": {
        "criterion": torch.nn.MultiMarginLoss,
        "linear_model": False,
    },
    "optimizer=torch.optim.RAdam": {"optimizer": torch.optim.RAdam},
    'class_weight="balanced"': {"class_weight": "balanced"},
    "early_stopping=True": {"early_stopping": True},
    "early_stopping=False": {"early_stopping": False},
}


def classifier(**parameters: Any) -> LSTMSequenceClassifier:
    """Return a classifier that is fitted in some hundredths of a second."""
    return LSTMSequenceClassifier(
        **{
            "hidden_size": 2,
            "embedding_dim": 2,
            "batch_size": N,
            "max_epochs": 1,
            "random_state": 0,
        }
        | parameters
    )


def network(**parameters: Any) -> LSTMSequenceClassifier:
    """Return a classifier without a linear model: what scikit-learn does with it is the same."""
    return classifier(linear_model=False, **parameters)


def _search(X: Any, y: Any) -> None:
    GridSearchCV(network(), {"cell": ["lstm", "gru"]}, cv=2).fit(X, y)


def _stack(X: Any, y: Any) -> None:
    StackingClassifier([("lstm", network()), ("gru", network(cell="gru"))], cv=2).fit(X, y)


def _label_the_rest(X: Any, y: Any) -> None:
    SelfTrainingClassifier(network()).fit(X, np.where(np.arange(N) < N // 2, y, -1))


def _keep(X: Any, y: Any) -> None:
    pickle.loads(pickle.dumps(network().fit(X, y))).predict(X)  # noqa: S301 - its own


USES: dict[str, Callable[[Any, Any], Any]] = {
    "fit with sample_weight": lambda X, y: network().fit(X, y, sample_weight=np.ones(N)),
    "partial_fit": lambda X, y: network().partial_fit(X, y, classes=[0, 1, 2]),
    "partial_fit after fit": lambda X, y: network().fit(X, y).partial_fit(X, y),
    "GridSearchCV": _search,
    "CalibratedClassifierCV": lambda X, y: CalibratedClassifierCV(network(), cv=2).fit(X, y),
    "StackingClassifier": _stack,
    "BaggingClassifier": lambda X, y: BaggingClassifier(network(), n_estimators=2).fit(X, y),
    "SelfTrainingClassifier": _label_the_rest,
    "ClassifierChain": lambda X, _: ClassifierChain(network()).fit(X, Y["multilabel"]),
    "pickle": _keep,
}
PARAMETER_COLUMNS = ["token ids, CSR", "series, 3-D"]
USE_COLUMNS = ["token ids, CSR", "series, 3-D", "series, list of (T, n_channels)"]


def outcome(run: Callable[..., Any], *arguments: Any, **parameters: Any) -> str:
    """Return "yes", with the names of warnings, or the first sentence of the error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run(*arguments, **parameters)
        except Exception as error:  # noqa: BLE001 - the table shows every kind
            sentence = re.split(r"(?<=[a-z\])])\. |:?\n", str(error))[0].rstrip(".")
            return f"{type(error).__name__}: {sentence}"
    names = sorted({warning.category.__name__ for warning in caught})
    return ", ".join(["yes", *names])


def fit(X: Any, y: Any, **parameters: Any) -> Any:
    """Return what a fitted classifier predicts for its own X."""
    return classifier(**parameters).fit(X, y).predict(X)


def tables() -> dict[str, list[list[str]]]:
    """Return the rows of the tables, each with a heading."""

    def fit_texts(y: Any, X: Any = TEXTS, **parameters: Any) -> Any:
        model = make_pipeline(TextSequenceVectorizer(), classifier(**parameters))
        return model.fit(X, y).predict(X)

    return {
        "data": [
            ["X", *Y],
            ["texts, through the vectorizer", *(outcome(fit_texts, y) for y in Y.values())],
            [
                "the same, with a sentence encoder",
                *(outcome(fit_texts, y, encoder=Encoder()) for y in Y.values()),
            ],
            [
                "the same, in a data frame with a number beside them",
                *(outcome(fit_texts, y, X=FRAME) for y in Y.values()),
            ],
            *([kind, *(outcome(fit, x, y) for y in Y.values())] for kind, x in X.items()),
        ],
        "refused": [
            ["call", "answer"],
            *([kind, outcome(fit, x, y, **p)] for kind, (x, y, p) in REFUSED.items()),
        ],
        "parameters": [
            ["parameters", *PARAMETER_COLUMNS],
            *(
                [
                    f"`{name}`" if p else name,
                    *(outcome(fit, X[kind], _third, **p) for kind in PARAMETER_COLUMNS),
                ]
                for name, p in CHANGES.items()
            ),
        ],
        "uses": [
            ["use", *USE_COLUMNS],
            *(
                [name, *(outcome(use, X[kind], _third) for kind in USE_COLUMNS)]
                for name, use in USES.items()
            ),
        ],
    }


HEAD = """# What works

`python docs/capabilities.py --write` fits small models and writes down what happened: "yes", with
the name of a warning if there was one, or the error.
"""
TITLES = {
    "data": "X and y",
    "uses": "Tools of scikit-learn, with three classes",
    "parameters": "Parameters",
    "refused": "What is refused",
}


def page() -> str:
    """Return the page of all tables."""
    found = tables()
    text = HEAD
    for name, title in TITLES.items():
        header, *rows = found[name]
        table = [header, ["---"] * len(header), *rows]
        lines = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in table)
        text += f"\n## {title}\n\n" + "".join(lines)
    return text


if __name__ == "__main__":
    text, path = page(), Path(__file__).with_suffix(".md")
    if "--write" in sys.argv[1:]:
        path.write_text(text, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != text:
        sys.exit("capabilities.md is older: run docs/capabilities.py --write.")
