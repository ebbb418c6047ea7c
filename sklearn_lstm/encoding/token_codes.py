"""Ids -> codes, which are the rows of tables."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import NO_ID, Lengths, Sequences, Steps
from sklearn_lstm.text.vocabulary import FIRST_TOKEN, PADDING_ID, UNKNOWN

# Rows of the embedding table that belong to no id. They begin as ids do.
PADDING_CODE, UNKNOWN_CODE = PADDING_ID, UNKNOWN
SPARSEST_TABLE = 16  # entries of a table per code; sparser ids are searched instead


@dataclass(frozen=True)
class TokenCodes:
    """Codes for the ids that were seen at fit: rows of an embedding table without gaps.

    Code 0 is padding. Code 1 is the unknown token: a step without an id, or with an id that was
    not seen. The ids follow from code 2 on, as in a vocabulary; those of one fit in ascending
    order.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        The id of each code from 2 on.
    """

    ids: Annotated[NDArray[np.int64], "n_ids"]
    n_channels = time_channel = None

    @cached_property
    def table(self) -> NDArray[np.int64] | None:
        """The code of each id (largest + 2,), or None if the ids are too sparse for a table.

        The last entry, which is also that of -1, is the unknown code.
        """
        largest = int(self.ids.max(initial=0))
        if largest > SPARSEST_TABLE * len(self):
            return None
        table = np.full(largest + 2, UNKNOWN_CODE)
        table[self.ids] = np.arange(FIRST_TOKEN, len(self))
        return table

    def check(self) -> None:
        """Raise ValueError for stored ids that no step can have."""
        if self.ids.min(initial=1) < 1:
            raise ValueError("ids below 1")

    def extended(self, sequences: Sequences, further: NDArray[np.int64]) -> Self:
        """Return codes for the ids in sequences and `further` too; known ids keep their codes."""
        new = self.new_ids(sequences.distinct_ids(), further)
        return type(self)(np.concatenate([self.ids, new])) if len(new) else self

    def new_ids(self, *parts: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the ids in all parts that have no code, in ascending order."""
        ids = np.unique(np.concatenate(parts).astype(np.int64))
        ids = ids[ids > 0]
        return np.asarray(ids[self(ids) == UNKNOWN_CODE])

    def __len__(self) -> int:
        return FIRST_TOKEN + len(self.ids)

    @property
    def sizes(self) -> dict[str, int]:
        """What `describe` says of it."""
        return {"n_ids": len(self.ids)}

    def uninformed(self, steps: Steps) -> NDArray[np.int64]:
        """Return steps (n_steps,) as if no token were known."""
        return np.full(len(steps), NO_ID)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids)

    def __call__(self, steps: Steps, _lengths: Lengths | None = None) -> NDArray[np.int64]:
        """Ids (n_steps,) -> codes (n_steps,)."""
        if self.table is not None:
            steps = steps.astype(np.int64, copy=False)  # a small type could not hold the bound
            return np.asarray(self.table[np.minimum(steps, len(self.table) - 1)])
        at = np.searchsorted(self.ids, steps, sorter=self._order)
        nearest = self._order[np.minimum(at, len(self.ids) - 1)]
        return np.where(self.ids[nearest] == steps, FIRST_TOKEN + nearest, UNKNOWN_CODE)
