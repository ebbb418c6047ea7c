"""What is stored: a JSON tree whose leaves name arrays, and a table of these arrays.

None, booleans, integers, finite floats, strings and lists stand in the tree as they are. Everything
else is an object ``{form: content}``, whose form is in `RESTORE` or `PARTS`. In pickles, what is no
plain data stands beside the tree, which holds its name.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Container, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from hashlib import sha256
from importlib import import_module
from itertools import pairwise, takewhile
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.compute.memory import memory_left, take_memory
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.fields import check_agreement, check_fields, required_fields

TRUST = "store the model with joblib; whoever loads that file has to trust you."
VIEWED = "iufcSUMm"  # kinds of arrays: numbers of another byte order, strings and dates
DTYPES = {"BOOL": "|b1", "U8": "|u1", "I8": "|i1"} | {
    f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "UIF" for size in (2, 4, 8)
}  # what safetensors files call the types of arrays
PATHS = (  # of our own classes: dataclasses, or those with `stored` and `from_stored`
    *("model.Fitted", "model.SequenceModel", "members.network.network.Network"),
    *("encoding.encoding.TokenCodes", "encoding.encoding.ChannelScaling"),
    *("members.ngrams.ngram_model.NgramModel", "members.ngrams.online_ngrams.OnlineNgrams"),
    *("members.ngrams.letters.Lexicon", "members.ngrams.vector_model.VectorModel"),
    "members.ngrams.vector_model.MeanVectors",
    "members.convolutions.convolution_model.ConvolutionModel",
    "members.convolutions.random_convolutions.Convolutions",
    "members.convolutions.statistics.SeriesStatistics",
    *("members.encoder.encoder_model.EncoderModel", "pretrained.sentence_encoders.SentenceEncoder"),
    "members.numbers.number_model.NumberModel",
    *("pretrained.embeddings.PretrainedVectors", "pretrained.token_tables.VectorTable"),
    *("pretrained.token_tables.SideBySide", "pretrained.static_models.StaticModel"),
    "text.counting.TokenCounts",
    *("encoding.normal_scores.NormalScores", "data.input_format.InputFormat"),
    *("targets.labels.Labels", "targets.labels.LabelSets"),
)
PARTS = {name: f"sklearn_lstm.{module}" for module, _, name in (p.rpartition(".") for p in PATHS)}
# That tokenize as users of CountVectorizer do, and that every Python has.
FUNCTIONS = {"list": list, "tuple": tuple, "str.split": str.split}
PASSED: ContextVar[Sequence[object] | None] = ContextVar("PASSED", default=None)
"""While a file is written or read: what `load` was given for the folders that it names.

None: a pickle, which may open folders, and hold an encoder that a file only names.
"""
SHARING: ContextVar[bool] = ContextVar("SHARING", default=False)
"""While an estimator is copied: encoders and static models are objects, also those of a folder."""


@contextmanager
def in_a_file(passed: Sequence[object]) -> Iterator[None]:
    """Say that a file is written or read meanwhile."""
    token = PASSED.set(passed)
    try:
        yield
    finally:
        PASSED.reset(token)


class NotPlainError(TypeError):
    """A value is no plain data, such as a function, or an object of an unknown class."""


def checksum_of(data: str | NDArray[np.generic]) -> str:
    """Return a CRC-32, which finds every damage of up to 32 bits that follow each other."""
    if isinstance(data, str):
        return f"{zlib.crc32(data.encode()):08x}"
    kind = zlib.crc32(f"{data.dtype.str} {data.shape}".encode())
    return f"{zlib.crc32(data.data, kind):08x}"


# --- Values to the stored form


@dataclass
class Packer:
    """Values -> trees; their arrays are gathered in a table.

    Parameters
    ----------
    arrays : dict
        Name to array.
    packed : dict
        By its id, a value, so that it lives, and its tree.
    objects : dict or None
        Name to what is no plain data, such as a function; the tree holds its name. None: refused.
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    packed: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    objects: dict[str, Any] | None = None

    def copy(self) -> Packer:
        """Return a packer that has packed the same."""
        objects = None if self.objects is None else self.objects.copy()
        return Packer(self.arrays.copy(), self.packed.copy(), objects)

    def __call__(self, value: object, name: str) -> object:
        """Return the tree of a value; its arrays get names that begin with this one.

        Raises
        ------
        NotPlainError, RecursionError
            If it is no plain data, or holds itself.
        """
        if is_json(value):
            return value
        if id(value) not in self.packed:  # else its arrays are in the table
            try:
                tree = self._pack(value, name)
            except NotPlainError:
                if self.objects is None:
                    raise
                self.objects[name], tree = value, {"object": name}
            self.packed[id(value)] = value, tree
        return self.packed[id(value)][1]

    def _pack(self, value: object, name: str) -> object:
        form, content = _simplify_list(value) if type(value) is list else _simplify(value)
        if form == "list":
            return [self(item, f"{name}.{index}") for index, item in enumerate(content)]
        if form == "array":
            while name in self.arrays:
                name += "'"
            self.arrays[name] = np.asarray(content, order="C")
            return {"array": [name, checksum_of(self.arrays[name])]}
        if isinstance(content, dict):
            return {form: self._pack_items(content, name)}
        return {form: self(content, name)}

    def _pack_items(self, items: Mapping[Hashable, object], name: str) -> list[object]:
        """Return the trees of keys and values; arrays are named by their key."""
        form, values = _simplify_list(list(items.values()))
        if form == "list":
            ends = [k if isinstance(k, str) and k.isascii() else i for i, k in enumerate(items)]
            values = [self(value, f"{name}.{end}") for value, end in zip(values, ends, strict=True)]
        else:
            values = {form: self(values, name)}
        return [self(list(items), name), values]


def is_json(value: Any) -> bool:
    """Return whether a value stands in the tree as it is."""
    kind = type(value)
    return value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value))


def _simplify(value: Any) -> tuple[str, Any]:
    """Return the form of a value, and its content, which is of a simpler type."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__name__}"
    if name in SIMPLE:
        form, simplify = SIMPLE[name]
        return form, simplify(value)
    if kind in (np.ndarray, np.memmap):
        return _simplify_array(value)
    if isinstance(value, np.generic):
        return "scalar", np.asarray(value)
    if isinstance(value, PurePath):
        return "path", str(value)
    return _simplify_own(value)


def _simplify_own(value: Any) -> tuple[str, Any]:
    """Return the form of an estimator, a part of one, or a function that is known."""
    kind = type(value)
    if ESTIMATORS.get(kind.__name__) == kind.__module__:
        names = value.get_params(deep=False)
        parameters = {name: attribute for name, attribute in vars(value).items() if name in names}
        fitted = {name: attribute for name, attribute in vars(value).items() if name not in names}
        return "estimator", [kind.__name__, parameters, fitted]
    if PARTS.get(kind.__name__) == kind.__module__:
        if hasattr(value, "stored"):
            return kind.__name__, value.stored()
        names = [part.name for part in fields(value) if part.metadata.get("is_stored", True)]
        return kind.__name__, {name: getattr(value, name) for name in names}
    for function_name, function in FUNCTIONS.items():
        if value is function:
            return "function", function_name
    raise NotPlainError(f"a {kind.__module__}.{kind.__name__} is no plain data")


def _simplify_array(array: NDArray[np.generic]) -> tuple[str, object]:
    if _checked(array).dtype.str in DTYPES.values():
        return "array", array
    if array.dtype.kind == "O":
        return "objects", [list(array.shape), array.ravel().tolist()]
    if array.dtype.kind in VIEWED:
        return "view", [array.dtype.str, list(array.shape), array.tobytes()]
    raise NotPlainError(f"an array of {array.dtype} is no plain data")


def _simplify_list(items: list[Any]) -> tuple[str, Any]:
    kinds = set(map(type, items)) if len(items) > 100 else set()  # a short one stays as it is
    if kinds == {str}:
        lengths = np.array(list(map(len, items)))
        shortened = lengths.astype(np.min_scalar_type(lengths.max()))
        return "strings", ["".join(items).encode("utf-8", "surrogatepass"), shortened]
    if kinds == {int} and min(items) >= 0 and max(items) < 1 << 64:
        return "integers", np.array(items, np.min_scalar_type(max(items)))
    is_array = kinds == {np.ndarray} and items[0].size > 0 < items[0].ndim
    is_array = is_array and items[0].dtype.kind != "O"
    if is_array and len({(item.dtype, item.shape) for item in items}) == 1:
        return "rows", np.stack(items)
    return "list", items


# --- The stored form to values


@dataclass
class Unpacker:
    """Trees -> values; each array is checked when it is read.

    Parameters
    ----------
    arrays : mapping
        Name to array.
    objects : mapping
        Name to what is no plain data; a file has none.
    read : dict
        Name to each array that was read.
    n_named : int
        How many arrays the trees so far have named.
    restored : dict
        By the digest of its tree, each object with arrays, and the memory that it took.
    instead : mapping
        Form to what it is restored by in place of the class or function that `save` names.
    """

    arrays: Mapping[str, NDArray[np.generic]]
    objects: Mapping[str, object] = field(default_factory=dict)
    read: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    n_named: int = field(default=0, init=False)
    restored: dict[bytes, tuple[object, float]] = field(default_factory=dict)
    instead: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, tree: object) -> Any:
        """Return the value of a tree."""
        return self._value(tree, sha256())

    def _value(self, tree: object, outer: Any) -> Any:
        """Return the value of a tree, which is added to the digest of the tree around it."""
        if isinstance(tree, list):
            outer.update(f"[{len(tree)}]".encode())
            return [self._value(item, outer) for item in tree]
        if not isinstance(tree, dict):
            outer.update(f"{tree!r},".encode())
            return tree
        ((form, content),) = tree.items()
        digest, n_named = sha256(f"{form!r}:".encode()), self.n_named
        value = self._value(content, digest)
        key = digest.digest()
        outer.update(b"{" + key)
        if form == "array":
            return self._read(*value)
        if form == "object":
            return self.objects[value]
        if self.n_named == n_named:
            return self._restore(form, value)
        if key in self.restored:  # the same arrays: it was one object
            take_memory(self.restored[key][1])  # else a text of many, as in an error, had no limit
        else:
            before, restored = memory_left(), self._restore(form, value)
            self.restored[key] = restored, before - memory_left()
        return self.restored[key][0]

    def _restore(self, form: str, content: object) -> object:
        if form not in PARTS:
            return (self.instead.get(form) or RESTORE[form])(content)
        values = _to_dict(content)
        part = self.instead.get(form) or getattr(import_module(PARTS[form]), form)
        check_fields(part, values)
        restored = getattr(part, "from_stored", part)(**values)
        if is_dataclass(restored):
            check_agreement(restored, {})
        return restored

    def _read(self, name: str, expected: str) -> NDArray[np.generic]:
        self.n_named += 1
        if name not in self.read:
            array = np.asarray(self.arrays[name])
            if checksum_of(array) != expected:
                raise ModelFileError(f"is damaged: the checksum of {name!r} does not fit.")
            # Memory maps, and tensors that another estimator goes on training, are copied.
            is_own = array.flags.owndata and array.flags.writeable
            self.read[name] = _checked(array if is_own else np.array(array))
        return self.read[name]

    def check_all_used(self) -> None:
        """Raise an error if there are more arrays than the trees name."""
        if unknown := sorted(set(self.arrays) - set(self.read)):
            raise ModelFileError(f"holds unknown arrays: {unknown[:5]}.")


def _checked(array: NDArray[np.generic]) -> NDArray[Any]:
    """Return an array, unless it has many rows without values: lists of them would be long."""
    if not array.size and math.prod(takewhile(bool, array.shape)) > 1000:
        raise NotPlainError(f"an empty array of shape {array.shape} is no plain data")
    return array


def _items(value: object, n_bytes: int = 0) -> list[object]:
    """Return a list, from which another container is made, which takes so much when empty."""
    if not isinstance(value, list):
        raise TypeError(f"a {type(value).__name__} instead of a list")
    take_memory(n_bytes + 80 * len(value))
    return value


def _to_bytes(array: NDArray[np.generic]) -> bytes:
    take_memory(array.nbytes)
    return array.tobytes()


def _to_dict(content: Any) -> dict[Any, object]:
    return dict(zip(*map(_items, content), strict=True))


def _to_rows(array: NDArray[np.generic]) -> list[object]:
    take_memory(160 * len(array))
    return list(array)


def _to_integers(array: NDArray[np.generic]) -> object:
    take_memory(40 * len(array))
    return array.reshape(len(array)).tolist()


def _to_strings(content: Any) -> list[str]:
    data, lengths = content
    take_memory(100 * lengths.size + 4 * len(data))
    text, ends = data.decode("utf-8", "surrogatepass"), np.cumsum(lengths, dtype=np.int64)
    if ends[-1] != len(text) or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError("strings of another length")
    return [text[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _to_objects(content: Any) -> NDArray[np.object_]:
    shape, items = content
    return _checked(np.fromiter(_items(items), np.object_, len(items)).reshape(shape))


def _to_array(content: Any) -> NDArray[np.generic]:
    dtype, shape, data = content
    if np.dtype(dtype).kind not in VIEWED:
        raise ValueError(f"an array of {dtype}")
    take_memory(len(data))
    return _checked(np.frombuffer(data, dtype).reshape(shape).copy())


def new_estimator(name: str) -> object:
    """Return an estimator of ours."""
    take_memory(2_000)
    return getattr(import_module(ESTIMATORS[name]), name)()


def set_attributes(estimator: Any, attributes: Mapping[str, object]) -> None:
    """Give an estimator of ours the attributes of a file, if it can have these."""
    kind = type(estimator)
    check_attributes(kind, attributes, kind().get_params(deep=False))
    vars(estimator).update(attributes)
    if estimator.__sklearn_is_fitted__() and (
        lacking := required_fields(kind) - vars(estimator).keys()
    ):
        raise ValueError(f"a {kind.__name__} without {sorted(lacking)}")


def check_attributes(
    kind: type, attributes: Mapping[str, object], parameters: Container[str] = ()
) -> None:
    """Raise ValueError for attributes that an object of the class can't have."""
    others = (name for name in attributes if name not in parameters)
    if hidden := sorted(name for name in others if getattr(kind, name, None) is not None):
        raise ValueError(f"attributes that hide others: {hidden[:5]}")
    check_fields(kind, attributes)


def _to_estimator(content: Any) -> Any:
    name, parameters, fitted = content
    set_attributes(estimator := new_estimator(name), parameters | fitted)
    return estimator


def _to_tensor(array: NDArray[np.generic]) -> object:
    torch = import_module("torch")
    with torch.inference_mode(mode=False):
        return torch.from_numpy(array)


# Form: the type that is simplified so, what it consists of, and how it is built from that.
FORMS: dict[str, tuple[str, Callable[[Any], object], Callable[[Any], object]]] = {
    "float": ("builtins.float", repr, float),  # NaN, and the infinite ones
    "bytes": ("builtins.bytes", lambda value: np.frombuffer(value, np.uint8), _to_bytes),
    "tuple": ("builtins.tuple", list, lambda items: tuple(_items(items))),
    "set": ("builtins.set", list, lambda items: set(_items(items, 200))),
    "frozenset": ("builtins.frozenset", list, lambda items: frozenset(_items(items, 200))),
    "dict": ("builtins.dict", dict, _to_dict),
    "numpy string": ("numpy.str_", str, lambda text: {str: np.str_}[type(text)](text)),
    "tensor": ("torch.Tensor", lambda value: value.detach().cpu().numpy(), _to_tensor),
    "device": ("torch.device", str, lambda name: import_module("torch").device(name)),
}
SIMPLE = {kind: (form, simplify) for form, (kind, simplify, _) in FORMS.items()}
RESTORE: dict[str, Callable[[Any], object]] = {
    **{form: restore for form, (_, _, restore) in FORMS.items()},
    "strings": _to_strings,
    "integers": _to_integers,
    "rows": _to_rows,
    "objects": _to_objects,
    "view": _to_array,
    "scalar": lambda array: array[()],
    "function": FUNCTIONS.__getitem__,
    "path": Path,
    "estimator": _to_estimator,
}
