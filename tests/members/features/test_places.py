"""Where something happens in series of one length."""

from dataclasses import replace

import numpy as np
import pytest
from as_read import read_sequences
from sklearn.base import clone
from small_models import small

from sklearn_lstm import Predictor
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.members.features.series_statistics import LARGEST_PLACE, MOST_PLACES, Places
from sklearn_lstm.members.solvers.ridge_regression import likeliest_share


def pulses(n_series, n_steps=120, seed=0):
    """Return noise with a faint pulse, after a third of each series, or in class 0 after a half."""
    rng = np.random.default_rng(seed)
    y, X = np.arange(n_series) % 2, rng.normal(size=(n_series, n_steps))
    for series, is_early in zip(X, y, strict=True):
        series[n_steps // (3 if is_early else 2) :][: n_steps // 15] += 1
    return X, y


@pytest.fixture(scope="module")
def fitted():
    """Return a linear model of pulses, which it has learned."""
    model = small(linear_model="alone").fit(*pulses(80))
    assert model.score(*pulses(200, seed=1)) > 0.85  # by convolutions alone 0.65
    return model


def places_of(model):
    return [features.places for features in model._fitted.model["linear model"].features]


def test_where_something_happens_is_told(fitted):
    first, second = places_of(fitted)
    assert len(first) == 240
    assert first.encoding.level.tolist() == [1]
    np.testing.assert_array_equal(first.mean, second.mean)


def test_one_series_that_is_a_step_shorter_does_not_take_the_places_away():
    X, y = pulses(80)
    X[0, -1] = np.nan  # padding
    assert [*map(len, places_of(small(linear_model="alone").fit(X, y)))] == [240, 240]


def test_series_of_several_lengths_have_no_places():
    X, y = pulses(80)
    X[:9, -1] = np.nan  # padding
    model = small(linear_model="alone").fit(X, y)
    assert [*map(len, places_of(model))] == [0, 0]
    scores = model.decision_function(X[:3])
    sums = [found.values.sum() + found.base_value for found in explain(model, X[:3], 1)]
    np.testing.assert_allclose(sums, scores, atol=1e-3)


def test_what_each_step_adds_sums_to_the_score_where_pulses_are(fitted):
    X, _ = pulses(4, seed=1)
    for series, score in zip(X, fitted.decision_function(X), strict=True):
        (found,) = explain(fitted, series[np.newaxis], 1)
        assert found.values.sum() + found.base_value == pytest.approx(score, abs=1e-3)
        assert np.abs(found.values[36:72]).mean() > 1.5 * np.abs(found.values).mean()


def test_a_series_of_another_length_is_read_by_its_shares(fitted):
    X, y = pulses(200, seed=1)
    assert fitted.score([np.repeat(series, 2) for series in X], y) > 0.75


def test_it_is_stored(fitted, tmp_path):
    X, _ = pulses(20, seed=1)
    path, expected = tmp_path / "model.safetensors", fitted.predict_proba(X)
    save(fitted, path)
    for model in load(path), Predictor.load(path):
        np.testing.assert_allclose(model.predict_proba(X), expected, rtol=0, atol=1e-7)


def test_several_labels_groups_and_weights_have_places(fitted):
    X, y = pulses(80)
    labels = np.stack([y, y], axis=1)
    options = {"groups": np.arange(80) % 9, "sample_weight": 1 + np.arange(80) % 3}
    model = clone(fitted).fit(X, labels, **options)
    X, y = pulses(200, seed=1)
    assert np.mean(model.predict(X) == y[:, np.newaxis]) > 0.85


# --- The features


def example(n_channels=2):
    """Return series with gaps, and a channel that is never known in the second half."""
    X = np.random.default_rng(0).normal(5, 1, (30, 12, n_channels))
    X[..., 0][np.random.default_rng(1).random((30, 12)) < 0.3] = np.nan
    X[:, 6:, 0] = np.nan
    X[:, -1, 1] = 0
    sequences = read_sequences(X)
    encoding = ChannelScaling.of(sequences, None, normalize=True)
    return sequences, Places.of(sequences, encoding)


def read(places, sequences):
    return places(sequences.read(np.arange(len(sequences))), sequences.lengths)


def test_features_are_means_of_known_values_and_changes_in_intervals():
    sequences, places = example()
    n_values = places.encoding.n_values
    found = read(places, sequences).reshape(30, -1, 2, n_values)
    assert found.shape == (30, 57, 2, n_values)  # 26 of each channel, and of the scores of one
    values = places.encoding(sequences.read(np.arange(30)), sequences.lengths)[:, :n_values]
    values = np.where(np.isnan(sequences.read(np.arange(30))[:, :1]), np.nan, values)
    values = values[:, 0].reshape(30, 12)
    changes = np.abs(np.diff(values, axis=1, prepend=np.nan))
    quarter = (np.arange(12) * 64 // 12 >= 8) & (np.arange(12) * 64 // 12 < 24)  # shifted
    for statistic, all_values in enumerate((values, changes)):
        known = ~np.isnan(all_values[:, quarter])
        means = np.nansum(all_values[:, quarter], axis=1) / np.maximum(known.sum(axis=1), 1)
        is_known = known.any(axis=1)
        means = (means - means[is_known].mean()) / means[is_known].std()
        expected = np.where(is_known, means, 0).clip(-3, 3)
        np.testing.assert_allclose(found[:, 5, statistic, 0], expected, atol=1e-5)
    assert not found[:, 3, :, 0].any()  # nothing is known of the second half


def test_each_step_has_its_part_of_the_features():
    sequences, places = example()
    steps, lengths = sequences.read(np.array([3])), sequences.lengths[:1]
    steps[2, 1] = 1e4  # beyond the bound
    coef = np.random.default_rng(0).normal(size=(len(places), 2))
    features = places(steps, lengths)
    assert np.abs(features).max() == LARGEST_PLACE
    added = places.contributions(steps, lengths, coef)
    np.testing.assert_allclose(added.sum(axis=0), features[0] @ coef, rtol=1e-4)
    of_gap = np.zeros((57, 6, 1))
    of_gap[:, 0] = 1
    added = places.contributions(steps, lengths, of_gap.reshape(-1, 1))
    assert not added[np.isnan(steps[:, 0])].any()


@pytest.mark.parametrize("n_channels", [1, 2, 4, 40, 400])
def test_many_channels_have_fewer_intervals(n_channels, sequences_of):
    sequences = sequences_of([*np.random.default_rng(0).normal(size=(10, 20, n_channels))])
    places = Places.of(sequences, ChannelScaling.of(sequences, None, normalize=True))
    assert len(places) <= MOST_PLACES
    assert (len(places) > 0) == (n_channels < 400)


def test_a_stored_one_of_another_encoding_is_refused():
    _, places = example()
    places.check()
    with pytest.raises(ValueError, match="n_statistics is 8, not 6"):
        replace(places, mean=places.mean[:, :4].repeat(2, 1), factor=np.ones((57, 8))).check()


# --- How much they count


def test_places_count_as_far_as_samples_that_are_left_out_need_them(samples_of):
    rng = np.random.default_rng(0)
    persons, y = np.arange(120) % 12, np.arange(120) // 12 % 2
    shapes = rng.normal(size=(120, 20)) + 3 * rng.normal(size=(12, 20))[persons]
    shapes += (y[:, np.newaxis] - 0.5) / 2
    targets = samples_of(shapes[:, :, np.newaxis], y).targets
    told = (y + rng.normal(size=(5, 120)) / 2).T
    # They tell the class of others of the same person, which is not that of a new person.
    of_persons = rng.normal(size=(12, 2, 5))[persons, y] + rng.normal(size=(120, 5)) / 2
    shares = []
    for places in (told, rng.normal(size=(120, 5)), of_persons):
        features = np.hstack([shapes, places]).astype(np.float32)
        deviations = np.repeat([20**-0.5, 5**-0.5], [20, 5])
        shares.append(likeliest_share(features, targets, deviations, 5))
    assert shares[0] > 0.5
    assert max(shares[1:]) < 0.3
