"""Accuracy over the seconds of a fit; ``python docs/figures/accuracy_seconds.py`` draws README's.

Each task of docs/accuracy.csv is a line from the linear model alone to the default, if both were
measured at a commit, with the most accurate other model beside it.
"""

import sys
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

DOCS = Path(__file__).parents[1]
sys.path.append(str(DOCS))
from measured import KINDS, OURS, PARTS, accuracy, read  # noqa: E402
from pictures import COLORS, STYLE, svg_of  # noqa: E402

BLUE, ORANGE, PAPER = "#2f7fd3", "#d2671a", COLORS["paper"]
LEAST_ERROR = 0.25  # percent; smaller ones stand there
TICKS = (70, 80, 90, 95, 98, 99, 99.5)
GAP = 0.048  # of the height of a panel, between two names
Rows = list[dict[str, str]]


def height(row: dict[str, str]) -> float:
    """Return where an accuracy stands: its errors are on a logarithmic scale."""
    return 1 / max(100 - accuracy(row), LEAST_ERROR)


def draw(axes: Axes, tasks: dict[str, str], rows: Rows) -> None:
    """Draw the tasks of one kind."""
    ends = []
    for task, title in tasks.items():
        here = {row["model"]: row for row in rows if row["task"] == task}
        start, end = here[PARTS[0]], here[OURS]
        best = max((row for name, row in here.items() if name not in {OURS, *PARTS}), key=accuracy)
        seconds = [float(row["fit, s"]) for row in (start, end, best)]
        if start["commit"] and end["commit"]:
            axes.plot(seconds[:2], [height(start), height(end)], color=BLUE, linewidth=1.2)
            axes.plot(seconds[0], height(start), "o", color=BLUE, mfc=PAPER, markersize=5)
        axes.plot(seconds[1], height(end), "o", color=BLUE, markersize=6)
        axes.plot(seconds[2], height(best), "x", color=ORANGE, markersize=6)
        axes.plot(seconds[1:], [height(end), height(best)], ":", color=ORANGE, linewidth=0.8)
        ends.append((height(end), seconds[1], title))
    axes.set(xscale="log", yscale="log", xlim=(0.05, 1_000), ylim=(1 / 33, 1 / LEAST_ERROR * 1.15))
    axes.set_yticks([1 / (100 - tick) for tick in TICKS], [f"{tick:g} %" for tick in TICKS])
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.minorticks_off()
    axes.grid(alpha=0.25)
    place = 1.0
    to_axes = axes.transData + axes.transAxes.inverted()
    for level, second, title in sorted(ends, reverse=True):  # names from top to bottom, apart
        x, y = to_axes.transform((second, level))
        place = min(place - GAP, y)
        axes.annotate(
            title,
            (x, y),
            (1.02, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "color": COLORS["ink"], "alpha": 0.25, "linewidth": 0.6},
        )


def all_tasks() -> list[Figure]:
    """Draw the tasks of each kind, wide and narrow."""
    rows, figures = read(DOCS / "accuracy.csv"), []
    marks = [
        Line2D([], [], color=BLUE, marker="o", markerfacecolor=PAPER, label="linear model alone"),
        Line2D([], [], color=BLUE, marker="o", label="the default"),
        Line2D([], [], color=ORANGE, marker="x", linestyle=" ", label="most accurate other model"),
    ]
    for shape, size in (((1, 3), (10, 4.2)), ((3, 1), (4.2, 11))):
        figure = Figure(size, layout="constrained")
        for axes, (kind, tasks) in zip(figure.subplots(*shape).flat, KINDS.items(), strict=True):
            draw(axes, tasks, rows)
            axes.set_title(kind, loc="left")
        figure.supxlabel("seconds of the fit", fontsize=9)
        figure.supylabel("accuracy", fontsize=9)
        place = "outside upper center"
        figure.legend(handles=marks, loc=place, ncols=shape[1], frameon=False)
        figures.append(figure)
    return figures


if __name__ == "__main__":
    with rc_context(STYLE | {"savefig.facecolor": COLORS["paper"]}):
        drawn = svg_of(all_tasks()[0], "accuracy_seconds")
    (DOCS / "static" / "accuracy_seconds.svg").write_text(drawn, encoding="utf-8")
