"""Values -> the stored form: trees, and a table of their arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.storing.stored_form import (
    DTYPES,
    FUNCTIONS,
    PARTS,
    VIEWED,
    ArrayTable,
    NotPlainError,
    checked,
    checksum_of,
)

# The name of a type: the form of its values, and what they consist of.
SIMPLE: dict[str, tuple[str, Callable[[Any], object]]] = {
    "builtins.float": ("float", repr),  # NaN, and the infinite ones
    "builtins.bytes": ("bytes", lambda value: np.frombuffer(value, np.uint8)),
    "builtins.tuple": ("tuple", list),
    "builtins.set": ("set", list),
    "builtins.frozenset": ("frozenset", list),
    "builtins.dict": ("dict", dict),
    "numpy.str_": ("numpy string", str),
    "torch.Tensor": ("tensor", lambda value: value.detach().cpu().numpy()),
    "torch.device": ("device", str),
}


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

    arrays: ArrayTable = field(default_factory=dict)
    packed: dict[int, tuple[object, object]] = field(default_factory=dict)
    objects: dict[str, object] | None = None

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
    if checked(array).dtype.str in DTYPES.values():
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
