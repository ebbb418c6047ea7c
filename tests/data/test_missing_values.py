"""Missing values are NaN in sequences of measurements, and get a place in the encoding."""

import numpy as np
import pandas as pd
import pytest
from as_read import read_sequences

from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.encoding.channel_scaling import ChannelScaling, NormalScores

NAN = np.nan


def test_a_step_without_a_value_is_a_step_unless_it_is_trailing():
    X = np.full((3, 5, 2), NAN)
    X[0, [0, 3], 1], X[1], X[2, 2, 1] = 1.0, 2.0, 3.0
    for rows in (X, list(X)):
        sequences = read_sequences(rows)
        assert sequences.lengths.tolist() == [4, 5, 3]
        assert sequences.has_missing.tolist() == [True, True]
    padded = np.where(np.arange(5)[:, np.newaxis] < 3, X[[1, 1]], NAN)
    assert not read_sequences(padded).has_missing.any()
    assert read_sequences(X).subset(np.array([1])).has_missing.all()  # as in all of X


UNKNOWN = {
    "array": lambda X: X,
    "empty list": lambda X: [X[0], [], X[2]],
    "lists": lambda X: [[*map(list, series)] for series in X],
    "empty frames": lambda X: [pd.DataFrame(series).dropna(how="all") for series in X],
}


@pytest.mark.parametrize("hold", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("time_channel", [None, 1])
def test_a_series_of_nan_alone_is_one_unknown_step_if_other_values_are_missing(hold, time_channel):
    X = np.arange(24.0).reshape(3, 4, 2)
    X[0, 1, 0], X[1] = NAN, NAN
    sequences = read_sequences(hold(X), "auto", time_channel)
    assert sequences.lengths.tolist() == [4, 1, 4]
    np.testing.assert_array_equal(sequences.read(np.array([1])), [[NAN, NAN]])
    assert sequences.has_missing.tolist() == [True, False]  # as without that series
    alone = InputFormat.found_in(hold(X), "auto", time_channel)[0].read(hold(X)[1:2])
    np.testing.assert_array_equal(alone.read(np.array([0])), [[NAN, NAN]])


def test_steps_with_known_times_are_steps():
    X = np.arange(24.0).reshape(3, 4, 2)
    X[1, :, 0], X[1, 2:, 1] = NAN, NAN
    assert read_sequences(X, "auto", 1).lengths.tolist() == [4, 2, 4]


def series_with_gaps(*, times=False, n_series=9):
    """Return series of 3 channels; channel 1 has every value, or holds the times."""
    rng = np.random.default_rng(0)
    X = []
    for n_steps in rng.integers(1, 12, n_series):
        steps = rng.normal([3, -1, 0], [2, 1, 5], (n_steps, 3))
        steps[rng.random(steps.shape) < 0.5] = NAN
        steps[:, 1] = 1e6 + np.sort(rng.integers(0, 50, n_steps)) if times else rng.normal(size=1)
        X.append(steps)
    return X


def step_by_step(X, *, times):
    """Return inputs before scaling, (n_steps, n_inputs), and which are known: plain loops."""
    gaps = [b - a for steps in X for a, b in zip(steps[:-1, 1], steps[1:, 1], strict=True) if b > a]
    unit = np.exp(np.mean(np.log(gaps))) if times else 1.0
    inputs = []
    for steps in X:
        last, when = {}, {}
        of_series = []
        for t, measured in enumerate(steps):
            step = measured
            clock = (step[1] - steps[0, 1]) / unit if times else t
            values, changes, missing, waited = [], [], [], []
            if times:
                wait = np.log1p((step[1] - steps[t - 1, 1]) / unit) if t else 0.0
                step = np.r_[step[0], wait, step[2:]]
            for channel, value in enumerate(step):
                is_known, old = not np.isnan(value), last.get(channel, value)
                values.append(value if is_known else old)
                changes.append(value - old if is_known else 0.0)
                if is_known:
                    last[channel], when[channel] = value, clock
                missing.append(float(not is_known))
                waited.append(np.log1p(clock - when.get(channel, -1.0)))
            of_series.append((values, changes, np.take(missing, [0, 2]), np.take(waited, [0, 2])))
        inputs.append(np.hstack([np.array(column) for column in zip(*of_series, strict=True)]))
    return np.concatenate(inputs)


@pytest.mark.parametrize("times", [False, True], ids=["even steps", "time stamps"])
def test_inputs_are_those_of_a_loop_over_the_steps(times):
    X = series_with_gaps(times=times)
    sequences = read_sequences(X, "auto", 1 if times else None)
    scaling = ChannelScaling.of(sequences, np.arange(len(sequences)), normalize=True)
    of_gappy = NormalScores.of(sequences, np.array([0, 2]))
    values = [np.hstack([steps, of_gappy(steps[:, [0, 2]])]) for steps in X]
    expected = step_by_step(values, times=times)
    both, known = expected[:, :10], np.tile(~np.isnan(np.concatenate(values)), 2)
    mean, deviation = (
        np.array([of(column[is_known]) for column, is_known in zip(both.T, known.T, strict=True)])
        for of in (np.mean, np.std)
    )
    scaled = (both - mean) / np.where(deviation > 1e-9, deviation, 1)
    inputs = scaling(sequences.read(np.arange(len(X))), sequences.lengths)
    assert len(scaling) == inputs.shape[1] == 14
    np.testing.assert_allclose(inputs[:, :10], np.nan_to_num(scaled), rtol=0, atol=2e-6)
    np.testing.assert_allclose(inputs[:, 10:], expected[:, 10:], rtol=0, atol=2e-6)
    one_by_one = [
        scaling(sequences.read(np.array([row])), sequences.lengths[[row]]) for row in range(len(X))
    ]
    np.testing.assert_array_equal(np.concatenate(one_by_one), inputs)


def test_a_value_that_is_missing_at_predict_alone_is_the_last_one_or_the_mean():
    X = np.random.default_rng(0).normal(3, 2, (20, 6, 2))
    sequences = read_sequences(X)
    scaling = ChannelScaling.of(sequences, np.arange(len(sequences)), normalize=True)
    assert len(scaling) == 4
    steps = np.array([[NAN, 1.0], [5.0, NAN], [NAN, NAN]])
    filled = np.array([[scaling.mean[0], 1.0], [5.0, 1.0], [5.0, 1.0]])
    found, expected = (scaling(each, np.array([3])) for each in (steps, filled))
    expected[1, 2] = (0 - scaling.mean[2]) / scaling.scale[2]  # nothing is known of this change
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_channel_without_any_value_is_read_as_its_mean():
    X = np.random.default_rng(0).normal(size=(20, 6, 2))
    X[:, :, 1] = NAN
    for normalize in (True, False):
        sequences = read_sequences(X)
        scaling = ChannelScaling.of(sequences, np.arange(len(sequences)), normalize=normalize)
        assert np.isfinite(scaling(sequences.read(np.arange(20)), sequences.lengths)).all()
