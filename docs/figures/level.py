"""What a recording's level is: ``python docs/figures/level.py`` writes level.csv, which is drawn.

One exercise by four persons, as their watches measured it and as the network reads it.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1]
TABLE = DOCS / "level.csv"
EXERCISE, CHANNEL = "TRAP", 0  # trapezius extension; one of the six sensors
COLORS = {1: "#2f7fd3", 3: "#d2671a", 6: "#3b9f4f", 7: "#a05fd0"}  # of four persons
LEFT, WIDTH, HEIGHT = (0.0, 6.6), 5.6, 3.6
TITLES = "as measured", "as the network reads it"


def write_table() -> None:
    """Write the curves of the four persons; they come from the examples, which may fetch them."""
    sys.path.append(str(DOCS.parent / "examples"))
    import example_data  # noqa: PLC0415 - of the examples

    from sklearn_lstm.data.input_format import InputFormat  # noqa: PLC0415
    from sklearn_lstm.encoding.channel_scaling import ChannelScaling  # noqa: PLC0415

    X, y, persons = example_data.fetch_watch_recordings()
    is_seen = persons < 8
    sequences = InputFormat.found_in(list(X[is_seen]))[1]
    targets = np.unique(y[is_seen], return_inverse=True)[1]
    scaling = ChannelScaling.of(sequences, targets, normalize=True)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["person", *TITLES])
        for person in COLORS:
            window = X[(persons == person) & (y == EXERCISE)][2]
            read = scaling(window, np.array([len(window)]))
            raw = (window - scaling.mean[:6]) / scaling.scale[:6]
            for pair in zip(raw[:, CHANNEL], read[:, CHANNEL], strict=True):
                writer.writerow([person, *(f"{value:.3f}" for value in pair)])


def level() -> list[Figure]:
    """Draw both sides."""
    from pictures import canvas  # noqa: PLC0415 - which the script does not need

    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure, axes = canvas((10, 4), (0, 12.2), (-3, 4))
    for left, title in zip(LEFT, TITLES, strict=True):
        axes.text(left + WIDTH / 2, HEIGHT, title, ha="center", fontsize=12)
        for person, color in COLORS.items():
            values = [float(row[title]) for row in rows if row["person"] == str(person)]
            axes.plot(left + np.linspace(0, WIDTH, len(values)), values, color=color, lw=1.4)
        axes.text(left + WIDTH / 2, -3.4, "time", ha="center", fontsize=10)
    axes.text(LEFT[0] - 0.1, 0, "deviations", va="center", ha="right", rotation=90, fontsize=10)
    return [figure]


if __name__ == "__main__":
    write_table()
