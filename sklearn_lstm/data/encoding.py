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
    """Measurements without their level, and their changes from step to step, at one scale.

    Smooth series differ more in their changes than in their values, and a network does not easily
    learn to subtract. The level of a channel is the mean of a sequence. Another microphone, sensor
    or person shifts it, but it may also tell the class: so much of it is removed as `level` says.

    Parameters
    ----------
    n_channels : int
    mean, scale : ndarray of shape (n_inputs,)
        Subtracted, and divided by. n_inputs is `n_channels` if the values stay as they are, and
        2 `n_channels` if they are normalised and followed by their changes.
    level : ndarray of shape (n_channels,) or None
        The part of the level of each channel, relative to the mean, that is subtracted too. None:
        nothing.
    """

    n_channels: int
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    level: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls, sequences: Sequences, targets: NDArray[np.generic], *, normalize: bool
    ) -> ChannelScaling:
        """Return mean and deviation over all steps, or 0 and 1."""
        n_channels = sequences.n_channels or 1
        if not normalize:
            return cls(n_channels, np.zeros(n_channels), np.ones(n_channels))
        chunks, within = [], np.zeros(2 * n_channels)
        for chunk, lengths in sequences.chunks():
            steps = _with_changes(chunk, lengths)
            chunks.append(_means(steps, lengths))
            within += np.square(steps - np.repeat(chunks[-1], lengths, axis=0)).sum(axis=0)
        means, n_steps = np.concatenate(chunks), sequences.lengths.sum()
        mean = sequences.lengths @ means / n_steps
        between = sequences.lengths @ np.square(means - mean)
        level = _share_of_noise(means[:, :n_channels], targets)
        between[:n_channels] *= np.square(1 - level)
        deviation = np.sqrt((within + between) / n_steps)
        noise = 10 * np.finfo(np.float64).eps * np.abs(mean)  # a constant channel is not stretched
        return cls(n_channels, mean, np.where(deviation > noise, deviation, 1.0), level)

    def __len__(self) -> int:
        return len(self.mean)

    def series_of_means(self, n_steps: int) -> NDArray[np.float64]:
        """Return a series that is the mean throughout, (n_steps, n_channels); 0 without a mean."""
        return np.tile(self.mean[: self.n_channels], (n_steps, 1))

    def __call__(self, steps: NDArray[Any], lengths: Lengths) -> NDArray[np.float32]:
        """Measurements (n_steps, n_channels) of sequences -> inputs (n_steps, n_inputs)."""
        inputs = _with_changes(steps, lengths) if len(self) > self.n_channels else steps
        if self.level is not None:
            values = inputs[:, : self.n_channels]
            levels = self.level * (_means(values, lengths) - self.mean[: self.n_channels])
            values -= np.repeat(levels, lengths, axis=0)
        scaled = np.clip((inputs - self.mean) / self.scale, -LARGEST_INPUT, LARGEST_INPUT)
        return np.asarray(scaled, dtype=np.float32)


def _with_changes(steps: NDArray[Any], lengths: Lengths) -> NDArray[np.float64]:
    """Return each step beside its difference from the step before; 0 for the first step."""
    steps = steps.astype(np.float64)
    changes = np.diff(steps, axis=0, prepend=steps[:1])
    changes[np.cumsum(lengths) - lengths] = 0
    return np.hstack([steps, changes])


def _means(steps: NDArray[np.float64], lengths: Lengths) -> NDArray[np.float64]:
    """Return the mean of each sequence, (n_samples, n_inputs); of a constant one exactly itself."""
    starts = np.cumsum(lengths) - lengths
    first = steps[starts]
    sums = np.add.reduceat(steps - np.repeat(first, lengths, axis=0), starts, axis=0)
    return np.asarray(first + sums / lengths[:, np.newaxis])


def _share_of_noise(
    levels: NDArray[np.float64], targets: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Return how much of the levels (n_samples, n_channels) is noise, 0 to 1 for each channel.

    With the variance w within classes and b between classes it is w^2 / (w^2 + b^2): levels that
    tell the classes stay, others go.
    """
    classes = np.unique(targets, axis=0, return_inverse=True)[1].ravel()  # sets of labels too
    n_classes = int(classes.max()) + 1
    if n_classes == len(levels):
        return np.zeros(levels.shape[1])
    of_classes = np.zeros((n_classes, levels.shape[1]))
    np.add.at(of_classes, classes, levels)
    of_classes /= np.bincount(classes)[:, np.newaxis]
    within = np.square(levels - of_classes[classes]).sum(axis=0) / (len(levels) - n_classes)
    between = np.maximum(levels.var(axis=0) - within, 0)
    noise, signal = np.square(within), np.square(between)
    share = np.divide(noise, noise + signal, out=np.zeros_like(noise), where=noise > 0)
    return np.asarray(share)


Encoding: TypeAlias = TokenCodes | ChannelScaling
