"""Stored estimators are one envelope: format number, versions, checksum, parameters, the fitted."""

import copy
import fractions
import os
import pickle
import random
import subprocess
import sys
import threading
from functools import cache, partial

import joblib
import numpy as np
import pytest
import skops.io
import small_models
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from skorch.callbacks import Callback, Checkpoint

import sklearn_lstm
from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import ModelFileError

TEXTS = ["so good", "good fun, so good", "so bad", "bad, so boring", "naïve plot"]


small = partial(small_models.small, max_epochs=1, linear_branch=True)


# Models that no test changes.


@cache
def tokens_model():
    return fit_tokens(small())


def fit_tokens(model):
    X = np.random.default_rng(0).integers(1, 9, (120, 5))
    return model.fit(X, np.array(["ham", "spam"])[np.arange(120) % 2]), X


@cache
def series_model():
    X = np.random.default_rng(0).normal(size=(24, 5))
    return small().fit(X, np.arange(24) % 3), X


@cache
def continued_model():
    X = np.random.default_rng(0).integers(1, 9, (30, 5))
    model = small().partial_fit(X, np.arange(30) % 2, classes=[0, 1])
    return model.partial_fit(X, np.arange(30) % 2), X


def vectorizer_model(**parameters):
    return TextSequenceVectorizer(**parameters).fit(TEXTS), TEXTS


MODELS = {
    "tokens": tokens_model,
    "series": series_model,
    "partial_fit": continued_model,
    "vectorizer": vectorizer_model,
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
every_class = pytest.mark.parametrize("make", [LSTMSequenceClassifier, TextSequenceVectorizer])


def output(model, X):
    """Return what the model makes of X."""
    return (
        model.predict_proba(X) if hasattr(model, "predict_proba") else model.transform(X).toarray()
    )


# --- What it holds


@every_model
def test_the_state_is_one_envelope(make):
    model, _ = make()
    state = model.__getstate__()
    assert set(state) == {"format", "versions", "checksum", "params", "fitted"}
    assert state["format"] == 1
    assert type(state["checksum"]) is str
    assert state["versions"]["sklearn_lstm"] == sklearn_lstm.__version__
    assert state["versions"]["numpy"] == np.__version__
    assert {type(version) for version in state["versions"].values()} == {str}
    assert state["params"].keys() == model.get_params(deep=False).keys()


@every_class
def test_an_unfitted_estimator_is_the_same_envelope(make):
    state = make().__getstate__()
    assert set(state) == {"format", "versions", "checksum", "params", "fitted"}
    assert state["params"] == make().get_params()
    restored = pickle.loads(pickle.dumps(make()))
    assert vars(restored) == vars(make())
    with pytest.raises(NotFittedError):
        output(restored, TEXTS)


@every_model
def test_storing_changes_nothing(make):
    model, X = make()
    expected = output(model, X)
    names = set(vars(model))
    state = model.__getstate__()
    assert model.__getstate__()["checksum"] == state["checksum"]
    assert set(vars(model)) == names
    restored = pickle.loads(pickle.dumps(model))
    assert restored.__getstate__()["checksum"] == state["checksum"]
    assert_array_equal(output(restored, X), expected)


class Louder(LSTMSequenceClassifier):
    """A subclass with a parameter of its own."""

    def __init__(self, *, volume=1, hidden_size=4, max_epochs=1, random_state=0):
        super().__init__(hidden_size=hidden_size, max_epochs=max_epochs, random_state=random_state)
        self.volume = volume


def test_a_subclass_is_stored_with_its_own_parameters():
    X, y = [[1, 2], [3]] * 4, [0, 1] * 4
    model = Louder(volume=11).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert restored.volume == 11
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


def test_an_attribute_that_the_user_sets_is_stored():
    model, X = vectorizer_model()
    model.note = {"made": "today", "by": ("a", 1)}
    assert pickle.loads(pickle.dumps(model)).note == model.note
    model, X = fit_tokens(small(linear_branch=False))
    model.note = np.arange(3)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.note, model.note)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


# --- The checksum covers every type


PAIRS = [
    ({1, 2}, {1, 3}),
    (frozenset("ab"), frozenset("ac")),
    (b"a", b"b"),
    (b"a", "a"),
    (1, True),
    (1, 1.0),
    (1, "1"),
    (None, "None"),
    (1j, 2j),
    ([1, [2]], [[1], 2]),
    ([1], (1,)),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({1: "a"}, {"1": "a"}),
    (["ab", "c"], ["a", "bc"]),
    (np.float32(1), np.float64(1)),
    (np.float32(1), np.float32(2)),
    (np.int64(1), np.int64(2)),
    (np.arange(4), np.arange(4).reshape(2, 2)),
    (np.arange(4), np.arange(4.0)),
    (np.array(["a", None], object), np.array(["b", None], object)),
    (np.array("2020-01-01", "M8[D]"), np.array("2020-01-02", "M8[D]")),
    (range(3), range(4)),
    (fractions.Fraction(1, 2), fractions.Fraction(1, 3)),
    (slice(1), slice(2)),
    (torch.device("cpu"), torch.device("cuda")),
    (torch.optim.SGD, torch.optim.Adam),
    (len, max),
    ([Checkpoint(monitor="a")], [Checkpoint(monitor="b")]),
    (np.random.RandomState(0), np.random.RandomState(1)),
]


@pytest.mark.parametrize(("value", "other"), PAIRS, ids=[str(n) for n in range(len(PAIRS))])
@pytest.mark.parametrize(
    ("make", "name"),
    [(LSTMSequenceClassifier, "callbacks"), (TextSequenceVectorizer, "stop_words")],
)
def test_a_changed_value_of_any_type_is_refused(make, name, value, other):
    state = make(**{name: value}).__getstate__()
    make().__setstate__(copy.deepcopy(state))
    changed = {**state, "params": {**state["params"], name: other}}
    with pytest.raises(ModelFileError, match="damaged"):
        make().__setstate__(changed)


@pytest.mark.parametrize("make", [lambda: fit_tokens(small(linear_branch=False)), vectorizer_model])
@pytest.mark.parametrize(
    "unknown",
    [lambda: (n for n in range(3)), threading.Lock, lambda: sys.stdout.buffer, lambda: np],
    ids=["generator", "lock", "file", "module"],
)
def test_a_type_that_can_not_be_stored_raises_instead_of_being_skipped(make, unknown):
    model, _ = make()
    model.note = [unknown()]
    with pytest.raises(TypeError):
        model.__getstate__()


class Noted(Callback):
    """A callback of the user."""

    def __init__(self, note=""):
        self.note = note


def test_an_object_of_an_unknown_type_counts_with_all_that_it_holds():
    model, _ = fit_tokens(small(callbacks=[Noted()], linear_branch=False))
    state = model.__getstate__()
    changed = {**state["params"], "callbacks": [Noted(note="changed")]}
    with pytest.raises(ModelFileError, match="damaged"):
        small().__setstate__({**state, "params": changed})


@every_model
def test_a_changed_part_of_the_envelope_is_refused(make):
    model, _ = make()
    state = model.__getstate__()
    for change in (
        {"checksum": "0" * len(state["checksum"])},
        {"format": 0},
        {"versions": {**state["versions"], "numpy": "0"}},
        {"fitted": {**state["fitted"], "more": 1}},
        {"fitted": dict(list(state["fitted"].items())[1:])},
        {"more": 1},
    ):
        with pytest.raises(ModelFileError, match=f"stored {type(model).__name__}"):
            type(model)().__setstate__({**state, **change})
    for name in state:
        part = {key: value for key, value in state.items() if key != name}
        with pytest.raises(ModelFileError):
            type(model)().__setstate__(part)


def test_a_set_counts_the_same_in_another_process(tmp_path):
    """The order of a set changes from process to process."""
    model, _ = vectorizer_model()
    model.note = {f"word{n}" for n in range(20)}
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    code = "import pickle; pickle.load(open('model.pickle', 'rb'))"
    for seed in ("1", "2"):
        subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-W", "error", "-c", code],
            check=True,
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
            timeout=120,
        )


# --- Every byte counts


def arrays_in(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays_in(item)


@pytest.mark.parametrize("make", [tokens_model, series_model, continued_model])
@pytest.mark.parametrize("library", [pickle, joblib])
def test_a_flipped_byte_of_any_array_is_refused(make, library, tmp_path):
    model, X = make()
    path = tmp_path / "model"
    with path.open("wb") as file:
        library.dump(model, file)
    intact = path.read_bytes()

    def load(content):
        path.write_bytes(content)
        with path.open("rb") as file:
            return library.load(file)

    assert_array_equal(load(intact).predict_proba(X), model.predict_proba(X))
    rng = random.Random(0)  # noqa: S311 - positions
    stored = [array.tobytes() for array in arrays_in(model.__getstate__()) if array.nbytes > 16]
    assert len(stored) > 8
    for content in stored:
        start = intact.index(content)
        for at in {0, len(content) // 2, len(content) - 1, rng.randrange(len(content))}:
            damaged = bytearray(intact)
            damaged[start + at] ^= 1 << rng.randrange(8)
            with pytest.raises(ModelFileError, match="stored LSTMSequenceClassifier is damaged"):
                load(bytes(damaged))


FLIPS = """
import os, pathlib, pickle, random, sys, warnings

warnings.simplefilter("error")

def is_accepted(content):
    try:
        found = pickle.loads(content)
    except BaseException:
        return False
    try:
        return type(found) is type(expected) and found.__getstate__()["checksum"] != checksum
    except Exception:
        return True

def flip(position):
    rng, damaged = random.Random(position), bytearray(intact)
    while damaged[position] in (intact[position], ord("r")):  # "r" may ask for much memory
        damaged[position] = intact[position] ^ 1 << rng.randrange(8)
    return bytes(damaged)

for name in sys.argv[1:]:
    intact = pathlib.Path(name).read_bytes()
    expected = pickle.loads(intact)
    checksum = expected.__getstate__()["checksum"]
    n_positions = 1000 if "vectorizer" in name else 200
    positions = random.Random(0).sample(range(len(intact)), min(n_positions, len(intact)))
    while positions:
        if not (child := os.fork()):
            with open("started", "w", buffering=1) as started:
                for position in positions:
                    print(position, file=started)
                    if is_accepted(flip(position)):
                        print(name, position, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        with open("started") as started:
            positions = positions[len(started.readlines()):]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="device: the system can not fork")
def test_a_flip_of_any_byte_of_a_stored_model_is_refused(tmp_path):
    """All of a pickle is damaged in child processes, as some damage crashes NumPy.

    A flip that makes no difference, such as in the number of the protocol, is no damage, and what
    is no estimator any more is of no use to anybody.
    """
    for name, make in MODELS.items():
        (tmp_path / name).write_bytes(pickle.dumps(make()[0]))
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", FLIPS, *MODELS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.split()


def test_a_flip_in_a_token_is_refused_as_damage():
    model, _ = vectorizer_model()
    intact = pickle.dumps(model)
    for token in (b"good", b"boring", "naïve".encode()):
        start = intact.index(token)
        for position in range(start, start + len(token)):
            damaged = bytearray(intact)
            damaged[position] ^= 1
            with pytest.raises(ModelFileError, match="stored TextSequenceVectorizer is damaged"):
                pickle.loads(bytes(damaged))


# --- Versions


@every_model
def test_another_version_warns(make, monkeypatch):
    model, X = make()
    expected, stored = output(model, X), pickle.dumps(model)
    stored_unfitted = pickle.dumps(type(model)())
    monkeypatch.setattr(sklearn_lstm, "__version__", "99.1.2")
    with pytest.warns(InconsistentVersionWarning, match=r"99\.1\.2") as caught:
        restored = pickle.loads(stored)
    assert len(caught) == 1
    assert type(model).__name__ in str(caught[0].message)
    assert_array_equal(output(restored, X), expected)
    with pytest.warns(InconsistentVersionWarning, match=r"99\.1\.2"):
        pickle.loads(stored_unfitted)


@every_model
def test_a_newer_format_is_refused_and_says_so(make):
    model, _ = make()
    state = model.__getstate__()
    with pytest.raises(ModelFileError, match=r"format 2.*newer") as caught:
        type(model)().__setstate__({**state, "format": 2, "more": "parts"})
    assert type(model).__name__ in str(caught.value)
    assert isinstance(caught.value, ValueError)


@every_class
@pytest.mark.parametrize("state", [{}, {"classes_": [0, 1]}, {"format": "1"}, {"format": None}])
def test_something_else_is_refused(make, state):
    with pytest.raises(ModelFileError):
        make().__setstate__(state)


@every_model
def test_skops_keeps_the_envelope(make):
    model, X = make()
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    restored = skops.io.loads(skops.io.dumps(model), trusted=[name])
    assert restored.__getstate__()["checksum"] == model.__getstate__()["checksum"]
    assert_array_equal(output(restored, X), output(model, X))
