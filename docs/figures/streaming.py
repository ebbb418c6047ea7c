"""Memory over the number of texts, as benchmarks/streaming.py measured it."""

import csv
from pathlib import Path

from matplotlib.figure import Figure
from pictures import COLORS

TABLE = Path(__file__).parents[1] / "streaming.csv"


def memory() -> list[Figure]:
    """Draw the rows of streaming.csv."""
    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure((6.4, 3.2))
    axes = figure.subplots()
    texts, memory = (
        [int(row[name].replace(",", "")) for row in rows] for name in ("texts", "memory, MiB")
    )
    axes.plot(texts, memory, "o-", color=COLORS["ink"])
    axes.set(xscale="log", ylim=(0, None), xlabel="texts", ylabel="memory, MiB")
    return [figure]
