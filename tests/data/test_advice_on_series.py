"""What is said of series in unusual containers can be followed as it stands."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.exceptions import InputTypeWarning

RNG = np.random.default_rng(0)
IDS = [f"r{number}" for number in RNG.permutation(40)]
frame = pd.DataFrame({"id": np.repeat(IDS, RNG.integers(5, 9, 40))})
frame["time"] = frame.groupby("id").cumcount()
frame["x"], frame["y"] = RNG.normal(100, 5, len(frame)), RNG.normal(1, 0.1, len(frame))
labels = pd.DataFrame({"id": IDS, "label": np.arange(40) % 2})
frame = frame.merge(labels, on="id")
groups = frame.groupby("id")
SERIES = [steps[["x", "y"]] for _, steps in groups]
LABELS = groups["label"].first()
PIVOT = frame.pivot_table(index="id", columns="time", values=["x", "y"])
RECIPE = (
    r"(groups = .*), and pass .*: (\[steps.* in groups\]), .*: (.*), or, .*, (labels.*?\]\])\.( |$)"
)


def fit(X, y, **parameters):
    return LSTMSequenceClassifier(linear_model="alone", **parameters).fit(X, y)


@pytest.mark.parametrize(
    ("X", "y"),
    {
        "groups": (groups, LABELS),
        "columns of groups": (groups[["x", "y"]], LABELS),
        "pairs": ([*groups], LABELS),
        "pairs of polars": ([*pl.from_pandas(frame).group_by("id")], LABELS),
        "a label for each row": (frame[["x", "y"]], frame["label"]),
        "a label for each recording": (frame[["x", "y"]], LABELS),
        "a list and too many labels": (SERIES, frame["label"]),
        "with the id": (frame[["id", "x"]], LABELS),
        "with dates": (frame[["x"]].assign(day=pd.Timestamp("2024")), LABELS),
        "a pivot table": (PIVOT, LABELS),
    }.values(),
)
def test_the_recipe_for_a_long_table_can_be_followed(X, y):
    with pytest.raises((TypeError, ValueError, InputTypeWarning)) as told:
        fit(X, y)
    shuffled = frame.sample(frac=1, random_state=0)
    code, given = re.search(RECIPE, str(told.value)), {"frame": shuffled, "labels": labels}
    exec(code[1], given)  # noqa: S102 - our own message
    series, *ys = (eval(code[place], given) for place in (2, 3, 4))  # noqa: S307
    fit(series, ys[0])
    pd.testing.assert_frame_equal(series[0], SERIES[0])
    for found in ys:
        pd.testing.assert_series_equal(found, LABELS)


def test_a_dict_of_frames_becomes_a_list_of_them():
    X = {name: steps[["x", "y"]] for name, steps in groups}
    with pytest.raises(
        TypeError, match=r"\[pd.DataFrame\(row\) for row in X\] \(dict: X.values\(\)"
    ):
        fit(X, LABELS)
    fit([pd.DataFrame(row) for row in X.values()], LABELS)


def test_times_as_strings_become_dates():
    table = frame.assign(time=(frame["time"] + 1).map("2024-01-{:02}".format))
    series = [steps[["time", "x"]] for _, steps in table.groupby("id")]
    with pytest.raises(
        TypeError, match=r"columns \['time'\].*= pd.to_datetime\(frame\['time'\]\), for"
    ):
        fit(series, LABELS, time_channel="time")
    table["time"] = pd.to_datetime(table["time"])
    fit([steps[["time", "x"]] for _, steps in table.groupby("id")], LABELS, time_channel="time")


def test_a_channel_that_tells_every_class_gets_a_warning():
    series = [steps[["x", "y", "label"]] for _, steps in groups]
    for held, name in ((series, "'label'"), ([*map(np.asarray, series)], "2")):
        with pytest.warns(InputTypeWarning, match=f"column {name} tells .* leave it out of X"):
            fit(held, LABELS)
    fit([steps.drop(columns=["label"]) for steps in series], LABELS)


@pytest.mark.parametrize("hold", [list, np.array])
def test_a_channel_that_counts_the_series_gets_a_warning(hold):
    rows = RNG.permutation(80)[:50]

    def series(ids):
        return hold([np.column_stack([np.full(6, k), RNG.normal(size=6)]) for k in ids])

    with pytest.warns(InputTypeWarning, match="channel 0 counts the series.*leave it out"):
        fit(series(rows), np.arange(50) % 2)
    for ids in (rows[:49], rows // 2, rows + 0.5, rows * 9):
        fit(series(ids), np.arange(len(ids)) % 2)  # warnings are errors


def test_channels_are_counted_before_their_times_are_read():
    series = [steps[["time", "x", "y"]].to_numpy() for _, steps in groups]
    model = fit(series, LABELS, time_channel=0)
    with pytest.raises(ValueError, match=r"X has 2 channels, but .* expecting 3 channels"):
        model.predict([steps[:, 1:] for steps in series])


def test_columns_of_channels_are_stacked():
    table = groups[["x", "y"]].agg(list)
    with pytest.raises(
        ValueError, match=r"\[np.column_stack\(row\) for row in frame\[\['x', 'y'\]\]"
    ):
        fit(table, LABELS)
    fit([np.column_stack(row) for row in table[["x", "y"]].to_numpy()], LABELS)
