"""Draw the cell of an LSTM: ``python docs/figures/lstm_cell.py``.

It writes two pictures into docs/images, one for light and one for dark pages.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline

IMAGES = Path(__file__).parent.parent / "images"
THEMES = {
    "light": {
        "ink": "#24292f",
        "paper": "#ffffff",
        "cell": "#f3f5f8",
        "gate": "#cfe3fb",
        "candidate": "#fbdcc4",
        "operation": "#ffffff",
        "memory": "#b3261e",
        "note": "#57606a",
    },
    "dark": {
        "ink": "#e6e9ee",
        "paper": "#14181e",
        "cell": "#20262e",
        "gate": "#1f4a78",
        "candidate": "#7a4520",
        "operation": "#20262e",
        "memory": "#ff8f85",
        "note": "#a9b3c0",
    },
}
TOP, BOTTOM = 4.0, 0.75  # heights of the lines of the memory cell and of the hidden state
LAYERS_AT = 1.75
CORNER = 0.16


class Drawing:
    """Lines, boxes and circles in the colours of one theme."""

    def __init__(self, ax: Axes, colors: dict[str, str]) -> None:
        self.ax = ax
        self.colors = colors

    def line(self, *points: tuple[float, float], color: str = "ink", arrow: bool = True) -> None:
        """Draw a line through the points, with round corners."""
        vertices, codes = [points[0]], [Outline.MOVETO]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            vertices += [_towards(corner, before), corner, _towards(corner, after)]
            codes += [Outline.LINETO, Outline.CURVE3, Outline.CURVE3]
        outline = Outline([*vertices, points[-1]], [*codes, Outline.LINETO])
        color = self.colors[color]
        self.ax.add_patch(PathPatch(outline, fill=False, edgecolor=color, lw=1.7, zorder=2))
        if arrow:
            style = {"arrowstyle": "-|>,head_width=0.22,head_length=0.42", "lw": 0, "fc": color}
            start = _towards(points[-1], points[-2])
            self.ax.annotate("", points[-1], start, arrowprops=style | {"shrinkB": 0}, zorder=3)

    def layer(self, x: float, function: str, kind: str, name: str) -> None:
        """Draw a layer with weights, and its name below it."""
        width, height = 0.86, 0.56
        self.ax.add_patch(
            FancyBboxPatch(
                (x - width / 2, LAYERS_AT - height / 2),
                width,
                height,
                boxstyle="round,pad=0,rounding_size=0.08",
                fc=self.colors[kind],
                ec=self.colors["ink"],
                lw=1.2,
                zorder=4,
            )
        )
        self.text(x, LAYERS_AT, function, size=14)
        self.text(x + 0.09, LAYERS_AT - 0.5, name, size=9.5, color="note", ha="left")

    def operation(self, x: float, y: float, symbol: str, radius: float = 0.21) -> None:
        """Draw an operation on each unit."""
        circle = {"fc": self.colors["operation"], "ec": self.colors["ink"], "lw": 1.2}
        self.ax.add_patch(Circle((x, y), radius, zorder=4, **circle))
        self.text(x, y, symbol, size=14 if radius < 0.3 else 12.5)

    def text(
        self, x: float, y: float, text: str, size: float = 13, color: str = "ink", **options: str
    ) -> None:
        """Write a text around the point."""
        options = {"ha": "center", "va": "center"} | options
        self.ax.text(x, y, text, fontsize=size, color=self.colors[color], zorder=5, **options)

    def branch(self, x: float, y: float, color: str = "ink") -> None:
        """Draw the dot at which a line is copied."""
        self.ax.add_patch(Circle((x, y), 0.055, color=self.colors[color], zorder=4))


def _towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Return the point on the way from start to end at the distance of a corner."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])  # lines are level or upright
    share = CORNER / length
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def draw_cell(ax: Axes, colors: dict[str, str]) -> None:
    """Draw the cell of step t."""
    draw = Drawing(ax, colors)
    forget, entry, candidate, output, squash = 2.0, 3.4, 4.8, 6.2, 7.55
    left, right = 0.95, 8.45
    ax.add_patch(
        FancyBboxPatch(
            (left, 0.3),
            right - left,
            4.25,
            boxstyle="round,pad=0,rounding_size=0.25",
            fc=colors["cell"],
            ec=colors["note"],
            lw=1,
        )
    )
    # The memory cell runs along the top.
    draw.line((0.1, TOP), (forget - 0.21, TOP), color="memory")
    draw.line((forget + 0.21, TOP), (candidate - 0.21, TOP), color="memory")
    draw.line((candidate + 0.21, TOP), (9.3, TOP), color="memory")
    draw.operation(forget, TOP, r"$\odot$")
    draw.operation(candidate, TOP, "$+$")
    # The input and the last hidden state go to four layers.
    draw.line((0.1, BOTTOM), (output, BOTTOM), (output, LAYERS_AT - 0.28))
    draw.line((1.2, -0.35), (1.2, BOTTOM), (1.5, BOTTOM), arrow=False)
    for x, name in ((forget, "forget gate"), (entry, "input gate"), (candidate, "candidate")):
        draw.line((x, BOTTOM), (x, LAYERS_AT - 0.28))
        draw.branch(x, BOTTOM)
        draw.layer(x, r"$\tanh$" if x == candidate else r"$\sigma$", _kind(name), name)
    draw.layer(output, r"$\sigma$", "gate", "output gate")
    # Gates multiply.
    draw.line((forget, LAYERS_AT + 0.28), (forget, TOP - 0.21))
    draw.line((entry, LAYERS_AT + 0.28), (entry, 2.95), (candidate - 0.21, 2.95))
    draw.line((candidate, LAYERS_AT + 0.28), (candidate, 2.95 - 0.21))
    draw.operation(candidate, 2.95, r"$\odot$")
    draw.line((candidate, 2.95 + 0.21), (candidate, TOP - 0.21))
    draw.branch(squash, TOP, "memory")
    draw.line((squash, TOP), (squash, 3.3 + 0.32), color="memory")
    draw.operation(squash, 3.3, r"$\tanh$", radius=0.32)
    draw.line((squash, 3.3 - 0.32), (squash, 2.5 + 0.21))
    draw.operation(squash, 2.5, r"$\odot$")
    draw.line((output, LAYERS_AT + 0.28), (output, 2.5), (squash - 0.21, 2.5))
    draw.line((squash, 2.5 - 0.21), (squash, BOTTOM), (9.3, BOTTOM))
    # Names of what flows.
    draw.text(0.45, TOP + 0.27, "$c_{t-1}$", color="memory")
    draw.text(8.9, TOP + 0.27, "$c_t$", color="memory")
    draw.text(0.45, BOTTOM + 0.27, "$h_{t-1}$")
    draw.text(8.9, BOTTOM + 0.27, "$h_t$")
    draw.text(1.48, -0.2, "$x_t$")
    draw.text(forget + 0.25, 2.95, "$f_t$")
    draw.text(entry + 0.65, 3.17, "$i_t$")
    draw.text(candidate + 0.25, 2.4, "$g_t$")
    draw.text(output + 0.3, 2.71, "$o_t$")
    small = {"size": 10, "color": "note"}
    draw.text(9.45, TOP, "memory cell", ha="left", **small)
    draw.text(9.45, BOTTOM, "hidden state", ha="left", **small)
    # What the shapes mean.
    for x, kind, words in ((2.3, "gate", "layer, 0 to 1"), (4.2, "candidate", "layer, $-1$ to 1")):
        box = {"boxstyle": "round,pad=0,rounding_size=0.05", "ec": colors["ink"], "lw": 1}
        ax.add_patch(FancyBboxPatch((x, -0.31), 0.3, 0.22, fc=colors[kind], **box))
        draw.text(x + 0.4, -0.2, words, ha="left", **small)
    ax.add_patch(Circle((6.25, -0.2), 0.12, fc=colors["operation"], ec=colors["ink"], lw=1))
    draw.text(6.47, -0.2, "unit by unit, no weights", ha="left", **small)


def _kind(name: str) -> str:
    return "candidate" if name == "candidate" else "gate"


def save_themes(
    name: str,
    draw: Callable[[Axes, dict[str, str]], None],
    size: tuple[float, float],
    limits: dict[str, tuple[float, float]],
) -> None:
    """Write one picture for each theme; the same input gives the same bytes."""
    mpl.rcParams["svg.hashsalt"] = name
    for theme, colors in THEMES.items():
        figure, ax = plt.subplots(figsize=size)
        ax.set(**limits, aspect="equal")
        ax.axis("off")
        draw(ax, colors)
        figure.savefig(
            IMAGES / f"{name}_{theme}.svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.05,
            metadata={"Date": None},
        )
        plt.close(figure)


def main() -> None:
    """Write the pictures."""
    mpl.rcParams["mathtext.fontset"] = "cm"
    limits = {"xlim": (0, 10.6), "ylim": (-0.5, 4.7)}
    save_themes("lstm_cell", draw_cell, (10.4, 5.3), limits)


if __name__ == "__main__":
    main()
