"""Several labels are weighted one by one, and each keeps a positive to learn from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.utils import compute_sample_weight

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.held_out import hold_out, hold_out_groups
from sklearn_lstm.targets.label_reading import (
    absolute_weights,
    relative_weights,
    weights_of_classes,
)
from sklearn_lstm.targets.targets import Labels, Targets


def rare_labels(n_samples=300, n_labels=12):
    """Return ids and labels; label l has the token 10 + l, and the last label has 2 positives."""
    rng = np.random.default_rng(0)
    y = (rng.random((n_samples, n_labels)) < 0.05).astype(int)
    y[:, -1] = 0
    y[[3, 200], -1] = 1
    X = [[*rng.integers(2, 9, 6), *(10 + np.flatnonzero(labels))] for labels in y]
    return [rng.permutation(row) for row in X], y


def test_balanced_weights_are_those_of_each_label_by_itself():
    _, y = rare_labels()
    targets = Targets(y, np.ones(len(y)), Labels.of(y))
    weights = relative_weights(targets, weights_of_classes("balanced", targets)).weights
    expected = [compute_sample_weight("balanced", column) for column in y.T]
    assert_allclose(weights, np.transpose(expected))


@pytest.mark.parametrize("weights_of", [relative_weights, absolute_weights])
def test_a_dict_for_each_label_weighs_this_label_alone(weights_of):
    y = np.array([[1, 0], [0, 1], [1, 1]])
    targets = Targets(y, np.array([1.0, 1.0, 0.0]), Labels.of(y))
    by_class = weights_of_classes([{0: 1, 1: 3}, {0: 2}], targets)
    weights = weights_of(targets, by_class).weights
    expected = np.array([[3, 2], [1, 1], [0, 0]])
    assert_allclose(weights / weights[1, 0], expected)


def test_samples_count_if_any_label_does():
    y = np.array([[1, 0], [0, 1]])
    labels = Labels.of(y)
    targets = Targets(labels.encode(y), np.ones(len(y)), labels)
    targets = absolute_weights(targets, weights_of_classes([{0: 0}, {0: 0}], targets))
    assert targets.sample_weights.tolist() == [0.5, 0.5]
    assert targets.output_weights(1).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(9))
def test_a_positive_of_each_label_is_never_held_out(seed):
    y = np.zeros((60, 9))
    y[np.arange(16), np.arange(16) % 8] = 1  # the last label has no positive
    rng = np.random.default_rng(seed)
    groups = rng.permutation(60) // 3
    for rows in (hold_out(y, 15, rng), hold_out_groups(y, groups, 15, rng)):
        learned = np.delete(y, rows, axis=0)
        assert learned[:, :8].any(axis=0).all()


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [{"max_epochs": 20}, {"max_epochs": 0}])
def test_balanced_weights_find_rare_labels_without_predicting_them_for_all(parameters):
    X, y = rare_labels()
    model = LSTMSequenceClassifier(
        hidden_size=16, random_state=0, class_weight="balanced", **parameters
    ).fit(X, y)
    predicted = model.predict(X)
    assert predicted[y == 1].mean() > 0.7
    assert predicted[:, -1].mean() < 0.3
    assert predicted[y == 0].mean() < 0.15
