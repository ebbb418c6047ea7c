"""What `groups` change in `fit`: ``pip install ".[examples]" && python benchmarks/groups.py``.

Samples come in groups: windows of a person, sentences of a review, pieces of a file. The test part
is a third of the groups, for each of the seeds 0, 1 and 2 another one.
``--folds 7 exercises`` tests each of seven persons in turn. The persons 8, 9 and 10 are left out:
they are the test part of ``WatchExercises`` in the other benchmarks. About ten minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import calibration_error
from numpy.typing import NDArray
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import example_data

NAMES = ("accuracy", "log loss", "calibration error", "seconds")


def watch() -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """Return windows, exercises and persons."""
    X, y, persons = example_data.fetch_watch_recordings()
    seen = persons < 8
    return X[seen], y[seen], persons[seen]


TASKS: dict[str, tuple[Callable[[], Any], str | None]] = {
    "exercises": (watch, None),
    "product_reviews": (example_data.fetch_product_reviews, "word"),
    "brackets": (example_data.load_brackets, "char"),
}


def main() -> None:
    """Print the measures of both ways, for each seed and as means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--folds", type=int, default=3)
    options = parser.parse_args()
    for task in options.tasks:
        fetch, analyzer = TASKS[task]
        X, y, groups = fetch()
        scores: dict[str, list[list[float]]] = {"alone": [], "groups": []}
        for seed, (train, test) in enumerate(GroupKFold(options.folds).split(X, y, groups)):
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
