"""Changes of rows of tables, which can be undone."""

from __future__ import annotations

from typing import Any


class RowChanges:
    """Rows that are to be written into tables: arrays of NumPy, or tensors."""

    def __init__(self) -> None:
        self._new: list[tuple[Any, Any, Any]] = []  # table, places, rows
        self._old: list[tuple[Any, Any, Any]] = []

    def add(self, table: Any, places: Any, rows: Any) -> None:
        """Plan to write rows into a table, at these places, none of which comes twice."""
        self._new.append((table, places, rows))

    def write(self) -> None:
        """Write all rows."""
        self._old = [(table, places, table[places]) for table, places, _ in self._new]
        _write(self._new)

    def undo(self) -> None:
        """Write back the rows that were there before."""
        _write(self._old)


def _write(changes: list[tuple[Any, Any, Any]]) -> None:
    for table, places, rows in changes:
        table[places] = rows
