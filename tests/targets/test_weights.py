"""Weights of samples and classes: what is refused by name, and what is not too large or small."""

import re
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.streaming import fit_batches
from sklearn_lstm.targets.label_reading import (
    absolute_weights,
    relative_weights,
    weights_of_classes,
)
from sklearn_lstm.targets.targets import Labels, Targets

small = partial(small_models.small, max_epochs=3)


def data(n_samples=24, names=(0, 1)):
    X = np.random.default_rng(0).normal(size=(n_samples, 5))
    y = np.where(X.mean(axis=1) > 0, names[1], names[0])
    assert len(set(y.tolist())) == 2
    return X, y


@pytest.mark.parametrize("wrong", [-1e-9, float("nan"), float("inf")])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "labels"])
def test_a_class_weight_that_is_negative_or_not_finite_is_refused_by_name(method, wrong):
    X, y = data(names=("ham", "spam"))
    model, more = small(class_weight={"ham": 1, "spam": wrong}), {}
    if method == "labels":
        y, method = np.stack([y == "spam", y == "ham"], axis=1).astype(int), "fit"
        model.set_params(class_weight=[{0: 1, 1: 2}, {0: 1, 1: wrong}])
    elif method == "partial_fit":
        more = {"classes": ["ham", "spam"]}
    with pytest.raises(ValueError, match=rf"class_weight.*{re.escape(str(wrong))}"):
        getattr(model, method)(X, y, **more)
    assert not hasattr(model, "classes_")


def test_a_weight_of_0_leaves_samples_out_and_their_class_is_still_a_class():
    X, y = data()
    for class_weight, weights in (({0: 0, 1: 1}, None), (None, y), ("balanced", y)):
        model = small(class_weight=class_weight, max_epochs=9, lr=0.1).fit(X, y, weights)
        assert set(model.predict(X)) == {1}
        assert model.classes_.tolist() == [0, 1]
    with pytest.warns(UserWarning, match=r"Nothing is learned of .* or none: \['c'\]"):
        small(class_weight={"c": 0, "a": 1, "b": 1}).fit(X, [*"abc"] * (len(X) // 3))


def test_absolute_weights_are_products_and_relative_ones_have_mean_one_where_they_count():
    y, products = np.array([0, 0, 1, 1]), np.array([0, 2, 4, 8])
    targets = Targets(y, np.array([0, 2, 2, 4]), Labels.of(y))
    by_class = weights_of_classes({1: 2.0}, targets)
    assert_allclose(absolute_weights(targets, by_class).weights, products)
    assert_allclose(relative_weights(targets, by_class).weights, products * 3 / 14)


@pytest.mark.parametrize("linear_model", [False, True])
def test_the_scale_of_all_weights_makes_no_difference(linear_model):
    X, y = data()
    expected = small(linear_model=linear_model).fit(X, y).predict_proba(X)
    for scale in (1e308, 1e-320):  # the last has about three digits
        weights, class_weight = np.full(len(y), scale), {0: scale, 1: scale}
        for more, classes in ((weights, None), (weights, class_weight)):
            model = small(linear_model=linear_model, class_weight=classes)
            found = model.fit(X, y, sample_weight=more).predict_proba(X)
            assert_allclose(found, expected, atol=2e-3, err_msg=f"{scale}, {classes}")


@pytest.mark.parametrize("linear_model", [False, True])
def test_weights_may_differ_by_any_factor(linear_model):
    X, y = data()
    weights = np.where(y == 1, 1e308, 1e-320)
    model = small(linear_model=linear_model, max_epochs=30).fit(X, y, sample_weight=weights)
    assert np.isfinite(model.predict_proba(X)).all()
    assert set(model.predict(X)) == {1}


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_partial_fit_takes_weights_as_they_are():
    X, y = data()
    model = small()
    with pytest.raises(NonFiniteTrainingError):
        model.partial_fit(X, y, classes=[0, 1], sample_weight=np.full(len(y), 1e308))
    assert not hasattr(model, "classes_")
    model.partial_fit(X, y, classes=[0, 1], sample_weight=np.full(len(y), 1e-320))
    assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_batches", "validation"])
def test_a_wrong_weight_is_refused_by_row(method):
    X, y = data()
    model = small(max_epochs=1)

    def fit(weights):
        if method == "fit_batches":
            ids = TextSequenceVectorizer().fit_transform(["so good", "bad"] * 12)
            fit_batches(model, [(ids, y, weights)])
        elif method == "validation":
            model.fit(X[::2], y[::2], X_val=X, y_val=y, sample_weight_val=weights)
        else:
            more = {"classes": [0, 1]} if method == "partial_fit" else {}
            getattr(model, method)(X, y, sample_weight=weights, **more)

    known = [None if row == 7 else 1.0 for row in range(24)]
    for weights, message in (
        (known, r"sample_weight\[7\] = nan is no finite weight of 0 \(left out\)"),
        (pd.Series(known, dtype="Int64", index=np.arange(24) + 5), r"sample_weight\[7\] = nan"),
        (pl.Series(known), r"sample_weight\[7\] = nan"),
        (pa.array(known), r"sample_weight\[7\] = nan"),
        ([1] * 9 + [-2] * 15, r"sample_weight\[9\] = -2.* is no finite weight"),
        ([0] * 24, "at least one non-zero"),
        ([1] * 23, r"each of the 24 samples, but it has the shape \(23,\)"),
        ([[1.0] * 24] * 24, r"it has the shape \(24, 24\)"),
        ("balanced", r"sample_weight has to hold a number .* class_weight='balanced'"),
        ({0: 1.0, 1: 2.0}, r"sample_weight has to hold a number .* class_weight='balanced'"),
        (["a"] * 24, r"sample_weight has to hold a number for each of the 24 samples: .*'a'"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(weights)
    fit([1.0] * 24)


@pytest.mark.parametrize("class_weight", [[{0: 1, 1: 2}], [1, 0], [], {0: 1, 1: 2}, [{}, None]])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_class_weights_of_another_form_than_y_are_refused(method, class_weight):
    """A list of numbers was read by the numbers of the classes, so [1, 0] dropped the second."""
    X, y = data()
    is_for_one = isinstance(class_weight, dict) or None in class_weight
    y = np.stack([y, 1 - y], axis=1) if is_for_one else y
    wanted = "a list of 2 dicts" if is_for_one else "one dict"
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=rf"class_weight has to be {wanted}.*Found"):
        getattr(small(class_weight=class_weight), method)(X, y, **more)


@pytest.mark.parametrize("several", [False, True], ids=["classes", "labels"])
def test_samples_that_do_not_count_do_not_balance(several):
    X, y = data(60)
    counts = (np.arange(60) % 3 > 0) | (y == 1)
    y = np.stack([y, y], axis=1) if several else y
    model = small(class_weight="balanced", linear_model=True, max_epochs=1)
    found = model.fit(X, y, sample_weight=counts).predict_proba(X)
    assert_array_equal(found, model.fit(X[counts], y[counts]).predict_proba(X))


def test_a_weight_counts_as_so_many_samples_where_classes_are_balanced():
    y, labels, repeats = np.array([0, 0, 0, 1]), Labels(np.arange(2)), np.array([1, 4, 1, 2])
    once = weights_of_classes("balanced", Targets(y, repeats, labels))
    again = Targets(np.repeat(y, repeats), np.ones(8), labels)
    again = weights_of_classes("balanced", again)
    assert once == pytest.approx(again)
    assert 6 * once[0] == pytest.approx(2 * once[1])


def test_if_nothing_counts_the_error_names_the_weights_of_classes_too():
    X, y = data()
    model = small(class_weight={0: 0})
    with pytest.raises(ValueError, match="class_weight needs at least one") as info:
        model.fit(X, y, X_val=X[y == 0], y_val=y[y == 0])
    assert str(info.value).startswith("X_val")


# --- partial_fit, and a batch that lacks a class


@pytest.mark.parametrize("weights", [{1: 3.0}, {0: 1.0, 1: 3.0}], ids=["one", "both"])
def test_a_batch_of_partial_fit_may_lack_a_class_that_has_a_weight(weights):
    X, y = data()
    model = small(class_weight=weights)
    weighed = small()
    for rows in (y == 0, y == 1, y >= 0):
        model.partial_fit(X[rows], y[rows], classes=[0, 1])
        weighed.partial_fit(
            X[rows], y[rows], classes=[0, 1], sample_weight=np.where(y[rows] == 1, 3.0, 1.0)
        )
        assert_array_equal(model.predict_proba(X), weighed.predict_proba(X))


def test_a_weight_for_no_class_is_refused_by_name_unless_all_classes_have_one():
    X, y = data()
    with pytest.raises(ValueError, match=r"class_weight.*eggs"):
        small(class_weight={"eggs": 2.0}).partial_fit(X, y, classes=[0, 1])
    small(class_weight={0: 1, 1: 2, 2: 3}).fit(X, y)  # a class that these data lack


@pytest.mark.filterwarnings("ignore:X was read")  # without weights, 9 held-out samples say little
@pytest.mark.parametrize("seed", range(2))
def test_balanced_weights_find_a_rare_class_where_it_is_the_likelier_one(seed):
    rng = np.random.default_rng(seed)
    y = (rng.random(1300) < 0.1).astype(int)
    X = rng.integers(2, 40, (1300, 6))
    X[rng.random(1300) < np.where(y == 1, 0.8, 0.1), 0] = 1  # with equal classes it decides
    found = []
    for class_weight in (None, "balanced"):
        model = LSTMSequenceClassifier(max_epochs=0, random_state=0, class_weight=class_weight)
        predicted = model.fit(X[:300], y[:300]).predict(X[300:])
        found.append(predicted[y[300:] == 1].mean())
    assert found[0] < 0.5
    assert found[1] == pytest.approx(0.8, abs=0.1)
