"""The cell of an LSTM."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline
from pictures import COLORS, canvas

TOP, BOTTOM = 4.0, 0.75  # heights of the lines of the memory cell and of the hidden state
LAYERS_AT = 1.75
CORNER = 0.16


class Drawing:
    """Lines, boxes and circles."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax

    def line(self, *points: tuple[float, float], color: str = "ink", arrow: bool = True) -> None:
        """Draw a line through the points, with round corners."""
        vertices, codes = [points[0]], [Outline.MOVETO]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            vertices += [_towards(corner, before), corner, _towards(corner, after)]
            codes += [Outline.LINETO, Outline.CURVE3, Outline.CURVE3]
        outline = Outline([*vertices, points[-1]], [*codes, Outline.LINETO])
        color = COLORS[color]
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
                fc=COLORS[kind],
                ec=COLORS["ink"],
                lw=1.2,
                zorder=4,
            )
        )
        self.text(x, LAYERS_AT, function, size=14)
        self.text(x + 0.09, LAYERS_AT - 0.5, name, size=9.5, color="note", ha="left")

    def operation(self, x: float, y: float, symbol: str, radius: float = 0.21) -> None:
        """Draw an operation on each unit."""
        circle = {"fc": COLORS["operation"], "ec": COLORS["ink"], "lw": 1.2}
        self.ax.add_patch(Circle((x, y), radius, zorder=4, **circle))
        self.text(x, y, symbol, size=14 if radius < 0.3 else 12.5)

    def text(
        self, x: float, y: float, text: str, size: float = 13, color: str = "ink", **options: str
    ) -> None:
        """Write a text around the point."""
        options = {"ha": "center", "va": "center"} | options
        self.ax.text(x, y, text, fontsize=size, color=COLORS[color], zorder=5, **options)

    def branch(self, x: float, y: float, color: str = "ink") -> None:
        """Draw the dot at which a line is copied."""
        self.ax.add_patch(Circle((x, y), 0.055, color=COLORS[color], zorder=4))


def _towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Return the point on the way from start to end at the distance of a corner."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])  # lines are level or upright
    share = CORNER / length
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def cell() -> list[Figure]:
    """Draw the cell of step t."""
    figure, ax = canvas((10.4, 5.3), (0, 10.6), (-0.5, 4.7))
    draw = Drawing(ax)
    forget, entry, candidate, output, squash = 2.0, 3.4, 4.8, 6.2, 7.55
    left, right = 0.95, 8.45
    ax.add_patch(
        FancyBboxPatch(
            (left, 0.3),
            right - left,
            4.25,
            boxstyle="round,pad=0,rounding_size=0.25",
            fc=COLORS["cell"],
            ec=COLORS["note"],
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
        box = {"boxstyle": "round,pad=0,rounding_size=0.05", "ec": COLORS["ink"], "lw": 1}
        ax.add_patch(FancyBboxPatch((x, -0.31), 0.3, 0.22, fc=COLORS[kind], **box))
        draw.text(x + 0.4, -0.2, words, ha="left", **small)
    ax.add_patch(Circle((6.25, -0.2), 0.12, fc=COLORS["operation"], ec=COLORS["ink"], lw=1))
    draw.text(6.47, -0.2, "unit by unit, no weights", ha="left", **small)
    return [figure]


def _kind(name: str) -> str:
    return "candidate" if name == "candidate" else "gate"
