"""What the annotations of a class say of its fields, checked where a stored object is built.

``Annotated[NDArray[np.float32], "n_features n_outputs"]`` is an array of these axes. Axes of one
name have the same length in all fields of an object. A number is a length; ``n_groups<500`` is a
length below 500. A tuple has one axis. ``Annotated[int, range(1, 9)]`` is a number from 1 to 8.
"""

from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import numpy as np

ABSTRACT: dict[Any, Any] = {bool: (bool, np.bool_), int: Integral, float: Real}  # NumPy's too
_hints_of = cache(get_type_hints)


def check_fields(kind: type, values: Mapping[str, Any]) -> None:
    """Raise ValueError if a value is not what the class says of the field of this name."""
    hints, sizes = _hints_of(kind, include_extras=True), dict[str, int]()
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name], sizes):
            found = getattr(value, "shape", value)
            raise ValueError(f"{kind.__name__}.{name} does not fit: {found!r:.100}")


def _fits(value: Any, hint: Any, sizes: dict[str, int]) -> bool:
    """Return whether a value has a type, and axes of the known sizes; its own are added to them."""
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if hasattr(kind, "__value__"):  # an alias, as NDArray is from NumPy 2.5 on
        hint = kind.__value__[parts]
        kind, parts = get_origin(hint), get_args(hint)
    if kind is Annotated:
        if not _fits(value, parts[0], sizes):
            return False
        return value in parts[1] if isinstance(parts[1], range) else _has(parts[1], value, sizes)
    if kind in (Union, UnionType):
        return any(_fits(value, part, sizes) for part in parts)
    if kind is np.ndarray and isinstance(value, np.ndarray):
        (dtype,) = get_args(parts[1])
        return dtype is Any or (value.dtype.isnative and value.dtype.kind == np.dtype(dtype).kind)
    if kind is tuple and isinstance(value, tuple):
        one_of_each_type = {type(item): item for item in value}
        return all(_fits(item, parts[0], sizes) for item in one_of_each_type.values())
    return kind is Any or isinstance(value, ABSTRACT.get(kind, kind))


def _has(axes: str, value: Any, sizes: dict[str, int]) -> bool:
    """Return whether an array or a tuple has these axes."""
    shape = value.shape if isinstance(value, np.ndarray) else (len(value),)
    names, _, limits = zip(*(axis.partition("<") for axis in axes.split()), strict=True)
    for size, name in zip(shape, names, strict=False):
        sizes.setdefault(name, int(name) if name.isdigit() else size)
    is_below = (size < int(limit or size + 1) for size, limit in zip(shape, limits, strict=False))
    return shape == tuple(map(sizes.get, names)) and all(is_below)
