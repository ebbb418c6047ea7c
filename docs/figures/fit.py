"""What ``fit`` does, step by step."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from pictures import COLORS, canvas

LEFT, RIGHT = 0.0, 12.2
STEP_COLUMNS = 1.9, 6.1, 10.3  # middles of the boxes
MEMBER_COLUMNS = LINEAR, NETWORK = 2.9, 9.3
STEPS, SAMPLES, MEMBERS, BLEND, MODEL = 7.9, 6.45, 4.25, 1.8, 0.4  # middles of the rows
STEP_WIDTH, WIDTH, HEIGHT = 3.8, 5.2, 1.6  # of the box of a step, and of that of a member
PARTS = {"others": ("cell", 0.8), "held out": ("gate", 1.0)}  # where they end
SMALL = {"fontsize": 10}


class Drawing:
    """Boxes, bars, arrows and texts."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax

    def text(
        self, x: float, y: float, text: str, color: str = "ink", **options: str | float
    ) -> None:
        """Write a text around the point."""
        options = {"ha": "center", "va": "center", "fontsize": 11} | options
        self.ax.text(x, y, text, color=COLORS[color], linespacing=1.35, **options)

    def box(self, x: float, y: float, size: tuple[float, float], title: str, text: str) -> None:
        """Draw a box around the point, with a title and lines of text."""
        corner = (x - size[0] / 2, y - size[1] / 2)
        style = {"boxstyle": "round,pad=0,rounding_size=0.1", "ec": COLORS["ink"], "lw": 1.2}
        self.ax.add_patch(FancyBboxPatch(corner, *size, fc=COLORS["cell"], **style))
        top = y + size[1] / 2
        self.text(x, top - 0.27, title, weight="bold")
        self.text(x, top - 0.5, text, va="top", **SMALL)

    def bar(
        self, left: float, y: float, size: tuple[float, float], names: dict[str, str], without: str
    ) -> None:
        """Draw the samples as a bar of two parts; one of them may be left out."""
        start = left
        for part, (color, share) in PARTS.items():
            end = left + share * size[0]
            is_out = part == without
            fill = {"fc": "none" if is_out else COLORS[color], "ls": ":" if is_out else "-"}
            style = {"ec": COLORS["note" if is_out else "ink"], "lw": 1.2, **fill}
            corner = (start, y - size[1] / 2)
            self.ax.add_patch(
                Rectangle(corner, end - start, size[1], zorder=1 + (not is_out), **style)
            )
            if not is_out:
                self.text((start + end) / 2, y, names[part], zorder=4, **SMALL)
            start = end

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], color: str = "ink", **style: str
    ) -> None:
        """Draw an arrow."""
        style = {"arrowstyle": "-|>", "mutation_scale": 13, "lw": 1.5} | style
        style |= {"shrinkA": 0, "shrinkB": 0, "color": COLORS[color]}
        self.ax.annotate("", end, start, arrowprops=style)


def steps_of_fit() -> list[Figure]:
    """Draw the steps from top to bottom, and the two members side by side."""
    figure, ax = canvas((10.4, 7.6), (-0.1, 12.3), (0.0, 8.6))
    draw = Drawing(ax)
    steps = {
        "1  Read": "X: sequences\ny: indices of classes",
        "2  Plan": "which members? how many\nepochs, and held-out samples?",
        "3  Hold out": "a part of the samples is\nhidden from the network",
    }
    for x, (title, text) in zip(STEP_COLUMNS, steps.items(), strict=True):
        draw.box(x, STEPS, (STEP_WIDTH, 1.15), title, text)
    for start, end in pairwise(STEP_COLUMNS):
        draw.arrow((start + STEP_WIDTH / 2, STEPS), (end - STEP_WIDTH / 2, STEPS))
    last = STEP_COLUMNS[-1]
    draw.arrow((last, STEPS - 0.575), (last, SAMPLES + 0.3))
    names = {"others": "all other samples", "held out": "held out"}
    draw.bar(LEFT, SAMPLES, (RIGHT - LEFT, 0.6), names, without="")
    # The members, each below the samples that it is fitted to.
    features = "token ids: n-grams and letters\nseries: random convolutions"
    members = {
        "4  Fit the linear model": ("", f"{features}\nthen once more, without held-out samples"),
        "5  Train the network": (
            "held out",
            "until the loss of the held-out\nsamples no longer falls",
        ),
    }
    top, bottom = MEMBERS + HEIGHT / 2, MEMBERS - HEIGHT / 2
    for x, (title, (without, text)) in zip(MEMBER_COLUMNS, members.items(), strict=True):
        draw.arrow((x, SAMPLES - 0.3), (x, top + 0.4))
        names = {"others": "others", "held out": "held out"}
        draw.bar(x - WIDTH / 2, top + 0.2, (WIDTH, 0.4), names, without)
        draw.box(x, MEMBERS - 0.04, (WIDTH, HEIGHT - 0.08), title, text)
    # The blend.
    center = (LEFT + RIGHT) / 2
    text = (
        "blend weights and logit adjustment that make the labels of held-out samples most probable"
    )
    draw.box(center, BLEND, (RIGHT, 0.95), "6  Blend", text)
    top, middle = BLEND + 0.475, (bottom + BLEND + 0.475) / 2
    draw.arrow((LINEAR - 0.5, bottom), (LINEAR - 0.5, top))
    text = "held-out logits,\nfrom the second fit"
    draw.text(LINEAR - 0.35, middle, text, ha="left", **SMALL)
    draw.arrow((NETWORK - 0.45, bottom), (NETWORK - 0.45, top))
    draw.text(NETWORK - 0.6, middle, "held-out\nlogits", ha="right", **SMALL)
    draw.arrow((NETWORK + 0.1, top), (NETWORK + 0.1, bottom), "memory", linestyle="--")
    draw.text(NETWORK + 0.25, middle, "held-out loss,\nblended", "memory", ha="left", **SMALL)
    draw.arrow((center, BLEND - 0.475), (center, MODEL + 0.3))
    terms = "weight · network  +  weight · linear model  \u2212  logit adjustment"
    draw.text(center, MODEL, f"logits  =  {terms}", weight="bold")
    return [figure]
