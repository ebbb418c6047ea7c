"""What is known of channels with missing values, and of times, as features and step by step."""

import numpy as np

from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.linear.known_values import KnownValues


def example():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 9, 3))
    X[rng.random(X.shape) < 0.4] = np.nan
    X[:, :, 1] = np.cumsum(rng.exponential(size=(30, 9)), axis=1)
    X[4, :, 2] = np.nan
    X[5, 6:] = np.nan
    sequences = read_sequences(X, "auto", 1)
    encoding = ChannelScaling.of(sequences, None, normalize=True)
    lengths = sequences.lengths
    inputs = np.zeros((30, 9, len(encoding)), np.float32)
    steps = encoding(sequences.read(np.arange(30)), lengths)
    inputs[np.arange(9) < lengths[:, np.newaxis]] = steps
    found = KnownValues.of(iter([(np.arange(30), inputs, lengths)]), encoding, 50)
    return X, encoding, inputs, lengths, found


def test_features_are_statistics_of_the_values_and_whether_they_exceed_thresholds():
    X, encoding, inputs, lengths, found = example()
    assert found.thresholds.shape == (3, 3, 3)  # of channels 0, 2 and the times between steps
    features = found(*encoding.known(inputs, lengths)).reshape(30, 4, 3, 3)
    np.testing.assert_array_equal(features[:, 1:], features[:, :1] > found.thresholds)
    for row, series in enumerate(X):
        for place, channel in enumerate((0, 2)):
            values = series[~np.isnan(series[:, channel]), channel]
            scaled = (values - encoding.mean[channel]) / encoding.scale[channel]
            expected = [
                len(values) / lengths[row],
                scaled.mean() if len(values) else 0,
                scaled[-1] if len(values) else 0,
            ]
            np.testing.assert_allclose(features[row, 0, :, place], expected, atol=1e-6)
        of_times = inputs[row, : lengths[row], 1]
        np.testing.assert_allclose(features[row, 0, 1:, 2], [of_times.mean(), of_times[-1]], 1e-5)


def test_each_value_has_its_part_of_the_score_and_a_missing_one_has_none():
    X, encoding, inputs, lengths, found = example()
    _, is_known, _ = encoding.known(inputs, lengths)
    scores = np.random.default_rng(1).normal(size=(4, 3, 3))
    scores[:, :, [1, 2]] = 0  # channel 0 alone
    contributions = found.contributions(is_known[0], scores.ravel())
    assert np.isclose(contributions.sum(), scores.sum())
    is_missing = np.isnan(X[0, :, 0])
    assert not contributions[is_missing].any()
    _, *others, last = contributions[~is_missing]
    np.testing.assert_allclose(others, scores[:, :2].sum() / len(contributions[~is_missing]))
    np.testing.assert_allclose(last - others[0], scores[:, 2].sum())
