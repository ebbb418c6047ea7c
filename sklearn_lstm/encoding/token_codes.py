"""Ids -> codes, which are the rows of tables; tables that grow in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import NO_ID, Lengths, Sequences, Steps
from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.storing.unpacking import take_memory

if TYPE_CHECKING:  # a stored member computes without torch
    from torch import Tensor

PADDING_CODE, UNKNOWN_CODE = 0, 1  # rows of the embedding table that belong to no id
N_SPECIAL = 2
SPARSEST_TABLE = 16  # entries of a table per code; sparser ids are searched instead

Table = TypeVar("Table", "NDArray[Any]", "Tensor")
Change: TypeAlias = tuple[Any, object, object]  # table, places, rows


@dataclass(frozen=True)
class TokenCodes:
    """Codes for the ids that were seen at fit: rows of an embedding table without gaps.

    Code 0 is padding. Code 1 is the unknown token: a step without an id, or with an id that was
    not seen. The ids follow from code 2 on, those of one fit in ascending order.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        The id of each code from 2 on.
    table : ndarray of shape (largest + 2,) or None
        The code of each id; the last entry, which is also that of -1, is the unknown code. None:
        the ids are too sparse, and are searched.
    """

    ids: Annotated[NDArray[np.int64], "n_ids"]
    table: NDArray[np.int64] | None = field(repr=False, metadata={"is_stored": False})
    n_channels = time_channel = None

    @classmethod
    def of(cls, ids: NDArray[np.int64]) -> TokenCodes:
        """Return codes for these ids, in their order."""
        largest = int(ids.max(initial=0))
        if largest > SPARSEST_TABLE * (N_SPECIAL + len(ids)):
            return cls(ids, None)
        take_memory(8 * largest)
        table = np.full(largest + 2, UNKNOWN_CODE)
        table[ids] = np.arange(N_SPECIAL, N_SPECIAL + len(ids))
        return cls(ids, table)

    from_stored = of

    def extended(self, sequences: Sequences, further: NDArray[np.int64]) -> TokenCodes:
        """Return codes for the ids in sequences and `further` too; known ids keep their codes."""
        new = self.new_ids(sequences.distinct_ids(), further)
        return TokenCodes.of(np.concatenate([self.ids, new]))

    def new_ids(self, ids: NDArray[np.integer], further: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids in both that have no code, in ascending order."""
        ids = np.unique(np.concatenate([ids, further]).astype(np.int64))
        ids = ids[ids > 0]
        return np.asarray(ids[self(ids) == UNKNOWN_CODE])

    def __len__(self) -> int:
        return N_SPECIAL + len(self.ids)

    @property
    def sizes(self) -> dict[str, int]:
        """What `describe` says of it."""
        return {"n_ids": len(self.ids)}

    def uninformed(self, steps: Steps) -> NDArray[np.int64]:
        """Return steps (n_steps,) as if no token were known."""
        return np.full(len(steps), NO_ID)

    def appended(self, new: NDArray[np.int64], growing: GrowingTables) -> TokenCodes:
        """Return codes for new ids too, in their order, once the changes are written."""
        if self.table is None and not len(new):
            return self  # the order of its ids is known
        ids, largest = growing.with_rows(self.ids, new), int(new.max(initial=0))
        if self.table is None or largest > SPARSEST_TABLE * (N_SPECIAL + len(ids)):
            return TokenCodes.of(ids)
        unknown = np.full(max(0, largest + 2 - len(self.table)), UNKNOWN_CODE)
        table = growing.with_rows(self.table, unknown)
        growing.change(table, new, np.arange(len(self), N_SPECIAL + len(ids)))
        return TokenCodes(ids, table)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids)

    def __call__(self, steps: Steps, _lengths: Lengths | None = None) -> NDArray[np.int64]:
        """Ids (n_steps,) -> codes (n_steps,)."""
        if self.table is not None:
            steps = steps.astype(np.int64, copy=False)  # a small type could not hold the bound
            codes = self.table[np.minimum(steps, len(self.table) - 1)]
            return np.where(codes < len(self), codes, UNKNOWN_CODE)  # the table may have grown
        at = np.searchsorted(self.ids, steps, sorter=self._order)
        nearest = self._order[np.minimum(at, len(self.ids) - 1)]
        return np.where(self.ids[nearest] == steps, N_SPECIAL + nearest, UNKNOWN_CODE)


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
