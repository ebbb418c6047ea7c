"""What was built beside the network is told by attributes, `repr` and the HTML representation."""

import pickle
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier


def small(**parameters):
    defaults = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}
    return LSTMSequenceClassifier(**(defaults | parameters))


def tokens(n_samples=120):
    return np.random.default_rng(0).integers(1, 9, (n_samples, 5)), np.arange(n_samples) % 2


def series(n_samples=40):
    return np.random.default_rng(0).normal(size=(n_samples, 5)), np.arange(n_samples) % 2


kinds = pytest.mark.parametrize("make", [tokens, series])


def check_calibration(calibration):
    assert type(calibration) is dict
    assert set(calibration) == {"network_weight", "linear_weight", "n_held_out", "n_networks"}
    assert type(calibration["network_weight"]) is float
    assert type(calibration["linear_weight"]) is float
    assert type(calibration["n_held_out"]) is int
    assert type(calibration["n_networks"]) is int
    assert calibration["network_weight"] > 0
    assert calibration["linear_weight"] > 0


@kinds
def test_two_networks_and_a_linear_model_are_told(make):
    X, y = make()
    model = small().fit(X, y)
    assert model.linear_model_ is not None
    check_calibration(model.calibration_)
    assert model.calibration_["n_networks"] == 2
    assert 0 < model.calibration_["n_held_out"] < len(y)


@kinds
def test_early_stopping_is_told_by_the_samples_it_holds_out(make):
    X, y = make()
    model = small(early_stopping=True, validation_fraction=0.25).fit(X, y)
    assert model.linear_model_ is not None
    check_calibration(model.calibration_)
    assert model.calibration_["n_networks"] == 1
    assert model.calibration_["n_held_out"] == len(y) // 4


@kinds
def test_without_a_linear_model_there_is_nothing_to_tell(make):
    X, y = make()
    model = small(linear_branch=False).fit(X, y)
    assert model.linear_model_ is None
    assert model.calibration_ is None


@pytest.mark.parametrize(
    ("data", "parameters"),
    [
        (tokens(30), {}),
        (series(8), {}),
        (tokens(), {"criterion": torch.nn.CrossEntropyLoss}),
        (series(), {"criterion": torch.nn.MultiMarginLoss}),
    ],
    ids=["few sequences", "few series", "cross entropy of the user", "another loss"],
)
def test_a_linear_model_that_could_not_be_used_is_told(data, parameters):
    model = small(**parameters).fit(*data)
    assert model.linear_branch
    assert model.linear_model_ is None
    assert model.calibration_ is None


@kinds
def test_several_labels_are_told_too(make):
    X, y = make()
    model = small().fit(X, np.stack([y, 1 - y], axis=1))
    assert model.linear_model_ is not None
    check_calibration(model.calibration_)


@kinds
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_that_goes_on_keeps_the_weights_and_one_network(make, method):
    X, y = make()
    model = small(warm_start=True).fit(X, y)
    before = model.calibration_
    getattr(model, method)(X, y)
    assert model.linear_model_ is not None
    check_calibration(model.calibration_)
    assert model.calibration_["n_networks"] == 1
    for name in ("network_weight", "linear_weight"):
        assert model.calibration_[name] == before[name]


def test_partial_fit_alone_has_no_linear_model():
    X, y = tokens()
    model = small().partial_fit(X, y, classes=[0, 1])
    assert model.linear_model_ is None
    assert model.calibration_ is None


@kinds
def test_a_fit_that_failed_tells_what_was_there_before(make):
    X, y = make()
    model = small().fit(X, y)
    before = dict(model.calibration_), repr(model)
    with pytest.raises(ValueError, match="y"):
        model.fit(X, None)
    assert (model.calibration_, repr(model)) == before


def test_an_unfitted_model_has_built_nothing():
    for name in ("linear_model_", "calibration_"):
        assert not hasattr(small(), name)


@kinds
def test_a_loaded_model_tells_the_same(make):
    X, y = make()
    model = small().fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert restored.calibration_ == model.calibration_
    check_calibration(restored.calibration_)
    assert type(restored.linear_model_) is type(model.linear_model_)
    assert repr(restored) == repr(model)


# --- repr and HTML


LINEAR_MODEL = re.compile(r"linear[ _]model", re.IGNORECASE)


def test_repr_of_an_unfitted_model_is_that_of_scikit_learn():
    shown = repr(small())
    assert shown == "LSTMSequenceClassifier(hidden_size=4, max_epochs=1, random_state=0)"
    assert eval(shown).get_params() == small().get_params()  # noqa: S307 - our own text


@kinds
def test_repr_shows_what_was_built(make):
    X, y = make()
    with_linear = repr(small().fit(X, y))
    without = repr(small(linear_branch=False).fit(X, y))
    too_few = repr(small().fit(X[:8], y[:8]))
    for shown in (with_linear, without, too_few):
        assert "hidden_size=4" in shown
        assert LINEAR_MODEL.search(shown)
    assert with_linear != too_few
    assert repr(clone(small().fit(X, y))) == repr(small())


@kinds
def test_repr_shows_how_far_each_part_is_trusted(make):
    X, y = make()
    model = small().fit(X, y)
    weight = model.calibration_["linear_weight"]
    assert any(f"{weight:.{digits}g}" in repr(model) for digits in (1, 2, 3, 4))


@kinds
def test_html_shows_what_was_built(make):
    X, y = make()
    for model in (
        small().fit(X, y),
        small().fit(X[:8], y[:8]),
        small(linear_branch=False).fit(X, y),
    ):
        shown = model._repr_html_()
        assert "LSTMSequenceClassifier" in shown
        assert LINEAR_MODEL.search(shown)
    unfitted = small()._repr_html_()
    assert "LSTMSequenceClassifier" in unfitted
    assert "calibration_" not in unfitted


def test_html_tells_a_model_with_a_linear_model_from_one_without():
    X, y = series()
    model = small().fit(X, y)
    shown = model._repr_html_()
    assert any(
        f"{model.calibration_['linear_weight']:.{digits}g}" in shown for digits in (1, 2, 3, 4)
    )


def test_a_pipeline_shows_a_fitted_classifier():
    X, y = series()
    pipeline = make_pipeline(FunctionTransformer(), small()).fit(X, y)
    assert "LSTMSequenceClassifier(" in repr(pipeline)
    assert LINEAR_MODEL.search(pipeline._repr_html_())
