"""Values -> trees, and a table of their arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.callback_support import without_callbacks
from sklearn_lstm.storage.tree import (
    DTYPES,
    FUNCTIONS,
    NAMED,
    PARTS,
    VIEWED,
    NotPlainError,
    Table,
    Tree,
    checksum_of,
    has_many_empty_rows,
)

# The name of a type: the form of its values, and their content.
SIMPLE: dict[str, tuple[str, Callable[[Any], str]]] = {
    "builtins.float": ("float", repr),  # NaN, and the infinite ones
    "numpy.str_": ("numpy string", str),
    "torch.device": ("device", str),
}
ARRAYS: dict[str, tuple[str, Callable[[Any], NDArray[Any]]]] = {
    "builtins.bytes": ("bytes", lambda value: np.frombuffer(value, np.uint8)),
    "torch.Tensor": ("tensor", lambda value: value.detach().cpu().numpy()),
    "numpy.ndarray": ("array", np.asarray),
    "numpy.memmap": ("array", np.asarray),
}
CONTAINERS = (tuple, set, frozenset)


@dataclass
class Packer:
    """Values -> trees; their arrays are gathered in a table.

    Parameters
    ----------
    is_file : bool
        Whether what is no plain data is refused; else the table holds it too.
    table : dict
    packed : dict
        By its id, a value, so that it lives, and its tree.
    """

    is_file: bool
    table: Table = field(default_factory=dict)
    packed: dict[int, tuple[object, dict[str, Tree]]] = field(default_factory=dict)

    def __call__(self, value: object, place: str) -> Tree:
        """Return the tree of a value; its arrays get names that begin with the place.

        Raises
        ------
        NotPlainError, RecursionError
            If it is no plain data, or holds itself.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if isinstance(value, float) and kind is float and math.isfinite(value):
            return value
        if isinstance(value, list) and kind is list:
            return self._pack_long(value, place) or self._pack_items(value, place)
        if id(value) in self.packed:
            _, tree = self.packed[id(value)]
            return {"same": tree.setdefault("number", [*self.packed].index(id(value)))}
        try:
            tree = self._pack(value, place)
        except NotPlainError:
            if self.is_file:
                raise
            tree = {"object": self._add(value, place)}
        self.packed[id(value)] = value, tree
        return tree

    def attributes(self, estimator: Any, place: str) -> dict[str, Tree]:
        """Return the class of an estimator, and the trees of its attributes."""
        names = estimator.get_params(deep=False)
        parameters: dict[str, Tree] = {}
        fitted: dict[str, Tree] = {}
        attributes = estimator._stored_attributes()  # noqa: SLF001 - that of `StoredMixin`
        for name, value in without_callbacks(attributes).items():
            before = self.table.copy(), self.packed.copy()
            try:
                tree = self(value, place + name)
            except RecursionError as error:
                if self.is_file:
                    raise NotPlainError(value, place + name) from error
                self.table, self.packed = before
                tree = {"object": self._add(value, place + name)}
            (parameters if name in names else fitted)[name] = tree
        return {"class": type(estimator).__name__, "parameters": parameters, "fitted": fitted}

    def _add(self, value: object, place: str) -> str:
        """Add to the table; return the name there."""
        while place in self.table:
            place += "'"
        self.table[place] = value
        return place

    def _pack(self, value: Any, place: str) -> dict[str, Tree]:
        kind = type(value)
        name = f"{kind.__module__}.{kind.__name__}"
        tree: dict[str, Tree]
        if name in SIMPLE:
            form, to_text = SIMPLE[name]
            tree = {form: to_text(value)}
        elif name in ARRAYS:
            form, to_array = ARRAYS[name]
            tree = self._pack_array(form, to_array(value), place)
        elif isinstance(value, np.generic):
            tree = self._pack_array("scalar", np.asarray(value), place)
        elif isinstance(value, PurePath):
            tree = {"path": str(value)}
        elif kind in CONTAINERS:
            tree = {kind.__name__: self._pack_items([*value], place)}
        elif kind is dict:
            items = [*value.values()]
            names = [k if isinstance(k, str) and k.isascii() else i for i, k in enumerate(value)]
            trees = self._pack_long(items, place) or self._pack_items(items, place, names)
            tree = {"dict": [self([*value], place), trees]}
        elif ESTIMATORS.get(kind.__name__) == kind.__module__:
            tree = {"estimator": self.attributes(value, f"{place}.")}
        elif known := [name for name, function in FUNCTIONS.items() if function is value]:
            tree = {"function": known[0]}
        else:
            tree = {kind.__name__: self._pack_part(value, place)}
        return tree

    def _pack_part(self, part: Any, place: str) -> dict[str, Tree]:
        """Return the trees of the fields of an object of our own."""
        kind = type(part)
        if (PARTS | NAMED if self.is_file else PARTS).get(kind.__name__) != kind.__module__:
            raise NotPlainError(part, place)
        if hasattr(part, "stored"):
            values = part.stored()
        else:
            names = [one.name for one in fields(part) if one.metadata.get("is_stored", True)]
            values = {name: getattr(part, name) for name in names}
        return {name: self(value, f"{place}.{name}") for name, value in values.items()}

    def _pack_array(self, form: str, array: NDArray[Any], place: str) -> dict[str, Tree]:
        if array.dtype.kind == "O":
            return {"objects": [[*array.shape], self(array.ravel().tolist(), place)]}
        dtype = []
        array = np.asarray(array, order="C")
        if array.dtype.str not in DTYPES.values():
            if array.dtype.kind not in VIEWED or not array.dtype.itemsize:
                raise NotPlainError(array, place)
            dtype = [array.dtype.str]
            array = array[..., np.newaxis].view(np.uint8)
        if has_many_empty_rows(array):
            raise NotPlainError(array, place)
        return {form: [self._add(array, place), checksum_of(array), *dtype]}

    def _pack_long(self, items: list[Any], place: str) -> dict[str, Tree] | None:
        """Return what is shorter than a list of trees, for a long list of one type.

        In an array, a number takes 4 bytes or more, a string 4 and its letters, and a row 16: less
        would let a file say much more than it holds.
        """
        kinds = set(map(type, items)) if len(items) > 100 else set()
        if kinds == {str}:
            lengths = np.array([len(items), *map(len, items)], "<u4").tobytes()
            text = "".join(items).encode("utf-8", "surrogatepass")
            return self._pack_array("strings", np.frombuffer(lengths + text, np.uint8), place)
        if kinds == {int} and min(items) >= 0 and max(items) < 1 << 64:
            dtype = np.promote_types(np.min_scalar_type(max(items)), np.uint32)
            return self._pack_array("integers", np.array(items, dtype), place)
        is_row = kinds == {np.ndarray} and items[0].ndim > 0 and items[0].nbytes >= 16
        is_row = is_row and items[0].dtype.kind in VIEWED
        if is_row and len({(item.dtype, item.shape) for item in items}) == 1:
            return self._pack_array("rows", np.stack(items), place)
        return None

    def _pack_items(
        self, items: list[object], place: str, names: Iterable[object] | None = None
    ) -> list[Tree]:
        pairs = zip(items, names or count(), strict=False)
        return [self(item, f"{place}.{name}") for item, name in pairs]
