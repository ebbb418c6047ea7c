"""y is checked as scikit-learn does, and comes back as it was."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import small_models
from scipy import sparse
from scipy.special import log_expit
from sklearn.exceptions import DataConversionWarning
from skorch.callbacks import Callback

from sklearn_lstm.exceptions import InputTypeWarning
from sklearn_lstm.targets.labels import Labels, LabelSets
from sklearn_lstm.targets.targets import Targets
from sklearn_lstm.targets.weights_and_groups import (
    absolute_weights,
    read_sample_weight,
    relative_weights,
    weights_of_classes,
)

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
        ([None] * 4, r"y\[0\] is missing: None. Each sequence needs a label"),
        (pd.to_datetime([None] * 4), r"y\[0\] is missing: None"),
        (
            np.array([0, 1, 0, 1], object),
            r"y\[0\] is 0, a int, .*all numbers \(in no array of objects",
        ),
        ([2**63, 1, 2, 3], r"y holds 9223372036854775808, but .* below 2\*\*63"),
        ([1, 0, True, 0], r"y\[2\] is True, a bool, but labels have to be all"),
        (["a", "1", "a", 1.0], r"y\[3\] is 1\.0, a float, but labels have to be all"),
        (["ham"] * 4, "at least 2 classes, found only 'ham'"),
        ([[0.1], [0.2], [0.3], [1.5]], "Unknown label type: continuous"),
        ([[0, 1], [2, 3], [1, 1], [0, 0]], "single steps are not learned.*MultiOutputClassifier"),
        ([[0, 3], [3, 3], [0, 0], [3, 0]], r"a table of 0 and 1 .*found \[0, 3\]"),
        ([[[0]], [[1]], [[0]], [[1]]], "dim 3|Unknown label type"),
        ([0, 1, 0], r"inconsistent numbers of samples: \[4, 3\]"),
        ([], "inconsistent numbers of samples|0 sample"),
    ],
)
def test_a_wrong_y_is_refused(y, message):
    model = small()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_hot_classes_are_told_what_they_are_read_as(n_classes):
    X, y = np.random.default_rng(0).normal(size=(30, 6)), np.arange(30) % n_classes
    one_hot = np.eye(n_classes)[y]
    for fit in (small().fit, small().partial_fit):
        with pytest.warns(InputTypeWarning, match=r"one-hot.* y\.argmax\(axis=1\)"):
            fit(X, one_hot)
        fit(X, np.maximum(one_hot, np.arange(30)[:, np.newaxis] == 0))  # warnings are errors


@pytest.mark.parametrize("hold", [list, sparse.csr_matrix, sparse.csc_array])
def test_a_column_of_labels_is_read_with_scikit_learns_warning(hold):
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        model = small().fit(X, hold([[0], [1], [0], [1]]))
    assert model.predict(X).shape == (4,)


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, 7, 2, 7]),
        np.array([-1.0, 1.0, 1.0, -1.0]),
        np.array([True, False, True, False]),
        np.array(["ham", "spam", "ham", "spam"]),
        np.array(["ham", "spam", "ham", "x"], dtype=object),
        pd.Series(["ham", "spam", "ham", "x"], dtype="category", index=[4, 3, 2, 1]),
        ["ham", "spam", "eggs", "spam"],
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


@pytest.mark.parametrize("class_weight", [None, "balanced", {1: 0}])
def test_a_class_without_weight_is_a_class(class_weight):
    weights = [1, 0, 1, 0] if class_weight != {1: 0} else None
    model = small(class_weight=class_weight).fit(X, [0, 1, 0, 1], weights)
    assert model.classes_.tolist() == [0, 1]


def test_several_labels_are_no_classes_and_their_scores_are_their_logits():
    classes, labels = Labels(np.arange(2)), LabelSets(np.arange(2))
    with pytest.raises(ValueError, match="y is multilabel, but the classifier was fitted to one"):
        classes.encode(np.eye(2, dtype=int))
    assert classes.directions[:, 1].tolist() == [-1, 1]
    assert (
        labels.directions[:, 1].tolist() == Labels(np.arange(2)).directions[:, 1].clip(0).tolist()
    )
    assert Labels(np.arange(3)).directions[:, 1].tolist() == [0, 1, 0]
    targets = Targets(np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [3, 0]]), labels)
    assert targets.has([0, 1]).tolist() == [[True, False], [False, True]]
    logits, truth = np.array([[1.0, 0], [2, 0]]), targets.has([0, 1])
    total, gradient = labels.log_likelihood(logits, truth, targets.weights)
    of_one = log_expit(1) + 3 * log_expit(-2)  # a yes, and a no of three times the weight
    assert total == pytest.approx(of_one * 0.4 / 2)  # 1.6 samples of one of two labels
    assert gradient[:, 1].tolist() == [0, 0]  # no sample of the other has a weight


def of_samples(weigh):
    def of_given(sample_weight, class_weight, y, labels):
        targets = Targets(y, read_sample_weight(sample_weight, len(y)), labels)
        return weigh(targets, weights_of_classes(class_weight, targets)).weights

    return of_given


WEIGHTS = {"relative": of_samples(relative_weights), "absolute": of_samples(absolute_weights)}


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"sample_weight.shape == \(2,\), expected \(3,\)"),
        ([1, -2, 1], r"sample_weight\[1\] = -2.*finite weight of 0 or more"),
        ([0, 0, 0], "at least one non-zero"),
        ([1, np.nan, 1], r"sample_weight\[1\] = nan"),
        ([1, np.inf, 1], r"sample_weight\[1\] = inf"),
        ([[1, 2, 3]] * 3, r"sample_weight.shape == \(3, 3\)"),
    ],
)
def test_wrong_sample_weights_are_refused(kind, weights, message):
    y = np.array([0, 1, 0])
    with pytest.raises(ValueError, match=message):
        WEIGHTS[kind](weights, None, y, Labels.of(y))


def test_absolute_weights_are_products_and_relative_ones_have_mean_one_where_they_count():
    y, products = np.array([0, 0, 1, 1]), np.array([0, 2, 4, 8])
    for kind, expected in (("absolute", products), ("relative", products * 3 / 14)):
        weights = WEIGHTS[kind]([0, 2, 2, 4], {1: 2.0}, y, Labels.of(y))
        np.testing.assert_allclose(weights, expected)


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


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("dtype", [int, float])
def test_column_names_of_mixed_types_are_refused_before_training(dtype, method):
    began = []

    class Listener(Callback):
        def on_train_begin(self, net, **_):
            began.append(net)

    values = np.random.default_rng(0).integers(2, 9, (8, 2)).astype(dtype)
    X = pd.DataFrame(values, columns=["first", 1])
    model = small(callbacks=[Listener()])
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(TypeError, match="string"):
        getattr(model, method)(X, [0, 1] * 4, **more)
    assert not began
    assert set(vars(model)) == set(model.get_params())
