"""`save`, `load` and `describe`: the same model, and one clear error for every damaged file."""

import copy
import json
import os
import pickle
import random
import subprocess
import sys
from collections import OrderedDict
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from memory_taken import peak_bytes
from numpy.testing import assert_array_equal
from safetensors.numpy import save as to_safetensors
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_lstm
from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer, WordVectors
from sklearn_lstm.exceptions import InvalidSequencesError
from sklearn_lstm.inspection import explain, gate_activations
from sklearn_lstm.io import ModelFileError, describe, load, save
from sklearn_lstm.storing import array_file
from sklearn_lstm.storing.stored_form import DTYPES, checksum_of

TEXTS = ["so good", "good fun, so good", "so bad", "bad, so boring", "naïve plot"]
SERIES = np.random.default_rng(0).normal(size=(24, 5))
IDS = np.random.default_rng(0).integers(1, 9, (24, 5))
Y = np.arange(24) % 2


def small(**parameters):
    defaults = {"hidden_size": 2, "max_epochs": 1, "random_state": 0, "linear_model": False}
    return LSTMSequenceClassifier(**(defaults | parameters))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """The bytes of a small classifier."""
    path = tmp_path_factory.mktemp("intact") / "model.safetensors"
    save(small(bidirectional=False, embedding_dim=2).fit(IDS, Y), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def vectorizer():
    return TextSequenceVectorizer().fit(TEXTS)


def parts_of(data):
    """Return the header and the arrays of a file."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header, arrays=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + arrays


def refusal(path, data):
    """Return the message of the error that a file raises, in `Predictor.load` too."""
    path.write_bytes(data)
    with pytest.raises(ModelFileError):
        Predictor.load(path)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) > len(str(path)) + 25
    return str(caught.value)


# --- The same model


def test_steps_of_scikit_learn_come_back(path):
    X = np.where(SERIES > 2, np.nan, SERIES)
    inner = make_pipeline(SimpleImputer(), StandardScaler(), None)
    model = Pipeline(
        [("first", inner), ("skip", "passthrough"), ("last", small())], verbose=False
    ).fit(X, Y)
    save(model, path)
    loaded = load(path)
    assert [type(step) for _, step in loaded["first"].steps[:2]] == [SimpleImputer, StandardScaler]
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    wrapped = make_pipeline(StandardScaler(), CalibratedClassifierCV(small(), cv=2)).fit(SERIES, Y)
    save(wrapped, path)
    assert_array_equal(load(path).predict_proba(SERIES), wrapped.predict_proba(SERIES))


def test_parameters_come_back_as_they_were(path):
    weights = {np.int64(0): 2, True: np.float32(0.5)}
    model = small(class_weight=weights, pooling=("max", "last"), hidden_size=np.int8(2))
    model.set_params(device=torch.device("cpu")).fit(SERIES, Y)
    model.note = {"by": ("a", 1)}
    save(model, path)
    loaded = load(path)
    assert repr(loaded.get_params()) == repr(model.get_params())
    assert loaded.note == model.note


def test_a_vectorizer_goes_on_counting(path):
    vectorizer = TextSequenceVectorizer(min_df=2).partial_fit(["a b c", "b c"])
    save(vectorizer, path)
    loaded = load(path)
    for each in (vectorizer, loaded):
        assert each.partial_fit(["a b"]).vocabulary_ == {"b": 2, "c": 3, "a": 4}


# --- Networks that were not trained


@pytest.fixture
def untrained():
    X = np.random.default_rng(0).integers(1, 30, (120, 6))
    model = small(max_epochs=0, linear_model=True, num_layers=2)
    return model.fit(X, X[:, 0] > 15), X


@pytest.mark.parametrize("store", ["pickle", "file"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_network_that_was_not_trained_is_not_stored(untrained, store, method, path):
    model, X = untrained
    save(model, path)
    loaded = load(path) if store == "file" else pickle.loads(pickle.dumps(model))
    assert "weight_hh" not in str(parts_of(path.read_bytes())[0])
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert repr(loaded) == repr(model)
    assert_array_equal(explain(loaded, X[:1])[0].values, explain(model, X[:1])[0].values)
    for look in (lambda: loaded.module_, lambda: loaded.net_, lambda: gate_activations(loaded, X)):
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


@pytest.mark.parametrize("analyzer", [list, tuple, str.split])
def test_functions_that_every_python_has_are_stored_by_name(analyzer, path):
    texts = TEXTS if analyzer is str.split else [text.split() for text in TEXTS]
    vectorizer = TextSequenceVectorizer(analyzer=analyzer).fit(texts)
    save(vectorizer, path)
    restored = load(path)
    assert restored.analyzer is analyzer
    assert (restored.transform(texts) != vectorizer.transform(texts)).nnz == 0
    assert describe(path)["parameters"]["analyzer"] is analyzer


def test_what_is_no_parameter_is_refused_with_what_to_do(path):
    model = small()
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True).fit(SERIES, Y)
    with pytest.raises(TypeError, match=r"set_fit_request.*del model\._metadata_request"):
        save(model, path)
    del model._metadata_request
    model.note = function
    with pytest.raises(TypeError, match=r"note=<function.*no parameter: del model\.note"):
        save(model, path)
    vocabulary = OrderedDict(so=0, good=1)
    with pytest.raises(TypeError, match=r"vocabulary=OrderedDict.*a list or a dict"):
        save(TextSequenceVectorizer(vocabulary=vocabulary).fit(TEXTS), path)


class Louder(LSTMSequenceClassifier):
    """A subclass."""


class Scaler(StandardScaler):
    """A subclass of scikit-learn's."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression().fit(SERIES, Y), "found sklearn.linear_model"),
        (Louder(hidden_size=2, max_epochs=1).fit(SERIES, Y), "Louder"),
        (make_pipeline(Scaler(), small()), "Scaler as the step 'scaler'"),
        (make_pipeline(FunctionTransformer(np.negative), small()), "functiontransformer"),
        (Pipeline([("a", small())], memory="folder"), "memory"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_models_are_refused(model, message, path, monkeypatch):
    monkeypatch.chdir(path.parent)  # where the pipeline keeps its memory
    if isinstance(model, Pipeline):
        model.fit(SERIES, Y)
    monkeypatch.setattr(skops.io, "get_untrusted_types", lambda **_: ["numpy.negative"])
    with pytest.raises(TypeError, match=message):
        save(model, path)
    assert not path.exists()


def test_only_what_is_fitted_is_stored(path):
    for model in (small(), TextSequenceVectorizer(), make_pipeline(small())):
        with pytest.raises(NotFittedError):
            save(model, path)


def test_a_package_that_is_missing_is_named(path, monkeypatch, vectorizer):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"safetensors is not .*pip install safetensors skops"):
        save(vectorizer, path)


# --- Describing


def test_a_classifier_is_described_without_its_weights(path, intact, monkeypatch):
    path.write_bytes(intact)
    read = []
    original = array_file.StoredArray.__array__

    def get(self, dtype=None, copy=None):
        read.append(self.shape)
        return original(self, dtype, copy)

    monkeypatch.setattr(array_file.StoredArray, "__array__", get)
    found = describe(path)
    assert read == [(2,)]  # the classes
    keys = ["format", "versions", "parameters", "classes", "sizes", "n_samples"]
    assert list(found) == keys
    assert found["parameters"]["pooling"] == ("max", "mean")
    assert found["classes"] == [0, 1]
    assert found["sizes"].keys() == {"n_ids", "n_outputs", "n_weights", "n_bytes"}
    assert found["n_samples"] == 24
    assert found["versions"]["sklearn_lstm"] == sklearn_lstm.__version__


def test_large_parameters_are_described_by_their_shape(path):
    save(small(embeddings=np.zeros((9, 2), np.float32)).fit(IDS, Y), path)
    assert describe(path)["parameters"]["embeddings"] == "float32 array of shape (9, 2)"


def test_a_pipeline_is_described_step_by_step(path):
    model = make_pipeline(TextSequenceVectorizer(), "passthrough", small())
    save(model.fit(TEXTS, [0, 1, 0, 1, 0]), path)
    found = describe(path)
    assert list(found) == ["format", "versions", "steps"]
    assert list(found["steps"]) == list(model.named_steps)
    assert {tuple(step) for step in found["steps"].values()} == {
        ("format", "versions", "parameters", "classes", "sizes", "n_samples")
    }
    assert found["steps"]["textsequencevectorizer"]["sizes"]["n_tokens"] == 8
    assert found["steps"]["textsequencevectorizer"]["n_samples"] == 5
    save(make_pipeline(StandardScaler(), LogisticRegression()).fit(SERIES, Y), path)
    last = describe(path)["steps"]["logisticregression"]
    assert (last["parameters"]["C"], last["classes"]) == (1.0, [0, 1])


def test_samples_are_counted(path):
    model = small().partial_fit(IDS, Y, classes=[0, 1]).partial_fit(IDS[:10], Y[:10])
    save(model, path)
    assert describe(path)["n_samples"] == 34


# --- Damage


def test_400_damaged_bytes_are_refused(path, intact):
    rng = random.Random(0)  # noqa: S311 - positions
    header_end = 8 + int.from_bytes(intact[:8], "little")
    places = [
        *range(8),
        *rng.sample(range(8, header_end), 192),
        *rng.sample(range(header_end, len(intact)), 200),
    ]
    for place in places:
        damaged = bytearray(intact)
        damaged[place] ^= rng.choice([1 << rng.randrange(8), rng.randrange(1, 256)])
        refusal(path, damaged)


def test_a_file_that_is_cut_short_is_refused_at_any_length(path, vectorizer):
    save(vectorizer, path)
    data = path.read_bytes()
    for length in [*range(9), *range(9, len(data), 7), len(data) - 1]:
        refusal(path, data[:length])
    refusal(path, data + b"\0")


def changed(data, change):
    """Return a file whose JSON is changed, with the checksum that fits to it."""
    header, arrays = parts_of(data)
    metadata = header["__metadata__"]
    content = json.loads(metadata["content"])
    change(content)
    metadata["content"] = json.dumps(content)
    metadata["checksum"] = checksum_of(metadata["content"])
    return joined(header, arrays)


@pytest.mark.parametrize(
    ("format_", "remedy"), [(4, "Install a newer version"), (2, "Fit the model again")]
)
def test_another_format_is_refused_and_says_so(format_, remedy, path, intact):
    message = refusal(path, changed(intact, lambda content: content.update(format=format_)))
    assert f"format {format_}" in message
    assert remedy in message


def test_another_version_warns(path, intact):
    path.write_bytes(
        changed(intact, lambda content: content["versions"].update(sklearn_lstm="9.9"))
    )
    with pytest.warns(InconsistentVersionWarning, match=r"9\.9"):
        load(path)


def members_of(content):
    keys, values = content["fitted"]["_fitted"]["Fitted"]
    return values[keys.index("model")]["SequenceModel"][1][0]["tuple"]


def architecture_of(content):
    keys, values = members_of(content)[0]["Network"]
    return values[keys.index("architecture")]["dict"]


def set_architecture(content, change):
    keys, values = architecture_of(content)
    values[keys.index(change[0])] = change[1]


def set_note(content, note):
    content["fitted"]["note"] = note


NOTES = {
    "an unknown form": {"builtins.eval": "1"},
    "another class of the package": {"StoredArrays": [[], []]},
    "an unknown field": {"Labels": [["a"], [1]]},
    "an array that is missing": {"array": ["missing", "0"]},
    "an array of objects": {"view": ["O", [1], {"array": ["classes_", "0"]}]},
    "strings of another length": {"strings": [{"bytes": []}, [5]]},
    "deep lists": json.loads("[" * 220 + "]" * 220),
}
ARCHITECTURES = {
    "billions of layers": ("num_layers", 10**10),
    "billions of directions": ("bidirectional", 10**10),
    "trillions of units": ("hidden_size", 10**12),
    "frames of billions of steps": ("steps_per_frame", 10**9),
    "an unknown pooling": ("pooling", ["max", "sum"]),
    "no pooling": ("pooling", []),
    "other units": ("hidden_size", 3),
}
FORGERIES = {
    "an unknown parameter": lambda content: content["parameters"].update(__class__=1),
    "an attribute that hides a method": lambda content: content["fitted"].update(predict=1),
    "an unknown class": lambda content: content.update({"class": "os.system"}),
    "a network thousands of times": lambda content: members_of(content).extend(
        members_of(content) * 10_000
    ),
    "millions of rows as classes": lambda content: content["fitted"].update(
        classes_={"objects": [[10**6, 0], []]}
    ),
    "no parameters": lambda content: content.pop("parameters"),
    "no versions": lambda content: content.pop("versions"),
    **{name: partial(set_note, note=note) for name, note in NOTES.items()},
    **{name: partial(set_architecture, change=pair) for name, pair in ARCHITECTURES.items()},
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_tree_is_refused(change, path, intact):
    load_after = changed(intact, lambda _: None)
    path.write_bytes(load_after)
    load(path), Predictor.load(path)
    refusal(path, changed(intact, change))


def test_a_forged_header_is_refused_before_memory_is_taken(path, intact):
    header, arrays = parts_of(intact)
    name = "_fitted.labels.classes"
    first = header[name]

    def with_entry(**changes):
        return joined({**header, name: {**first, **changes}}, arrays)

    forged = {
        "terabytes": with_entry(shape=[10**12]),
        "terabytes at the end": with_entry(shape=[10**12], data_offsets=[0, 8 * 10**12]),
        "negative": with_entry(shape=[-1, -2]),
        "no numbers": with_entry(shape=["2"]),
        "zero of many": with_entry(shape=[0, 10**30], data_offsets=[0, 0]),
        "overlapping": with_entry(data_offsets=[8, 24]),
        "an unknown type": with_entry(dtype="BF16"),
        "another type": with_entry(dtype="U64"),
        "more arrays": joined(
            {**header, "more": {"dtype": "U8", "shape": [0], "data_offsets": [len(arrays)] * 2}},
            arrays,
        ),
        "no metadata": joined(
            {name: entry for name, entry in header.items() if name[0] != "_"}, arrays
        ),
        "more metadata": joined(
            {**header, "__metadata__": {**header["__metadata__"], "a": "b"}}, arrays
        ),
        "a long header": (10**13).to_bytes(8, "little") + intact[8:],
        "a list": joined([1]),
        "nothing": b"",
        "zeros": bytes(1000),
        "deep": joined(b"[" * 100_000),
        "a long number": joined(b'{"a":' + b"9" * 10_000 + b"}"),
        "twice": joined(
            json.dumps(header).encode()[:-1] + b"," + json.dumps({name: first}).encode()[1:], arrays
        ),
        "white space": joined(json.dumps(header).encode() + b"\n", arrays),
        "tensors of others": to_safetensors({"weight": np.zeros(3)}),
    }
    for what, data in forged.items():
        assert peak_bytes(lambda data=data: refusal(path, data)) < 5_000_000, what


def test_hundreds_of_thousands_of_axes_are_refused_soon(path, intact):
    header, arrays = parts_of(intact)
    next(iter(header.values()))["shape"] = [9] * 600_000  # their product has as many digits
    start = perf_counter()
    refusal(path, joined(header, arrays))
    assert perf_counter() - start < 15


EMPTY = {"array": ["nothing", "00000000"]}
NOTHING = {"view": ["<i4", [10**6, 0], {"bytes": EMPTY}]}
ROWS_OF_NOTHING = {
    "an array": {"rows": EMPTY},
    "rows": {"rows": NOTHING},
    "a tuple": {"tuple": NOTHING},
    "integers": {"integers": NOTHING},
    "a dict": {"dict": [{"tuple": []}, NOTHING]},
    "objects": {"objects": [[10**6], NOTHING]},
}


@pytest.mark.parametrize("tree", ROWS_OF_NOTHING.values(), ids=ROWS_OF_NOTHING)
@pytest.mark.parametrize("read", [load, Predictor.load, describe])
def test_millions_of_rows_without_bytes_are_refused_before_memory_is_taken(
    tree, read, path, intact
):
    header, arrays = parts_of(intact)
    empty = np.zeros((10**6, 0) if tree == {"rows": EMPTY} else 0, np.uint8)
    text = json.dumps(tree).replace("00000000", checksum_of(empty))
    header["nothing"] = {"dtype": "U8", "shape": empty.shape, "data_offsets": [len(arrays)] * 2}
    name = "parameters" if read is describe else "fitted"

    def add(content):
        content[name]["verbose"] = json.loads(text)

    path.write_bytes(changed(joined(header, arrays), add))

    def refused():
        with pytest.raises(ModelFileError):
            read(path)

    assert peak_bytes(refused) < 5_000_000


# --- Files that say more than they hold


def file_of(content, arrays):
    """Return a file of a tree and its arrays, whose checksums fit."""
    text = json.dumps(content)
    return to_safetensors(arrays, {"content": text, "checksum": checksum_of(text)})


def named(name, array):
    return {"array": [name, checksum_of(array)]}


def parsed(data):
    """Return the tree and the arrays of a file."""
    header, arrays = parts_of(data)
    metadata = header.pop("__metadata__")
    return json.loads(metadata["content"]), {
        name: np.frombuffer(arrays[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }


def with_array(data, name, array):
    """Return a file with another array in place of one whose name ends so."""
    content, arrays = parsed(data)
    (name,) = (full for full in arrays if full.endswith(name))
    old, new = (json.dumps([name, checksum_of(part)]) for part in (arrays[name], array))
    text = json.dumps(content)
    assert old in text
    return file_of(json.loads(text.replace(old, new)), arrays | {name: array})


N_BYTES = 500_000
MANY = {"many": np.zeros(N_BYTES, np.uint8)}
BYTES = {"bytes": named("many", MANY["many"])}
COLUMN = {"many": np.zeros((N_BYTES, 1), np.uint8)}
LETTERS = {"text": np.full(N_BYTES, 97, np.uint8), "lengths": np.ones(N_BYTES, np.uint8)}
OVERLAPPING = [N_BYTES - 1, 1 - N_BYTES] * 1_000 + [N_BYTES]
OVERLAPPING = {"text": LETTERS["text"], "lengths": np.array(OVERLAPPING)}
NGRAMS = {"hashes": np.array([-1], np.int32), "coef": np.zeros((1, 2), np.float32)}
ONE_ID = {"ids": np.array([2])}


def shapes(n_bytes):
    """Return the shapes of three axes with so many items."""
    sizes = [2**i * 5**j for i in range(6) for j in range(7)]
    return [[a, b, n_bytes // a // b] for a in sizes for b in sizes if not n_bytes % (a * b)]


def strings(arrays):
    text, lengths = (named(*part) for part in arrays.items())
    return {"strings": [{"bytes": text}, lengths]}


def ngrams(number):
    names = ["shortest", "longest", "has_borders", "hashes", "coef", "squares"]
    hashes, coef = (named(*part) for part in NGRAMS.items())
    return {"OnlineNgrams": [names, [1 + number % 50, 60 + number // 50, True, hashes, coef, coef]]}


def deep_network(number, n_layers=1000):
    """Return a network without weights, whose layers are many."""
    architecture = {"n_inputs": 3, "n_outputs": 2, "tokens": True, "embedding_dim": 2}
    architecture |= {"cell": "lstm", "hidden_size": 1 + number}
    architecture |= {
        "num_layers": n_layers,
        "bidirectional": True,
        "pooling": ["max"],
        "dropout": 0.0,
    }
    names = ["encoding", "architecture", "use_bfloat16", "weights"]
    codes = {"TokenCodes": [["ids"], [named("ids", ONE_ID["ids"])]]}
    values = [codes, {"dict": [[*architecture], [*architecture.values()]]}, False, None]
    return {"EncodedNetwork": [names, values]}


CLAIMS = {
    "each shape": ([{"view": ["|u1", shape, BYTES]} for shape in shapes(N_BYTES)], MANY),
    "each OnlineNgrams": ([ngrams(number) for number in range(500)], NGRAMS),
    "rows of one byte": ({"rows": named("many", COLUMN["many"])}, COLUMN),
    "strings in several containers": (
        [{form: strings(LETTERS)} for form in ("tuple", "set", "frozenset")]
        + [{"dict": [strings(LETTERS)] * 2}]
        + [{"objects": [shape, strings(LETTERS)]} for shape in shapes(N_BYTES)],
        LETTERS,
    ),
    "strings that overlap": (strings(OVERLAPPING), OVERLAPPING),
    "an error with one text many times": (
        {"function": {"tuple": [{"tuple": strings(LETTERS)}] * 100}},
        LETTERS,
    ),
    "each network without weights": ([deep_network(number) for number in range(4)], ONE_ID),
    "networks of less than no layers": (
        [deep_network(0, -(10**9)), *(deep_network(number) for number in range(4))],
        ONE_ID,
    ),
    "a long text inside each other": (
        json.loads('{"tuple":[' * 80 + f'"{"a" * 4 * N_BYTES}",' + json.dumps(BYTES) + "]}" * 80),
        MANY,
    ),
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
@pytest.mark.parametrize("read", [load, describe])
def test_what_a_file_takes_is_bounded_by_its_size(claim, read, path, vectorizer):
    save(vectorizer, path)
    content, arrays = parsed(path.read_bytes())
    tree, more = claim
    content["fitted" if read is load else "parameters"]["stop_words"] = tree
    data = file_of(content, arrays | more)
    path.write_bytes(data)
    import_module("torch"), import_module("sklearn_lstm.members.ngrams.online_ngrams")

    def read_or_refused():
        with suppress(ModelFileError):
            read(path)

    assert peak_bytes(read_or_refused) < (32 << 20) + 32 * len(data)


# --- Arrays that do not fit to each other


MANY_IDS = np.random.default_rng(0).integers(1, 9, (120, 5))


def stream_model():
    model = small(linear_model=True).fit(MANY_IDS, np.arange(120) % 2)
    return model.partial_fit(MANY_IDS, np.arange(120) % 2), MANY_IDS


def series_model():
    X = np.where(SERIES > 1.5, np.nan, SERIES)
    return small(linear_model=True).fit(X, Y), X


# Those that load nevertheless: torch compares their shapes later, or any number of them will do.
COMPARED_LATER = {
    stream_model: {"exp_avg", "exp_avg_sq", "step", "position_scale"},
    series_model: {"position_scale", "thresholds"},
}


@pytest.mark.parametrize("make", COMPARED_LATER, ids=lambda make: make.__name__)
def test_an_array_that_does_not_fit_to_the_others_is_refused(make, path):
    model, X = make()
    save(model, path)
    data = path.read_bytes()
    loaded, by_predictor = set(), set()
    for name, array in parsed(data)[1].items():
        for forged in (array[: len(array) // 2] if array.ndim else array[None], array[..., None]):
            path.write_bytes(with_array(data, name, np.array(forged)))
            for read, names in ((load, loaded), (Predictor.load, by_predictor)):
                with suppress(ModelFileError):
                    loaded_model = read(path)
                    names.add(name.rpartition(".")[2])
                    with suppress(Exception):
                        loaded_model.predict(X)
    assert loaded == COMPARED_LATER[make]
    assert by_predictor == loaded - {"position_scale"}


def numbers_model():
    rows = np.arange(25.0)
    frame = pd.DataFrame({"text": TEXTS * 5, "size": rows, "shop": pd.Categorical([*"abcab"] * 5)})
    model = make_pipeline(TextSequenceVectorizer(), small(linear_model=True, max_epochs=0))
    return model.fit(frame, rows % 2), frame


def timed_model():
    X = [[[2.0 * step, step % 3 or np.nan] for step in range(4 + row % 3)] for row in range(24)]
    return small(linear_model=True, time_channel=0).fit(X, Y), X


def word_vectors():
    return WordVectors(embedding_dim=2).fit(TEXTS * 2), TEXTS


@cache
def stored(make):
    """Return the bytes of a model."""
    with TemporaryDirectory() as folder:
        save(make()[0], Path(folder) / "model")
        return (Path(folder) / "model").read_bytes()


def objects_of(tree, form):
    """Yield the names and the values of the fields of all objects of a form in a tree."""
    if isinstance(tree, dict):
        if form in tree:
            yield tree[form]
        tree = list(tree.values())
    for child in tree if isinstance(tree, list) else ():
        yield from objects_of(child, form)


def field(form, name, value):
    """Return what gives a field of the last object of a form another value."""

    def change(content):
        names, values = list(objects_of(content, form))[-1]
        old = values[names.index(name)]
        values[names.index(name)] = value(old) if callable(value) else value

    return change


def of_vectorizer(kind, name, value):
    def change(content):
        values = content["steps"][0][1][kind]
        values[name] = value(values[name]) if callable(value) else value
        if value is None:
            del values[name]

    return change


def with_another_name(columns):
    (_, *names), kept = columns["dict"]
    return {"dict": [["another", *names], kept]}


def with_another_id(vocabulary):
    words, (_, *ids) = vocabulary["dict"]
    return {"dict": [words, [*ids, 10**6]]}


# What a model says of its X and its labels, and what a part says that does not agree.
DISAGREEMENTS = {
    "a column of numbers": (numbers_model, field("NumberModel", "numbers", with_another_name)),
    "a column of categories": (
        numbers_model,
        field("NumberModel", "categories", with_another_name),
    ),
    "a feature of a number": (
        numbers_model,
        field("NumberModel", "numbers", {"dict": [["size"], [{"tuple": ["square"]}]]}),
    ),
    "the time of one encoding": (timed_model, field("ChannelScaling", "time_channel", 1)),
    "no time of one encoding": (timed_model, field("ChannelScaling", "time_channel", None)),
    "the channels of an encoding": (timed_model, field("ChannelScaling", "n_channels", 3)),
    "a network without weights": (
        numbers_model,
        field("SequenceModel", "weights", lambda tree: {"tuple": [1.0, *tree["tuple"][1:]]}),
    ),
    "no member that predicts": (timed_model, field("SequenceModel", "weights", {"tuple": [0, 0]})),
    "an unknown kind": (timed_model, field("InputFormat", "input_type", "pooling")),
    "an attribute less": (numbers_model, of_vectorizer("fitted", "max_length_", None)),
    "an id of no word": (numbers_model, of_vectorizer("fitted", "vocabulary_", with_another_id)),
    "what texts come in": (numbers_model, of_vectorizer("parameters", "input", "contents")),
    "an analyzer": (numbers_model, of_vectorizer("parameters", "analyzer", 7)),
    "a pattern": (numbers_model, of_vectorizer("parameters", "token_pattern", "(")),
}
ARRAYS = {
    "a channel": (timed_model, "members.0.encoding.gappy", np.array([7])),
    "a channel before the first": (timed_model, "members.0.encoding.gappy", np.array([-3])),
    "other inputs": (timed_model, "members.1.convolutions.channels", np.ones((1, 84, 1), bool)),
    "NaN": (word_vectors, "vectors_", np.full((5, 2), np.nan, np.float32)),
}


@pytest.mark.parametrize(("make", "change"), DISAGREEMENTS.values(), ids=DISAGREEMENTS)
def test_parts_that_disagree_are_refused(make, change, path):
    content, arrays = parsed(stored(make))
    change(content)
    refusal(path, file_of(content, arrays))


@pytest.mark.parametrize(("make", "name", "array"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_other_values_are_refused(make, name, array, path):
    refusal(path, with_array(stored(make), name, array))


def test_logits_that_are_not_finite_are_an_error(path):
    data = with_array(stored(timed_model), "members.1.intercept", np.full(2, 1e308))
    content, arrays = parsed(data)
    field("SequenceModel", "weights", {"tuple": [1.0, 100.0]})(content)
    path.write_bytes(file_of(content, arrays))
    for read in (load, Predictor.load):
        with pytest.raises(InvalidSequencesError, match=r"logits of row 0 are not finite"):
            read(path).predict_proba([[[0.0, 1.0], [2.0, np.nan]]])


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
def test_an_optimizer_does_not_follow_a_state_of_another_shape(optimizer, path):
    model = small(optimizer=optimizer).partial_fit(IDS, Y, classes=[0, 1])
    save(model, path)
    data = path.read_bytes()
    for name in [name for name in parsed(data)[1] if "exp_avg" in name]:
        path.write_bytes(with_array(data, name, np.zeros(1, np.float32)))
        with pytest.raises(ValueError, match=r"shape \[1\].* is damaged"):
            load(path).partial_fit(IDS, Y)


def test_weights_of_another_type_are_refused(path, intact):
    # oneDNN would read a bias of float16 as one of float32.
    assert "float32" in refusal(path, with_array(intact, "output.bias", np.zeros(2, np.float16)))


def test_the_longest_ngram_has_a_limit(path):
    model, _ = stream_model()
    save(model, path)
    content, arrays = parsed(path.read_bytes())
    ((keys, values),) = [
        member["OnlineNgrams"] for member in members_of(content) if "OnlineNgrams" in member
    ]
    values[keys.index("longest")] = 10**12
    assert "longest does not fit: 1000000000000" in refusal(path, file_of(content, arrays))


def test_what_load_would_refuse_is_not_saved(path, vectorizer):
    deep = []
    for _ in range(150):
        deep = [deep]
    for note in (np.zeros((10**5, 0)), deep):
        model = copy.copy(vectorizer)
        model.note = note
        with pytest.raises(TypeError, match="store note"):
            save(model, path)
        assert repr(pickle.loads(pickle.dumps(model)).note) == repr(note)
    model.note = [np.zeros(0)] * 1000
    save(model, path)
    assert len(load(path).note) == 1000


class Hostile:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("hostile",)


def test_a_pickle_is_refused_and_not_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(6):
        message = refusal(path, pickle.dumps(Hostile(), protocol))
        assert ("looks like a pickle: joblib.load" in message) == (protocol > 1), protocol
    array = np.array([Hostile()], object)
    refusal(path, joined({"__metadata__": {"content": "{}", "checksum": "0"}}, array.tobytes()))
    np.save(path.with_suffix(".npy"), array)
    refusal(path, path.with_suffix(".npy").read_bytes())
    assert not (tmp_path / "hostile").exists()


def test_a_file_that_is_missing_is_no_damage(path):
    for function_of_path in (load, describe):
        with pytest.raises(FileNotFoundError):
            function_of_path(path)


def test_loading_imports_nothing_that_the_file_names(path, vectorizer):
    save(vectorizer, path)
    code = (
        "import sys; from sklearn_lstm.io import load; before = set(sys.modules)\n"
        f"load({str(path)!r}); found = {{name.partition('.')[0] for name in sys.modules}}\n"
        "assert not found & {'torch', 'safetensors', 'skops', 'skorch'}, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own code


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
    "after the renaming": ("array_file._sync_folder = lambda *_: end()", True),
}


@pytest.mark.device("fork")
def test_a_crash_leaves_the_old_file_or_the_new_one(tmp_path, vectorizer):
    kills = {str(tmp_path / name): kill for name, (kill, _) in KILLS.items()}
    for path in kills:
        save(vectorizer, path)
    code = f"""if True:
        import os, signal
        from sklearn_lstm import TextSequenceVectorizer
        from sklearn_lstm.io import files
        from sklearn_lstm.storing import array_file

        end = lambda: os.kill(os.getpid(), signal.SIGKILL)
        model = TextSequenceVectorizer().fit(["new"])
        for path, kill in {kills!r}.items():
            child = os.fork()
            if not child:
                exec(kill)
                files.save(model, path)
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


def test_a_link_and_the_rights_of_new_files_stay(path, tmp_path, vectorizer):
    (tmp_path / "other").write_bytes(b"")
    path.symlink_to(tmp_path / "other")
    save(vectorizer, path)
    assert path.is_symlink()
    assert load(tmp_path / "other").vocabulary_ == vectorizer.vocabulary_
    plain = Path(tmp_path / "plain")
    plain.write_bytes(b"")
    assert (tmp_path / "other").stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
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
