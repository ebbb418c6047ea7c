"""Accuracy over the number of training samples: ``python benchmarks/learning_curves.py``.

A fifth of the training part of each task is held out, but at most 2,000 texts; the official test
parts are not read. From the other texts 100, 300, 1,000 and 3,000 are drawn, three times each. A
model is fitted on each draw, and its accuracy on the held-out texts is averaged over the draws.

``--table docs/learning_curves.csv`` writes what the documentation shows, row by row; with
``--missing`` only rows that the table lacks are run. ``docs/figures/accuracy_curves.py`` draws it.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from accuracy import ABLATION, OURS, TASKS, Split, default, measure
from numpy.typing import NDArray
from peers import PEERS
from results_table import ResultsTable, add_row_options
from sklearn.model_selection import train_test_split

CURVES = ("mr_polarity", "trec", "sms_spam", "stackoverflow_titles", "langid_wordpairs")
SIZES = (100, 300, 1000, 3000)
N_DRAWS = 3
N_HELD_OUT = 2000
NETWORK = "network alone"
PLAIN = {
    "word": ("tf-idf of 1- and 2-grams", "tf-idf of words and letters, SVM"),
    "char": ("1-3 letters, linear SVM", "1-5 letters, linear SVM"),
}
COLUMNS = ("task", "n", "model", "accuracy", "standard deviation", "fit, s")


def held_out_split(name: str) -> Split:
    """Return the training part in two: what is drawn from, and what is held out."""
    X, y, _, _ = next(TASKS[name].splits())
    n_held_out = min(N_HELD_OUT, len(y) // 5)
    X_pool, X_held_out, y_pool, y_held_out = train_test_split(
        np.array(X, dtype=object), y, test_size=n_held_out, stratify=y, random_state=0
    )
    return X_pool, y_pool, list(X_held_out), y_held_out


def drawn(y: NDArray[Any], n_samples: int, seed: int) -> NDArray[np.intp]:
    """Return the rows of a draw: each class by its share, and at least once if there is room."""
    rng = np.random.default_rng(seed)
    order = np.empty(len(y))
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        order[rows] = (np.arange(len(rows)) + rng.random()) / len(rows)  # evenly over [0, 1)
        order[rows[0]] -= 1  # before every second one
    return np.argsort(order)[:n_samples]


def makers(kind: str) -> dict[str, Callable[[int], Any]]:
    """Return what makes each model from the number of a draw."""
    peers = {name: lambda _, make=PEERS[kind][name]: make() for name in PLAIN[kind]}
    return peers | {
        OURS: partial(default, kind),
        NETWORK: partial(default, kind, **ABLATION[NETWORK]),
    }


def learn(make: Callable[[int], Any], split: Split, n_samples: int) -> list[str]:
    """Return the mean and the standard deviation of the accuracy, and the seconds of a fit."""
    X, y, X_held_out, y_held_out = split
    scores = []
    for draw in range(N_DRAWS):
        rows = drawn(y, n_samples, draw)
        scores.append(measure(make(draw), (list(X[rows]), y[rows], X_held_out, y_held_out)))
    accuracy = [each["accuracy"] for each in scores]
    seconds = np.mean([each["fit, s"] for each in scores])
    return [f"{figure:.2f}" for figure in (np.mean(accuracy), np.std(accuracy), seconds)]


def main() -> None:
    """Measure and write."""
    keys = [
        (task, str(size), model)
        for task in CURVES
        for size in SIZES
        for model in makers(TASKS[task].kind)
    ]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(CURVES), help="default: all five")
    parser.add_argument("--size", type=int, action="append", help="run these sizes alone")
    add_row_options(parser, keys)
    options = parser.parse_args()

    table = ResultsTable(options.table, COLUMNS, keys)
    done = table.rows() if options.missing else {}
    for task in options.tasks:
        split = held_out_split(task)
        for size, (model, make) in product(SIZES, makers(TASKS[task].kind).items()):
            left_out = (options.size and size not in options.size) or (
                options.model and model not in options.model
            )
            if left_out or (task, str(size), model) in done:
                continue
            row = [task, str(size), model, *learn(make, split, size)]
            print(*row, sep="\t", flush=True)
            table.put(row)


if __name__ == "__main__":
    main()
