"""Series are told apart by their shapes, in memory that does not grow with their number."""

from itertools import combinations

import numpy as np
import pytest
from as_read import read_sequences
from memory_taken import peak_bytes
from numpy.testing import assert_allclose
from scipy.special import expit, softmax
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.linear_model import RidgeCV
from sklearn.metrics import log_loss
from small_models import bumps

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.inspection import explain
from sklearn_lstm.members.features import convolutions
from sklearn_lstm.members.features import series as series_features
from sklearn_lstm.members.features.convolutions import convolve
from sklearn_lstm.members.features.series_statistics import SeriesStatistics
from sklearn_lstm.members.solvers import ridge as ridge_solver
from sklearn_lstm.members.solvers import ridge_regression


def waves(n_series, n_steps=10, n_classes=3, seed=0):
    """Short series of one frequency for each class, in noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n_series)
    X = np.sin(np.arange(n_steps) * (y[:, np.newaxis] + 1) * 0.7)
    return list((X + rng.normal(size=X.shape))[:, :, np.newaxis]), y


@pytest.fixture
def set_features(monkeypatch):
    """A function: about so many features -> the same way of fitting for fewer series."""

    def set_number(n_features):
        for module in (series_features, ridge_solver):
            monkeypatch.setattr(module, "n_features_of", lambda _: n_features)

    return set_number


@pytest.fixture
def leave_out(monkeypatch):
    """A function: how many series are left out in turn, of the features that were set before."""

    return lambda n_series: monkeypatch.setattr(ridge_solver, "N_FEATURES", n_series)


@pytest.fixture
def fit_series(samples_of, linear_fit):
    def fit(X, targets, weights=None, *, held_out=None, n_outputs=2, **parameters):
        samples = samples_of(X, targets, weights, n_outputs)
        held_out = np.arange(len(X)) if held_out is None else held_out
        return linear_fit("linear model", samples, held_out, **parameters)

    return fit


@pytest.fixture
def fit(fit_series):
    def fit(*data, **options):
        found = fit_series(*data, **options)
        return found.model, found.judged.logits

    return fit


@pytest.fixture
def read(fit):
    """A function: series and targets -> the only term of a model, and its logits."""

    def read(*data, **options):
        model, logits = fit(*data, **options, normalize=False)
        (term,) = model.terms
        return term, logits

    return read


def values_of(drawn, inputs, lengths):
    """Return the values of convolutions of inputs (B, T, n_inputs), for each dilation."""
    pieces = convolve(inputs, np.array(lengths), drawn.dilations, drawn.channels)
    return [values for _, _, values in pieces]


@pytest.mark.parametrize("n_channels", [1, 3, 12])
def test_a_shape_is_found_wherever_it_stands(fit, sequences_of, n_channels):
    X, y = bumps(150, n_channels)
    model, left_out = fit(X, y)
    X_new, y_new = bumps(150, n_channels, seed=1)
    accuracy = np.mean(model.logits(sequences_of(X_new)).argmax(1) == y_new)
    assert accuracy > 0.93
    assert np.mean(left_out.argmax(1) == y) == pytest.approx(accuracy, abs=0.06)


def test_with_missing_values_left_out_logits_say_how_frequent_a_rare_class_is(fit):
    rng = np.random.default_rng(0)
    y = (np.arange(200) % 8 == 0).astype(int)
    X = rng.normal(size=(200, 10, 2)) + y[:, np.newaxis, np.newaxis]
    X[rng.random(X.shape) < 0.5] = np.nan
    _, left_out = fit(list(X), y)
    proba = expit(left_out[:, 1] - left_out[:, 0])
    assert proba.mean() == pytest.approx(1 / 8, abs=0.002)


def test_held_out_logits_are_as_sure_as_those_of_new_series(fit, sequences_of):
    X, y = bumps(100)
    noisy = np.where(np.random.default_rng(1).random(100) < 0.2, 1 - y, y)
    model, left_out = fit(X, noisy)
    by_others = log_loss(noisy, expit(left_out[:, 1] - left_out[:, 0]))
    own = model.logits(sequences_of(X))
    assert log_loss(noisy, expit(own[:, 1] - own[:, 0])) < by_others < np.log(2)
    X_new, y_new = bumps(400, seed=2)
    new = model.logits(sequences_of(X_new))
    noisy_new = np.where(np.random.default_rng(3).random(400) < 0.2, 1 - y_new, y_new)
    assert log_loss(noisy_new, expit(new[:, 1] - new[:, 0])) == pytest.approx(by_others, abs=0.1)


def test_one_step_of_many_channels_has_the_logits_alone_that_it_has_beside_others(
    fit, sequences_of
):
    rng, y = np.random.default_rng(0), np.arange(30) % 2
    X = [rng.normal(size=(rng.integers(1, 12), 9)) + label * np.eye(9)[0] for label in y]
    X[::5] = [series[:1] for series in X[::5]]
    model, _ = fit(X, y)
    together = model.logits(sequences_of(X))
    alone = np.concatenate([model.logits(sequences_of([series])) for series in X])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-9)


def test_probabilities_do_not_depend_on_the_unit_of_a_channel():
    X, y = waves(60)
    X = [np.hstack([series, 3 + series[::-1]]) for series in X]
    new, expected = X[:20], None
    for unit in ([1, 1], [0.001, 0.001], [1000, 1]):
        model = LSTMSequenceClassifier(max_epochs=0, random_state=0)
        proba = model.fit([series * unit for series in X], y).predict_proba(
            [series * unit for series in new]
        )
        expected = proba if expected is None else expected
        np.testing.assert_allclose(proba, expected, atol=1e-4)


def persons(n_series, seed=0):
    """Noise and a faint wave, by the class of a person, who has no class in one case of four."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_series) % 2
    signal = np.sin(np.arange(30) * 0.7) * (0.7 * y - 0.35)[:, np.newaxis]
    X = (signal + rng.normal(size=(n_series, 30)))[..., np.newaxis]
    return X, np.where(rng.random(n_series) < 1 / 4, 1 - y, y)


def test_series_with_a_twin_each_are_trusted_as_far_as_new_persons_are():
    """A series that is left out has its twin in training, which tells its class."""
    X, y = persons(8)
    twins, groups = np.concatenate([X, X + 0.01 * persons(8, seed=1)[0]]), np.arange(16) % 8
    model = LSTMSequenceClassifier(max_epochs=0, random_state=0)
    model.fit(twins, np.tile(y, 2))
    X_new, y_new = persons(400, seed=2)
    loss = log_loss(y_new, model.predict_proba(X_new))
    assert loss < 0.8
    by_person = model.fit(twins, np.tile(y, 2), groups=groups)
    assert loss < log_loss(y_new, by_person.predict_proba(X_new)) + 0.1
    model.fit(*persons(16))


@pytest.mark.parametrize("n_features", [84, 5_000], ids=["many series", "few series"])
def test_series_that_are_sorted_by_class_are_trusted_as_in_any_order(
    fit_series, monkeypatch, leave_out, set_features, n_features
):
    monkeypatch.setattr(series_features, "MOST_DRAWN", 60)
    set_features(n_features)
    leave_out(60)
    X, y = waves(400, n_classes=2)
    X = np.array(X) + 2 * np.random.default_rng(9).normal(size=(400, 10, 1))
    shuffled = [np.random.default_rng(seed).permutation(400) for seed in range(4)]
    by_class = [np.argsort(classes, kind="stable") for classes in (y, -y)]
    confidences, left_out = [], []
    for orders in (shuffled, by_class):
        fits = [fit_series(list(X[order]), y[order]) for order in orders]
        confidences.append(np.mean([one.judged.confidence for one in fits]))
        left_out.append(fits[0].judged.logits[np.argsort(orders[0])])
    assert np.ptp(confidences) < 0.15
    correlation = np.corrcoef(*np.diff(left_out, axis=2)[:, :, 0])[0, 1]  # of the same series
    assert correlation > 0.8


def test_ranks_are_those_among_all_series_also_if_classes_take_turns(fit, monkeypatch):
    monkeypatch.setattr(series_features, "MOST_DRAWN", 40)
    y = np.arange(80) % 2
    X = np.random.default_rng(0).normal(size=(80, 10, 1)) + 4 * y[:, np.newaxis, np.newaxis]
    model, _ = fit(list(X), y)
    assert model.features[0].statistics.deviations > 0.5


@pytest.fixture
def features_of_three(fit):
    """Three series of 5, 40 and 23 steps, and the features of a model of them."""
    X = [np.random.default_rng(0).normal(size=(n, 2)) for n in (5, 40, 23)]
    return X, fit(X * 10, np.arange(30) % 2)[0].features[0]


def test_convolutions_are_those_of_the_definition(features_of_three, sequences_of):
    X, model = features_of_three
    encoding, drawn = model.statistics.encoding, model.convolutions
    steps = encoding(sequences_of(X).read(np.array([1])), np.array([40]))  # (40, 4)
    batch = np.zeros((2, 45, 4), np.float32)
    batch[0, :40] = steps
    batch[1, :5] = steps[:5]
    found = values_of(drawn, batch, [40, 5])
    for values, dilation, channels in zip(found, drawn.dilations, drawn.channels, strict=True):
        for number in range(0, 84, 7):
            added = steps[:, channels[number]].sum(1)
            kernel = np.full(9, -1.0)
            kernel[list(list(combinations(range(9), 3))[number])] = 2
            for step in (0, 13, 39):
                places = step + dilation * np.arange(-4, 5)
                inside = (places >= 0) & (places < 40)
                expected = kernel[inside] @ added[places[inside]]
                assert values[number, 0, step] == pytest.approx(expected, abs=1e-4)
        assert np.isnan(values[:, 0, 40:]).all()
        assert np.isnan(values[:, 1, 5:]).all()


def test_features_are_proportions_of_steps_and_levels(features_of_three, sequences_of):
    X, model = features_of_three
    drawn, features = model.convolutions, {}
    for rows, found in model.blocks(sequences_of(X)):
        features |= dict(zip(rows.tolist(), found, strict=True))
    for row, series in enumerate(X):
        inputs = model.statistics.encoding(series, np.array([len(series)]))[np.newaxis]
        found, expected = np.array(values_of(drawn, inputs, [len(series)]))[:, :, 0], []
        events = zip(found, drawn.thresholds, drawn.competing, strict=True)
        for values, thresholds, competing in events:
            above = values[:, np.newaxis] > thresholds[..., np.newaxis]
            expected.append(above.mean(axis=2).ravel())
            for group in values[competing]:
                for extreme in group.max(axis=0), group.min(axis=0):
                    expected.append((group == extreme).mean(axis=1))  # noqa: PERF401
        expected.append(inputs[0, :, :2].mean(axis=0))  # the levels of two channels
        np.testing.assert_allclose(features[row], np.concatenate(expected), rtol=1e-6, atol=1e-7)


def test_levels_that_differ_by_rounding_tell_nothing(fit):
    X, y = waves(60, n_classes=2)
    levels = 1e-6 * (2 * y - 1)
    X = [series - series.mean() + level for series, level in zip(X, levels, strict=True)]
    model, _ = fit(X, y)
    (first, _), read = model.terms, model.features[0]
    of_levels = first.coef[read.n_events :] * 1e-6 / read.statistics.encoding.scale[0]
    assert np.abs(of_levels).max() < 1e-3


def test_levels_of_many_channels_are_learned_and_independent_series_are_trusted(
    fit_series, sequences_of
):
    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    levels = rng.normal(size=(600, 30)) / 2 + np.where(y, 0.15, -0.15)[:, np.newaxis]
    X = list(levels[:, np.newaxis] + rng.normal(size=(600, 5, 30)))
    found = fit_series(X[:200], y[:200])
    assert np.mean(found.model.logits(sequences_of(X[200:])).argmax(1) == y[200:]) > 0.75
    assert found.judged.confidence > 0.8


def test_one_wild_value_of_a_sensor_does_not_decide():
    rng, y = np.random.default_rng(0), np.arange(400) % 2
    X = rng.normal(size=(400, 40)) + y[:, np.newaxis] * (1.5 * np.sin(np.arange(40) / 3) + 0.3)
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0).fit(X[:200], y[:200])
    X[np.arange(200, 400), rng.integers(40, size=200)] = 65_535
    assert model.score(X[200:], y[200:]) > 0.85
    (found,) = explain(model, X[200:201], 1)
    assert_allclose(found.score, model.decision_function(X[200:201]), rtol=1e-5)


def test_levels_of_few_channels_do_not_outweigh_shapes(fit, sequences_of):
    """New persons have other levels; those of training are of one class more often than others."""
    rng, steps, losses = np.random.default_rng(0), np.arange(30)[:, np.newaxis], []

    def draw(n_series, persons, share):
        y, chance = rng.integers(0, 3, n_series), rng.integers(0, 3, n_series)
        X = []
        for label, person in zip(y, np.where(rng.random(n_series) < share, y, chance), strict=True):
            waves = np.sin((label + 1) * steps / 2 + rng.uniform(0, 6) + np.arange(3))
            X.append(waves + persons[person] + rng.normal(size=(30, 3)))
        return X, y

    for _ in range(2):
        persons = rng.normal(0, 2, (6, 3))
        model, _ = fit(*draw(120, persons[:3], share=0.6), n_outputs=3)
        X, y = draw(300, persons[3:], share=0)
        losses.append(log_loss(y, softmax(model.logits(sequences_of(X)), axis=1)))
    assert np.mean(losses) < 0.04


@pytest.mark.parametrize("length", [1, 2, 9, 10])
def test_short_and_constant_series_are_read(fit, sequences_of, length):
    X = np.ones((30, length, 2))
    X[:15, :, 1] = -1
    y = np.arange(30) < 15
    model, _ = fit(list(X), y.astype(int))
    assert np.array_equal(model.logits(sequences_of(list(X))).argmax(1), y)
    constant, _ = fit(list(np.ones((30, length, 2))), y.astype(int))
    assert np.isfinite(constant.logits(sequences_of(list(X)))).all()


def test_series_that_are_all_equal_say_how_frequent_each_class_is():
    y = np.arange(60) % 3 > 0
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0).fit(np.ones((60, 5)), y)
    np.testing.assert_allclose(model.predict_proba(np.ones((2, 5)))[:, 1], 2 / 3, atol=0.03)


def test_a_dilation_beyond_a_series_reads_as_far_as_one_of_its_length():
    rng = np.random.default_rng(0)
    inputs, lengths = rng.normal(size=(2, 30, 3)).astype(np.float32), np.array([30, 20])
    channels = rng.random((1, 84, 3)) < 0.5
    channels[:, :, 0] = True  # each convolution reads some channel
    ((_, _, expected),) = convolve(inputs, lengths, np.array([30]), channels)
    ((_, _, found),) = convolve(inputs, lengths, np.array([10**12]), channels)
    np.testing.assert_array_equal(found, expected)


def test_a_long_series_is_read_in_pieces(fit, sequences_of, monkeypatch):
    X, y = bumps(30, n_channels=3)
    at_once, logits = fit(X, y)
    whole = at_once.contributions(sequences_of(X[:1]), np.array([[-1.0], [1.0]]))
    monkeypatch.setattr(convolutions, "MOST_STEPS_PER_BATCH", 7)
    in_pieces, logits_in_pieces = fit(X, y)
    for one, other in zip(in_pieces.features, at_once.features, strict=True):
        np.testing.assert_array_equal(one.convolutions.thresholds, other.convolutions.thresholds)
    np.testing.assert_allclose(logits_in_pieces, logits, rtol=1e-9)
    parts = in_pieces.contributions(sequences_of(X[:1]), np.array([[-1.0], [1.0]]))
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_memory_hardly_grows_with_the_length_of_a_series(fit, sequences_of):
    model, _ = fit(list(np.random.default_rng(0).normal(size=(20, 8000, 1))), np.arange(20) % 2)
    short, long = (sequences_of([np.zeros((n_steps, 1))]) for n_steps in (20_000, 80_000))
    less, more = (peak_bytes(lambda X=X: model.logits(X)) for X in (short, long))
    assert more - less < 60_000 * 200  # values of 84 convolutions alone would be 336 bytes


@pytest.mark.parametrize("n_features", [2500, 84], ids=["few samples", "many samples"])
def test_labels_classes_without_samples_and_weights(fit, sequences_of, set_features, n_features):
    set_features(n_features)
    X, y = bumps(150)
    labels = np.column_stack([y, 1 - y, np.zeros_like(y), np.ones_like(y)]).astype(np.float32)
    model, _ = fit(X, labels, n_outputs=4)
    assert np.mean((model.logits(sequences_of(X)) > 0) == labels) > 0.95
    model, _ = fit(X, y, n_outputs=3)
    assert set(model.logits(sequences_of(X)).argmax(1)) == {0, 1}
    margins = []
    for weight in (0.1, 10.0):
        logits = fit(X, y, np.where(y == 1, weight, 1.0))[0].logits(sequences_of(X))
        margins.append((logits[:, 1] - logits[:, 0]).mean())
    assert margins[0] < margins[1]


@pytest.mark.parametrize(
    ("rows_per_block", "n_held_out"), [(64, 300), (10_000, 40)], ids=["read again", "kept"]
)
def test_many_series_get_the_ridge_regression_of_scikit_learn(
    read, samples_of, monkeypatch, set_features, *, rows_per_block, n_held_out
):
    set_features(252)
    for module in (ridge_solver, ridge_regression):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", rows_per_block)
    monkeypatch.setattr(ridge_regression, "likeliest_share", lambda *_: 1.0)
    rng = np.random.default_rng(0)
    X, y = waves(400)
    X[7][:] = X[8]  # a series that is there twice
    weights = rng.random(400) + 0.1
    held_out = rng.permutation(400)[:n_held_out]
    options = {"held_out": held_out, "n_outputs": 4}
    full, logits = read(X, y, weights, **options)
    samples = samples_of(X, y)
    features = ridge_solver._matrix(full.features, samples, np.arange(len(samples)), None)
    deviation = np.maximum(features.std(axis=0, dtype=float), 1e-9) / full.features.deviations
    signs = np.where(np.arange(4) == y[:, np.newaxis], 1.0, -1.0)
    ridge = RidgeCV(
        ridge_regression.ALPHAS, scoring="neg_mean_squared_error", store_cv_results=True
    ).fit(features / deviation, signs, sample_weight=weights)
    best = ridge.cv_results_[:, :, np.flatnonzero(ridge.alphas == ridge.alpha_)[0]]
    # Only a factor and a correction of the prior lie between them.
    slope, bias = np.polyfit(best[held_out, 0], logits[:, 0], 1)
    np.testing.assert_allclose(logits[:, 0], slope * best[held_out, 0] + bias, atol=1e-6)
    expected = slope * ridge.predict(features / deviation)[:, 0] + bias
    np.testing.assert_allclose(full.logits(samples.sequences)[:, 0], expected, rtol=0, atol=1e-6)


def test_memory_does_not_grow_with_the_number_of_series(fit, leave_out, set_features):
    set_features(252)
    leave_out(1000)
    few, many = (
        peak_bytes(lambda data=data: fit(*data, held_out=np.arange(500), n_outputs=3))
        for data in (waves(2000), waves(5000))
    )
    assert many < 1.15 * few


def test_thousands_of_classes_do_not_multiply_the_memory(fit, monkeypatch, set_features):
    set_features(84)
    monkeypatch.setattr(ridge_solver, "N_FEATURES", 1_000_000 // 84)
    X, y = waves(6000, n_classes=3)
    peak = peak_bytes(lambda: fit(X, y, held_out=np.arange(500), n_outputs=2000))
    assert peak < 100e6  # predictions for all series left out, for ten penalties: 1 GB


def test_metadata_routing_of_the_caller_does_not_reach_in(fit, set_features):
    set_features(84)
    X, y = waves(120)
    expected = fit(X, y, n_outputs=3)[1]
    with config_context(enable_metadata_routing=True):
        np.testing.assert_array_equal(fit(X, y, n_outputs=3)[1], expected)


@pytest.mark.parametrize(("n_series", "n_features"), [(200, "1,266"), (201, "958")])
def test_a_model_says_what_it_is_and_more_series_get_fewer_features(
    fit, monkeypatch, n_series, n_features
):
    monkeypatch.setattr(series_features, "N_FEATURES", 400)
    model, _ = fit(*waves(n_series), n_outputs=3)
    assert model.describe() == f"{n_features} features of convolutions, levels and places"


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


def test_each_value_has_its_part_of_the_score_and_a_missing_one_has_none():
    X, sequences, encoding, found = example()
    steps, lengths = sequences.read(np.array([0])), sequences.lengths[:1]
    rng = np.random.default_rng(1)
    coef = rng.normal(size=(len(found), 1))
    contributions, rest = found.contributions(steps, lengths, coef)
    assert np.isclose(contributions.sum() + rest, found(steps, lengths)[0] @ coef)
    of_gaps = np.zeros((7, 2))
    of_gaps[:, 0] = rng.normal(size=7)
    contributions, _ = found.contributions(
        steps, lengths, np.r_[np.zeros(5), of_gaps.ravel()][:, None]
    )
    is_missing = np.isnan(X[0, :, 0])
    assert not contributions[is_missing].any()
    *others, last = contributions[~is_missing, 0]
    np.testing.assert_allclose(others, others[0])
    assert last != others[0]
    contributions, _ = found.contributions(steps, lengths, np.eye(len(found))[:, [2]])
    expected = (X[0, :, 2] - encoding.mean[2]) / encoding.scale[2] / 9
    np.testing.assert_allclose(contributions[:, 0], expected)
