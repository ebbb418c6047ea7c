"""Steps as they come -> what the network reads: ids to codes, channels to one scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Sequences

PADDING_CODE, UNKNOWN_CODE = 0, 1  # rows of the embedding table that belong to no id
N_SPECIAL = 2
SPARSEST_TABLE = 16  # entries of a table per code; sparser ids are searched instead
N_FORMS = 3  # of a measurement that is normalised
LARGEST_INPUT = 1e15  # larger ones could overflow in sums of squares


@dataclass(frozen=True)
class TokenCodes:
    """Codes for the ids that were seen at fit: rows of an embedding table without gaps.

    Code 0 is padding. Code 1 is the unknown token: a step without an id, or with an id that was
    not seen. The ids follow from code 2 on, those of one fit in ascending order.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        The id of each code from 2 on.
    """

    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def extended(self, sequences: Sequences, more: NDArray[np.int64]) -> TokenCodes:
        """Return codes for the ids in sequences and `more` too; known ids keep their codes."""
        candidates = np.concatenate([sequences.distinct_ids(), more]).astype(np.int64)
        new = np.setdiff1d(candidates[candidates > 0], self.ids)
        return TokenCodes(np.concatenate([self.ids, new]))

    def __len__(self) -> int:
        return N_SPECIAL + len(self.ids)

    @cached_property
    def _table(self) -> NDArray[np.int64] | None:
        """The code of each id; the last entry, which is also that of -1, is the unknown code."""
        largest = int(self.ids.max(initial=0))
        if largest > SPARSEST_TABLE * len(self):
            return None
        table = np.full(largest + 2, UNKNOWN_CODE)
        table[self.ids] = np.arange(N_SPECIAL, len(self))
        return table

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids)

    def __call__(self, steps: NDArray[Any], _lengths: Lengths | None = None) -> NDArray[np.int64]:
        """Ids (n_steps,) -> codes (n_steps,)."""
        if self._table is not None:
            steps = steps.astype(np.int64, copy=False)  # a small type could not hold the bound
            return np.asarray(self._table[np.minimum(steps, len(self._table) - 1)])
        at = np.searchsorted(self.ids, steps, sorter=self._order)
        nearest = self._order[np.minimum(at, len(self.ids) - 1)]
        return np.where(self.ids[nearest] == steps, N_SPECIAL + nearest, UNKNOWN_CODE)


@dataclass(frozen=True)
class ChannelScaling:
    """Measurements in several forms, each with mean 0 and deviation 1 over all steps.

    The forms are the values, their changes from step to step, and the values less their mean over
    the sequence. Smooth series differ more in their changes than in their values, and a network
    does not easily learn to subtract. Another microphone or sensor shifts a whole recording.

    Parameters
    ----------
    n_channels : int
    mean, scale : ndarray of shape (n_inputs,)
        Subtracted, and divided by. n_inputs is `n_channels` times the number of forms; one form:
        the values stay as they are.
    """

    n_channels: int
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, sequences: Sequences, *, normalize: bool) -> ChannelScaling:
        """Return mean and deviation over all steps (Chan et al. 1983), or 0 and 1."""
        n_channels = sequences.n_channels or 1
        if not normalize:
            return cls(n_channels, np.zeros(n_channels), np.ones(n_channels))
        n_inputs = N_FORMS * n_channels
        n_steps, mean, squares = 0, np.zeros(n_inputs), np.zeros(n_inputs)
        for chunk, lengths in sequences.chunks():
            steps = _forms(chunk, lengths, N_FORMS)
            gap, total = steps.mean(axis=0) - mean, n_steps + len(steps)
            within = steps.var(axis=0) * len(steps)
            squares = squares + within + gap**2 * n_steps * len(steps) / total
            mean = mean + gap * len(steps) / total
            n_steps = total
        deviation = np.sqrt(squares / n_steps)
        noise = 10 * np.finfo(np.float64).eps * np.abs(mean)  # a constant channel is not stretched
        return cls(n_channels, mean, np.where(deviation > noise, deviation, 1.0))

    def __len__(self) -> int:
        return len(self.mean)

    def series_of_means(self, n_steps: int) -> NDArray[np.float64]:
        """Return a series that is the mean throughout, (n_steps, n_channels); 0 without a mean."""
        return np.tile(self.mean[: self.n_channels], (n_steps, 1))

    def __call__(self, steps: NDArray[Any], lengths: Lengths) -> NDArray[np.float32]:
        """Measurements (n_steps, n_channels) of sequences -> inputs (n_steps, n_inputs)."""
        n_forms = len(self) // self.n_channels  # a model of an earlier version has two
        inputs = _forms(steps, lengths, n_forms) if n_forms > 1 else steps
        scaled = np.clip((inputs - self.mean) / self.scale, -LARGEST_INPUT, LARGEST_INPUT)
        return np.asarray(scaled, dtype=np.float32)


def _forms(steps: NDArray[Any], lengths: Lengths, n_forms: int) -> NDArray[np.float64]:
    """Return the first forms of each step side by side.

    They are its values, their differences from the step before (0 for the first step), and their
    differences from the mean of the sequence.
    """
    steps = steps.astype(np.float64)
    starts = np.cumsum(lengths) - lengths
    changes = np.diff(steps, axis=0, prepend=steps[:1])
    changes[starts] = 0
    centred = steps - np.repeat(steps[starts], lengths, axis=0)  # exactly 0 where all is constant
    means = np.add.reduceat(centred, starts, axis=0) / lengths[:, np.newaxis]
    centred -= np.repeat(means, lengths, axis=0)
    return np.hstack([steps, changes, centred][:n_forms])


Encoding: TypeAlias = TokenCodes | ChannelScaling
