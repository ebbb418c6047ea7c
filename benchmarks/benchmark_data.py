"""Read the datasets of the benchmarks out of the folder that SKLEARN_LSTM_DATA names."""

import csv
import gzip
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VARIABLE = "SKLEARN_LSTM_DATA"
LONGEST_FIELD = 10_000_000  # characters of a text in a CSV file

Series = list[NDArray[np.float64]]


def data_file(name: str) -> Path:
    """Return the path of a file in the data folder; without it, end the program with a message."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        sys.exit(f"Set the environment variable {VARIABLE} to the folder that holds {name}.")
    path = Path(folder, name)
    if not path.is_file():
        sys.exit(f"{VARIABLE} names the folder {folder}, which does not hold {name}.")
    return path


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of the file ``name.csv.gz``: columns ``text``, ``label``, perhaps ``split``.

    The split is "train" or "test".
    """
    csv.field_size_limit(LONGEST_FIELD)
    with gzip.open(data_file(f"{name}.csv.gz"), "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_texts(name: str) -> tuple[list[str], list[str]]:
    """Return texts and their labels. Of equal texts only the first is kept."""
    labels: dict[str, str] = {}
    for row in read_rows(name):
        labels.setdefault(row["text"], row["label"])
    return list(labels), list(labels.values())


def read_series(name: str) -> tuple[Series, NDArray[np.str_], Series, NDArray[np.str_]]:
    """Return the official split of the file ``timeseries/name.npz``.

    Returns
    -------
    X_train, y_train, X_test, y_test
        Each series is an array of shape (n_timesteps, n_channels).
    """
    with np.load(data_file(f"timeseries/{name}.npz")) as stored:
        arrays = dict(stored)
    parts = []
    for part in ("train", "test"):
        ends = np.cumsum(arrays[f"X_{part}_lengths"])
        parts += [np.split(arrays[f"X_{part}_values"], ends[:-1]), arrays[f"y_{part}"]]
    X_train, y_train, X_test, y_test = parts
    return X_train, y_train, X_test, y_test


def read_all_series(name: str) -> tuple[Series, NDArray[np.str_]]:
    """Return the series of both parts of the file ``timeseries/name.npz``."""
    X_train, y_train, X_test, y_test = read_series(name)
    return X_train + X_test, np.concatenate([y_train, y_test])


def read_stays(name: str) -> tuple[Series, NDArray[np.int64]]:
    """Return intensive-care stays (48 hours, 37 channels), most values NaN, and who died."""
    with np.load(data_file(f"timeseries/{name}.npz")) as stored:
        return list(stored["X"].astype(np.float64)), stored["y"]
