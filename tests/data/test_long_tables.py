"""A table with a row for each step is told from a frame with a row for each series."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.datasets import load_iris, load_wine

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.exceptions import InputTypeWarning, InvalidSequencesError

RNG = np.random.default_rng(0)
RECIPE = re.escape("[steps[['x', 'y']] for _, steps in groups]")
N_STEPS = RNG.integers(2, 30, 40)
IDS = np.repeat(RNG.permutation(40), N_STEPS)
LONG = pd.DataFrame(
    {
        "recording": IDS,
        "second": np.concatenate([np.arange(n) / 10 for n in N_STEPS]),
        "x": RNG.normal(size=len(IDS)),
        "y": RNG.normal(size=len(IDS)),
    }
)


def fit(X, y):
    return LSTMSequenceClassifier(linear_model="alone").fit(X, y)


@pytest.mark.parametrize("way", [pd.DataFrame.copy, pl.from_pandas, pa.Table.from_pandas])
def test_a_long_table_with_a_label_for_each_row_gets_one_warning(way):
    with pytest.warns(InputTypeWarning, match=rf"columns \['recording'\].*long.*{RECIPE}") as told:
        model = fit(way(LONG), IDS % 2)
    assert len(told) == 1
    model.predict(way(LONG))  # fit alone tells


def test_a_long_table_whose_rows_were_shuffled_is_told_by_its_labels():
    table = LONG.assign(label=RNG.integers(0, 3, 40)[IDS]).sample(frac=0.8, random_state=0)
    with pytest.warns(InputTypeWarning, match=rf"columns \['recording'\].*long.*{RECIPE}"):
        fit(table.drop(columns="label"), table["label"])


def test_channels_of_one_scale_are_told_by_the_runs_of_their_labels():
    table, labels = LONG[["x", "y"]], RNG.integers(0, 2, 40)
    with pytest.warns(InputTypeWarning, match=rf"\['x', 'y'\].*rows of one class.*{RECIPE}"):
        fit(table, labels[IDS])
    rare = RNG.random(len(IDS)) < 0.05
    for y in (np.sort(IDS % 2), RNG.permutation(IDS % 2), rare):
        fit(table, y)  # warnings are errors


@pytest.mark.parametrize("time", [IDS % 7, np.repeat(np.nan, len(IDS)), RNG.normal(size=len(IDS))])
def test_ids_are_found_without_a_time_and_beside_missing_values(time):
    with pytest.warns(InputTypeWarning, match="'recording'"):
        fit(LONG.assign(recording=IDS * 1.0, second=time), IDS % 2)


def test_a_long_table_with_a_label_for_each_recording_is_told_by_the_error():
    with pytest.raises(InvalidSequencesError, match=rf"inconsistent.*long table.*{RECIPE}"):
        LSTMSequenceClassifier().fit(LONG, np.arange(40) % 2)


def test_a_long_table_is_told_at_predict_where_series_were_frames():
    frames = [steps.drop(columns="recording") for _, steps in LONG.groupby("recording")]
    model = fit(frames, np.arange(40) % 2)
    for table in (LONG, LONG.drop(columns="recording")):
        with pytest.raises(ValueError, match=rf"list of data frames.*\[frame\].*{RECIPE}"):
            model.predict(table)


def wide(values):
    return pd.DataFrame(values, columns=[f"t{step}" for step in range(values.shape[1])])


STEPS = RNG.normal(size=(400, 6))
WIDE = {
    "floats": wide(STEPS),
    "rounded": wide(np.round(STEPS * 2, 0) / 2),
    "counts": wide(RNG.poisson(2.0, (400, 6)) * 1.0),
    "counts of unequal length": wide(
        np.where(np.arange(6) < RNG.integers(1, 7, (400, 1)), 3.0, np.nan)
    ),
    "integers beside floats": wide(STEPS).assign(gear=RNG.integers(0, 12, 400), on=True),
    "sorted by class": wide(STEPS).assign(t0=np.repeat(np.arange(4), 100)),
    "numbered rows": wide(STEPS).assign(row=np.arange(400)),
    "few rows": wide(STEPS[:18]).assign(person=np.repeat(np.arange(9), 2)),
    "iris": load_iris(as_frame=True).data,
    "wine": load_wine(as_frame=True).data,
}


@pytest.mark.parametrize("name", WIDE)
def test_a_row_for_each_series_gets_no_warning(name):
    fit(WIDE[name], np.arange(len(WIDE[name])) % 2)  # warnings are errors


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_step_that_tells_the_class_by_its_size_gets_no_warning(n_classes):
    X = WIDE["integers beside floats"]
    fit(X, X["gear"] * n_classes // 12)
