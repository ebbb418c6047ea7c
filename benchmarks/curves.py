"""Accuracy over the seconds of a fit: ``python benchmarks/curves.py``.

For six tasks a fifth of the training part is held out; the test parts are not read. A point is the
classifier with ``max_epochs`` 0, 1, 2, 4, 8 or "auto", or one of its peers with its usual
parameters. ``--table docs/curves.csv`` writes what the documentation shows, and
``docs/figures/accuracy_curves.py`` draws it.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import OURS, TASKS, compile_ahead, default, measure
from peers import COMPILED, PEERS
from sklearn.model_selection import train_test_split

CURVES = ("sms_spam", "trec", "stackoverflow_titles", "brackets", "tune_types", "JapaneseVowels")
EPOCHS: tuple[int | str, ...] = (0, 1, 2, 4, 8, "auto")
SLOW = {"LSTM through skorch", "1-NN, time warping"}  # and no better
COLUMNS = ("task", "model", "accuracy", "fit, s")


def inner_split(name: str) -> tuple[Any, Any, Any, Any]:
    """Return four fifths of the training part, and the last fifth."""
    X, y, _, _ = next(TASKS[name].splits())
    X_fit, X_held_out, y_fit, y_held_out = train_test_split(
        list(X), y, test_size=0.2, stratify=y, random_state=0
    )
    return X_fit, y_fit, X_held_out, y_held_out


def run(name: str) -> list[list[str]]:
    """Return and print the points of a task."""
    split, kind = inner_split(name), TASKS[name].kind
    models = {peer: make() for peer, make in PEERS[kind].items() if peer not in SLOW}
    for max_epochs in EPOCHS:
        models[f"{OURS}, max_epochs={max_epochs}"] = default(kind, 0, max_epochs=max_epochs)
    rows = []
    for label, model in models.items():
        try:
            if label in COMPILED:
                compile_ahead(model, split)
            scores = measure(model, split)
        except ImportError as error:
            print(f"{label} is not installed: {error.name}")
            continue
        rows.append([name, label, f"{scores['accuracy']:.2f}", f"{scores['fit, s']:.2f}"])
        print(*rows[-1], sep="\t", flush=True)
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, help="CSV file to write")
    parser.add_argument("tasks", nargs="*", default=list(CURVES), help="default: all six")
    options = parser.parse_args()
    default("word", 0, max_epochs=1).fit(
        ["good", "bad"] * 60, np.tile([0, 1], 60)
    )  # what torch loads at first use is in no figure
    rows = [row for name in options.tasks for row in run(name)]
    if options.table:
        with options.table.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
