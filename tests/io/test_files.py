"""`save`, `load` and `describe`: the same model."""

import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from model_files import IDS, SERIES, TEXTS, Y, parts_of, small
from numpy.testing import assert_array_equal
from safetensors.numpy import save_file
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_lstm
from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain, gate_activations
from sklearn_lstm.io import describe, load, save
from sklearn_lstm.storage import file

# --- The same model


def test_a_pipeline_in_a_pipeline_comes_back(path):
    inner = make_pipeline(TextSequenceVectorizer(), None)
    steps = [("first", inner), ("skip", "passthrough"), ("last", small())]
    model = Pipeline(steps, verbose=False).fit(TEXTS, [0, 1, 0, 1, 0])
    save(model, path)
    loaded = load(path)
    assert [name for name, _ in loaded.steps] == ["first", "skip", "last"]
    assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_skops_stores_a_whole_pipeline_with_a_step_that_save_refuses(path, tmp_path):
    columns = ColumnTransformer([("text", TextSequenceVectorizer(), "text")])
    frame = pd.DataFrame({"text": TEXTS * 4})
    for model, X, step in (
        (make_pipeline(SimpleImputer(), StandardScaler(), small()), SERIES, "simpleimputer"),
        (make_pipeline(columns, small()), frame, "columntransformer"),
    ):
        model.fit(X, Y[: len(X)])
        with pytest.raises(TypeError, match=rf"the step '{step}'.*skops\.io\.dump"):
            save(model, path)
        assert not path.exists()
        skops.io.dump(model, dumped := tmp_path / "model.skops")
        untrusted = skops.io.get_untrusted_types(file=dumped)
        ours_or_its = "sklearn_lstm.", "sklearn."  # of the latter, each version trusts others
        others = {name for name in untrusted if not name.startswith(ours_or_its)}
        assert others <= {"numpy.dtype"}
        restored = skops.io.load(dumped, trusted=untrusted)
        assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


def test_parameters_come_back_as_they_were(path):
    weights = {np.int64(0): 2, True: np.float32(0.5)}
    model = small(class_weight=weights, pooling=("max", "last"), hidden_size=np.int8(2))
    model.set_params(device=torch.device("cpu")).fit(SERIES, Y)
    model.note = {"by": ("a", 1)}
    save(model, path)
    loaded = load(path)
    assert repr(loaded.get_params()) == repr(model.get_params())
    assert loaded.note == model.note


# --- Networks that were not trained


@pytest.mark.parametrize("store", ["pickle", "file"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_network_that_was_not_trained_is_not_stored(store, method, path):
    X = np.random.default_rng(0).integers(1, 30, (120, 6))
    model = small(max_epochs=0, linear_model=True, num_layers=2).fit(X, X[:, 0] > 15)
    save(model, path)
    loaded = load(path) if store == "file" else pickle.loads(pickle.dumps(model))
    assert "weight_hh" not in str(parts_of(path.read_bytes())[0])
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert repr(loaded) == repr(model)
    assert_array_equal(explain(loaded, X[:1])[0].values, explain(model, X[:1])[0].values)
    looks = (lambda: loaded.module_, lambda: loaded.net_, lambda: gate_activations(loaded, X))
    for look in (*looks, lambda: gate_activations(model, X)):
        with pytest.raises(NotFittedError, match="not trained"):
            look()
    save(loaded, path)
    for each in (model, loaded, load(path)):
        getattr(each.set_params(max_epochs=2), method)(X + 5, X[:, 0] > 15)
        assert_array_equal(each.predict_proba(X), model.predict_proba(X))
        assert each.module_.output.weight.device.type == "cpu"


# --- What is refused when it is stored


def function(text):
    return text.split()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("random_state", np.random.RandomState(0)),
        ("optimizer", torch.optim.SGD),
        ("callbacks", [skops]),
        ("embeddings", np.zeros(2, "i4,f4")),
    ],
)
def test_what_is_no_plain_data_is_refused_by_name(name, value, path):
    path.write_bytes(b"older")
    model = small().fit(SERIES, Y).set_params(**{name: value})
    for each, full_name in (
        (model, name),
        (make_pipeline(model), f"lstmsequenceclassifier__{name}"),
    ):
        with pytest.raises(TypeError, match=rf"store {full_name}=.*(set_params|Fit with).*joblib"):
            save(each, path)
    assert path.read_bytes() == b"older"


def test_functions_of_a_vectorizer_are_refused(path):
    model = TextSequenceVectorizer(tokenizer=function).fit(TEXTS)
    with pytest.raises(TypeError, match=r"tokenizer=<function function.*before.*analyzer=list"):
        save(model, path)
    model = TextSequenceVectorizer(preprocessor=str.lower).fit(TEXTS)
    with pytest.raises(TypeError, match=r"preprocessor=<method .* Call the function on the texts "):
        save(model, path)


@pytest.mark.parametrize("analyzer", [list, tuple, str.split])
def test_functions_that_every_python_has_are_stored_by_name(analyzer, path):
    texts = TEXTS if analyzer is str.split else [text.split() for text in TEXTS]
    vectorizer = TextSequenceVectorizer(analyzer=analyzer).fit(texts)
    save(vectorizer, path)
    restored = load(path)
    assert restored.analyzer is analyzer
    assert (restored.transform(texts) != vectorizer.transform(texts)).nnz == 0


def test_what_is_no_parameter_is_refused_with_what_to_do(path):
    model = small()
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True).fit(SERIES, Y)
    save(model, path)
    assert not hasattr(load(path), "_metadata_request")
    model.note = function
    with pytest.raises(TypeError, match=r"note=<function.*or delete the attribute"):
        save(model, path)
    vocabulary = OrderedDict(so=0, good=1)
    with pytest.raises(TypeError, match=r"vocabulary=OrderedDict.*a list or a dict"):
        save(TextSequenceVectorizer(vocabulary=vocabulary).fit(TEXTS), path)


class Louder(LSTMSequenceClassifier):
    """A subclass."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression(), r"LogisticRegression\. .*skops\.io\.dump"),
        (Louder(hidden_size=2, max_epochs=1), "Louder"),
        (make_pipeline(make_pipeline(StandardScaler()), small()), "'pipeline__standardscaler'"),
        (Pipeline([("a", small())], memory="folder"), "memory"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_models_are_refused(model, message, path, monkeypatch):
    monkeypatch.chdir(path.parent)  # where the pipeline keeps its memory
    with pytest.raises(TypeError, match=message):
        save(model.fit(SERIES, Y), path)
    assert not path.exists()


def test_only_what_is_fitted_is_stored(path):
    beside = make_pipeline(TextSequenceVectorizer(), small().fit(IDS, Y))
    for model in (small(), TextSequenceVectorizer(), make_pipeline(small()), beside):
        with pytest.raises(NotFittedError):
            save(model, path)


# --- Describing


def test_a_classifier_is_described_without_its_weights(path, intact, monkeypatch):
    path.write_bytes(intact)
    read = []
    original = file.StoredArray.__array__

    def get(self, dtype=None, copy=None):
        read.append(self.shape)
        return original(self, dtype, copy)

    monkeypatch.setattr(file.StoredArray, "__array__", get)
    found = describe(path)
    assert len(read) == 1  # the tree
    keys = ["format", "versions", "parameters", "classes", "sizes", "n_samples"]
    assert list(found) == keys
    assert found["parameters"]["pooling"] == "('max', 'mean')"
    assert found["parameters"]["hidden_size"] == 2
    assert found["classes"] == [0, 1]
    assert found["sizes"].keys() == {"n_ids", "n_outputs", "n_weights"}
    assert found["n_samples"] == 24
    assert found["versions"]["sklearn_lstm"] == sklearn_lstm.__version__


def test_a_pipeline_is_described_step_by_step(path):
    last = small(class_weight={"a": 2.5, "b": 1}, embeddings=np.zeros((10, 3)))
    model = make_pipeline(TextSequenceVectorizer(), "passthrough", last)
    save(model.fit(TEXTS, [*"ababa"]), path)
    found = describe(path)
    assert list(found) == ["format", "versions", "steps"]
    assert list(found["steps"]) == list(model.named_steps)
    first, skipped, last = found["steps"].values()
    assert first["sizes"]["n_tokens"] == 8
    assert first["n_samples"] == 5
    assert skipped == {}
    assert last["classes"] == ["a", "b"]
    assert last["parameters"]["class_weight"] == "{'a': 2.5, 'b': 1}"
    assert last["parameters"]["embeddings"] == "float64 array of shape (10, 3)"


def test_samples_of_every_training_are_counted(path):
    model = small().partial_fit(IDS, Y, classes=[0, 1]).partial_fit(IDS[:10], Y[:10])
    save(model, path)
    assert describe(path)["n_samples"] == 34


# --- Crashes


HALF = """
import pathlib
original = pathlib.Path.open

def half(self, mode="r", **options):
    file = original(self, mode, **options)
    if "w" in mode:
        file.write(b"half")
        file.flush()
        end()
    return file

pathlib.Path.open = half
"""
KILLS = {  # what is done instead of a function, and whether the new file is there afterwards
    "while writing": (HALF, False),
    "before fsync": ("os.fsync = lambda *_: end()", False),
    "before the renaming": ("import pathlib; pathlib.Path.replace = lambda *_: end()", False),
    "after the renaming": ("import pathlib; pathlib.Path.unlink = lambda *_, **__: end()", True),
}


@pytest.mark.device("fork")
def test_a_crash_leaves_the_old_file_or_the_new_one(tmp_path, vectorizer):
    kills = {str(tmp_path / name): kill for name, (kill, _) in KILLS.items()}
    for path in kills:
        save(vectorizer, path)
    code = f"""if True:
        import os, signal
        from sklearn_lstm import TextSequenceVectorizer
        from sklearn_lstm import io

        end = lambda: os.kill(os.getpid(), signal.SIGKILL)
        model = TextSequenceVectorizer().fit(["new"])
        for path, kill in {kills!r}.items():
            child = os.fork()
            if not child:
                exec(kill)
                io.save(model, path)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL, kill
    """
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own code
    for path, (_, is_new) in zip(kills, KILLS.values(), strict=True):
        found = load(path).vocabulary_
        assert found == ({"new": 2} if is_new else vectorizer.vocabulary_), path


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path, vectorizer, monkeypatch):
    save(vectorizer, path)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(small().fit(SERIES, Y), path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


WAYS = [
    "folder",
    "",
    "file/model",
    "loop",
    "none/model",
    "pipe",
    "link",
    "data.csv",
    "weights",
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.skipif(sys.platform == "win32", reason="device: the system has no pipes with names")
def test_what_is_no_file_of_a_model_is_not_replaced(way, tmp_path, vectorizer, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    Path("data.csv").write_text("text,label\n")
    save_file({"weight": np.zeros(2)}, "weights", {"format": "pt"})
    weights = Path("weights").read_bytes()
    before = sorted(os.walk("."))
    told = r"no file|[Nn]ot a directory|symbolic links|[Nn]o such file|holds no model"
    with pytest.raises(OSError, match=told):
        save(vectorizer, way)
    assert sorted(os.walk(".")) == before
    assert Path("data.csv").read_text() == "text,label\n"
    assert Path("weights").read_bytes() == weights
    assert Path("pipe").is_fifo()


def test_a_model_is_stored_in_the_same_bytes_each_time(tmp_path, vectorizer):
    for number in range(8):
        save(vectorizer, tmp_path / str(number))
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_a_link_and_the_rights_of_new_files_stay(tmp_path, vectorizer):
    path = tmp_path / "link"
    (tmp_path / "other").write_bytes(b"")
    path.symlink_to(tmp_path / "other")
    save(vectorizer, path)
    assert path.is_symlink()
    assert load(tmp_path / "other").vocabulary_ == vectorizer.vocabulary_
    plain = Path(tmp_path / "plain")
    plain.write_bytes(b"")
    assert (tmp_path / "other").stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="device: the system has no such rights")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o400])
def test_a_file_that_is_replaced_keeps_its_rights(mode, path, vectorizer, monkeypatch):
    path.write_bytes(b"")
    path.chmod(mode)
    meanwhile = []
    original = os.fsync

    def look(descriptor):
        meanwhile.append(os.fstat(descriptor).st_mode & 0o777)
        original(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    save(vectorizer, path)
    assert path.stat().st_mode & 0o777 == mode
    assert meanwhile[0] & ~mode & 0o077 == 0  # not even meanwhile may more people read it


@pytest.mark.parametrize("letter", ["a", "ä", "模"])
def test_the_longest_name_that_the_system_takes_can_be_saved(letter, tmp_path, vectorizer):
    name = letter * (252 // len(letter.encode()))
    save(vectorizer, tmp_path / name)
    assert load(tmp_path / name).vocabulary_ == vectorizer.vocabulary_
