"""Times of steps are instants in any container and unit, and exact to the nanosecond."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
from as_read import read_sequences
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError

small = partial(small_models.small, max_epochs=1)
SECONDS = np.array([0, 3600, 5400])  # across the end of summer time in Berlin
DATES = np.datetime64("2024-10-27T00:30", "s") + SECONDS
VALUES = [0.5, np.nan, 2.5]
NANOSECONDS = (SECONDS * 1e9).tolist()


def python_dates(zone=None):
    return [datetime.fromtimestamp(float(each), zone) for each in DATES.astype(int)]


def pandas_of(times):
    return pd.DataFrame({"time": times, "value": VALUES})


def polars_of(times):
    return pl.DataFrame({"time": times, "value": VALUES})


def arrow_of(type_):
    return pa.table({"time": pa.array(DATES, type_), "value": VALUES})


def dates_in(unit):
    return DATES.astype(f"M8[{unit}]")


BERLIN = ZoneInfo("Europe/Berlin")
FRAMES = {
    **{f"pandas {unit}": pandas_of(dates_in(unit)) for unit in ("s", "ms", "us", "ns")},
    **{
        f"polars {unit}": polars_of(pl.Series(dates_in("ms")).cast(pl.Datetime(unit)))
        for unit in ("ms", "us", "ns")
    },
    **{f"pyarrow {unit}": arrow_of(pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    "pandas zone": pandas_of(pd.Series(dates_in("ns")).dt.tz_localize("UTC").dt.tz_convert(BERLIN)),
    "pandas Arrow": pandas_of(pd.Series(DATES).astype(pd.ArrowDtype(pa.timestamp("ns", "UTC")))),
    "pandas objects": pandas_of(pd.Series(python_dates(BERLIN), dtype=object)),
    "pandas durations": pandas_of(pd.to_timedelta(SECONDS, unit="s")),
    "polars zone": polars_of(python_dates(BERLIN)),
    "polars durations": polars_of([timedelta(seconds=int(each)) for each in SECONDS]),
    "pyarrow zone": arrow_of(pa.timestamp("us", "Europe/Berlin")),
    "pyarrow durations": pa.table({"time": pa.array(SECONDS, pa.duration("s")), "value": VALUES}),
    "lists": [list(step) for step in zip(python_dates(UTC), VALUES, strict=True)],
    "lists of NumPy dates": [list(step) for step in zip(DATES, VALUES, strict=True)],
    "object array": np.array([*zip(map(pd.Timestamp, DATES), VALUES, strict=True)], object),
}


@pytest.mark.parametrize("name", FRAMES)
def test_dates_and_durations_are_the_same_times_in_every_container_and_unit(name):
    series = FRAMES[name]
    for X in ([series], [FRAMES["pandas ns"], series][::-1]):
        sequences = read_sequences(X, time_channel=0)
        assert_array_equal(sequences.read(np.array([0])), np.column_stack([NANOSECONDS, VALUES]))


@pytest.mark.parametrize(
    "days",
    [
        np.array(["2024-01-01", "2024-01-31"], "M8[D]"),
        np.array(["2024-01-01", "2024-01-31"], "M8[25s]"),
        pl.Series([date(2024, 1, 1), date(2024, 1, 31)]),
        pa.array([date(2024, 1, 1), date(2024, 1, 31)], pa.date64()),
        pd.Series([date(2024, 1, 1), date(2024, 1, 31)]),
        [date(2024, 1, 1), datetime(2024, 1, 31)],  # noqa: DTZ001 - a date has no zone
        [timedelta(0), pd.Timedelta(days=30)],
        np.array([0, 30], "m8[D]"),
    ],
    ids=lambda days: type(days).__module__,
)
def test_a_series_may_be_times_alone(days):
    sequences = read_sequences([days], time_channel=0)
    assert sequences.read(np.array([0])).ravel().tolist() == [0, 30 * 86_400e9]


def test_months_and_centuries_are_counted_in_days():
    for days in (np.array(["1500-03", "2000-03"], "M8[M]"), np.array(["1500", "2000"], "M8[Y]")):
        sequences = read_sequences([days], time_channel=0)
        assert (
            sequences.read(np.array([0]))[1] == np.diff(days.astype("M8[D]")).astype(int) * 864e11
        )


@pytest.mark.parametrize("dtype", ["M8[s]", object])
def test_an_array_of_dates_is_read_series_by_series(dtype):
    X = np.array([[["2024-01-01"], ["2024-01-02"]], [["2024-01-01"], ["NaT"]]], "M8[s]")
    sequences = read_sequences(X.astype(dtype), time_channel=0)
    assert sequences.lengths.tolist() == [2, 1]
    assert sequences.read(np.arange(2)).ravel().tolist() == [0, 86_400e9, 0]


def test_times_in_float16_are_read():
    rows = [np.array([[0, 1], [1, 6e4]], np.float16)]
    sequences = read_sequences(rows, time_channel=0)  # pytest makes errors of warnings
    assert sequences.read(np.array([0])).ravel().tolist() == [0, 1, 1, 6e4]


@pytest.mark.parametrize(
    "X", [[FRAMES["pandas us"]], [FRAMES["lists"]], [DATES], np.array([DATES])]
)
def test_dates_that_are_not_the_time_channel_are_refused(X):
    with pytest.raises(InvalidSequencesTypeError, match=r"X\[0\] holds 20.*time_channel"):
        read_sequences(X)


@pytest.mark.parametrize("name", ["pandas us", "polars us", "pyarrow us"])
def test_a_long_table_is_refused_with_the_recipe(name):
    with pytest.raises(InvalidSequencesTypeError, match=r"one data frame.*groupby"):
        read_sequences(FRAMES[name])


def test_a_missing_date_is_a_missing_time():
    for times in (
        pl.Series([DATES[0].item(), None]),
        [pd.NaT, DATES[0]],
        [DATES[0].item(), np.nan],
    ):
        frames = [pd.DataFrame({"time": times, "value": [1.0, 2.0]})]
        with pytest.raises(
            InvalidSequencesError, match=r"The time of X\[0\], step \d.* is missing"
        ):
            read_sequences(frames, time_channel="time")


def test_a_masked_date_is_a_missing_one():
    days = np.array([["2024-01-01", "2024-01-02"], ["2024-01-01", "2024-01-03"]], "M8[ns]")
    masked = np.ma.masked_array(days, [[False, False], [False, True]])
    for X in (masked, [*masked]):
        sequences = read_sequences(X, time_channel=0)
        assert sequences.lengths.tolist() == [2, 1]
        assert sequences.read(np.array([0])).ravel().tolist() == [0, 86_400e9]


@pytest.mark.parametrize("make", [pandas_of, polars_of])
def test_dates_and_numbers_are_not_mixed(make):
    dates, numbers = make(dates_in("ms")), make(SECONDS)
    for X in ([dates, numbers], [numbers, dates]):
        with pytest.raises(InvalidSequencesError, match=r"The times of X\[1\] are .*one kind"):
            read_sequences(X, time_channel="time")
    for first, second in ((dates, numbers), (numbers, dates)):
        model = small(time_channel=0).fit([first, first[:2]], [0, 1])
        with pytest.raises(InvalidSequencesError, match=r"The times of X are .*at fit"):
            model.predict([second])
    with pytest.raises(InvalidSequencesError, match="not a sequence of steps of one width"):
        read_sequences([[[DATES[0].item(), 1.0], [3, 2.0]]], time_channel=0)


@pytest.mark.parametrize("time_channel", [True, False, np.True_])
def test_a_boolean_is_no_time_channel(time_channel):
    with pytest.raises(InvalidSequencesError, match="neither the number nor the name"):
        small(time_channel=time_channel).fit(np.ones((2, 3, 2)), [0, 1])


def test_channels_of_times_are_counted_from_either_end():
    X = np.ones((2, 3, 2))
    assert [read_sequences(X, "auto", n).time_channel for n in (-2, -1, 0, 1)] == [0, 1, 0, 1]
    for wrong in (-3, 2):
        with pytest.raises(InvalidSequencesError, match=f"time_channel={wrong}, but X has 2 chan"):
            read_sequences(X, "auto", wrong)


def test_times_in_an_array_are_numbers_also_later():
    read = InputFormat.found_in(np.cumsum(np.ones((2, 3, 2)), axis=1), "auto", 0)[0].read
    assert read(np.full((1, 3, 2), np.arange(3.0)[:, np.newaxis])).lengths.tolist() == [3]
    with pytest.raises(InvalidSequencesError, match=r"The times of X are .*at fit"):
        read([pandas_of(dates_in("ms"))])


def test_numbers_beside_dates_are_no_missing_dates():
    days = [date(2024, 1, 1), date(2024, 1, 2)]
    frame = pd.DataFrame({"t": days, "x": [0.5, 1.5]})  # one frame, not one for each series
    for X in (frame, [[day, 1.0] for day in days], [frame.assign(t=[days[0], 1.7e9])]):
        with pytest.raises((InvalidSequencesError, InvalidSequencesTypeError)):
            read_sequences(X, "auto", 0)


UNKNOWN = [[], np.full((2, 2), np.nan), pd.DataFrame({"t": [], "x": []})]


@pytest.mark.parametrize("unknown", UNKNOWN, ids=["empty", "NaN", "frame"])
def test_a_series_of_which_nothing_is_known_goes_with_dates_and_with_numbers(unknown):
    times = pd.date_range("2024", periods=3)
    for column in (times, np.arange(3.0)):
        X = [pd.DataFrame({"t": column, "x": [1.0, None, k]}) for k in range(6)]
        model = small(time_channel="t").fit([*X, unknown], [0, 1] * 3 + [0])
        expected = model.predict_proba([*X, unknown])
        for alone in ([unknown], np.full((1, 3, 2), np.nan)):
            assert_allclose(model.predict_proba(alone), expected[-1:], atol=1e-7)
