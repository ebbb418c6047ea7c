"""Ids become codes, and channels get one scale."""

from dataclasses import replace

import numpy as np
import pytest
from as_read import read_sequences
from memory_taken import peak_bytes
from scipy.stats import norm, rankdata

from sklearn_lstm.data.sequences import NO_ID
from sklearn_lstm.encoding.channel_scaling import PROPORTIONS, ChannelScaling, NormalScores
from sklearn_lstm.encoding.token_codes import UNKNOWN_CODE, TokenCodes


def codes_of(X):
    no_ids = np.empty(0, dtype=np.int64)
    return TokenCodes(no_ids).extended(read_sequences(X), no_ids)


def test_only_ids_that_were_seen_have_a_code():
    codes = codes_of([[2_000_000_000, 7], [7, 40, 1]])
    assert len(codes) == 6
    assert codes.ids.tolist() == [1, 7, 40, 2_000_000_000]
    assert codes(np.array([40, 7, 1, 2_000_000_000, 7])).tolist() == [4, 3, 2, 5, 3]


def test_ids_that_were_not_seen_are_unknown_far_apart_or_not():
    near, far = codes_of([[3, 5, 9]]), codes_of([[3, 5, 2_000_000_000]])
    ids = np.array([9, 3, 5, 3, NO_ID, 1, 4, 10, 2**31 - 1])
    expected = [4, 2, 3, 2] + [UNKNOWN_CODE] * 5
    assert near(ids).tolist() == expected
    assert far(np.where(ids == 9, 2_000_000_000, ids)).tolist() == expected
    assert TokenCodes(np.empty(0, np.int64))(ids).tolist() == [UNKNOWN_CODE] * 9


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint64, np.int64])
def test_ids_of_any_integer_type_have_the_same_codes(dtype):
    steps = np.array([3, 100, 5, 4], dtype)
    for ids in ([3, 5, 100], [3, 5, 100, 200], [3, 5, 100, 2_000_000_000]):
        assert codes_of([ids])(steps).tolist() == [2, 4, 3, UNKNOWN_CODE]


def test_codes_stay_when_new_ids_come():
    first = codes_of([[7, 40]])
    more = first.extended(read_sequences([[3, 50, 7]]), np.array([20, 40]))
    assert more.ids.tolist() == [*first.ids, 3, 20, 50]
    assert more(np.array([7, 40])).tolist() == first(np.array([7, 40])).tolist()


def scaling_of(X, *, normalize=True):
    sequences = read_sequences(X)
    each_a_class = np.arange(len(sequences))  # so that every level tells the class, and stays
    return ChannelScaling.of(sequences, each_a_class, normalize=normalize)


def inputs_of(X, *, normalize=True):
    sequences, scaling = read_sequences(X), scaling_of(X, normalize=normalize)
    return scaling(sequences.read(np.arange(len(sequences))), sequences.lengths)


@pytest.mark.parametrize("longest", [9, 4000], ids=["in one chunk", "in several"])
def test_channels_and_their_changes_get_mean_zero_and_deviation_one(longest):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, longest, 50)
    X = [rng.normal([5, -1e4, 0], [2, 1, 1e-6], (length, 3)) for length in lengths]
    changes = [np.diff(series, axis=0, prepend=series[:1]) for series in X]
    steps = np.hstack([np.concatenate(X), np.concatenate(changes)])
    expected = (steps - steps.mean(axis=0)) / steps.std(axis=0)
    inputs = inputs_of(X)
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs, expected, atol=1e-4)


def test_the_first_change_of_a_sequence_is_zero():
    alone = replace(scaling_of([[0.0]]), mean=np.zeros(2), scale=np.ones(2))
    both = alone(np.array([[1.0], [4.0], [9.0], [7.0]]), np.array([2, 2]))
    assert both[:, 1].tolist() == [0, 3, 0, -2]


@pytest.mark.parametrize("parts", [{"level": 10**5}, {"gappy": 10**5}])
def test_a_scaling_whose_parts_do_not_fit_takes_no_memory(parts):
    sizes = {"mean": 1, "level": 1, "gappy": 0} | parts
    arrays = {
        name: np.zeros(size, int if name == "gappy" else float) for name, size in sizes.items()
    }
    scaling = replace(scaling_of([[0.0]]), scale=np.ones(sizes["mean"]), **arrays)

    def scale():
        with pytest.raises(ValueError, match=r"broadcast|channel"):
            scaling(np.zeros((1000, 1)), np.full(100, 10))

    assert peak_bytes(scale) < 10_000_000


def test_a_level_goes_where_it_does_not_tell_the_class():
    """Channel 0 has a level of each class, channel 1 of each recording, channel 2 of both."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    levels = np.stack([5 * y, rng.normal(0, 5, 200), 5 * y + rng.normal(0, 5, 200)], 1)
    X = rng.normal(size=(200, 9, 3)) + levels[:, np.newaxis]
    scaling = ChannelScaling.of(read_sequences(X), y, normalize=True)
    assert scaling.level[0] < 0.01
    assert scaling.level[1] > 0.99
    assert 0.5 < scaling.level[2] < 0.99
    moved = scaling(np.vstack([X[0], X[0] + 3]), np.array([9, 9])).reshape(2, 9, 6)
    shift = (moved[1] - moved[0]) * scaling.scale
    expected = np.append(3 * (1 - scaling.level), np.zeros(3))  # no change of any step moves
    np.testing.assert_allclose(shift, np.tile(expected, (9, 1)), atol=1e-4)
    inputs = scaling(X.reshape(-1, 3), np.full(200, 9))
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(inputs.std(axis=0), 1, atol=1e-4)


def test_a_constant_channel_is_not_stretched():
    X = np.full((4, 5, 2), 0.1)
    X[:, :, 0] += np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_allclose(inputs_of(X)[:, [1, 3]], 0, atol=1e-6)


def test_without_normalising_measurements_stay_as_they_are():
    X = np.random.default_rng(0).normal(5, 3, (4, 5, 2)).astype(np.float32)
    np.testing.assert_array_equal(inputs_of(X, normalize=False), X.reshape(-1, 2))


def test_large_values_keep_their_differences():
    X = 1e9 + np.random.default_rng(0).normal(size=(20, 8))
    expected = (X.ravel() - X.mean()) / X.std()
    np.testing.assert_allclose(inputs_of(X)[:, 0], expected, atol=1e-5)


NAN = np.nan


def scores_of(values, training):
    sequences = read_sequences(np.reshape(training, (1, -1, 1)))
    scores = NormalScores.of(sequences, np.array([0]))
    return scores(np.reshape(values, (-1, 1)).astype(float))[:, 0]


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "exponential"])
def test_they_are_the_normal_deviates_of_ranks(draw):
    values = getattr(np.random.default_rng(0), draw)(size=3_000)
    ranks = (rankdata(values) - 0.5) / len(values)
    inner = (ranks > 0.05) & (ranks < 0.95)
    scores = scores_of(values, values)
    np.testing.assert_allclose(scores[inner], norm.ppf(ranks[inner]), atol=0.1)
    order = np.argsort(values)
    assert (np.diff(scores[order]) > 0).all()  # no two values become one, outliers neither


def test_missing_values_stay_missing_and_others_do_not_depend_on_them():
    known = np.arange(50.0)
    with_gaps = np.insert(known, range(0, 50, 5), NAN)
    scores = scores_of(with_gaps, with_gaps)
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(with_gaps))
    np.testing.assert_array_equal(scores[~np.isnan(scores)], scores_of(known, known))


def test_values_that_occur_often_have_the_score_of_their_middle():
    often = np.repeat([0.0, 1.0, 2.0], [10, 80, 10])
    low, middle, high = scores_of([0, 1, 2], often)
    assert middle == pytest.approx(0, abs=1e-9)
    assert low == pytest.approx(-high)
    assert -2.4 < low < -1
    assert scores_of([5.0], np.full(20, 5.0)) == [0]


def test_values_beyond_those_of_training_grow_slowly_and_without_end():
    training = np.linspace(0, 1, 100)
    scores = scores_of([-1e6, -10, 0.5, 10, 100, 1e6], training)
    assert (np.diff(scores) > 0.5).all()
    assert scores[-1] < 20
    few = scores_of([1, 2, 3], [2.0])  # one value in training
    assert few[0] < few[1] == 0 < few[2]


def test_quantiles_of_many_values_are_those_of_all_series():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 300_000, 2)).astype(np.float32)
    values[:, :, 0] += np.arange(4)[:, np.newaxis]  # sorted by class
    values[:, 1::2, 0] = NAN  # measured at every second step
    values[:, 5:, 1] = NAN  # measured hardly ever
    scores = NormalScores.of(read_sequences(values), np.arange(2))
    known = [column[~np.isnan(column)] for column in np.moveaxis(values, 2, 0)]
    np.testing.assert_allclose(
        scores.quantiles[:, 0], np.quantile(known[0], PROPORTIONS), rtol=0, atol=0.05
    )
    np.testing.assert_array_equal(scores.quantiles[:, 1], np.quantile(known[1], PROPORTIONS))
    again = NormalScores.of(read_sequences(values), np.arange(2))
    np.testing.assert_array_equal(again.quantiles, scores.quantiles)
