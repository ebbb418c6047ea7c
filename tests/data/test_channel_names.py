"""The columns of series that are data frames are found by their names."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
from as_read import read_sequences
from numpy.testing import assert_array_equal

from sklearn_lstm.exceptions import InvalidSequencesError
from sklearn_lstm.inspection import explain

small = partial(small_models.small, max_epochs=1)
NAMES = ("heat", "pulse", "time")
X = [np.cumsum(np.full((n_steps, 3), [0.5, -1, 2]), axis=0) for n_steps in (3, 2, 4, 2)]
Y = [0, 1, 0, 1]


def frame(make, series, order=(0, 1, 2)):
    return make({NAMES[channel]: series[:, channel] for channel in order})


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_are_read_by_name_in_any_order(make):
    frames = [frame(make, series) for series in X]
    mixed = [frame(make, X[0]), *(frame(make, series, (2, 0, 1)) for series in X[1:])]
    other = [frame(make, series, (1, 2, 0)) for series in X]
    model = small().fit(frames, Y)
    assert model.feature_names_in_.tolist() == [*NAMES]
    expected = model.predict_proba(frames)
    assert_array_equal(small().fit(mixed, Y).predict_proba(frames), expected)
    objects = np.empty(4, object)
    objects[:] = other
    for new in (other, mixed, tuple(other), objects, pd.Series(other)):
        assert_array_equal(model.predict_proba(new), expected)
    assert_array_equal(explain(model, other)[2].data, X[2])


def test_the_time_channel_keeps_its_place_in_any_order():
    frames = [frame(pd.DataFrame, series) for series in X]
    other = [frame(pl.DataFrame, series, (2, 0, 1)) for series in X]
    for time_channel in ("time", 2, -1):
        model = small(time_channel=time_channel).fit(frames, Y)
        assert_array_equal(model.predict_proba(other), model.predict_proba(frames))


def test_every_way_of_training_reads_columns_by_name():
    frames = [frame(pd.DataFrame, series) for series in X]
    other = [frame(pd.DataFrame, series, (1, 2, 0)) for series in X]
    validated = [
        small(early_stopping=True).fit(frames, Y, X_val=X_val, y_val=Y).history_[-1]["valid_loss"]
        for X_val in (frames, other)
    ]
    assert validated[0] == validated[1]
    models = [
        small().partial_fit(frames, Y, classes=[0, 1]).partial_fit(new, Y)
        for new in (frames, other)
    ]
    first, second = models
    assert_array_equal(first.predict_proba(frames), second.predict_proba(other))
    assert first.feature_names_in_.tolist() == [*NAMES]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("heat", "pulse", "when"), r"lacks \['time'\]"),
        (("heat", "pulse", "time", "salt"), r"adds \['salt'\]"),
    ],
)
def test_a_missing_or_new_column_is_refused_with_its_row(make, columns, message):
    model = small().fit([frame(make, series) for series in X], Y)
    wrong = make(dict.fromkeys(columns, np.arange(3.0)))
    for read in (model.predict, read_sequences):
        with pytest.raises(InvalidSequencesError, match=rf"X\[1\] {message}.*'heat', 'pulse'"):
            read([frame(make, X[0]), wrong])


def test_columns_of_one_name_are_refused():
    first = pd.DataFrame(np.ones((2, 3)), columns=["a", "b", "b"])
    with pytest.raises(ValueError, match=r"(?s)unique.*'b'"):
        read_sequences([first, first])


def test_a_model_fitted_on_arrays_reads_data_frames_of_one_order():
    model = small().fit(X, Y)
    assert not hasattr(model, "feature_names_in_")
    frames = [frame(pd.DataFrame, series) for series in X]
    assert_array_equal(model.predict_proba(frames), model.predict_proba(X))
    named = small().fit(frames, Y)
    with pytest.warns(UserWarning, match=r"not have valid feature names, but .*fitted with .*\['"):
        assert_array_equal(named.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("names", [NAMES, NAMES[:1]])
def test_one_data_frame_in_place_of_a_list_of_them_is_refused(make, names):
    frames = [make({name: series[:, k] for k, name in enumerate(names)}) for series in X]
    time_channel = "time" if "time" in names else None
    model = small(time_channel=time_channel).fit(frames, Y)
    turned = [*names[::-1]]
    swapped = frames[0][turned] if make is pd.DataFrame else frames[0].select(turned)
    for read in (model.predict, lambda one: model.partial_fit(one, Y)):
        for one in (frames[0], swapped):
            with pytest.raises(
                InvalidSequencesError, match=r"one data frame, .* series pass \[frame\]"
            ):
                read(one)
    assert model.predict(frames[:1]).shape == (1,)


def test_one_data_frame_whose_times_run_back_may_be_a_series():
    one = pd.DataFrame({"time": [0.0, 1.0, 2.0], "heat": [5.0, 0.5, 4.0], "salt": [6.0, 7.0, 3.0]})
    with pytest.raises(InvalidSequencesError, match=r"runs back: .* sort .*pass \[X\]\.$"):
        small(time_channel=0, input_type="measurements").fit(one, [0, 1, 0])


@pytest.mark.parametrize("time_channel", [True, np.True_, "time"])
def test_a_time_channel_is_the_number_or_the_name_of_a_channel(time_channel):
    message = "is none of the"
    with pytest.raises(InvalidSequencesError, match=f"{message} 2 channels"):
        small(time_channel=time_channel).fit(np.ones((2, 3, 2)), [0, 1])
    with pytest.raises(InvalidSequencesError, match=rf"{message} 1 channels.*: \['x'\]\.$"):
        small(time_channel=time_channel).fit([pd.DataFrame({"x": [0.5, 1]})] * 2, [0, 1])


def test_channels_of_times_are_counted_from_either_end():
    X = np.ones((2, 3, 2))
    assert [read_sequences(X, "auto", n).time_channel for n in (-2, -1, 0, 1)] == [0, 1, 0, 1]
    for wrong in (-3, 2):
        with pytest.raises(InvalidSequencesError, match=f"={wrong} is none of the 2 chan"):
            read_sequences(X, "auto", wrong)


def test_times_in_float16_are_read():
    rows = [np.array([[0, 1], [1, 6e4]], np.float16)]
    sequences = read_sequences(rows, time_channel=0)  # pytest makes errors of warnings
    assert sequences.read(np.array([0])).ravel().tolist() == [0, 1, 1, 6e4]
