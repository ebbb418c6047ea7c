"""What all pictures share: matplotlib, axes and the labels of steps."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import imported

if TYPE_CHECKING:
    import matplotlib.figure

# Only pictures need matplotlib.
Axes: TypeAlias = "matplotlib.axes.Axes"
Axis: TypeAlias = "matplotlib.axis.Axis"

MOST_LABELS = 120  # of tokens on one axis; more do not fit
SHOWN = {" ": "␣", "\n": "↵", "\t": "→", "": "∅"}


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw in: those given, or those of a new figure of a size in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    imported("matplotlib", "A picture")
    plt = import_module("matplotlib.pyplot")
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def is_measured(data: NDArray[np.generic]) -> bool:
    """Return whether a sequence consists of measurements, not of tokens."""
    return data.ndim > 1


def printable(value: object) -> str:
    """Return a token or label as a text that can be drawn and encoded.

    In place of half a surrogate pair, which is no character, stands the replacement character.
    """
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def token_names(data: NDArray[np.generic]) -> list[str]:
    """Return the tokens of a sequence, white space made visible."""
    return [SHOWN.get(token, token.replace("\n", SHOWN["\n"])) for token in map(printable, data)]


def label_steps(axis: Axis, data: NDArray[np.generic], *, rotation: float = 0) -> None:
    """Label an axis of a figure with the tokens of a sequence, or with the numbers of its steps.

    Signs of mathematics in tokens are not interpreted.
    """
    if is_measured(data) or len(data) > MOST_LABELS:
        number_places(axis)
        axis.set_label_text("step")
        return
    labels = [name if len(name) <= 24 else f"{name[:23]}…" for name in token_names(data)]
    size = "medium" if len(data) <= MOST_LABELS / 4 else "x-small"
    axis.set_ticks(range(len(data)), labels, parse_math=False, rotation=rotation, fontsize=size)


def hatch_missing(ax: Axes, data: NDArray[np.generic]) -> None:
    """Hatch the steps of measurements that hold no value."""
    for step in np.flatnonzero(has_no_value(data)):
        span = ax.axvspan(step - 0.5, step + 0.5, gid="missing", hatch="///", linewidth=0)
        span.set(facecolor="none", edgecolor="0.5")


def has_no_value(data: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return which steps of a sequence hold no value."""
    return np.isnan(data).all(axis=1) if is_measured(data) else np.zeros(len(data), np.bool_)


def number_places(axis: Axis) -> None:
    """Put labels at some whole numbers."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    axis.set_major_locator(MaxNLocator(integer=True))
