"""What pickle, joblib, skops and deepcopy store: one JSON text, its arrays, and other objects."""

import copy
import copyreg
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from functools import partial

import cloudpickle
import joblib
import numpy as np
import pytest
import small_models
import torch
from numpy.testing import assert_array_equal
from round_trips import through_skops
from sklearn.exceptions import InconsistentVersionWarning
from skorch.callbacks import Callback

import sklearn_lstm
from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storage.forms import FORMAT, checksum_of

TEXTS = ["so good", "good fun, so good", "so bad", "bad, so boring", "naïve plot"]


small = partial(small_models.small, max_epochs=1, linear_model=True)


def tokens_model(**parameters):
    X = np.random.default_rng(0).integers(1, 9, (120, 5))
    return small(**parameters).fit(X, np.array(["ham", "spam"])[np.arange(120) % 2]), X


def series_model():
    X = np.random.default_rng(0).normal(size=(24, 5))
    return small().fit(X, np.arange(24) % 3), X


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


def content_of(state):
    """Return the tree of a state."""
    return json.loads(state["table"][state["content"]].tobytes())


def output(model, X):
    """Return what the model makes of X."""
    return (
        model.predict_proba(X) if hasattr(model, "predict_proba") else model.transform(X).toarray()
    )


# --- What it holds


@every_model
def test_the_state_is_a_text_and_its_arrays(make):
    model, _ = make()
    state = model.__getstate__()
    assert list(state) == ["content", "checksum", "table"]
    assert {type(array) for array in state["table"].values()} == {np.ndarray}
    content = content_of(state)
    assert content["format"] == FORMAT
    assert content["versions"]["sklearn_lstm"] == sklearn_lstm.__version__
    assert content["versions"]["numpy"] == np.__version__
    assert content["attributes"].keys() == vars(model).keys()
    named = re.findall(r':\["([^"]+)","[0-9a-f]{8}"', json.dumps(content, separators=(",", ":")))
    assert sorted([*named, state["content"]]) == sorted(state["table"])


@every_model
def test_storing_changes_nothing(make):
    model, X = make()
    expected = output(model, X)
    names = set(vars(model))
    state = model.__getstate__()
    assert content_of(model.__getstate__()) == content_of(state)
    assert set(vars(model)) == names
    restored = pickle.loads(pickle.dumps(model))
    assert content_of(restored.__getstate__()) == content_of(state)
    assert_array_equal(output(restored, X), expected)


class Louder(LSTMSequenceClassifier):
    """A subclass with a parameter of its own."""

    def __init__(self, *, volume=1, hidden_size=4, max_epochs=1, random_state=0):
        super().__init__(hidden_size=hidden_size, max_epochs=max_epochs, random_state=random_state)
        self.volume = volume


def test_a_subclass_is_stored_with_its_own_parameters():
    X, y = [[1, 2], [3]] * 4, [0, 1] * 4
    model = Louder(volume=11)
    assert vars(pickle.loads(pickle.dumps(model))) == vars(model)
    restored = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert restored.volume == 11
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


# --- What is no plain data


class Noted(Callback):
    """A callback of the user, which knows what holds it."""

    def __init__(self, note=""):
        self.note = note
        self.holders = []


class Registered:
    """Can be pickled by what `copyreg` says alone."""

    def __init__(self, lock):
        self.lock = lock


copyreg.pickle(Registered, lambda _: (Registered, (None,)))


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_objects_are_carried_by_pickle(copied):
    note = Noted("a")
    model, X = tokens_model(callbacks=[note], optimizer=torch.optim.SGD)
    note.holders += [model, note, model.callbacks]  # cycles
    model.note = Registered(threading.Lock())
    table = model.__getstate__()["table"].items()
    objects = {name for name, value in table if not isinstance(value, np.ndarray)}
    assert objects == {"callbacks.0", "optimizer", "note"}
    restored = copied(model)
    assert restored.callbacks[0].note == "a"
    assert restored.callbacks[0].holders[0] is restored
    assert restored.callbacks[0].holders[1] is restored.callbacks[0]
    assert restored.optimizer is torch.optim.SGD
    assert restored.note.lock is None
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


def test_what_pickle_does_not_take_raises_instead_of_being_skipped():
    model, _ = vectorizer_model()
    for unknown in ((n for n in range(3)), threading.Lock(), np):
        model.note = [unknown]
        with pytest.raises(TypeError):
            pickle.dumps(model)


@pytest.mark.parametrize(
    "tokenizer",
    [re.compile(r"\w+").findall, partial(re.compile(" ").split, maxsplit=5)],
    ids=["method", "partial"],
)
def test_a_tokenizer_may_hold_a_compiled_pattern(tokenizer):
    model = TextSequenceVectorizer(tokenizer=tokenizer, token_pattern=None).fit(TEXTS)
    expected = model.transform(TEXTS).toarray()
    for dumps in (pickle.dumps, cloudpickle.dumps):  # joblib and Dask send what the latter writes
        assert_array_equal(pickle.loads(dumps(model)).transform(TEXTS).toarray(), expected)
    assert_array_equal(copy.deepcopy(model).transform(TEXTS).toarray(), expected)


@pytest.mark.parametrize("copied", [through_skops, copy.deepcopy, copy.copy])
def test_a_random_state_comes_back_as_it_was(copied):
    X = np.random.default_rng(0).normal(size=(24, 5))
    model = small(random_state=np.random.RandomState(0)).fit(X, np.arange(24) % 2)
    found, expected = (one.random_state.get_state()[1] for one in (copied(model), model))
    assert_array_equal(found, expected)


# --- Damage


def with_text(state, old, new):
    """Return the state with a changed text, and the checksum that fits to it."""
    text = state["table"][state["content"]].tobytes().replace(old, new)
    array = np.frombuffer(text, np.uint8)
    table = {**state["table"], state["content"]: array}
    return {**state, "table": table, "checksum": checksum_of(array)}


@every_model
def test_a_changed_part_of_the_state_is_refused(make):
    model, _ = make()
    state = model.__getstate__()
    name, array = max(state["table"].items(), key=lambda item: item[1].size)
    for changes in (
        {"checksum": "00000000"},
        with_text(state, b"attributes", b"attributet"),
        {"table": {}},
        {"table": {**state["table"], name: np.append(array, array.dtype.type(1))}},
    ):
        with pytest.raises(ModelFileError, match=f"The stored {type(model).__name__} "):
            type(model)().__setstate__({**state, **changes})
    for name in state:
        part = {key: value for key, value in state.items() if key != name}
        with pytest.raises(ModelFileError):
            type(model)().__setstate__(part)
    type(model)().__setstate__(with_text(state, b"", b""))


@every_class
@pytest.mark.parametrize("state", [{}, {"classes_": [0, 1]}, {"content": "{}", "checksum": "1"}])
def test_something_else_is_refused(make, state):
    with pytest.raises(ModelFileError):
        make().__setstate__(state)


def test_damaged_bytes_are_refused_in_a_file_that_is_mapped_too(tmp_path):
    model, X = tokens_model()  # for each byte of a file, see tests/io
    state, path = model.__getstate__(), tmp_path / "model"
    joblib.dump(model, path)
    assert_array_equal(output(joblib.load(path, mmap_mode="r"), X), output(model, X))
    intact = path.read_bytes()
    # Short arrays are found at other places of the file, too.
    arrays = (array for array in state["table"].values() if array.nbytes > 16 and array.any())
    for number, content in enumerate(map(bytes, arrays)):
        damaged = bytearray(intact)
        damaged[intact.index(content) + number % len(content)] ^= 4
        other = tmp_path / f"{number}"  # never write to a file that may be mapped
        other.write_bytes(damaged)
        for mmap_mode in (None, "r"):
            with pytest.raises(ModelFileError, match=f"The stored {type(model).__name__} is damag"):
                joblib.load(other, mmap_mode=mmap_mode)


def test_a_set_is_stored_the_same_in_another_process(tmp_path):
    """The order of a set changes from process to process."""
    model, _ = vectorizer_model()
    model.note = {f"word{n}" for n in range(20)}
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    code = "import pickle; assert len(pickle.load(open('model.pickle', 'rb')).note) == 20"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", "-c", code]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment)  # noqa: S603 - our own code


# --- Versions


@every_model
def test_another_version_warns(make, monkeypatch):
    model, X = make()
    expected, stored = output(model, X), pickle.dumps(model)
    with monkeypatch.context() as patched:
        patched.setattr(sklearn_lstm, "__version__", "99.1.2")
        with pytest.warns(InconsistentVersionWarning, match=r"99\.1\.2") as caught:
            restored = pickle.loads(stored)
    assert len(caught) == 1
    assert type(model).__name__ in str(caught[0].message)
    assert_array_equal(output(restored, X), expected)
