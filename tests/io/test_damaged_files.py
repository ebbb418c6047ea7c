"""One clear error for every damaged or forged file, before it takes memory."""

import json
import pickle
import random
import re
from contextlib import suppress
from functools import partial
from importlib import import_module
from time import perf_counter

import numpy as np
import pytest
from memory_taken import peak_bytes
from model_files import changed, file_of, joined, members_of, named, parsed, parts_of, refusal
from safetensors.numpy import save as to_safetensors
from sklearn.exceptions import InconsistentVersionWarning

from sklearn_lstm import Predictor
from sklearn_lstm.io import ModelFileError, load, save
from sklearn_lstm.storage import file
from sklearn_lstm.storage.forms import FORMAT

pytestmark = pytest.mark.thread_unsafe(reason="all threads write one file")

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
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load(path)


def test_a_file_that_is_cut_short_is_refused_at_any_length(path, vectorizer):
    save(vectorizer, path)
    data = path.read_bytes()
    for length in [*range(9), *range(9, len(data), 7), len(data) - 1]:
        refusal(path, data[:length])
    refusal(path, data + b"\0")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (to_safetensors({"w": np.zeros(3)}, {"format": "pt"}), "no model of sklearn_lstm"),
        (
            to_safetensors({"w": np.zeros(3)}, {"content": "{}", "checksum": "0"}),
            "in an old format",
        ),
        (b"text,label\nso good,1\n", "looks like text: does the data stand in the place"),
        ("ä,b\n".encode(), "looks like text"),
        (pickle.dumps([0.5]), "looks like a pickle, perhaps a compressed one: joblib.load"),
    ],
    ids=["weights of torch", "format 4", "table", "short table", "pickle"],
)
def test_a_file_of_something_else_is_called_so(data, found, path):
    message = refusal(path, data)
    assert re.search(found, message)
    assert "damaged" not in message


@pytest.mark.parametrize(
    ("format_", "remedy"),
    [(FORMAT + 1, "Install a newer version"), (FORMAT - 1, "Fit the model again")],
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
    with pytest.warns(UserWarning, match=r"sklearn_lstm 9\.9 stored the model"):
        Predictor.load(path)


def set_architecture(content, name, value):
    members_of(content)[0]["Network"]["architecture"]["Architecture"][name] = value


def set_note(content, note):
    content["attributes"]["note"] = note


NOTES = {
    "an unknown form": {"builtins.eval": "1"},
    "another class of the package": {"StoredArray": {}},
    "an unknown field": {"Labels": {"a": 1}},
    "an array that is missing": {"array": ["missing", "0"]},
    "an object of a pickle": {"object": "classes_"},
    "what comes again before it came": {"same": 1000},
}
ARCHITECTURES = {
    "billions of layers": ("num_layers", 10**10),
    "billions of directions": ("bidirectional", 10**10),
    "frames of billions of steps": ("steps_per_frame", 10**9),
    "an unknown pooling": ("pooling", {"tuple": ["max", "sum"]}),
    "no pooling": ("pooling", {"tuple": []}),
    "other units": ("hidden_size", 3),
}
FORGERIES = {
    "an unknown class": lambda content: content.update({"class": "os.system"}),
    "a network thousands of times": lambda content: members_of(content).extend(
        members_of(content) * 10_000
    ),
    "millions of rows as classes": lambda content: content["attributes"].update(
        classes_={"objects": [[10**6, 0], []]}
    ),
    "no attributes": lambda content: content.pop("attributes"),
    "no versions": lambda content: content.pop("versions"),
    **{name: partial(set_note, note=note) for name, note in NOTES.items()},
    **{
        name: partial(set_architecture, name=field, value=value)
        for name, (field, value) in ARCHITECTURES.items()
    },
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_tree_is_refused(change, path, intact):
    load_after = changed(intact, lambda _: None)
    path.write_bytes(load_after)
    load(path), Predictor.load(path)
    refusal(path, changed(intact, change))


@pytest.mark.parametrize("name", ["__class__", "predict"])
def test_an_attribute_that_hides_another_is_refused(name, path, intact):
    path.write_bytes(changed(intact, lambda content: content["attributes"].update({name: 1})))
    with pytest.raises(ModelFileError, match="attributes that hide others"):
        load(path)


def test_a_forged_header_is_refused_before_memory_is_taken(path, intact):
    header, arrays = parts_of(intact)
    name = "_fitted.labels.classes"
    first = header[name]

    def with_entry(**changes):
        return joined({**header, name: {**first, **changes}}, arrays)

    forged = {
        "terabytes": with_entry(shape=[10**12]),
        "terabytes at the end": with_entry(shape=[10**12], data_offsets=[0, 8 * 10**12]),
        "zero of many": with_entry(shape=[0, 10**30], data_offsets=[0, 0]),
        "overlapping": with_entry(data_offsets=[8, 24]),
        "an unknown type": with_entry(dtype="BF16"),
        "another type": with_entry(dtype="U64"),
        "more metadata": joined(
            {**header, "__metadata__": {**header["__metadata__"], "a": "b"}}, arrays
        ),
        "a long header": (10**13).to_bytes(8, "little") + intact[8:],
        "nothing": b"",
        "deep": joined(b"[" * 100_000),
        "a long number": joined(b'{"a":' + b"9" * 10_000 + b"}"),
        "twice": joined(
            json.dumps(header).encode()[:-1] + b"," + json.dumps({name: first}).encode()[1:], arrays
        ),
    }
    for what, data in forged.items():
        assert peak_bytes(lambda data=data: refusal(path, data)) < 5_000_000, what


def test_a_tree_that_is_nested_too_deeply_is_refused(path, intact):
    deep = "[" * 100_000 + "]" * 100_000
    _, arrays = parsed(intact)
    assert "RecursionError" in refusal(path, file_of(f'{{"classes":{deep}}}'.encode(), arrays))


def test_hundreds_of_thousands_of_axes_are_refused_soon(path, intact):
    header, arrays = parts_of(intact)
    next(iter(header.values()))["shape"] = [9] * 600_000  # their product has as many digits
    start = perf_counter()
    refusal(path, joined(header, arrays))
    assert perf_counter() - start < 15


NOTHING = np.zeros((10**6, 0), np.uint8)
ROWS_OF_NOTHING = {
    "an array": named("nothing", NOTHING),
    "objects": {"tuple": [{"objects": [[10**6, 0], []]}, named("nothing", NOTHING)]},
}


@pytest.mark.parametrize("tree", ROWS_OF_NOTHING.values(), ids=ROWS_OF_NOTHING)
@pytest.mark.parametrize("read", [load, Predictor.load])
def test_millions_of_rows_without_bytes_are_refused_before_memory_is_taken(
    tree, read, path, intact
):
    content, arrays = parsed(intact)
    content["attributes"]["verbose"] = tree
    path.write_bytes(file_of(content, arrays | {"nothing": NOTHING}))

    def refused():
        with pytest.raises(ModelFileError):
            read(path)

    assert peak_bytes(refused) < 5_000_000


# --- Files that say more than they hold


N_BYTES = 140_000
MANY = np.zeros(N_BYTES, np.uint8)


def networks(n_layers):
    """Return networks without weights, whose layers are many, for ever the same codes."""
    architecture = {"n_inputs": 3, "n_outputs": 2, "tokens": True, "embedding_dim": 2}
    architecture |= {"cell": "lstm", "hidden_size": 1, "num_layers": n_layers}
    architecture |= {"bidirectional": True, "pooling": {"tuple": ["max"]}}
    architecture |= {"dropout": 0.0, "steps_per_frame": 1}
    codes = {"TokenCodes": {"ids": named("ids", ONE_ID)}, "number": 0}
    fields = {"use_bfloat16": False, "weights": None, "optimizer_state": None, "vectors": None}
    fields["architecture"] = {"Architecture": architecture}
    return [
        {"Network": {"encoding": {"same": 0} if number else codes, **fields}} for number in range(4)
    ]


ONE_ID = np.array([2])
CLAIMS = {
    "an array many times": ([{"bytes": named("many", MANY)}] * 1_000, {"many": MANY}),
    "lists of nothing": ([[[]]] * N_BYTES, {}),
    "sets of nothing": ([{"set": []}] * N_BYTES, {}),
    "empty paths": ([{"path": ""}] * N_BYTES, {}),
    "a set": ({"set": [f"{number:x}" for number in range(N_BYTES)]}, {}),
    "a dict": ({"dict": [[*range(N_BYTES)], [*range(N_BYTES)]]}, {}),
    "estimators": (
        [{"estimator": {"class": "WordVectors", "attributes": {}}}] * 1_500,
        {},
    ),
    "each network without weights": (networks(990), {"ids": ONE_ID}),
    "a long text inside each other": (
        json.loads('{"tuple":[' * 80 + f'"{"a" * 4 * N_BYTES}"' + "]}" * 80),
        {},
    ),
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_what_a_file_takes_is_bounded_by_its_size(claim, path, vectorizer, monkeypatch):
    monkeypatch.setattr(file, "FIRST_BYTES", 2 << 20)  # a sixteenth, for files that are read soon
    save(vectorizer, path)
    content, arrays = parsed(path.read_bytes())
    tree, more = claim
    content["attributes"]["stop_words"] = tree
    data = file_of(content, arrays | more)
    path.write_bytes(data)
    import_module("sklearn_lstm.members.network.network")

    def read_or_refused():
        with suppress(ModelFileError):
            load(path)

    assert peak_bytes(read_or_refused) < (2 << 20) + 32 * len(data)


TWICE = [{"tuple": [{"same": number}] * 2, "number": number + 1} for number in range(25)]
LONG = [{"tuple": [1] * 10**5, "number": 0}, {"set": [{"tuple": [{"same": 0}, 1]}] * 10**4}]


@pytest.mark.parametrize(
    "note", [[{"tuple": [], "number": 0}, *TWICE, {"set": [{"same": 25}]}], LONG]
)
def test_what_comes_again_costs_what_it_says(note, path, intact):
    """The hash of a tuple of twice the same tuple of twice the same tuple ... takes for ever."""
    message = refusal(path, changed(intact, partial(set_note, note=note)))
    assert "would take more memory" in message
