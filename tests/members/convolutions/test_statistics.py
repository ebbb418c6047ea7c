"""Levels, times and what is known of channels with missing values, as features and step by step."""

import numpy as np
from as_read import read_sequences
from scipy.stats import rankdata

from sklearn_lstm.encoding.encoding import ChannelScaling
from sklearn_lstm.members.convolutions.statistics import SeriesStatistics


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
    return X, sequences, encoding, SeriesStatistics.of(sequences, encoding)


def test_features_are_levels_and_ranks_of_uneven_channels_and_whether_there_is_a_value():
    X, sequences, encoding, found = example()
    lengths = sequences.lengths
    features = found(sequences.read(np.arange(30)), lengths)
    assert features.shape == (30, len(found))
    levels, uneven = np.split(features, [5], axis=1)  # the last level is that of the scores
    uneven = uneven.reshape(30, 7, 2)  # of the scores of channel 0, and the times between steps
    expected = np.full((30, 3, 2), np.nan)
    for row, series in enumerate(X):
        steps = series[: lengths[row]].copy()
        steps[:, 1] = np.log1p(np.diff(steps[:, 1], prepend=steps[0, 1]) / encoding.time_unit)
        steps = np.hstack([steps, encoding.scores(steps[:, :1])])
        scaled = (steps - encoding.mean[:5]) / encoding.scale[:5]
        known = [channel[~np.isnan(channel)] for channel in scaled.T]
        means = [channel.mean() if len(channel) else 0 for channel in known]
        np.testing.assert_allclose(levels[row], means, atol=1e-6)
        for place, value in enumerate((4, 1)):
            expected[row, 0, place] = len(known[value]) / lengths[row]
            if len(known[value]):
                expected[row, 1:, place] = means[value], known[value][-1]
    for statistic, place in np.ndindex(3, 2):
        values, ranks = expected[:, statistic, place], uneven[:, statistic, place]
        is_known = ~np.isnan(values)
        assert not ranks[~is_known].any()
        of_known = 2 * (rankdata(values[is_known]) - 0.5) / is_known.sum() - 1
        np.testing.assert_allclose(ranks[is_known], of_known, atol=0.07)
    np.testing.assert_allclose(uneven[:, 3:6], np.square(uneven[:, :3]))
    np.testing.assert_array_equal(uneven[:, 6], ~np.isnan(expected[:, 1]))


def test_a_scale_on_which_a_channel_was_measured_does_not_matter():
    X, sequences, _, found = example()
    lengths, rows = sequences.lengths, np.arange(30)
    others = X.copy()
    others[..., 0] = np.exp(3 * others[..., 0])
    sequences_of_others = read_sequences(others, "auto", 1)
    encoding = ChannelScaling.of(sequences_of_others, None, normalize=True)
    of_others = SeriesStatistics.of(sequences_of_others, encoding)
    expected = found(sequences.read(rows), lengths)
    features = of_others(sequences_of_others.read(rows), lengths)
    last = [5 + 2 * place for place in (2, 5)]
    np.testing.assert_allclose(features[:, last], expected[:, last], atol=0.07)
    gaps = np.abs(features - expected)[:, 4:]  # but the level of the values themselves
    assert gaps.mean() < 0.03


def test_each_value_has_its_part_of_the_score_and_a_missing_one_has_none():
    X, sequences, encoding, found = example()
    steps, lengths = sequences.read(np.array([0])), sequences.lengths[:1]
    rng = np.random.default_rng(1)
    coef = rng.normal(size=len(found))
    contributions, rest = found.contributions(steps, lengths, coef)
    assert np.isclose(contributions.sum() + rest, found(steps, lengths)[0] @ coef)
    of_gaps = np.zeros((7, 2))
    of_gaps[:, 0] = rng.normal(size=7)
    contributions, _ = found.contributions(steps, lengths, np.r_[np.zeros(5), of_gaps.ravel()])
    is_missing = np.isnan(X[0, :, 0])
    assert not contributions[is_missing].any()
    *others, last = contributions[~is_missing]
    np.testing.assert_allclose(others, others[0])
    assert last != others[0]
    contributions, _ = found.contributions(steps, lengths, np.r_[0, 0, 1, np.zeros(len(found) - 3)])
    expected = (X[0, :, 2] - encoding.mean[2]) / encoding.scale[2] / 9
    np.testing.assert_allclose(contributions, expected)
