"""The measured curves of the pages, wide and narrow."""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measured import OURS, TASKS, few_labels, model_name, read

DOCS = Path(__file__).parents[1]
COLORS = ("#888888", "#d2671a", "#3b9f4f", "#a05fd0", "#c2508f", "#8a6d3b", "#20a0a8", "#b0a020")
MARKERS = "sD^vPX*"
Point = tuple[float, float, float]  # x, accuracy, what lies around it
Curves = dict[str, list[Point]]


def style_of(models: list[str]) -> dict[str, dict[str, str]]:
    """Return a colour and a marker for each model; ours stand out in blue."""
    ours = [model for model in models if model.startswith(OURS)]
    others = [model for model in models if model not in ours]
    styles = {model: {"color": "#2f7fd3", "marker": "o"} for model in ours}
    return styles | {
        model: {"color": color, "marker": marker}
        for model, color, marker in zip(others, cycle(COLORS), cycle(MARKERS), strict=False)
    }


def over_size(axes: Axes, curves: Curves, styles: dict[str, dict[str, str]]) -> None:
    """Draw the accuracy over the number of samples, with its error."""
    for model, points in curves.items():
        size, accuracy, error = zip(*sorted(points), strict=True)
        axes.plot(size, accuracy, markersize=5, label=model, **styles[model])
        low, high = zip(
            *((a - e, a + e) for a, e in zip(accuracy, error, strict=True)), strict=True
        )
        axes.fill_between(size, low, high, color=styles[model]["color"], alpha=0.15, linewidth=0)
    sizes = sorted({point[0] for points in curves.values() for point in points})
    ticks = [tick for tick in (100, 300, 1_000, 3_000, 10_000) if tick <= sizes[-1]]
    axes.set(xscale="log", xlabel="labelled samples")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])


def over_seconds(axes: Axes, curves: Curves, styles: dict[str, dict[str, str]]) -> None:
    """Draw the accuracy over the seconds of a fit; ours are joined, from the linear model on."""
    ours = [accuracy for _, accuracy, _ in curves[OURS]]
    best = max(accuracy for points in curves.values() for _, accuracy, _ in points)
    worst = max(min(ours) - 6, 2 * min(ours) - best - 4)
    for model, points in curves.items():
        seconds, accuracy, _ = zip(*points, strict=True)
        if max(accuracy) > worst:
            line = "-" if model == OURS else " "
            style = {"linestyle": line, "markersize": 5, "label": model}
            axes.plot(seconds, accuracy, **style, **styles[model])
    axes.set(xscale="log", xlim=(0.02, 200), ylim=(worst, best + 1.5))
    axes.set_xlabel("seconds of the fit")
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])


def panels_of(
    tasks: dict[str, Curves], draw: Callable[[Axes, Curves, dict[str, dict[str, str]]], None]
) -> list[Figure]:
    """Draw a panel for each task, in both widths."""
    styles = style_of(list(dict.fromkeys(model for curves in tasks.values() for model in curves)))
    figures = []
    for n_columns in (3, 1):
        n_rows = -(-len(tasks) // n_columns)
        size = (10.5, 3.1 * n_rows + 0.8) if n_columns > 1 else (4.2, 2.9 * n_rows + 1.6)
        figure = Figure(size, layout="constrained")
        panels = figure.subplots(n_rows, n_columns)
        for axes in panels.flat[len(tasks) :]:
            axes.axis("off")
        shown = {}
        for (task, curves), axes in zip(tasks.items(), panels.flat, strict=False):
            draw(axes, curves, styles)
            axes.set(title=TASKS[task], ylabel="accuracy, %")
            axes.minorticks_off()
            axes.grid(alpha=0.25)
            shown |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(
            [shown[model] for model in styles if model in shown],
            [model for model in styles if model in shown],
            loc="outside lower center",
            ncols=n_columns,
            frameon=False,
        )
        figures.append(figure)
    return figures


def curves_of(rows: list[dict[str, str]], x: str, error: str | None) -> dict[str, Curves]:
    """Return the points of each model on each task, in the order of the table."""
    tasks: dict[str, Curves] = {}
    for row in rows:
        model = model_name(row["model"].partition(", max_epochs")[0])
        around = float(row[error] or 0) if error else 0
        point = (float(row[x]), float(row["accuracy"]), around)
        tasks.setdefault(row["task"], {}).setdefault(model, []).append(point)
    return tasks


def by_seconds() -> list[Figure]:
    """Draw accuracy over the seconds of a fit."""
    return panels_of(curves_of(read(DOCS / "curves.csv"), "fit, s", None), over_seconds)


def learning_curves() -> list[Figure]:
    """Draw accuracy over the number of samples."""
    rows = read(DOCS / "learning_curves.csv")
    return panels_of(curves_of(rows, "n", "standard deviation"), over_size)


def with_few_labels() -> list[Figure]:
    """Draw accuracy over the number of labels."""
    rows = [row for row in few_labels(DOCS) if "class" not in row["size"]]
    return panels_of(curves_of(rows, "labels", "standard error"), over_size)
