"""Draw what a recording's level is: ``python docs/figures/level.py``.

One exercise by four persons, as their watches measured it and as the network reads it. It writes
two pictures into docs/images, one for light and one for dark pages.
"""

import sys
from pathlib import Path

import numpy as np
from lstm_cell import save_themes
from matplotlib.axes import Axes

from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.encoding.channel_scaling import ChannelScaling

sys.path.append(str(Path(__file__).parents[2] / "examples"))

import example_data

EXERCISE, CHANNEL = "TRAP", 0  # trapezius extension; one of the six sensors
COLORS = {1: "#2f7fd3", 3: "#d2671a", 6: "#3b9f4f", 7: "#a05fd0"}  # of four persons
LEFT, WIDTH, HEIGHT = (0.0, 6.6), 5.6, 3.6


def draw(ax: Axes, colors: dict[str, str]) -> None:
    """Draw both sides in the colours of one theme."""
    X, y, persons = example_data.fetch_watch_recordings()
    is_seen = persons < 8
    sequences = InputFormat.found_in(list(X[is_seen]))[1]
    targets = np.unique(y[is_seen], return_inverse=True)[1]
    scaling = ChannelScaling.of(sequences, targets, normalize=True)
    for person, color in COLORS.items():
        window = X[(persons == person) & (y == EXERCISE)][2]
        read = scaling(window, np.array([len(window)]))
        raw = (window - scaling.mean[:6]) / scaling.scale[:6]
        for left, values in zip(LEFT, (raw, read), strict=True):
            x = left + np.linspace(0, WIDTH, len(values))
            ax.plot(x, values[:, CHANNEL], color=color, lw=1.4)
    for left, title in zip(LEFT, ("as measured", "as the network reads it"), strict=True):
        ax.text(left + WIDTH / 2, HEIGHT, title, ha="center", color=colors["ink"], fontsize=12)


if __name__ == "__main__":
    save_themes("level", draw, (10, 4), {"xlim": (0, 12.2), "ylim": (-3, 4)})
