"""Series are told apart by their shapes; the linear model stands beside the network."""

import pickle
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from scipy.special import expit
from sklearn import config_context
from sklearn.metrics import log_loss

from sklearn_lstm import LSTMSequenceClassifier, estimator
from sklearn_lstm.convolutions import ConvolutionModel
from sklearn_lstm.encoding import ChannelScaling
from sklearn_lstm.reading import read_sequences
from sklearn_lstm.sequences import Samples

SMALL = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def bumps(n_series, n_channels=1, seed=0):
    """Noise with a short pulse somewhere, up in class 1 and down in class 0, in one channel."""
    rng = np.random.default_rng(seed)
    y, X = rng.integers(0, 2, n_series), []
    for sign in 2 * y - 1:
        series = rng.normal(size=(rng.integers(30, 60), n_channels)) / 4
        start = rng.integers(len(series) - 6)
        series[start : start + 6, 0] += 2 * sign
        X.append(series)
    return X, y


def fitted(X, codes, *, n_outputs=2, seed=0, weights=None):
    sequences = read_sequences(X)
    return ConvolutionModel.of(
        Samples(sequences, codes, np.ones(len(codes)) if weights is None else weights),
        ChannelScaling.of(sequences, normalize=True),
        n_outputs=n_outputs,
        seed=seed,
    )


@pytest.mark.parametrize("n_channels", [1, 3, 12])
def test_a_shape_is_found_wherever_it_stands(n_channels):
    X, y = bumps(150, n_channels)
    model, left_out = fitted(X, y)
    X_new, y_new = bumps(150, n_channels, seed=1)
    accuracy = np.mean(model.logits(read_sequences(X_new)).argmax(1) == y_new)
    assert accuracy > 0.93
    assert np.mean(left_out.argmax(1) == y) == pytest.approx(accuracy, abs=0.06)


def test_what_others_teach_is_tempered_like_what_is_new():
    X, y = bumps(100)
    noisy = np.where(np.random.default_rng(1).random(100) < 0.2, 1 - y, y)
    model, left_out = fitted(X, noisy)
    by_others = log_loss(noisy, expit(left_out[:, 1] - left_out[:, 0]))
    own = model.logits(read_sequences(X))
    assert log_loss(noisy, expit(own[:, 1] - own[:, 0])) < by_others < np.log(2)
    X_new, y_new = bumps(400, seed=2)
    new = model.logits(read_sequences(X_new))
    noisy_new = np.where(np.random.default_rng(3).random(400) < 0.2, 1 - y_new, y_new)
    assert log_loss(noisy_new, expit(new[:, 1] - new[:, 0])) == pytest.approx(by_others, abs=0.1)


def test_convolutions_are_those_of_the_definition():
    X = [np.random.default_rng(0).normal(size=(n, 2)) for n in (5, 40, 23)]
    sequences = read_sequences(X * 10)
    model, _ = fitted(X * 10, np.arange(30) % 2)
    steps = model.encoding(sequences.read(np.array([1])), np.array([40]))  # (40, 4)
    batch = np.zeros((2, 45, 4), np.float32)
    batch[0, :40] = steps
    batch[1, :5] = steps[:5]
    n_seen = 0
    for (index, number), values in model._convolutions(batch, np.array([40, 5])):
        n_seen += 1
        if number % 7:
            continue
        dilation, added = model.dilations[index], steps[:, model.channels[index, number]].sum(1)
        kernel = np.full(9, -1.0)
        kernel[list(list(combinations(range(9), 3))[number])] = 2
        for step in (0, 13, 39):
            places = step + dilation * np.arange(-4, 5)
            inside = (places >= 0) & (places < 40)
            expected = kernel[inside] @ added[places[inside]]
            assert values[0, step] == pytest.approx(expected, abs=1e-4)
        assert np.isneginf(values[0, 40:]).all()
        assert np.isneginf(values[1, 5:]).all()
    assert n_seen == model.thresholds.shape[0] * 84


def test_a_convolution_adds_up_channels_or_their_changes():
    X, y = bumps(60, n_channels=5)
    channels = fitted(X, y)[0].channels.reshape(-1, 2, 5)
    values, changes = channels.sum(axis=2).T
    assert ((values == 0) ^ (changes == 0)).all()
    assert {1, 2, 3, 4, 5} >= set(values + changes) >= {1, 2, 3}
    assert 0.4 < (values > 0).mean() < 0.6


def test_logits_depend_neither_on_neighbours_nor_on_padding():
    X, y = bumps(60)
    model, _ = fitted(X, y)
    together = model.logits(read_sequences(X))
    alone = np.concatenate([model.logits(read_sequences([series])) for series in X])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-10)
    padded = np.full((60, 80, 1), np.nan)
    for row, series in enumerate(X):
        padded[row, : len(series)] = series
    np.testing.assert_allclose(model.logits(read_sequences(padded)), together, rtol=0, atol=1e-10)


@pytest.mark.parametrize("length", [1, 2, 9, 10])
def test_short_and_constant_series_are_read(length):
    X = np.ones((30, length, 2))
    X[:15, :, 1] = -1
    y = np.arange(30) < 15
    model, _ = fitted(X, y.astype(int))
    assert np.array_equal(model.logits(read_sequences(X)).argmax(1), y)
    constant, _ = fitted(np.ones((30, length, 2)), y.astype(int))
    assert np.isfinite(constant.logits(read_sequences(X))).all()


def test_labels_classes_without_samples_and_weights():
    X, y = bumps(80)
    labels = np.column_stack([y, 1 - y, np.zeros_like(y), np.ones_like(y)])
    model, _ = fitted(X, labels, n_outputs=4)
    assert np.mean((model.logits(read_sequences(X)) > 0) == labels) > 0.95
    model, _ = fitted(X, y, n_outputs=3)
    assert set(model.logits(read_sequences(X)).argmax(1)) == {0, 1}
    shift = [
        fitted(X, y, weights=np.where(y == 1, weight, 1.0))[0].logits(read_sequences(X))
        for weight in (0.1, 10.0)
    ]
    margins = [(logits[:, 1] - logits[:, 0]).mean() for logits in shift]
    assert margins[0] < margins[1]


def test_the_shape_is_found_even_by_a_network_that_learns_nothing():
    X, y = bumps(60)
    X_new, y_new = bumps(100, seed=1)
    model = LSTMSequenceClassifier(**SMALL | {"lr": 1e-9}).fit(X, y)
    assert model.score(X_new, y_new) > 0.9
    alone = LSTMSequenceClassifier(**SMALL | {"lr": 1e-9}, linear_branch=False).fit(X, y)
    assert alone.score(X_new, y_new) < 0.75


def test_it_is_stored_with_the_network_and_is_the_same_each_time():
    X, y = bumps(40)
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    expected = model.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    again = LSTMSequenceClassifier(**SMALL).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), expected)


def test_metadata_routing_of_the_caller_does_not_reach_in():
    X, y = bumps(40)
    expected = LSTMSequenceClassifier(**SMALL).fit(X, y).predict_proba(X)
    with config_context(enable_metadata_routing=True):
        routed = LSTMSequenceClassifier(**SMALL).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(routed, expected)


def test_thresholds_are_found_in_the_memory_of_one_series():
    rng = np.random.default_rng(0)
    sequences = read_sequences(rng.normal(size=(40, 4000, 3)))
    samples = Samples(sequences, np.arange(40) % 2, np.ones(40))
    encoding = ChannelScaling.of(sequences, normalize=True)
    tracemalloc.start()
    ConvolutionModel.of(samples, encoding, n_outputs=2, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32e6  # 32 series at once took 80 MB


@pytest.mark.parametrize(
    ("n_series", "options"), [(19, {}), (60, {"linear_branch": False})], ids=["few", "not wanted"]
)
def test_the_network_stands_alone(n_series, options):
    X, y = bumps(n_series)
    assert LSTMSequenceClassifier(**SMALL, **options).fit(X, y)._model.branch is None


def test_too_few_series_for_a_trial_are_all_learnt_from(monkeypatch):
    monkeypatch.setattr(estimator, "MOST_WORK_TWICE", 0)
    for n_series, share in ((60, 1.0), (200, 0.9)):
        X, y = bumps(n_series)
        model = LSTMSequenceClassifier(**SMALL).fit(X, y)
        n_steps = model.history_[0]["tokens_per_second"] * model.history_[0]["seconds"]
        assert n_steps / sum(map(len, X)) == pytest.approx(share, abs=0.03)
        assert (model._model.scales == pytest.approx([0.5, 1.0])) == (n_series == 60)
