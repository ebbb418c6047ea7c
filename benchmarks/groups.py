"""What `groups` change in `fit`: ``pip install ".[examples]" && python benchmarks/groups.py``.

Samples come in groups: windows of a person, sentences of a review, pieces of a file. A quarter of
the groups is the test part, another one for each of three seeds. The persons 8, 9 and 10 are left
out: they are the test part of ``WatchExercises`` in the other benchmarks. About ten minutes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import calibration_error
from numpy.typing import NDArray
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupShuffleSplit

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import example_data

SEEDS = range(3)
NAMES = ("accuracy", "log loss", "calibration error", "seconds")


def watch() -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """Return windows, exercises and persons."""
    X, y, persons = example_data.fetch_watch_recordings()
    seen = persons < 8
    return X[seen], y[seen], persons[seen]


TASKS: dict[str, tuple[Callable[[], Any], str | None]] = {
    "exercises, by person": (watch, None),
    "product reviews, by review": (example_data.fetch_product_reviews, "word"),
    "brackets, by file": (example_data.load_brackets, "char"),
}


def main() -> None:
    """Print the measures of both ways, for each seed and as means."""
    for task, (fetch, analyzer) in TASKS.items():
        X, y, groups = fetch()
        scores: dict[str, list[list[float]]] = {"alone": [], "groups": []}
        for seed in SEEDS:
            split = GroupShuffleSplit(1, test_size=0.25, random_state=seed)
            [(train, test)] = split.split(X, y, groups)
            X_train, X_test = X[train], X[test]
            if analyzer is not None:
                read = TextSequenceVectorizer(analyzer=analyzer)
                X_train, X_test = read.fit_transform(X_train), read.transform(X_test)
            for way, of_train in {"alone": None, "groups": groups[train]}.items():
                model = LSTMSequenceClassifier(random_state=seed)
                start = time.perf_counter()
                model.fit(X_train, y[train], groups=of_train)
                seconds = time.perf_counter() - start
                probabilities = model.predict_proba(X_test)
                right = model.classes_[probabilities.argmax(axis=1)] == y[test]
                loss = log_loss(y[test], probabilities, labels=model.classes_)
                error = 100 * calibration_error(probabilities, right)
                scores[way].append([100 * right.mean(), loss, error, seconds])
                print(task, seed, way, np.round(scores[way][-1], 3), model.calibration_, flush=True)
        for way, rows in scores.items():
            means = zip(NAMES, np.mean(rows, axis=0), strict=True)
            print(task, way, *(f"{name} {mean:.3f}" for name, mean in means), sep="\t", flush=True)


if __name__ == "__main__":
    main()
