"""Series of persons that training lacks, and few series: ``python benchmarks/series.py``.

Each fold lies inside the training part. Exercises hold out one person after the other. Who speaks
the spoken digits is not known: six clusters of the mean coefficients, less the mean of each digit,
stand for six speakers, and two of them are held out at a time. The other sets have three random
folds. Each row has the mean accuracy and log loss of the default parameters, or of the linear model
alone (``--linear``), and the seconds of the processor. ``--missing 0.3`` deletes so many of the
values at random. SKLEARN_LSTM_DATA names the folder of the data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np
from benchmark_data import Series, data_file, read_series
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from sklearn_lstm import LSTMSequenceClassifier

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from example_data import fetch_spoken_digits

TASKS = (
    "JapaneseVowels",
    "BasicMotions",
    "GunPoint",
    "ItalyPowerDemand",
    "PLAID",
    "WatchExercises",
    "spoken digits",
)
N_DIGITS = 900
N_SPEAKERS = 6

Rows = NDArray[np.intp]


def spoken_digits() -> tuple[Series, NDArray[np.int64], Rows]:
    """Return recordings, digits, and the pair of clusters each belongs to."""
    X, y = fetch_spoken_digits()
    X, y = X[:N_DIGITS], y[:N_DIGITS]
    means = np.array([steps.mean(axis=0) for steps in X])
    for digit in np.unique(y):
        means[y == digit] -= means[y == digit].mean(axis=0)
    speakers = KMeans(N_SPEAKERS, n_init=10, random_state=0).fit_predict(means / means.std(axis=0))
    return X, y, speakers // 2


def folds(task: str) -> Iterator[tuple[Series, NDArray[np.generic], Series, NDArray[np.generic]]]:
    """Yield X_train, y_train, X_test, y_test of each fold."""
    persons: Rows | None = None
    if task == "spoken digits":
        X, y, persons = spoken_digits()
    else:
        X, y, _, _ = read_series(task)
    if task == "WatchExercises":
        with np.load(data_file("timeseries/WatchExercises.npz")) as stored:
            persons = stored["groups_train"]
    if persons is not None:
        pairs = [(persons != person, persons == person) for person in np.unique(persons)]
        splits = [(np.flatnonzero(train), np.flatnonzero(test)) for train, test in pairs]
    else:
        splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(y, y))
    for train, test in splits:
        yield [X[row] for row in train], y[train], [X[row] for row in test], y[test]


def with_holes(X: Series, share: float, rng: np.random.Generator) -> Series:
    """Return copies that lack a share of their values."""
    return [np.where(rng.random(steps.shape) < share, np.nan, steps) for steps in X]


def measure(task: str, *, is_linear: bool, share: float) -> tuple[float, float, float]:
    """Return accuracy, log loss and seconds."""
    results, seconds = [], 0.0
    for number, (train, y, test, y_test) in enumerate(folds(task)):
        rng = np.random.default_rng(number)
        X, X_test = (with_holes(series, share, rng) for series in (train, test))
        model = LSTMSequenceClassifier(max_epochs=0 if is_linear else "auto", random_state=0)
        start = process_time()
        proba = model.fit(X, y).predict_proba(X_test)
        seconds += process_time() - start
        accuracy = 100 * np.mean(model.classes_[proba.argmax(axis=1)] == y_test)
        results.append((accuracy, log_loss(y_test, proba, labels=model.classes_)))
    return *np.mean(results, axis=0), seconds


def main() -> None:
    """Measure the sets that the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=TASKS, metavar="TASK")
    parser.add_argument("--linear", action="store_true", help="the linear model alone")
    parser.add_argument("--missing", type=float, default=0.0, help="share of values to delete")
    options = parser.parse_args()
    for task in options.tasks:
        accuracy, loss, seconds = measure(task, is_linear=options.linear, share=options.missing)
        print(f"{task:16} {accuracy:6.2f} % {loss:.4f} {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
