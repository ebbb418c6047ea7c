"""Seconds and memory that a sentence encoder takes ("What it costs" in "With few labels").

``python benchmarks/encoder_costs.py docs/encoder_costs.csv`` writes the table. Seconds are those of
the processor, of MiniLM on one thread: set ``OMP_NUM_THREADS=1``. Fits get vectors that are there
already, so they show the rest of a fit. The data are those of ``few_labels.py``.
"""

from __future__ import annotations

import csv
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import OURS, default
from few_labels import MEMBER, Draws, RememberedTexts

N_LABELS = 300
N_PREDICTED = 1_000


def seconds(run: Callable[..., Any], *arguments: Any) -> float:
    """Return the seconds of the processor that a call takes."""
    start = time.process_time()
    run(*arguments)
    return time.process_time() - start


def fits(task: str, encoder: RememberedTexts) -> list[float]:
    """Return the seconds of a fit without and with vectors that are there already."""
    texts, labels, *_ = Draws(task).split(str(N_LABELS), 0)
    encoder.encode(texts)
    models = [default("word", 0), default("word", 0, encoder=encoder)]
    return [seconds(model.fit, texts, labels) for model in models]


def peak_memory() -> float:
    """Return the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def rows() -> list[list[str]]:
    """Return the rows of the table."""
    titles, labels, *_ = Draws("stackoverflow_titles").split("all", 0)
    few, new = titles[:N_LABELS], titles[-N_PREDICTED:]
    costs: list[list[float]] = []
    for make in (None, lambda: RememberedTexts().encoder):  # peaks of memory only rise
        model = default("word", 0, encoder=make and make())
        model.fit(few, labels[:N_LABELS])
        one = seconds(lambda model: [model.predict([text]) for text in new[:50]], model) / 50
        costs.append([1000 * one, seconds(model.predict, new), peak_memory()])
    remembered = RememberedTexts()
    encode = remembered.encoder.encode
    table = {"predict one title, ms": [cost[0] for cost in costs]}
    for n_titles in (N_PREDICTED, 10_000, 100_000):
        name = f"predict {n_titles:,} titles, s" + (n_titles > N_PREDICTED) * " (extrapolated)"
        table[name] = [n_titles / N_PREDICTED * cost[1] for cost in costs]
    table["memory of the process, MB"] = [cost[2] for cost in costs]
    for task, size, unit in (("mr_polarity", 500, "sentence"), ("imdb", 30, "review")):
        texts = Draws(task).X[:size]
        table[f"encode a {unit}, ms"] = [np.nan, 1000 * seconds(encode, texts) / size]
    for task, name in {"trec": "questions", "mr_polarity": "sentences"}.items():
        table[f"fit to {N_LABELS} {name}, without encoding, s"] = fits(task, remembered)
    return [[name, *map(shown, values)] for name, values in table.items()]


def shown(value: float) -> str:
    """Return three digits, or none behind the point."""
    return "" if np.isnan(value) else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerows([["", OURS, MEMBER.format("MiniLM")], *rows()])
