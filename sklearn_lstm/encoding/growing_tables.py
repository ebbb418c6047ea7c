"""Tables that grow in place, and changes of their rows that can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.locks import ForkSafeLock

if TYPE_CHECKING:  # a stored member computes without torch
    from torch import Tensor

Table = TypeVar("Table", "NDArray[Any]", "Tensor")
Change: TypeAlias = tuple[Any, object, object]  # table, places, rows


class GrowingTables:
    """The tables of a model, arrays of NumPy and tensors, as a call of `partial_fit` changes them.

    A table is the beginning of a memory with room for further rows. Later, longer tables may share
    it, so that readers keep to the length of their own. Only what is in `own` memory is changed in
    place. Any other table is copied: a user or another model may see it, or it was loaded.

    Parameters
    ----------
    own : dict of int to ndarray or Tensor
        What such calls have made for the previous model alone, by its address. The model after
        this call owns `memory`.
    """

    sharing: ClassVar = ForkSafeLock()  # held while tables change, or others begin to see them

    def __init__(self, own: dict[int, Any]) -> None:
        self._own = own
        self.memory: dict[int, Any] = {}
        self._new: list[Change] = []
        self._old: list[Change] = []

    def owns(self, table: Table) -> bool:
        """Return whether a table is in own memory."""
        return _address(table) in self._own

    def with_rows(self, table: Table, rows: Table) -> Table:
        """Return a table with rows at its end.

        A copy gets room for half as many rows again, so that the time to append some does not
        depend on how many there are.
        """
        n_rows = len(table) + len(rows)
        memory: Table = self._own.get(_address(table), table[:0])
        if len(memory) < n_rows:
            shape = n_rows + n_rows // 2, *table.shape[1:]
            if isinstance(table, np.ndarray):
                memory = np.empty(shape, table.dtype)
            else:
                memory = table.new_empty(shape)
            memory[: len(table)] = table
        memory[len(table) : n_rows] = rows
        self.memory[_address(memory)] = memory
        return memory[:n_rows]

    def change(self, table: object, places: object, rows: object) -> None:
        """Plan to write rows into a table at these places; equal places have equal rows."""
        self._new.append((table, places, rows))

    def write(self) -> None:
        """Write all planned rows, when all else has gone well; the old ones are kept."""
        self._old = [(table, places, table[places]) for table, places, _ in self._new]
        _write(self._new)

    def undo(self) -> None:
        """Write back the rows that were there before, after an error or Ctrl-C."""
        _write(self._old)


def _address(table: NDArray[Any] | Tensor) -> int:
    return int(table.ctypes.data if isinstance(table, np.ndarray) else table.data_ptr())


def _write(changes: list[Change]) -> None:
    for table, places, rows in changes:
        table[places] = rows
