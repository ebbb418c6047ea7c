"""Normal scores: where a value stands among those of training."""

import numpy as np
import pytest
from as_read import read_sequences
from scipy.stats import norm, rankdata

from sklearn_lstm.encoding.normal_scores import PROPORTIONS, NormalScores

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
