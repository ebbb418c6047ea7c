"""What was built beside the network is told by attributes and `repr`; HTML has a link."""

import pickle
from functools import partial

import numpy as np
import pytest
import small_models
import torch
from markup import Markup
from sklearn.base import clone
from small_models import series, tokens

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.sklearn_internals import DOCUMENTATION

small = partial(small_models.small, max_epochs=1, linear_model=True)


kinds = pytest.mark.parametrize("make", [tokens, series])


def check_calibration(calibration, n_corrections=None):
    assert type(calibration) is dict
    assert set(calibration) == {"weights", "prior_correction", "n_held_out"}
    weights = calibration["weights"]
    assert {*weights} >= {"network", "linear model"}
    assert all(type(weight) is float for weight in weights.values())
    if n_corrections is None:
        assert type(calibration["prior_correction"]) is float
    else:
        assert calibration["prior_correction"].shape == (n_corrections,)
    assert type(calibration["n_held_out"]) is int
    assert weights["network"] > 0
    assert weights["linear model"] > 0


@kinds
@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_what_was_built_is_told_also_once_it_is_loaded_or_goes_on(make, early_stopping):
    X, y = make()
    model = small(early_stopping=early_stopping).fit(X, y)
    before = model.calibration_
    check_calibration(before)
    assert 0 < before["n_held_out"] < len(y)
    restored = pickle.loads(pickle.dumps(model))
    assert restored.calibration_ == before
    assert type(restored.linear_model_) is type(model.linear_model_)
    assert repr(restored) == repr(model)
    with pytest.raises(ValueError, match="y"):
        model.fit(X, None)
    assert (model.calibration_, repr(model)) == (before, repr(restored))
    model.partial_fit(X, y)
    check_calibration(model.calibration_)
    assert model.calibration_["prior_correction"] == before["prior_correction"]
    assert before["weights"].items() <= model.calibration_["weights"].items()


@pytest.mark.parametrize("criterion", ["cross_entropy", torch.nn.MultiMarginLoss])
def test_without_a_linear_model_there_is_nothing_to_tell(criterion):
    model = small(linear_model=False, criterion=criterion).fit(*series())
    assert model.linear_model_ is None
    assert model.calibration_ is None


# --- repr


def test_repr_of_an_unfitted_model_is_that_of_scikit_learn():
    shown = repr(small())
    assert shown == "LSTMSequenceClassifier(hidden_size=4, max_epochs=1, random_state=0)"
    again = eval(shown, {"LSTMSequenceClassifier": LSTMSequenceClassifier})  # noqa: S307 - our own
    assert again.get_params() == small().get_params()
    assert repr(clone(small().fit(*tokens()))) == shown


def told_of(model):
    """Return what `repr` says was built."""
    lines = [line for line in repr(model).splitlines() if line.startswith("# ")]
    return dict(line.removeprefix("# ").split(": ", 1) for line in lines)


def n_weights(model):
    return sum(weight.numel() for weight in model.module_.parameters())


def test_repr_tells_what_was_built_from_ids():
    X, y = tokens()
    model = small(max_epochs=2).fit(X, y)
    assert len(np.unique(X)) == 8
    weights = model.calibration_["weights"]
    assert told_of(model) == {
        "input": "characters: 8 known ids",
        "network": f"1 bidirectional LSTM layer of 4 units, {n_weights(model):,} weights",
        "positions": "260 n-grams of 1-2 ids at their positions",
        "linear model": model.linear_model_.describe(),
        "blend weights": f"network {weights['network']:.2f}, positions {weights['positions']:.2f}, "
        f"linear model {weights['linear model']:.2f} (set by {model.calibration_['n_held_out']} "
        "samples held out)",
        "logit adjustment": f"{model.calibration_['prior_correction']:.2f}",
        "epochs": "2",
    }


def test_repr_tells_a_network_that_is_not_trained():
    assert told_of(small(max_epochs=0).fit(*tokens()))["network"] == "none"


# --- The link to the documentation


@pytest.mark.parametrize("estimator", [small(), TextSequenceVectorizer()], ids=["model", "texts"])
def test_html_links_to_the_documentation(estimator):
    links = Markup(estimator._repr_html_()).values_of("href")
    assert f"{DOCUMENTATION}generated/api/sklearn_lstm.{type(estimator).__name__}.html" in links


def test_a_class_of_the_user_does_not_link_to_our_documentation():
    class Own(TextSequenceVectorizer):
        pass

    assert DOCUMENTATION not in Own()._repr_html_()
