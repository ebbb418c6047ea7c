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
    def _ascending(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids in ascending order, and the code of each; then a 0, which is no id."""
        order = np.argsort(self.ids)
        return np.append(self.ids[order], 0), np.append(FIRST_TOKEN + order, UNKNOWN_CODE)

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

    def __call__(self, steps: Steps, _lengths: Lengths | None = None) -> NDArray[np.int64]:
        """Ids (n_steps,) -> codes (n_steps,)."""
        ids, codes = self._ascending
        at = np.searchsorted(ids[:-1], steps)
        return np.where(ids[at] == steps, codes[at], UNKNOWN_CODE)
