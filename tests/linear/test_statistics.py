"""Levels, times and what is known of channels with missing values, as features and step by step."""

import numpy as np

from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.linear.statistics import SeriesStatistics


def example():
    """Return 30 series of a channel with gaps, times, and two complete channels."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 9, 4))
    X[..., 0][rng.random((30, 9)) < 0.4] = np.nan
    X[:, :, 1] = np.cumsum(rng.exponential(size=(30, 9)), axis=1)
    X[4, :, 0] = np.nan
    X[5, 6:] = np.nan
    sequences = read_sequences(X, "auto", 1)
    encoding = ChannelScaling.of(sequences, None, normalize=True)
    return X, sequences, encoding, SeriesStatistics.of(sequences, encoding, 50)


def test_features_are_levels_and_more_of_uneven_channels_and_whether_it_exceeds_thresholds():
    X, sequences, encoding, found = example()
    lengths = sequences.lengths
    features = found(sequences.read(np.arange(30)), lengths)
    assert features.shape == (30, len(found))
    levels, uneven = np.split(features, [4], axis=1)
    assert found.thresholds.shape == (3, 3, 2)  # of channel 0 and the times between steps
    uneven = uneven.reshape(30, 4, 3, 2)
    np.testing.assert_array_equal(uneven[:, 1:], uneven[:, :1] > found.thresholds)
    for row, series in enumerate(X):
        steps = series[: lengths[row]].copy()
        steps[:, 1] = np.log1p(np.diff(steps[:, 1], prepend=steps[0, 1]) / encoding.time_unit)
        scaled = (steps - encoding.mean[:4]) / encoding.scale[:4]
        known = [channel[~np.isnan(channel)] for channel in scaled.T]
        expected = [channel.mean() if len(channel) else 0 for channel in known]
        np.testing.assert_allclose(levels[row], expected, atol=1e-6)
        for place in 0, 1:
            values = known[place]
            last = values[-1] if len(values) else 0
            expected = [len(values) / lengths[row], levels[row, place], last]
            np.testing.assert_allclose(uneven[row, 0, :, place], expected, atol=1e-6)


def test_each_value_has_its_part_of_the_score_and_a_missing_one_has_none():
    X, sequences, encoding, found = example()
    steps, lengths = sequences.read(np.array([0])), sequences.lengths[:1]
    rng = np.random.default_rng(1)
    coef = rng.normal(size=len(found))
    contributions, rest = found.contributions(steps, lengths, coef)
    assert np.isclose(contributions.sum() + rest, found(steps, lengths)[0] @ coef)
    of_gaps = np.zeros((4, 3, 2))
    of_gaps[:, :, 0] = rng.normal(size=(4, 3))
    contributions, _ = found.contributions(steps, lengths, np.r_[np.zeros(4), of_gaps.ravel()])
    is_missing = np.isnan(X[0, :, 0])
    assert not contributions[is_missing].any()
    *others, last = contributions[~is_missing]
    np.testing.assert_allclose(others, others[0])
    assert last != others[0]
    contributions, _ = found.contributions(steps, lengths, np.r_[0, 0, 1, np.zeros(len(found) - 3)])
    expected = (X[0, :, 2] - encoding.mean[2]) / encoding.scale[2] / 9
    np.testing.assert_allclose(contributions, expected)
