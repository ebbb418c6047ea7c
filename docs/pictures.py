"""The directive ``picture``: a function of ``figures/`` draws it while the pages are built.

It stands in the page itself, so that it has the colours of the page, light or dark. A function that
returns two figures has drawn a narrow one too, for phones.
"""

import re
from html import escape
from importlib import import_module
from io import StringIO
from typing import Any, ClassVar

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

# On light pages; static/custom.css has them by their names, and those of dark pages.
COLORS = {
    "ink": "#24292f",
    "paper": "#ffffff",
    "cell": "#f3f5f8",
    "gate": "#cfe3fb",
    "candidate": "#fbdcc4",
    "operation": "#fffffe",
    "memory": "#b3261e",
    "note": "#57606a",
}
STYLE = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), COLORS["ink"]),
    **dict.fromkeys(("xtick.color", "ytick.color", "axes.titlecolor"), COLORS["ink"]),
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 9,
    "mathtext.fontset": "cm",
}


def canvas(
    size: tuple[float, float], x: tuple[float, float], y: tuple[float, float]
) -> tuple[Figure, Axes]:
    """Return a figure of this size, and its axes for drawings between these limits."""
    figure = Figure(size)
    axes = figure.subplots()
    axes.set(xlim=x, ylim=y, aspect="equal")
    axes.axis("off")
    return figure, axes


def svg_of(figure: Figure, name: str) -> str:
    """Return a figure as SVG, with texts in the font of the page, but for formulas.

    The same figure gives the same SVG.
    """
    file, metadata = StringIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    has_formulas = any("$" in text.get_text() for text in figure.findobj(Text))
    fonts = "path" if has_formulas else "none"
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": fonts}):
        tight = {"bbox_inches": "tight", "pad_inches": 0.05}
        figure.savefig(file, format="svg", metadata=metadata, **tight)
    return file.getvalue()


class Picture(Directive):
    """A picture by its module and function: ``accuracy_curves.few_labels``."""

    required_arguments = 1
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        (name,) = self.arguments
        module, _, function = name.rpartition(".")
        with mpl.rc_context(STYLE):
            figures = getattr(import_module(f"figures.{module}"), function)()
            drawn = [in_page(svg_of(one, f"{name}{n}")) for n, one in enumerate(figures)]
        alt = escape(" ".join(self.options["alt"].split()))
        content = f'<div class="picture" role="img" aria-label="{alt}">{"".join(drawn)}</div>'
        return [nodes.raw("", content, format="html")]


def in_page(svg: str) -> str:
    """Return SVG as a part of a page, in whose colours it is."""
    svg = svg[svg.index("<svg") :].replace("*{", ".picture *{")
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)  # which several pictures have, and nothing names
    for name, color in COLORS.items():
        svg = svg.replace(color, f"var(--{name})")
    return svg


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
