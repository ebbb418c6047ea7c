"""How long to train: batch size, epochs, and which samples are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Rows, Sequences

LARGEST_BATCH = 64
FEWEST_UPDATES = 20  # in an epoch
BATCH_SIZE_OF_PARTIAL_FIT = 32


@dataclass(frozen=True)
class Length:
    """The length of a training: sequences in a batch, and epochs."""

    batch_size: int
    max_epochs: int


def plan_length(
    sequences: Sequences, batch_size: int | str, max_epochs: int | str, token_unit: str | None
) -> Length:
    """Return the batch size and the number of epochs, each of which may be "auto"."""
    if isinstance(batch_size, str):
        batch_size = batch_size_for(len(sequences))
    if isinstance(max_epochs, str):
        max_epochs = max_epochs_for(
            len(sequences), work_of_epoch(sequences), batch_size, token_unit
        )
    return Length(batch_size, max_epochs)


def batch_size_for(n_samples: int) -> int:
    """Return the batch size of "auto": 20 updates in an epoch, at most 64 sequences."""
    return min(max(n_samples // FEWEST_UPDATES, 1), LARGEST_BATCH)


def max_epochs_for(n_samples: int, work: int, batch_size: int, token_unit: str | None) -> int:
    """Return the epochs of "auto", for data whose epoch is so much work.

    Small data need about 1,500 updates: at most 100 epochs, and at most 10 million units of work.
    All data get 12 epochs or more. Small alphabets need more: 30. Large data get fewer, but at
    least 4, where those would be more than 50 million units.
    """
    least = 30 if token_unit == "char" else 12
    enough = min(100, round(1500 * batch_size / n_samples), 10_000_000 // work)
    affordable = max(4, min(least, 50_000_000 // work))
    return max(enough, affordable)


def work_of_epoch(sequences: Sequences) -> int:
    """Return the work of an epoch: 1 unit for each token, 2 for each step read in float32."""
    return int(sequences.lengths.sum()) * (1 if sequences.n_channels is None else 2)


def hold_out(
    targets: NDArray[np.generic], fraction: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Split the samples into training and held-out rows, class by class.

    One sample of each class stays in training.

    Raises
    ------
    ValueError
        If that leaves nothing to hold out.
    """
    n_samples = len(targets)
    classes = targets if targets.ndim == 1 else np.zeros(n_samples)
    order = np.lexsort((rng.random(n_samples), classes))
    spare = np.delete(order, np.unique(classes[order], return_index=True)[1])
    if not len(spare):
        raise ValueError(
            "early_stopping=True needs a class with two samples or more, to validate on one: "
            f"y holds {n_samples} samples of {n_samples} classes."
        )
    n_held_out = min(max(1, round(fraction * n_samples)), len(spare))
    held_out = spare[np.arange(n_held_out) * len(spare) // n_held_out]
    return np.setdiff1d(order, held_out), np.sort(held_out)
