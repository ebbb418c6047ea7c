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
frame["step"] = frame.groupby("id").cumcount()
frame["x"], frame["y"] = RNG.normal(100, 5, len(frame)), RNG.normal(1, 0.1, len(frame))
labels = pd.DataFrame({"id": IDS, "label": np.arange(40) % 2})
frame = frame.merge(labels, on="id")
groups = frame.groupby("id")
SERIES = [steps[["x", "y"]] for _, steps in groups]
LABELS = groups["label"].first()
PIVOT = frame.pivot(index="id", columns="step", values=["x", "y"])
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
    code, given = re.search(RECIPE, str(told.value)), {"frame": frame, "labels": labels}
    exec(code[1], given)  # noqa: S102 - our own message
    series, *ys = (eval(code[place], given) for place in (2, 3, 4))  # noqa: S307
    fit(series, ys[0])
    for found in ys:
        pd.testing.assert_series_equal(found, LABELS)
