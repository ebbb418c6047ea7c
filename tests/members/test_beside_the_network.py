"""The linear model beside the network: when there is one, how it is blended, how it is stored."""

import numpy as np
import pytest
from as_read import read_sequences
from small_models import bumps

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.features.ngrams import NgramFeatures
from sklearn_lstm.members.features.series import SeriesFeatures

SMALL = {"hidden_size": 8, "embedding_dim": 8, "max_epochs": 3, "random_state": 0}
SMALL_SERIES = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


@pytest.mark.parametrize(
    ("kind", "least", "most_alone"), [(NgramFeatures, 0.95, 0.7), (SeriesFeatures, 0.9, 0.75)]
)
def test_pairs_and_shapes_are_found_even_by_a_network_that_learns_nothing(
    pairs, kind, least, most_alone
):
    if kind is NgramFeatures:
        options, (X, y), new = SMALL, pairs(400), pairs(200)
    else:
        options, (X, y), new = SMALL_SERIES, bumps(60), bumps(100, seed=1)
    options = options | {"lr": 1e-9, "max_epochs": 1}
    model = LSTMSequenceClassifier(**options).fit(X, y)
    assert isinstance(model.linear_model_.features[0], kind)
    assert model.score(*new) > least
    alone = LSTMSequenceClassifier(**options, linear_model=False).fit(X, y)
    assert alone.score(*new) < most_alone


@pytest.mark.parametrize(("linear_model", "share"), [(True, 0.7), (False, 1.0)])
def test_the_network_learns_without_the_held_out_samples(pairs, linear_model, share):
    X, y = pairs(300)
    epoch = LSTMSequenceClassifier(**SMALL, linear_model=linear_model).fit(X, y).history_[0]
    n_tokens = epoch["tokens_per_second"] * epoch["seconds"]
    assert n_tokens / sum(map(len, X)) == pytest.approx(share, abs=0.05)
    assert epoch["valid_loss"] is None


def test_the_decision_is_the_weighed_sum_of_network_and_linear_model(pairs):
    X, y = pairs(300)
    model = LSTMSequenceClassifier(**SMALL).fit(X, y)
    blend = model.calibration_
    sequences = read_sequences(X)
    expected = blend["weights"]["network"] * model._fitted.model.network.logits(sequences)
    expected += blend["weights"]["linear model"] * model.linear_model_.logits(sequences)
    expected += model._fitted.model.biases
    np.testing.assert_allclose(model.decision_function(X), expected[:, 1] - expected[:, 0])


@pytest.mark.filterwarnings("ignore:X was read as")  # of noise nothing is learned
def test_a_network_that_is_right_on_held_out_samples_weighs_more():
    """Which of two distant ids comes first is seen by a network, and not by n-grams."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(6, 400, (400, 8)), rng.integers(0, 2, 400)  # too many ids for states
    X_noise = X.copy()
    for row, label in zip(X, y, strict=True):
        row[np.sort(rng.choice(8, 2, replace=False))] = (4, 5) if label else (5, 4)
    options = SMALL | {"hidden_size": 16, "max_epochs": 12, "lr": 0.04, "batch_size": 24}
    right, noise = (
        LSTMSequenceClassifier(**options).fit(data, y).calibration_["weights"]["network"]
        for data in (X, X_noise)
    )
    assert right > 5 * noise


def test_sequences_shorter_than_every_ngram_are_predicted():
    rng = np.random.default_rng(0)
    model = LSTMSequenceClassifier(**SMALL).fit(rng.integers(1, 3, (120, 60)), np.arange(120) % 2)
    assert model.linear_model_.features[0].shortest > 4
    assert model.predict([[1], [2, 1]]).shape == (2,)
