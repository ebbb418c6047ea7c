"""Accuracy over the part that was read: for every container of labels, and for any share."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy import sparse

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.inspection import LengthAccuracyDisplay

mpl.use("Agg")
X = np.random.default_rng(0).normal(size=(30, 6))
LABELS = np.stack([X[:, 0] > 0, X.mean(axis=1) > 0], axis=1).astype(int)


@pytest.fixture(scope="module")
def model():
    return LSTMSequenceClassifier(hidden_size=4, max_epochs=2, random_state=0).fit(X, LABELS)


@pytest.mark.parametrize("hold", [sparse.csr_matrix, sparse.coo_array, np.ndarray.tolist])
def test_labels_may_be_in_any_container(model, hold):
    expected = LengthAccuracyDisplay.from_estimator(model, X, LABELS)
    display = LengthAccuracyDisplay.from_estimator(model, X, hold(LABELS))
    np.testing.assert_array_equal(display.accuracy, expected.accuracy)
    assert display.most_frequent == expected.most_frequent


def test_the_smallest_share_is_one_step(model):
    tiny = LengthAccuracyDisplay.from_estimator(model, X, LABELS, shares=[1e-12])
    one = LengthAccuracyDisplay.from_estimator(model, X, LABELS, lengths=[1])
    np.testing.assert_array_equal(tiny.accuracy, one.accuracy)
