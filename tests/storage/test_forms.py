"""Values of any plain type come back from a JSON text and a table of arrays as they were."""

import json
import math

import numpy as np
import pytest
import torch

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storage.estimators import Packer
from sklearn_lstm.storage.forms import DTYPES, NotPlainError, Unpacker, to_text

WORDS = [f"naïve{n}\ud83d\0" for n in range(300)]
VALUES = [
    None,
    True,
    2**80,
    -1.5,
    math.nan,
    math.inf,
    "a\0\ud800",
    b"ab\0",
    b"",
    (1, (2, [])),
    {1, 2},
    frozenset("ab"),
    {True: 2, False: 1, 0.5: 3, None: 4},
    {("a", 1): {"b": [1]}},
    {},
    (),
    np.float32(0.1),
    np.float64("nan"),
    np.int64(3),
    np.True_,
    np.str_("a"),
    np.str_(""),
    np.datetime64("2020-01-01"),
    np.timedelta64(3, "s"),
    {np.str_("a"): np.int64(1)},
    np.arange(3, dtype=">i4"),
    np.arange(3, dtype=">f8"),
    np.array(["a", "bb"]),
    np.array(["a", "bb"], ">U2"),
    np.array(["", ""], "U"),
    np.array([["a", None], [(1, 2), [3]]], object),
    np.array("x"),
    np.array(3.5),
    np.zeros((0, 3)),
    np.zeros(0, object),
    np.array(["2020"], "M8[D]"),
    np.array([1 + 2j]),
    np.array([True, False]),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array([1, 2], np.float16),
    np.array([1, 2], np.longdouble),
    WORDS,
    tuple(WORDS),
    {word: n for n, word in enumerate(WORDS)},
    {word: np.arange(3.0) for word in WORDS[:9]},
    [*WORDS, np.str_("a")],
    [2**70, -1, True, 1, False, None, "1"],
    [1, 0.5, -math.inf, [1.0, math.nan]],
    [np.zeros(n) for n in range(9)],
    ["\ud83d", "\ude00", "\ud800\ud800", "😀"],
    {"a.b": np.arange(3), "a": {"b": np.arange(2)}},
    torch.arange(3),
    torch.tensor(2.0),
    torch.device("cuda:1"),
]


def packed(value):
    pack = Packer(is_file=True)
    return pack(value, "value"), pack.table


def same(found, expected):
    if type(found) is not type(expected):
        return False
    if isinstance(expected, np.ndarray):
        shapes = (found.dtype, found.shape) == (expected.dtype, expected.shape)
        return shapes and same(found.ravel().tolist(), expected.ravel().tolist())
    if isinstance(expected, torch.Tensor):
        return torch.equal(found, expected)
    if isinstance(expected, dict):
        return same([*found.items()], [*expected.items()])
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return found == expected or (found != found and expected != expected)  # noqa: PLR0124 - NaN


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value):
    tree, arrays = packed(value)
    text = to_text(tree)
    assert same(json.loads(text), tree)
    assert {array.dtype.str for array in arrays.values()} <= set(DTYPES.values())
    assert all(array.flags.c_contiguous for array in arrays.values())
    unpack = Unpacker(arrays)
    assert same(unpack(unpack.parsed(text)), value)
    assert not unpack.table


class Word(str):
    """A string with more to it."""

    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [len, 1j, Word("a"), np.random.RandomState(0), np.zeros(2, "i4,f4"), [print], object()],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_is_refused(value):
    for each in (value, [value], {"a": (value,)}, np.array([value, None], object)):
        with pytest.raises(NotPlainError):
            packed(each)


def test_a_list_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(RecursionError):
        packed(value)


def test_every_damage_of_an_array_is_refused():
    tree, arrays = packed(np.arange(6, dtype=np.int32))
    ((name, array),) = arrays.items()
    for damaged in (
        array[::-1].copy(),
        array.reshape(2, 3),
        array.astype(np.int64),
        array.view(np.uint32),
        array[:5],
    ):
        with pytest.raises(ModelFileError, match="checksum of 'value'"):
            Unpacker({name: damaged})(tree)


def test_arrays_that_are_not_their_own_are_copied():
    array = np.arange(6.0)
    for stored in (array[:3], np.broadcast_to(array, (2, 6)), array.reshape(2, 3)):
        tree, arrays = packed(stored)
        assert not np.shares_memory(Unpacker(arrays)(tree), array)


@pytest.mark.parametrize(
    "text",
    ['{"dict":[["a"],[1,2]]}', '{"tuple":[],"list":[]}', '{"a":1,"a":1}', "{}", "[" * 100_000],
    ids=lambda text: text[:30],
)
def test_a_forged_tree_is_an_error(text):
    unpack = Unpacker({}, passed=())
    with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
        unpack(unpack.parsed(text.encode()))
