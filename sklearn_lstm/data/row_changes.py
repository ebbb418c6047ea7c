"""Tables that grow in place, and changes of their rows that can be undone."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np


def with_rows(table: Any, rows: Any, *, in_place: bool) -> Any:
    """Return a table with rows at its end: an array of NumPy, or a tensor.

    In place, the new table has the memory of the old one, as long as there is room for the rows. A
    table that a user or another model may see, or that was loaded, has to be copied. A copy gets
    room for half as many rows again, so that the time to append some does not depend on how many
    there are.
    """
    n_rows = len(table) + len(rows)
    room = _memory_of(table) if in_place else table[:0]
    if len(room) < n_rows:
        shape = n_rows + n_rows // 2, *table.shape[1:]
        is_array = isinstance(table, np.ndarray)
        room = np.empty(shape, table.dtype) if is_array else table.new_empty(shape)
        room[: len(table)] = table
    room[len(table) : n_rows] = rows
    return room[:n_rows]


def _memory_of(table: Any) -> Any:
    """Return the rows of a table with the room behind them."""
    if isinstance(table, np.ndarray):
        return table if table.base is None else table.base
    n_rows = table.untyped_storage().nbytes() // (prod(table.shape[1:]) * table.element_size())
    return table.as_strided((n_rows, *table.shape[1:]), table.stride(), 0)


class RowChanges:
    """New values for rows of tables: arrays of NumPy, or tensors.

    `partial_fit` collects them, and writes them when the rest has gone well. If an error or Ctrl-C
    comes while they are written, it writes back the old rows.
    """

    def __init__(self) -> None:
        self._new: list[tuple[Any, Any, Any]] = []  # table, places, rows
        self._old: list[tuple[Any, Any, Any]] = []

    def add(self, table: Any, places: Any, rows: Any) -> None:
        """Plan to write rows into a table at these places; equal places have equal rows."""
        self._new.append((table, places, rows))

    def write(self) -> None:
        """Write all planned rows, and keep the old ones."""
        self._old = [(table, places, table[places]) for table, places, _ in self._new]
        _write(self._new)

    def undo(self) -> None:
        """Write back the rows that were there before."""
        _write(self._old)


def _write(changes: list[tuple[Any, Any, Any]]) -> None:
    for table, places, rows in changes:
        table[places] = rows
