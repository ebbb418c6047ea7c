"""y is checked as scikit-learn does, and comes back as it was."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import small_models
from scipy.special import log_expit

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.targets.targets import Labels, LabelSets, Targets

X = np.array([[3, 4, 0], [5, 0, 0], [3, 6, 7], [5, 5, 0]])


small = partial(small_models.small, hidden_size=2, max_epochs=1)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.1, 0.2, 0.3, 1.5], "Unknown label type: continuous"),
        ([0, 1, np.nan, 1], r"y\[2\] is missing: nan"),
        ([0, 1, np.inf, 1], "y contains infinity"),
        (None, "requires y to be passed, but the target y is None"),
        (3, "y is a int: pass a list; y has the order of X"),
        (iter([0, 1, 0, 1]), "y is a list_iterator: pass a list"),
        (pd.to_datetime([None] * 4), r"y\[0\] is missing: None"),
        (
            np.array([0, 1, 0, 1], object),
            r"y\[0\] is 0 \(int\), .*all numbers \(in no array of objects",
        ),
        ([2**63, 1, 2, 3], r"y holds 9223372036854775808, but .* below 2\*\*63"),
        ([1, 0, True, 0], r"y\[2\] is True \(bool\), but labels are all"),
        (["a", "1", "a", 1.0], r"y\[3\] is 1\.0 \(float\), but labels are all"),
        (["ham"] * 4, "least 2 classes are needed, found one class: 'ham'"),
        ([[0, 1], [2, 3], [1, 1], [0, 0]], r"frame\['label'\].*MultiOutputClassifier"),
        ([[0, 3], [3, 3], [0, 0], [3, 0]], r"a table of 0 and 1 .*found \[0, 3\]"),
        ([0, 1, 0], r"inconsistent numbers of samples: \[4, 3\]"),
        ([], "inconsistent numbers of samples|0 sample"),
    ],
)
def test_a_wrong_y_is_refused(y, message):
    model = small()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_a_label_for_each_step_is_told_what_it_is_read_as():
    X = np.random.default_rng(0).normal(size=(30, 24))
    with pytest.warns(InputTypeWarning, match="a column for each step of X"):
        small().fit(X, X > 0)
    small().fit(X[:, 1:], X > 0)  # warnings are errors


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_hot_classes_are_told_what_they_are_read_as(n_classes):
    X, y = np.random.default_rng(0).normal(size=(30, 6)), np.arange(30) % n_classes
    one_hot = np.eye(n_classes)[y]
    for fit in (small().fit, small().partial_fit):
        with pytest.warns(InputTypeWarning, match=r"one-hot.* y\.argmax\(axis=1\)"):
            fit(X, one_hot)
        fit(X, np.maximum(one_hot, np.arange(30)[:, np.newaxis] == 0))  # warnings are errors


@pytest.mark.parametrize(
    "y",
    [
        np.array([-1.0, 1.0, 1.0, -1.0]),
        np.array([True, False, True, False]),
        np.array(["ham", "spam", "ham", "spam"]),
        pd.Series(["ham", "spam", "ham", "x"], dtype="category", index=[4, 3, 2, 1]),
    ],
    ids=lambda y: f"{type(y).__name__}-{np.asarray(y).dtype}",
)
def test_labels_come_back_as_they_are(y):
    model = small().fit(X, y)
    expected = np.unique(np.asarray(y))
    np.testing.assert_array_equal(model.classes_, expected)
    assert set(model.predict(X)) <= set(expected)
    assert model.predict(X).dtype == model.classes_.dtype
    proba = model.predict_proba(X)
    assert proba.shape == (4, len(expected))
    np.testing.assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])


def test_several_labels_are_no_classes_and_their_scores_are_their_logits():
    classes, labels = Labels(np.arange(2)), LabelSets(np.arange(2))
    with pytest.raises(ValueError, match="y is multilabel, but the classifier was fitted to one"):
        classes.encode(np.eye(2, dtype=int))
    targets = Targets(np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [3, 0]]), labels)
    assert targets.has([0, 1]).tolist() == [[True, False], [False, True]]
    logits, truth = np.array([[1.0, 0], [2, 0]]), targets.has([0, 1])
    total, gradient = labels.log_likelihood(logits, truth, targets.weights)
    of_one = log_expit(1) + 3 * log_expit(-2)  # a yes, and a no of three times the weight
    assert total == pytest.approx(of_one * 0.4 / 2)  # 1.6 samples of one of two labels
    assert gradient[:, 1].tolist() == [0, 0]  # no sample of the other has a weight


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_with_a_lone_surrogate_survive_a_round_trip(round_trip, dtype):
    """A lone surrogate stands for a byte that could not be decoded, as in names of files."""
    X = np.random.default_rng(0).normal(size=(8, 3))
    y = np.array(["caf\udce9", "the"] * 4, dtype)
    model = small().fit(X, y)
    restored = round_trip(model)
    assert restored.classes_.tolist() == ["caf\udce9", "the"]
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))
    np.testing.assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["ham", "ham ", "spam"], r"blanks or case alone: \['ham', 'ham '\]"),
        (["ham", "Ham", "spam"], r"blanks or case alone: \['Ham', 'ham'\]"),
        (["ham", "", "spam"], r"The labels \{''\} look like missing ones"),
        (["ham", "None", "spam"], r"The labels \{'None'\} look like missing ones"),
    ],
)
def test_labels_that_are_seldom_meant_are_told(labels, message):
    X, model = np.random.default_rng(0).normal(size=(60, 9)), small(linear_model="alone")
    with pytest.warns(InputTypeWarning, match=message):
        model.fit(X, np.array(labels * 20))
    model.fit(X, ["a", "A", "b"] * 20)  # letters are what they are


def test_validation_samples_of_x_are_told_and_others_are_not():
    X, y = np.random.default_rng(0).normal(size=(60, 9)), np.arange(60) % 2
    model = LSTMSequenceClassifier(linear_model="alone", random_state=0)
    with pytest.warns(InputTypeWarning, match="All sequences of X_val are in X too"):
        model.fit(X, y, X_val=X[:30], y_val=y[:30])
    model.fit(X[30:], y[30:], X_val=X[:31], y_val=y[:31])  # one of them is in both
