"""One clear error for every damaged or forged file, before it takes memory."""

import json
import random
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
from sklearn_lstm.io import ModelFileError, describe, load, save
from sklearn_lstm.storing.stored_form import checksum_of

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


@pytest.mark.parametrize(
    ("format_", "remedy"), [(5, "Install a newer version"), (3, "Fit the model again")]
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
