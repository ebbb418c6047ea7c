"""How long to train, and on how many samples: batch size, epochs, held-out samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sklearn_lstm.data.sequences import Sequences

SMALLEST_BATCH, LARGEST_BATCH = 4, 64  # sequences
UPDATES_PER_EPOCH = 50
MOST_STEPS_PER_BATCH = 1 << 13
BATCH_SIZE_OF_PARTIAL_FIT = 32
N_UPDATES = 800
MORE_FOR_CHARACTERS = 2  # times the updates, and the patience: a character says less than a word
FEWEST_EPOCHS, FEWEST_EPOCHS_OF_CHARACTERS = 6, 15
MOST_WORK, MOST_WORK_OF_FEWEST_EPOCHS = 5_000_000, 25_000_000
FEWEST_EPOCHS_OF_ALL = 4
SMALLEST_HELD_OUT, LARGEST_HELD_OUT = 200, 1000  # samples that a network does not see
HELD_OUT_SHARE, LARGEST_HELD_OUT_SHARE = 0.1, 0.2


@dataclass(frozen=True)
class Length:
    """The length of a training.

    Parameters
    ----------
    batch_size : int
        Sequences in a batch.
    max_epochs : int
    follows_loss : bool
        Training ends before `max_epochs` once the loss of held-out samples no longer falls.
    patience : int
        How many times longer than usual that loss need not fall.
    """

    batch_size: int
    max_epochs: int
    follows_loss: bool = False
    patience: int = 1

    def updates_per_epoch(self, n_samples: int) -> int:
        """Return the number of batches."""
        return math.ceil(n_samples / self.batch_size)


def plan_length(
    sequences: Sequences,
    batch_size: int | str,
    max_epochs: int | str,
    token_unit: str | None,
    *,
    follows_loss: bool,
) -> Length:
    """Return the batch size and the number of epochs, each of which may be "auto".

    Where "auto" can't follow the loss of held-out samples, it is twice as many epochs: a network
    without a linear model beside it needs them.
    """
    if isinstance(batch_size, str):
        batch_size = batch_size_for(len(sequences), float(sequences.lengths.mean()))
    if not isinstance(max_epochs, str):
        return Length(batch_size, max_epochs)
    work = work_of_epoch(sequences)
    most = max_epochs_for(len(sequences), work, batch_size, token_unit)
    patience = MORE_FOR_CHARACTERS if token_unit == "char" else 1
    return Length(batch_size, most if follows_loss else 2 * most, follows_loss, patience)


def batch_size_for(n_samples: int, mean_length: float) -> int:
    """Return the batch size of "auto": 50 updates in an epoch, 4 to 64 sequences.

    A batch of long sequences has 8,192 steps: a larger one would take longer, not teach more.
    """
    most = min(LARGEST_BATCH, int(MOST_STEPS_PER_BATCH / mean_length))
    return max(min(n_samples // UPDATES_PER_EPOCH, most), SMALLEST_BATCH)


def max_epochs_for(n_samples: int, work: int, batch_size: int, token_unit: str | None) -> int:
    """Return the epochs of "auto", for data whose epoch is so much work.

    Small data need about 800 updates, and at most 5 million units of work. All data get 6 epochs or
    more. Small alphabets need more: twice the updates and the work, and 15 epochs. Large data get
    fewer, but at least 4, where those would be more than 25 million units.
    """
    is_char = token_unit == "char"
    times = MORE_FOR_CHARACTERS if is_char else 1
    least = FEWEST_EPOCHS_OF_CHARACTERS if is_char else FEWEST_EPOCHS
    enough = min(round(times * N_UPDATES * batch_size / n_samples), times * MOST_WORK // work)
    affordable = max(FEWEST_EPOCHS_OF_ALL, min(least, MOST_WORK_OF_FEWEST_EPOCHS // work))
    return max(enough, affordable)


def n_to_hold_out(n_samples: int) -> int:
    """Return how many samples to hold out of a network: a tenth; 200 to 1,000, or a fifth."""
    n_held_out = min(max(SMALLEST_HELD_OUT, n_samples * HELD_OUT_SHARE), LARGEST_HELD_OUT)
    return round(min(n_held_out, n_samples * LARGEST_HELD_OUT_SHARE))


def work_of_epoch(sequences: Sequences) -> int:
    """Return the work of an epoch: 1 unit for each token, 2 for each step of measurements."""
    return int(sequences.lengths.sum()) * (1 if sequences.n_channels is None else 2)
