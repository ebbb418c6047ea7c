"""Samples -> batches of sequences of similar length, so that little work is spent on padding."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch.dataset import Dataset
from torch import Tensor

from sklearn_lstm.data.sequences import Rows, row_numbers
from sklearn_lstm.encoding.encoding import UNKNOWN_CODE, Encoding
from sklearn_lstm.targets.samples import Samples

BATCHES_PER_POOL = 64  # batches whose sequences are sorted by length together
STEPS_AT_ONCE = {"cpu": 1 << 13}  # fewer steps leave too few long sequences side by side
STEPS_AT_ONCE_ON_GPU = 1 << 18
STEPS_OF_LONG = 1 << 16  # of few long sequences: they do not fit into caches anyway


@dataclass
class SequenceBatch:
    """Sequences of a batch without padding.

    Parameters
    ----------
    steps : Tensor of shape (n_steps,) or (n_steps, n_inputs)
        Codes or inputs of all sequences, laid end to end.
    lengths : Tensor of shape (B,)
    weights : Tensor of shape (B,) or (B, n_labels)
        How much each sample counts, or each of its labels.
    rows : ndarray of shape (B,)
        Which rows of X they are.
    """

    steps: Tensor
    lengths: Tensor
    weights: Tensor
    rows: Rows

    def __len__(self) -> int:
        return len(self.lengths)


class SequenceDataset(Dataset):  # type: ignore[misc]
    """Samples as a network reads them.

    Parameters
    ----------
    samples : Samples
    encoding : Encoding
    token_dropout : float
        In training a token becomes the unknown token with this probability, which is how the vector
        of the unknown token is learned.
    """

    def __init__(self, samples: Samples, encoding: Encoding, token_dropout: float = 0) -> None:
        self.X, self.y = self, samples.targets.values  # as callbacks of skorch look for them
        self.samples, self.encoding, self.token_dropout = samples, encoding, token_dropout

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row: int) -> Any:
        """Return one sample, as a batch of it."""
        return self.batch(np.array([row]))

    def batch(
        self, rows: Rows, rng: np.random.Generator | None = None
    ) -> tuple[SequenceBatch, Tensor]:
        """Return these rows and their targets; with `rng`, some tokens are unknown."""
        lengths = self.samples.sequences.lengths[rows].astype(np.int64)
        steps = self.encoding(self.samples.sequences.read(rows), lengths)
        if rng is not None and self.token_dropout:
            is_dropped = rng.random(len(steps)) < self.token_dropout
            steps = np.where(is_dropped, UNKNOWN_CODE, steps)
        targets = self.samples.targets.subset(rows)
        weights, values = targets.weights.astype(np.float32), targets.values
        if values.ndim == 1:
            values = values.astype(np.int64)  # the losses of torch take no smaller type
        read, known, counted = map(torch.from_numpy, (steps, lengths, weights))
        batch = SequenceBatch(read, known, counted, self.samples.sequences.original_rows(rows))
        return batch, torch.from_numpy(values)


class LengthBatches:
    """Every sample once per epoch, in batches of sequences of similar length.

    The samples are shuffled. Each pool of 64 batches is sorted by length and cut into batches, and
    the batches are shuffled: batches are random, with little padding.

    Parameters
    ----------
    dataset : SequenceDataset
    batch_size : int
        Sequences in a batch; the last one may have fewer.
    rng : numpy Generator or None
        None: all samples in their order, and no token is dropped.
    """

    def __init__(
        self, dataset: SequenceDataset, batch_size: int, rng: np.random.Generator | None = None
    ) -> None:
        self.dataset, self.batch_size, self.rng = dataset, batch_size, rng

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[SequenceBatch, Tensor]]:
        for rows in self.rows():
            yield self.dataset.batch(rows, self.rng)

    def rows(self) -> list[Rows]:
        """Return the rows of each batch of one epoch."""
        lengths, n_samples = self.dataset.samples.sequences.lengths, len(self.dataset)
        cuts = np.arange(self.batch_size, n_samples, self.batch_size)
        if self.rng is None:
            return np.split(np.arange(n_samples), cuts)
        order, size = row_numbers(n_samples), self.batch_size * BATCHES_PER_POOL
        self.rng.shuffle(order)
        for start in range(0, n_samples, size):
            pool = order[start : start + size]
            pool[:] = pool[np.argsort(lengths[pool], kind="stable")]
        batches = np.split(order, cuts)
        return [batches[index] for index in self.rng.permutation(len(batches))]


def steps_at_once(device: torch.device) -> int:
    """Return how many steps, padding included, the device reads at once."""
    return STEPS_AT_ONCE.get(device.type, STEPS_AT_ONCE_ON_GPU)
