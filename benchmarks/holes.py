"""What missing values cost: ``pip install ".[examples]" && python benchmarks/holes.py``.

Of each series 0, 20, 50 and 80 % of the values are deleted: at random, or in blocks of several
steps of a channel, as when a sensor fails. Training and test part lack them alike. The classifier
with its default parameters reads what is left in three ways: as it is, with the last value carried
forward, or with the mean of the channel over the training part in place of each missing value.
(Before the first value, carrying forward takes that mean too.) Each row has the accuracies and log
losses of the three, means over the seeds 0 and 1. Of the larger sets every fourth series is read.
The option ``--table docs/holes.csv`` writes the rows. About half an hour on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from benchmark_data import Series, read_series
from numpy.typing import NDArray
from results_table import ResultsTable, add_row_options
from sklearn.metrics import log_loss

from sklearn_lstm import LSTMSequenceClassifier

TASKS = {"PLAID": 4, "JapaneseVowels": 1, "WatchExercises": 4}  # every so many series are read
SHARES = (0.2, 0.5, 0.8)
LONGEST_BLOCK = 1 / 3  # of a series


def at_random(shape: tuple[int, int], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which values (n_steps, n_channels) are deleted, each by itself."""
    return rng.random(shape) < share


def in_blocks(shape: tuple[int, int], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which values are deleted, in blocks of up to a third of the steps of a channel."""
    n_steps, n_channels = shape
    is_deleted = np.zeros(shape, dtype=bool)
    longest = max(2, int(LONGEST_BLOCK * n_steps))
    for channel in range(n_channels):
        while is_deleted[:, channel].mean() < share:
            start = rng.integers(-longest, n_steps)
            is_deleted[max(start, 0) : start + rng.integers(1, longest + 1), channel] = True
    return is_deleted


WAYS: dict[str, Callable[..., NDArray[np.bool_]]] = {"at random": at_random, "in blocks": in_blocks}


def with_holes(X: Series, way: str, share: float, rng: np.random.Generator) -> Series:
    """Return copies of series that lack a share of their values; the last step keeps one."""
    copies = []
    for series in X:
        is_deleted = WAYS[way](series.shape, share, rng)
        is_deleted[-1, rng.integers(series.shape[1])] = False
        copies.append(np.where(is_deleted, np.nan, series))
    return copies


def carried_forward(X: Series, means: NDArray[np.float64]) -> Series:
    """Return series with the last value in place of missing ones, and the mean before the first."""
    filled = []
    for series in X:
        steps = np.arange(len(series))[:, np.newaxis]
        last = np.maximum.accumulate(np.where(np.isnan(series), -1, steps), axis=0)
        filled.append(np.where(last < 0, means, np.take_along_axis(series, last, axis=0)))
    return filled


def mean_filled(X: Series, means: NDArray[np.float64]) -> Series:
    """Return series with the means in place of missing values."""
    return [np.where(np.isnan(series), means, series) for series in X]


READ: dict[str, Callable[[Series, NDArray[np.float64]], Series]] = {
    "as it is": lambda X, _: X,
    "forward fill": carried_forward,
    "mean fill": mean_filled,
}
HEADER = (
    "data",
    "deleted",
    *(f"{measure}, {name}" for measure in ("accuracy", "log loss") for name in READ),
)


def main() -> None:
    """Print the table."""
    kinds = ["nothing", *(f"{share:.0%} {way}" for way in WAYS for share in SHARES)]
    keys = [(task, kind) for task in TASKS for kind in kinds]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help="default: all")
    parser.add_argument("--seeds", type=int, default=2)
    add_row_options(parser, keys)
    options = parser.parse_args()
    table = ResultsTable(options.table, HEADER, keys)
    done = table.rows() if options.missing else {}
    for task, kind in keys:
        if task not in options.tasks or (options.model and kind not in options.model):
            continue
        if (task, kind) in done:
            continue
        X_train, y_train, X_test, y_test = (part[:: TASKS[task]] for part in read_series(task))
        scores = np.zeros((2, len(READ), options.seeds))
        for seed in range(options.seeds):
            holes = [X_train, X_test]
            if kind != "nothing":
                share, way = kind.split("% ")
                rng = np.random.default_rng(seed)
                holes = [with_holes(X, way, float(share) / 100, rng) for X in holes]
            means = np.nanmean(np.concatenate(holes[0]), axis=0)
            for number, read in enumerate(READ.values()):
                train, test = (read(X, means) for X in holes)
                model = LSTMSequenceClassifier(random_state=seed).fit(train, y_train)
                probabilities = model.predict_proba(test)
                right = model.classes_[probabilities.argmax(axis=1)] == y_test
                loss = log_loss(y_test, probabilities, labels=model.classes_)
                scores[:, number, seed] = 100 * right.mean(), loss
        row = [task, kind, *(f"{score:.2f}" for score in scores.mean(axis=2).ravel())]
        print(*row, sep="\t", flush=True)
        table.put(row)


if __name__ == "__main__":
    main()
