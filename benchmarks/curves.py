"""Accuracy over the seconds of a fit: ``python benchmarks/curves.py``.

For six tasks a fifth of the training part is held out; the test parts are not read. A point is the
classifier with ``max_epochs`` 0, 1, 2, 4, 8 or "auto", or one of its peers with its usual
parameters. ``--table docs/curves.csv --picture docs/images/curves.png`` writes what the
documentation shows. ``--draw`` draws the picture from the table alone.

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

CURVES = ("sms_spam", "trec", "stackoverflow_titles", "dna_splice", "tune_types", "JapaneseVowels")
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


def draw(rows: list[list[str]], path: Path) -> None:
    """Draw the points of each task; those of the classifier are joined."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    mpl.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, panels = plt.subplots(2, 3, figsize=(12, 9), layout="constrained")
    for name, axes in zip(CURVES, panels.flat, strict=True):
        points = [(row[1], float(row[2]), float(row[3])) for row in rows if row[0] == name]
        ours = [point for point in points if point[0].startswith(OURS)]
        axes.plot([p[2] for p in ours], [p[1] for p in ours], "o-", color="tab:blue", label=OURS)
        for label, accuracy, seconds in ours:
            axes.annotate(
                label.partition("=")[2],
                (seconds, accuracy),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color="tab:blue",
            )
        peers = [point for point in points if not point[0].startswith(OURS)]
        for number, (label, accuracy, seconds) in enumerate(peers, start=1):
            axes.plot(seconds, accuracy, "s", label=label, markersize=5, color=f"C{number}")
        best = max(accuracy for _, accuracy, _ in points)
        worst = min(accuracy for _, accuracy, _ in ours)
        axes.set(
            title=name,
            xscale="log",
            xlim=(0.02, 150),
            xlabel="seconds of the fit",
            ylabel="accuracy, %",
            ylim=(max(worst - 6, 2 * worst - best - 4), best + 1.5),
        )
        axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        axes.minorticks_off()
        axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, help="CSV file to write, or with --draw to read")
    parser.add_argument("--picture", type=Path, help="PNG file to write")
    parser.add_argument("tasks", nargs="*", default=list(CURVES), help="default: all six")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.draw:
        with options.table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines))[1:]
    else:
        default("word", 0, max_epochs=1).fit(
            ["good", "bad"] * 60, np.tile([0, 1], 60)
        )  # what torch loads at first use is in no figure
        rows = [row for name in options.tasks for row in run(name)]
        if options.table:
            with options.table.open("w", encoding="utf-8", newline="") as lines:
                csv.writer(lines, lineterminator="\n").writerows([COLUMNS, *rows])
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
