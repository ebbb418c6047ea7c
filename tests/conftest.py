"""One thread, and real data from the folder that SKLEARN_LSTM_DATA names."""

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch

VARIABLE = "SKLEARN_LSTM_DATA"


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    # Small networks gain nothing from more, and oversubscribed cores lose a lot.
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_folder():
    if VARIABLE not in os.environ:
        pytest.skip(f"needs real data: set {VARIABLE} to the folder that holds it")
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="session")
def sms(data_folder):
    """All messages of the SMS Spam Collection, each once: (texts, labels), arrays of object."""
    with gzip.open(data_folder / "sms_spam.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        labels = {}
        for row in csv.DictReader(lines):
            labels.setdefault(row["text"], row["label"])
    return np.array(list(labels), object), np.array(list(labels.values()), object)


@pytest.fixture(scope="session")
def few_sms(sms):
    """240 messages, 120 of them spam: balanced, so that a short training shows in the accuracy."""
    texts, labels = sms
    rng = np.random.default_rng(0)
    chosen = [
        rng.choice(np.flatnonzero(labels == label), 120, replace=False) for label in ("ham", "spam")
    ]
    rows = rng.permutation(np.concatenate(chosen))
    return texts[rows], labels[rows]


def read_series(path):
    with np.load(path) as stored:
        arrays = dict(stored)

    def part(name):
        ends = np.cumsum(arrays[f"X_{name}_lengths"])
        return np.split(arrays[f"X_{name}_values"], ends[:-1]), arrays[f"y_{name}"]

    return *part("train"), *part("test")


@pytest.fixture(scope="session")
def vowels(data_folder):
    """Japanese Vowels: (X_train, y_train, X_test, y_test), X a list of (7..29 steps, 12)."""
    return read_series(data_folder / "timeseries" / "JapaneseVowels.npz")


@pytest.fixture(scope="session")
def motions(data_folder):
    """Basic Motions: (X_train, y_train, X_test, y_test), X of shape (40, 100, 6)."""
    X_train, y_train, X_test, y_test = read_series(data_folder / "timeseries" / "BasicMotions.npz")
    return np.stack(X_train), y_train, np.stack(X_test), y_test
