"""What a limit of seconds costs: ``python benchmarks/max_seconds.py``.

For each task, the first split and seed 0, the default parameters are fitted without a limit. Then
10, 30 and 100 % of the seconds of this fit are the limit of ``max_seconds``, and beside each stands
a number of ``max_epochs`` that should take no longer: as many epochs as fit, by their mean time,
behind what the fit without a limit spent outside its epochs; one at least.

``--table docs/max_seconds.csv`` writes what the documentation shows, row by row; with ``--missing``
only rows that the table lacks are run. Seconds are those of a clock: nothing else should run.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from accuracy import TASKS, Split, commit, default, probability_scores
from results_table import Key, ResultsTable

LIMITED = ("imdb", "stackoverflow_titles", "brackets")
PERCENT = (10, 30, 100)
COLUMNS = (
    *("task", "% of the seconds", "limited by"),  # the key
    *("limit", "fit, s", "of these epochs, s", "epochs", "accuracy", "log loss", "commit"),
)


def keys(name: str) -> list[Key]:
    """Return the keys of a task's rows, first that of the fit without a limit."""
    limits = ("max_seconds", "max_epochs")
    return [(name, "", ""), *((name, str(each), limit) for each in PERCENT for limit in limits)]


def limit_of(key: Key, unlimited: list[str]) -> dict[str, float]:
    """Return the parameter that limits a fit, by the row of the fit without a limit."""
    _, percent, limited_by = key
    total, in_epochs, n_epochs = map(float, unlimited[4:7])
    seconds = total * int(percent) / 100
    if limited_by == "max_seconds":
        return {limited_by: round(seconds, 2)}
    n_that_fit = (seconds - (total - in_epochs)) / (in_epochs / n_epochs)
    return {limited_by: max(1, int(n_that_fit))}


def measured(key: Key, limit: dict[str, float], split: Split) -> list[str]:
    """Return the row of a fit."""
    X_train, y_train, X_test, y_test = split
    model = default(TASKS[key[0]].kind, 0, **limit)
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    history = model[-1].history_
    return [
        *key,
        str(*limit.values()),
        f"{seconds:.2f}",
        f"{sum(epoch['seconds'] for epoch in history):.2f}",
        str(len(history)),
        f"{100 * np.mean(model.predict(X_test) == y_test):.2f}",
        f"{probability_scores(model, split)['log loss']:.3f}",
        commit(),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(LIMITED), help="default: all three")
    parser.add_argument("--table", type=Path, help="CSV file whose rows are replaced")
    parser.add_argument("--missing", action="store_true", help="run only rows the table lacks")
    options = parser.parse_args()

    table = ResultsTable(options.table, COLUMNS, [key for name in LIMITED for key in keys(name)])
    done = table.rows() if options.missing else {}
    default("word", 0, max_epochs=1).fit(
        ["good", "bad"] * 60, np.tile([0, 1], 60)
    )  # what torch loads at first use is in no figure
    for name in options.tasks:
        first, *limited = keys(name)
        missing = [key for key in (first, *limited) if key not in done]
        split = next(TASKS[name].splits()) if missing else None
        for key in missing:
            limit = limit_of(key, done[first]) if key in limited else {}
            done[key] = measured(key, limit, split)
            print(*done[key], sep="\t", flush=True)
            table.put(done[key])


if __name__ == "__main__":
    main()
