"""Changes of rows of tables that are written all at once, and can be undone."""

from __future__ import annotations

from typing import Any


class RowChanges:
    """New values for rows of tables: arrays of NumPy, or tensors.

    `partial_fit` collects them, and writes them when the rest has gone well. If an error or Ctrl-C
    comes while they are written, it writes back the old rows.
    """

    def __init__(self) -> None:
        self._new: list[tuple[Any, Any, Any]] = []  # table, places, rows
        self._old: list[tuple[Any, Any, Any]] = []

    def add(self, table: Any, places: Any, rows: Any) -> None:
        """Plan to write rows into a table at these places, which are distinct."""
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
