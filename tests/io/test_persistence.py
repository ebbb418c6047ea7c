"""A fitted model that is stored and loaded is the same to the last bit."""

import copy
import pickle
import pickletools
from functools import cache

import pytest
import skops.io
import small_models
from make_golden import MODELS
from numpy.testing import assert_array_equal
from round_trips import ROUND_TRIPS
from sklearn import config_context
from sklearn.pipeline import Pipeline


@cache
def fitted_once(name):
    """Return a model, which no test changes, and what it reads."""
    make, X = MODELS[name]
    return make(), X


round_trips = pytest.mark.parametrize("round_trip", ROUND_TRIPS.values(), ids=ROUND_TRIPS)


# --- The same model


# The others are like one of these; what they keep is seen in the tests below.
@pytest.mark.parametrize("trip", ["file", "pickle", "joblib memory-mapped", "skops", "deepcopy"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_to_the_last_bit(name, trip, tmp_path):
    model, X = fitted_once(name)
    (tmp_path / "second").mkdir()
    once = ROUND_TRIPS[trip](model, tmp_path)
    for restored in (once, ROUND_TRIPS[trip](once, tmp_path / "second")):
        assert restored is not model
        for method in ("predict_proba", "predict_log_proba", "decision_function", "predict"):
            expected = getattr(model, method)(X)
            found = getattr(restored, method)(X)
            assert found.dtype == expected.dtype
            assert_array_equal(found, expected, err_msg=method)


@round_trips
def test_everything_fitted_survives_a_round_trip(round_trip, tmp_path):
    model, _ = fitted_once("continued")
    restored = round_trip(model, tmp_path)
    assert restored.get_params() == model.get_params()
    assert_array_equal(restored.classes_, model.classes_)
    assert restored.n_features_in_ == model.n_features_in_
    assert restored.input_type_ == model.input_type_
    assert restored.history_ == model.history_
    assert restored.n_epochs_ == model.n_epochs_
    assert vars(restored).keys() == vars(model).keys()
    assert not restored.module_.training


# --- Training goes on


def gone_on(model, X):
    """Return the probabilities of a model after each of two further calls of `partial_fit`."""
    if model.input_type_ != "measurements":
        X = [[2 * id_ for id_ in ids] for ids in X]  # some of which are new
    y = model.predict(X)
    return [model.partial_fit(X, y).predict_proba(X) for _ in range(2)]


@cache
def gone_on_without_a_round_trip(name):
    make, X = MODELS[name]
    return gone_on(make(), X)


@round_trips
def test_training_goes_on_as_without_the_round_trip_and_leaves_the_original_alone(
    round_trip, tmp_path
):
    for name in ("continued", "series", "pretrained"):
        model, X = fitted_once(name)
        before, restored = model.predict_proba(X), round_trip(model, tmp_path)
        files = {path: path.read_bytes() for path in tmp_path.iterdir()}  # perhaps mapped
        found = gone_on(restored, X)
        assert_array_equal(found, gone_on_without_a_round_trip(name))
        assert_array_equal(model.predict_proba(X), before)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


# --- What a file holds


@pytest.mark.parametrize("name", ["words", "characters", "series", "continued", "pretrained"])
def test_a_pickle_holds_arrays_and_skops_needs_trust_in_our_estimators_alone(name):
    model, _ = fitted_once(name)
    named = {
        argument.split()[0]
        for _, argument, _ in pickletools.genops(pickle.dumps(model))
        if isinstance(argument, str) and argument.strip()
    }
    assert "numpy" in " ".join(named)  # modules are found
    assert not {name for name in named if name.split(".")[0] in ("torch", "skorch", "_codecs")}
    steps = model if isinstance(model, Pipeline) else [model]
    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    assert untrusted == sorted(f"{type(step).__module__}.{type(step).__name__}" for step in steps)


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_classifier_that_requests_metadata_is_stored(copied):
    with config_context(enable_metadata_routing=True):
        model = copied(small_models.small().set_fit_request(sample_weight=True))
        requested = model.get_metadata_routing().fit.requests
    assert requested["sample_weight"] is True
