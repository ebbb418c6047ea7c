"""The stored form -> values. A file may come from a stranger: nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, is_dataclass
from hashlib import sha256
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.field_checks import check_agreement, check_fields, required_fields
from sklearn_lstm.storing.stored_form import FUNCTIONS, PARTS, VIEWED, checked, checksum_of


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
            self.read[name] = checked(array if is_own else np.array(array))
        return self.read[name]

    def attributes(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes in the tree of an estimator."""
        if content["objects"] != sorted(self.objects):
            raise ModelFileError(f"is damaged: it lacks some of {content['objects']}.")
        trees = {**content["parameters"], **content["fitted"]}
        return {name: self(tree) for name, tree in trees.items()}

    def check_all_used(self) -> None:
        """Raise an error if there are more arrays than the trees name."""
        if unknown := sorted(set(self.arrays) - set(self.read)):
            raise ModelFileError(f"holds unknown arrays: {unknown[:5]}.")


def _items(value: object, n_bytes: int = 0) -> list[object]:
    """Return a list, from which another container is made, which takes so much when empty."""
    if not isinstance(value, list):
        raise TypeError(f"a {type(value).__name__} instead of a list")
    take_memory(n_bytes + 80 * len(value))
    return value


def _counted(array: NDArray[np.generic], n_bytes: int) -> NDArray[np.generic]:
    """Return an array, of which something is made that takes so much."""
    take_memory(n_bytes)
    return array


def _to_dict(content: Any) -> dict[Any, object]:
    return dict(zip(*map(_items, content), strict=True))


def _to_strings(content: Any) -> list[str]:
    data, lengths = content
    take_memory(100 * lengths.size + 4 * len(data))
    text, ends = data.decode("utf-8", "surrogatepass"), np.cumsum(lengths, dtype=np.int64)
    if ends[-1] != len(text) or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError("strings of another length")
    return [text[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _to_objects(content: Any) -> NDArray[np.object_]:
    shape, items = content
    return checked(np.fromiter(_items(items), np.object_, len(items)).reshape(shape))


def _to_array(content: Any) -> NDArray[np.generic]:
    dtype, shape, data = content
    if np.dtype(dtype).kind not in VIEWED:
        raise ValueError(f"an array of {dtype}")
    take_memory(len(data))
    return checked(np.frombuffer(data, dtype).reshape(shape).copy())


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


# Form: how a value is built from its content.
RESTORE: dict[str, Callable[[Any], object]] = {
    "float": float,
    "bytes": lambda array: _counted(array, array.nbytes).tobytes(),
    "tuple": lambda items: tuple(_items(items)),
    "set": lambda items: set(_items(items, 200)),
    "frozenset": lambda items: frozenset(_items(items, 200)),
    "dict": _to_dict,
    "numpy string": lambda text: {str: np.str_}[type(text)](text),
    "tensor": _to_tensor,
    "device": lambda name: import_module("torch").device(name),
    "strings": _to_strings,
    "integers": lambda array: _counted(array, 40 * len(array)).reshape(len(array)).tolist(),
    "rows": lambda array: list(_counted(array, 160 * len(array))),
    "objects": _to_objects,
    "view": _to_array,
    "scalar": lambda array: array[()],
    "function": FUNCTIONS.__getitem__,
    "path": Path,
    "estimator": _to_estimator,
}


# --- Memory

# That a file may take when it is loaded, whatever it says: so much, and so many times its size.
FIRST_BYTES, TIMES_SIZE = 32 << 20, 32
_LEFT: ContextVar[float] = ContextVar("_LEFT", default=1e30)  # no limit outside of `load`


@contextmanager
def limited_memory(n_bytes: int) -> Iterator[None]:
    """Limit what a file of this size takes meanwhile, four times its size as it stands included."""
    token = _LEFT.set(FIRST_BYTES + (TIMES_SIZE - 4) * n_bytes)
    try:
        yield
    finally:
        _LEFT.reset(token)


def take_memory_for(text: bytes) -> None:
    """Count the memory of JSON before it is parsed."""
    take_memory(100 * sum(map(text.count, (b",", b"[", b"{"))))  # for what each of these stands for


def memory_left() -> float:
    """Return how much the file that is loaded may still take."""
    return _LEFT.get()


def take_memory(n_bytes: float) -> None:
    """Count memory before it is taken, where more is made of a stored value than it has bytes.

    Raises
    ------
    ModelFileError
        If the file takes more than its limit.
    """
    _LEFT.set(_LEFT.get() - n_bytes)
    if _LEFT.get() < 0:
        raise ModelFileError(
            f"would take more memory than {FIRST_BYTES >> 20} MiB and {TIMES_SIZE} times its size. "
            "Store the model with joblib; whoever loads that file has to trust you."
        )
