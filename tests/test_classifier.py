"""Parameters, weights, partial fits and failed fits of the classifier."""

import pickle
from functools import partial

import numpy as np
import pytest
import small_models
from skorch.callbacks import Callback

SERIES = np.random.default_rng(0).normal(size=(40, 6))
LABELS = (SERIES[:, 1:4].mean(axis=1) > 0).astype(int)
IDS = np.random.default_rng(1).integers(2, 12, (40, 6))


small = partial(small_models.small, max_epochs=3, batch_size=8)


WRONG = {
    "input_type": ["text", "tokens"],
    "embedding_dim": [0, np.float64(4), "big"],
    "linear_model": ["maybe"],
    "normalize": ["zscore"],
    "cell": ["transformer"],
    "hidden_size": [0, 2.5],
    "num_layers": [0],
    "bidirectional": ["both"],
    "pooling": ["min", ("max", "min"), (), [["max"]]],
    "dropout": [1.0],
    "criterion": ["hinge"],
    "optimizer": ["lion"],
    "lr": [0, np.float32(-1), "fast"],
    "weight_decay": [-1],
    "max_epochs": [-1, "many"],
    "batch_size": [0],
    "class_weight": ["even"],
    "early_stopping": ["yes"],
    "callbacks": [3],
    "random_state": ["seed", -1],
    "verbose": ["loud"],
    "device": [3],
    "precision": ["bfloat16"],
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_unknown_values_of_parameters_are_named(name, method):
    options = {"classes": [0, 1]} if method == "partial_fit" else {}
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=name):
            getattr(small(**{name: value}), method)(SERIES, LABELS, **options)


@pytest.mark.parametrize("X", [SERIES, IDS], ids=["series", "ids"])
def test_numbers_of_numpy_are_the_python_numbers_that_they_equal(X):
    """A search over an array of values sets them."""
    plain = {"embedding_dim": 5, "hidden_size": 3, "num_layers": 2, "max_epochs": 2}
    plain |= {"batch_size": 7, "random_state": 3, "dropout": 0.25, "lr": 0.03125, "verbose": 0}
    plain |= {"normalize": False, "bidirectional": False, "early_stopping": True}
    plain |= {"linear_model": True, "weight_decay": 1}
    kinds = {int: np.uint8, float: np.float32, bool: np.bool_}
    numbers = {name: kinds[type(value)](value) for name, value in plain.items()}
    weights = {np.int64(0): np.int64(1), np.int64(1): np.float32(4)}
    expected = small(**plain, class_weight={0: 1.0, 1: 4.0}).fit(X, LABELS)
    model = small(**numbers, class_weight=weights).fit(X, LABELS)
    restored = pickle.loads(pickle.dumps(model))
    assert type(restored.hidden_size) is np.uint8
    for method in ("fit", "partial_fit"):
        proba = getattr(expected, method)(X, LABELS).predict_proba(X)
        for other in (model, restored):
            found = getattr(other, method)(X, LABELS).predict_proba(X)
            np.testing.assert_array_equal(found, proba)


def test_partial_fit_learns_although_the_first_batch_lacks_a_class():
    model = small(lr=0.02, dropout=0.0, batch_size=10)
    first = LABELS == 0
    model.partial_fit(SERIES[first], LABELS[first], classes=[0, 1])
    assert model.classes_.tolist() == [0, 1]
    for _ in range(25):
        model.partial_fit(SERIES, LABELS)
    assert model.n_epochs_ == len(model.history_) == 26
    assert model.score(SERIES, LABELS) > 0.9


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (LABELS, {}, "classes must be passed on the first call.*: all labels"),
        (LABELS, {"classes": 2}, "^classes is a int: pass a list"),
        (LABELS, {"classes": [0, 2]}, r"\[1\] that are not among the classes \[0, 2\]"),
        (LABELS * 0, {"classes": [0]}, "least 2 classes are needed, found one class: 0"),
        (LABELS + 0.5, {"classes": [0, 1]}, "Unknown label type"),
    ],
)
def test_a_wrong_first_partial_fit_is_refused(y, options, message):
    with pytest.raises(ValueError, match=message):
        small().partial_fit(SERIES, y, **options)


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (LABELS + 1, {}, r"\[2\] that are not among the classes \[0, 1\]"),
        (LABELS, {"classes": [0, 1, 2]}, r"\[0, 1, 2\] is not the same as in the first call"),
        (np.eye(2, dtype=int)[LABELS], {}, "multilabel"),
    ],
)
def test_a_wrong_later_partial_fit_is_refused(y, options, message):
    model = small().partial_fit(SERIES, LABELS, classes=[0, 1])
    with pytest.raises(ValueError, match=message):
        model.partial_fit(SERIES, y, **options)
    assert model.n_epochs_ == 1


def test_partial_fit_refuses_balanced_weights():
    with pytest.raises(ValueError, match=r"'balanced' is not supported for partial_fit.* a dict"):
        small(class_weight="balanced").partial_fit(SERIES, LABELS, classes=[0, 1])


def test_new_token_ids_get_vectors_of_their_own_and_old_ones_keep_theirs():
    model = small().partial_fit(IDS, LABELS, classes=[0, 1])
    old, unknown, new = [[3, 4]], [[70, 4]], [[90, 4]]
    proba = model.predict_proba(new)
    np.testing.assert_array_equal(proba, model.predict_proba(unknown))
    before = model.predict_proba(old)
    model.set_params(lr=1e-9)  # nothing is learned, the table only grows
    model.partial_fit(np.where(IDS == 3, 90, IDS), LABELS)
    assert abs(model.predict_proba(new) - model.predict_proba(unknown)).max() > 1e-4
    np.testing.assert_allclose(model.predict_proba(old), before, atol=0.2)


def test_partial_fit_of_several_labels_needs_no_classes():
    Y = 1 - np.eye(3, dtype=int)[np.random.default_rng(2).integers(0, 3, 40)]
    model = small().partial_fit(SERIES, Y).partial_fit(SERIES, Y)
    assert model.predict(SERIES).shape == (40, 3)
    with pytest.raises(ValueError, match="3 labels"):
        model.partial_fit(SERIES, Y[:, :2])


class Breaking(Callback):
    """Raises in the middle of training."""

    def __init__(self, error, method):
        self.error = error
        setattr(self, method, self.fail)

    def fail(self, net, **_):
        if len(net.history) == 1:
            raise self.error


def breaking(error, method):
    return {"callbacks": [Breaking(error, method)]}, SERIES, LABELS, type(error)


BROKEN = {
    "X": ({}, np.where(SERIES > 1, np.inf, SERIES), LABELS, ValueError),
    "y": ({}, SERIES, LABELS + 0.5, ValueError),
    "length": ({}, SERIES, LABELS[1:], ValueError),
    "parameter": ({"dropout": 2}, SERIES, LABELS, ValueError),
    "first batch": breaking(RuntimeError("stop"), "on_batch_begin"),
    "first epoch": breaking(RuntimeError("stop"), "on_epoch_end"),
    "interrupted": breaking(KeyboardInterrupt(), "on_batch_end"),
    "lr": ({"lr": 1e38, "optimizer": "sgd"}, SERIES, LABELS, ValueError),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_failed_fit_leaves_the_earlier_model_as_it_was(broken):
    parameters, X, y, error = BROKEN[broken]
    model = small(max_epochs=6).fit(SERIES, LABELS)
    names, history, proba = set(vars(model)), list(model.history_), model.predict_proba(SERIES)
    model.set_params(**parameters)
    for attempt in (model.fit, model.partial_fit):
        if broken != "lr" or attempt == model.fit:  # one epoch may be too short to break
            with pytest.raises(error):
                attempt(X, y)
    assert set(vars(model)) == names
    assert model.history_ == history
    np.testing.assert_array_equal(model.predict_proba(SERIES), proba)


@pytest.mark.parametrize("normalize", [True, False])
def test_probabilities_are_finite_however_large_the_measurements(normalize):
    model = small(normalize=normalize).fit(1e-6 * SERIES, LABELS)
    assert np.isfinite(model.predict_proba(np.sign(SERIES) * 3e38)).all()
