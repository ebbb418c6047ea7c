"""Sequences -> batches of like length, so that hardly a step of work is spent on padding."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_lstm.encoding import Encoding, TokenCodes
from sklearn_lstm.sequences import Rows, Samples, Sequences
from sklearn_lstm.vocabulary import PADDING, UNKNOWN

BATCHES_PER_POOL = 64  # sequences are sorted by length within so many batches
STEPS_AT_ONCE = 1 << 12  # what so many steps need stays in the processor's caches,
ROWS_AT_ONCE = 1 << 8  # as do the gates of so many rows
TRIES_ON_RARE = 6


class SequenceDataset(Dataset[Any]):
    """Samples as a network reads them.

    Parameters
    ----------
    samples : Samples
    encoding : Encoding
    token_dropout : float
        Share of the tokens that chance makes unknown, which is how the vector of the unknown token
        is learnt. What was seen but once is more like those to come: it meets that chance several
        times.
    """

    def __init__(self, samples: Samples, encoding: Encoding, token_dropout: float = 0) -> None:
        self.samples = samples
        self.encoding = encoding
        self.risks: NDArray[np.float64] | None = None  # of each code to be dropped
        if isinstance(encoding, TokenCodes) and token_dropout:
            tries = np.where(encoding.counts == 1, TRIES_ON_RARE, 1)
            tries[PADDING] = 0
            self.risks = 1 - (1 - token_dropout) ** tries

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row: int) -> Any:
        """Give one sample, as a batch of it."""
        return self.batch(np.array([row]))

    def batch(
        self, rows: Rows, rng: np.random.Generator | None = None
    ) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        """Give these rows as (inputs, (codes, weights)); with chance, some tokens are unknown."""
        inputs = pad(self.samples.sequences, rows, self.encoding)
        if rng is not None and self.risks is not None:
            steps = inputs["steps"].numpy()
            steps[rng.random(steps.shape) < self.risks.take(steps)] = UNKNOWN
        return inputs, (
            torch.from_numpy(self.samples.codes[rows]),
            torch.from_numpy(self.samples.weights[rows].astype(np.float32)),
        )


class LengthBatches:
    """Every sample once per pass, in batches of sequences of like length.

    A pass shuffles the samples, sorts each pool of 64 batches by length, cuts it into batches, and
    shuffles those: chance decides who meets whom, yet a batch is hardly padded.

    Parameters
    ----------
    dataset : SequenceDataset
    batch_size : int
        Sequences in a batch; the last one may have fewer.
    rng : numpy Generator or None
        None: no chance; all samples in the order of their length, and no token is dropped.
    """

    def __init__(
        self, dataset: SequenceDataset, batch_size: int, rng: np.random.Generator | None = None
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.rng = rng

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]]:
        for rows in self.rows():
            yield self.dataset.batch(rows, self.rng)

    def rows(self) -> list[Rows]:
        """Deal the rows of one pass."""
        lengths, n_samples = self.dataset.samples.sequences.lengths, len(self.dataset)
        cuts = np.arange(self.batch_size, n_samples, self.batch_size)
        if self.rng is None:
            return np.split(np.argsort(lengths, kind="stable"), cuts)
        order = self.rng.permutation(n_samples)
        pool = np.arange(n_samples) // (self.batch_size * BATCHES_PER_POOL)
        batches = np.split(order[np.lexsort((lengths[order], pool))], cuts)
        return [batches[index] for index in self.rng.permutation(len(batches))]


def prediction_rows(lengths: Rows) -> Iterator[Rows]:
    """Cut all samples, in the order of their length, into batches of about as many steps."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = lengths[order[start : start + ROWS_AT_ONCE]]
        fitting = np.arange(1, len(longest) + 1) * longest
        size = max(1, int(np.searchsorted(fitting, STEPS_AT_ONCE, side="right")))
        yield order[start : start + size]
        start += size


def pad(sequences: Sequences, rows: Rows, encoding: Encoding) -> dict[str, Tensor]:
    """Lay sequences side by side, filled with zeros up to the longest of them.

    Returns
    -------
    dict with "steps" : (B, T) codes, or (B, T, C) measurements, and "lengths" : (B,)
    """
    lengths = sequences.lengths[rows]
    steps = encoding(sequences.read(rows), lengths)
    padded = np.zeros((len(rows), lengths.max(), *steps.shape[1:]), dtype=steps.dtype)
    padded[np.arange(lengths.max()) < lengths[:, np.newaxis]] = steps
    return {"steps": torch.from_numpy(padded), "lengths": torch.from_numpy(lengths)}
