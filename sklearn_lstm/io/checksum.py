"""A digest of everything that a stored estimator holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from itertools import chain
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN = {type(None), bool, int, float, complex, str, bytes}
CONTAINERS: dict[type, Callable[[Any], Iterable[Any]]] = {
    list: iter,
    tuple: iter,
    dict: lambda mapping: chain.from_iterable(mapping.items()),
    set: lambda items: sorted(map(checksum, items)),
    frozenset: lambda items: sorted(map(checksum, items)),
}


def checksum(content: Any) -> str:
    """Return a digest of nested plain data.

    Objects that are neither plain data nor named functions and classes count by what pickle would
    store of them.

    Raises
    ------
    TypeError
        If something can't be stored.
    """
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, content, ())
    return digest.hexdigest()


def _feed(digest: Any, value: Any, parents: tuple[int, ...]) -> None:
    """Add a value to the digest; `parents` are the objects that hold it, against cycles."""
    if id(value) in parents:
        raise TypeError(f"A {type(value).__name__} that holds itself can't be stored.")
    inner = (*parents, id(value))
    kind = type(value)
    if kind in PLAIN:
        data = value if kind is bytes else str(value).encode("utf-8", "surrogatepass")
        digest.update(f"{kind.__name__} {len(data)}:".encode() + data)
    elif isinstance(value, np.ndarray | np.generic):
        _feed_array(digest, np.asarray(value), inner)  # a memory map counts as an array
    elif kind in CONTAINERS:
        name = "set" if kind is frozenset else kind.__name__  # skops may load it as a set
        digest.update(f"{name} {len(value)}:".encode())
        for item in CONTAINERS[kind](value):
            _feed(digest, item, inner)
    elif isinstance(value, type | FunctionType | BuiltinFunctionType):
        digest.update(f"name {value.__module__}.{value.__qualname__}:".encode())
    elif hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor, without importing torch
        _feed_array(digest, value.detach().cpu().numpy(), inner)
    else:
        _feed_object(digest, value, inner)


def _feed_array(digest: Any, array: NDArray[Any], inner: tuple[int, ...]) -> None:
    digest.update(f"array {array.dtype.str} {array.shape}:".encode())
    if array.dtype.hasobject:
        _feed(digest, array.tolist(), inner)
    else:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _feed_object(digest: Any, value: Any, inner: tuple[int, ...]) -> None:
    """Add what pickle would store of an object."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception as error:
        raise TypeError(f"A {type(value).__name__} can't be stored: {error}") from error
    digest.update(b"object:")
    if isinstance(reduced, str):
        _feed(digest, reduced, inner)
        return
    for part in reduced:
        items = part if part is None or isinstance(part, tuple | dict) else _listed(part)
        _feed(digest, items, inner)


def _listed(part: Any) -> Any:
    """Return the items that pickle would append, which come as an iterator, as a list."""
    return list(part) if hasattr(part, "__next__") else part
