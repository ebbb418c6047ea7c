"""Read the datasets of the short examples, and report how well a model does on them."""

import csv
import gzip
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

VARIABLE = "SKLEARN_LSTM_DATA"


def data_file(name: str) -> Path:
    """Find a file of the data folder, or end the program with a message that says what to do."""
    if VARIABLE not in os.environ:
        sys.exit(f"Set the environment variable {VARIABLE} to the folder that holds {name}.")
    path = Path(os.environ[VARIABLE], name)
    if not path.is_file():
        sys.exit(f"The folder that {VARIABLE} names has no file {name}: {path}")
    return path


def read_texts(name: str) -> tuple[list[str], list[str]]:
    """Read the columns ``text`` and ``label`` of a CSV file, without repeated texts."""
    csv.field_size_limit(10**7)
    with gzip.open(data_file(f"{name}.csv.gz"), "rt", encoding="utf-8", newline="") as lines:
        labels: dict[str, str] = {}
        for row in csv.DictReader(lines):
            labels.setdefault(row["text"], row["label"])
    return list(labels), list(labels.values())


def read_series(
    name: str,
) -> tuple[list[np.ndarray], np.ndarray, list[np.ndarray], np.ndarray]:
    """Read a dataset's official split, each series an array of shape (n_timesteps, n_channels).

    Returns
    -------
    X_train, y_train, X_test, y_test
    """
    with np.load(data_file(f"timeseries/{name}.npz")) as stored:
        arrays = dict(stored)

    def series(part: str) -> list[np.ndarray]:
        ends = np.cumsum(arrays[f"X_{part}_lengths"])
        return np.split(arrays[f"X_{part}_values"], ends[:-1])

    return series("train"), arrays["y_train"], series("test"), arrays["y_test"]


def report(model: Any, X_test: Any, y_test: Any) -> None:
    """Print the accuracy and the macro F1 of a fitted model."""
    predicted = model.predict(X_test)
    accuracy = accuracy_score(y_test, predicted)
    macro_f1 = f1_score(y_test, predicted, average="macro")
    print(f"accuracy {accuracy:.1%}, macro F1 {macro_f1:.1%} on {len(predicted):,} sequences")
