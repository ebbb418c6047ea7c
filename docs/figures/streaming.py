"""Draw memory over the number of texts: ``python docs/figures/streaming.py``.

It reads docs/streaming.csv, which benchmarks/streaming.py measured, and writes two pictures into
docs/images, one for light and one for dark pages.
"""

import csv
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from lstm_cell import IMAGES, THEMES

TABLE = Path(__file__).parents[1] / "streaming.csv"


def main() -> None:
    """Write the pictures; the same table gives the same bytes."""
    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mpl.rcParams["svg.hashsalt"] = "streaming"
    n_texts = [int(row["texts"].replace(",", "")) for row in rows]
    memory = [int(row["memory, MiB"].replace(",", "")) for row in rows]
    for theme, colors in THEMES.items():
        figure, ax = plt.subplots(figsize=(6.4, 3.2))
        ax.plot(n_texts, memory, "o-", color=colors["ink"])
        ax.set(xscale="log", ylim=(0, None), xlabel="texts", ylabel="memory, MiB")
        ax.set_facecolor("none")
        ax.tick_params(which="both", colors=colors["ink"])
        for spine in ax.spines.values():
            spine.set_color(colors["ink"])
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_color(colors["ink"])
        figure.savefig(
            IMAGES / f"streaming_{theme}.svg",
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None},
        )
        plt.close(figure)


if __name__ == "__main__":
    main()
