"""What the annotations of a class say of its fields, checked where a stored object is built.

``Annotated[NDArray[np.float32], "n_features n_outputs"]`` is a finite array of these axes. Axes of
one name have the same length in all fields of an object, and that of its attribute of this name, if
it has one. A number is a length; ``n_groups<500`` is a length below 500. Tuples, lists and dicts
have one axis. ``"n_gappy of n_channels"`` are numbers from 0 to n_channels - 1, the values of a
dict too. ``Annotated[int, range(1, 9)]`` is a number from 1 to 8.
"""

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from functools import cache
from numbers import Integral, Real
from reprlib import repr as shortened
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

ABSTRACT: dict[object, Any] = {bool: (bool, np.bool_), int: Integral, float: Real}  # NumPy's too


@cache
def _hints_of(kind: type) -> dict[str, Any]:
    """Return the annotations of what builds a stored object, and of the fields of its class."""
    builder = get_type_hints(getattr(kind, "from_stored", kind), include_extras=True)
    return builder | get_type_hints(kind, include_extras=True)


def check_estimator(estimator: Any) -> None:
    """Raise ValueError if an estimator has attributes that its class can't have, or lacks some."""
    kind, found = type(estimator), vars(estimator)
    names = found.keys() - estimator.get_params(deep=False)
    if hidden := sorted(name for name in names if getattr(kind, name, None) is not None):
        raise ValueError(f"attributes that hide others: {hidden[:5]}")
    check_fields(kind, found)
    needed = {name for name in get_type_hints(kind) if not hasattr(kind, name)}
    if estimator.__sklearn_is_fitted__() and (lacking := needed - found.keys()):
        raise ValueError(f"a {kind.__name__} without {sorted(lacking)}")


def check_agreement(part: object, **known: object) -> None:
    """Raise ValueError if an object, or a part of it, contradicts itself or what is known.

    Parameters
    ----------
    part : dataclass
    **known : object
        The value of each attribute and axis of this name.
    """
    sizes = check_fields(type(part), vars(part), part)
    for name, expected in known.items():
        found = sizes.get(name, getattr(part, name, expected))
        if found != expected:
            text = f"{type(part).__name__}.{name} is {shortened(found)}, not {shortened(expected)}"
            raise ValueError(f"parts that disagree: {text}")
    for value in vars(part).values() if known else ():
        for inner in value[:10] if isinstance(value, tuple) else [value]:
            if is_dataclass(inner):
                check_agreement(inner, **known)


class _Sizes(dict[str, int]):
    """The length of each axis: what an attribute of the object says, or the first value with it."""

    def __init__(self, part: object) -> None:
        super().__init__()
        self.part = part

    def of(self, name: str, found: int | None) -> int | None:
        if name.isdigit():
            return int(name)
        size = self.get(name, getattr(self.part, name, found))
        if size is not None:
            self[name] = size
        return size


def check_fields(kind: type, values: Mapping[str, object], part: object = None) -> _Sizes:
    """Return the lengths of the axes of all values, if each is what the class says.

    Raises
    ------
    ValueError
        If a value is something else than the field of its name.
    """
    hints, sizes = _hints_of(kind), _Sizes(part)
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name], sizes):
            found = type(value) if is_dataclass(value) else getattr(value, "shape", value)
            raise ValueError(f"{kind.__name__}.{name} does not fit: {shortened(found)}")
    return sizes


def _fits(value: Any, hint: Any, sizes: _Sizes) -> bool:
    """Return whether a value has a type, and axes of the known sizes; its own are added to them."""
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if hasattr(kind, "__value__"):  # an alias, as NDArray is from NumPy 2.5 on
        hint = kind.__value__[parts]
        kind, parts = get_origin(hint), get_args(hint)
    if kind is Annotated:
        is_range, fits = isinstance(parts[1], range), _fits(value, parts[0], sizes)
        return fits and (value in parts[1] if is_range else _has(parts[1], value, sizes))
    if kind in (Union, UnionType):
        return any(_fits(value, part, sizes) for part in parts)
    if kind is np.ndarray and parts and isinstance(value, np.ndarray):
        (dtype,) = get_args(parts[1])
        known = "f" if dtype is np.floating else np.dtype(dtype).kind  # of any precision
        fits = value.dtype.isnative and value.dtype.kind == known
        return dtype is Any or (
            fits and bool(np.isfinite([value.min(initial=0), value.max(initial=0)]).all())
        )
    if kind in (tuple, list, dict) and parts and isinstance(value, kind):
        items = [value, value.values()] if kind is dict else [value]
        return all(_all_fit(*pair, sizes) for pair in zip(items, parts, strict=False))
    if kind in (Any, Literal):
        return kind is Any or value in parts
    return isinstance(value, ABSTRACT.get(kind, kind))


def _all_fit(items: Iterable[object], hint: Any, sizes: _Sizes) -> bool:
    """Return whether all items have a type; of a class, one item of each type is looked at."""
    found = {type(item): item for item in items}.values() if isinstance(hint, type) else items
    return all(_fits(item, hint, sizes) for item in found)


def _has(axes: str, value: Any, sizes: _Sizes) -> bool:
    """Return whether an array or a container has these axes, and numbers of places."""
    lengths, _, places = axes.partition("of ")
    is_number = isinstance(value, Integral)
    is_array = isinstance(value, np.ndarray)
    shape = value.shape if is_array else () if is_number else (len(value),)
    for axis, size in zip(lengths.split(), shape, strict=False):
        name, _, limit = axis.partition("<")
        if size != sizes.of(name, size) or size >= int(limit or size + 1):
            return False
    n_places = sizes.of(places, None) if places else None
    if n_places is not None:
        numbers = [value] if is_number else value.values() if isinstance(value, dict) else value
        numbers = value.ravel().tolist() if is_array else numbers
        if min(numbers, default=0) < 0 or max(numbers, default=-1) >= n_places:
            return False
    return len(lengths.split()) == len(shape)
