"""Time and memory of the linear models: ``python benchmarks/linear.py``.

All data are made here, and it takes about two minutes. Each case runs in a process of its own.
Memory is the highest resident memory while fitting, less what the process had before.
"""

from __future__ import annotations

import resource
import sys
import time
from multiprocessing import get_context
from typing import Any

import numpy as np

from sklearn_lstm import LSTMSequenceClassifier

UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss in a MiB


def texts(n_samples: int, n_classes: int, n_ids: int, seed: int = 0) -> tuple[list[Any], Any]:
    """Return sentences of about 12 ids, a quarter of which come from six ids of their class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_samples) % n_classes
    often = 1 / np.arange(1, n_ids + 1)  # Zipf's law
    own = np.random.default_rng(1).integers(2, n_ids, (n_classes, 6))
    X = []
    for label in y:
        row = rng.choice(n_ids, rng.integers(6, 18), p=often / often.sum()) + 2
        X.append(np.where(rng.random(len(row)) < 1 / 4, rng.choice(own[label], len(row)), row))
    return X, y


def series(n_samples: int, n_steps: int, seed: int = 0) -> tuple[list[Any], Any]:
    """Return waves of three frequencies in noise that drifts."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n_samples)
    noise = rng.normal(size=(2, n_samples, n_steps))
    X = np.sin(np.arange(n_steps) * (y[:, np.newaxis] + 1) * 0.7) * 0.9
    X += noise[0] + noise[1].cumsum(axis=1) / 2
    return list(X[:, :, np.newaxis]), y


def measure(kind: str, n_samples: int, n_classes: int, size: int) -> tuple[float, float, float]:
    """Return seconds and MiB to fit and predict, and the accuracy on new samples."""

    def make(seed: int) -> tuple[list[Any], Any]:
        if kind == "words":
            return texts(n_samples, n_classes, size, seed)
        return series(n_samples, size, seed)

    X, y = make(0)
    model = LSTMSequenceClassifier(linear_model="alone", input_type=kind, random_state=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    try:
        model.fit(X, y)
        accuracy = model.score(*make(1))
    except ValueError:  # the linear model was left out
        accuracy = float("nan")
    seconds = time.perf_counter() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / UNIT
    return seconds, memory, accuracy


CASES = {
    "words: 2,000 texts of 2 classes": ("words", 2000, 2, 3000),
    "words: 2,000 texts of 400 classes": ("words", 2000, 400, 3000),
    "words: 100,000 texts of 5,000 classes": ("words", 100_000, 5000, 100_000),
    "series: 1,000 of 10 steps": ("measurements", 1000, 3, 10),
    "series: 4,000 of 10 steps": ("measurements", 4000, 3, 10),
    "series: 20,000 of 10 steps": ("measurements", 20_000, 3, 10),
}

if __name__ == "__main__":
    print(f"{'':<40} {'seconds':>8} {'MiB':>6} {'accuracy':>9}")
    for name, case in CASES.items():
        with get_context("spawn").Pool(1) as pool:
            seconds, memory, accuracy = pool.apply(measure, case)
        print(f"{name:<40} {seconds:8.2f} {memory:6.0f} {accuracy:9.3f}", flush=True)
