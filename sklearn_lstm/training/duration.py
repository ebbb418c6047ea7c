"""How long to train, and on how many samples: batch size, epochs, networks, held-out samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn_lstm.data.sequences import Sequences

SMALLEST_BATCH, LARGEST_BATCH = 4, 64  # sequences
UPDATES_PER_EPOCH = 50
N_FRAMES = 200  # that a network reads of a series of mean length, if it is long
MOST_STEPS_PER_BATCH = 1 << 13
BATCH_SIZE_OF_PARTIAL_FIT = 32
N_UPDATES = 800
FEWEST_SAMPLES = 100  # fewer get as many epochs as these where no held-out loss ends the training
UPDATES_PER_CHECK, EPOCHS_PER_CHECK = 75, 1.5
CHECKS_WITHOUT_PROGRESS, EPOCHS_WITHOUT_PROGRESS = 3, 3  # after which training ends
# Factor of the updates, and of those between two checks: a character says less than a word.
MORE_FOR_CHARACTERS = 2
FEWEST_EPOCHS, FEWEST_EPOCHS_OF_CHARACTERS = 6, 15
MOST_WORK, MOST_WORK_OF_FEWEST_EPOCHS = 5_000_000, 25_000_000
FEWEST_EPOCHS_OF_ALL = 4
SMALLEST_HELD_OUT, LARGEST_HELD_OUT = 200, 1000  # samples that a network does not see
HELD_OUT_SHARE, LARGEST_HELD_OUT_SHARE = 0.1, 0.2
MOST_WORK_FOR_TWO_NETWORKS = 1_500_000  # units of work over all epochs: about 20 seconds


@dataclass(frozen=True)
class TrainingPlan:
    """The length of a training.

    Parameters
    ----------
    batch_size : int
        Sequences in a batch.
    max_epochs : int
    follows_loss : bool
        Training ends before `max_epochs` once the loss of held-out samples no longer falls.
    updates_per_check : int
        The fewest updates between two checks of that loss.
    checks_without_progress : int
        After so many, training ends.
    n_networks : int
    n_held_out : int
        Samples to draw and hold out of each network; others for each network.
    """

    batch_size: int
    max_epochs: int
    follows_loss: bool = False
    updates_per_check: int = 1
    checks_without_progress: int = CHECKS_WITHOUT_PROGRESS
    n_networks: int = 1
    n_held_out: int = 0

    def updates_per_epoch(self, n_samples: int) -> int:
        """Return the number of batches."""
        return math.ceil(n_samples / self.batch_size)


def plan_training(
    sequences: Sequences,
    parameters: Mapping[str, Any],
    *,
    is_judged: bool,
    is_new: bool,
    has_validation: bool,
    other_work: int,
) -> TrainingPlan:
    """Plan the training of networks from the kind and the amount of the data, by counting alone.

    With `early_stopping`, one network learns; the samples held out of it, or the user's own, say
    which of its epochs is best. Judged by held-out samples together with other members, a network
    ends when the loss of the blend no longer falls, and where that is short two networks learn,
    each without a part of its own. Else one network learns from all samples.

    Parameters
    ----------
    sequences : Sequences
    parameters : mapping
        Those of the classifier.
    is_judged : bool
        Held-out samples set how much the networks count beside other members.
    is_new : bool
        The network does not go on from an earlier fit.
    has_validation : bool
        The user brings the held-out samples.
    other_work : int
        Work of the other members, in the units of `work_of_epoch`.
    """
    n_samples, early_stopping = len(sequences), parameters["early_stopping"]
    follows_loss = is_judged and not early_stopping and parameters["lr_schedule"] == "trapezoid"
    batch_size, max_epochs = parameters["batch_size"], parameters["max_epochs"]
    if batch_size == "auto":
        mean_length = sequences.lengths.mean() / steps_per_frame(sequences)
        batch_size = batch_size_for(n_samples, float(mean_length))
    per_check = updates_per_check(n_samples, batch_size, parameters["token_unit"])
    work = work_of_epoch(sequences)
    if max_epochs == "auto":
        n_counted = n_samples if follows_loss else max(n_samples, FEWEST_SAMPLES)
        max_epochs = max_epochs_for(n_counted, work, batch_size, parameters["token_unit"])
        if not follows_loss:  # a network without another member beside it needs more
            max_epochs *= 2
    else:
        follows_loss = False
    is_short = max_epochs * work + other_work <= MOST_WORK_FOR_TWO_NETWORKS
    has_two = is_judged and is_new and not early_stopping and max_epochs > 0 and is_short
    n_held_out = 0
    if early_stopping:
        n_held_out = max(1, round(parameters["validation_fraction"] * n_samples))
    elif is_judged:
        n_held_out = n_to_hold_out(n_samples)
    return TrainingPlan(
        batch_size,
        max_epochs,
        follows_loss,
        per_check,
        checks_without_progress(n_samples, batch_size, parameters["token_unit"], per_check),
        n_networks=1 + has_two,
        n_held_out=0 if has_validation else n_held_out,
    )


def batch_size_for(n_samples: int, mean_length: float) -> int:
    """Return the batch size of "auto": 50 updates in an epoch, 4 to 64 sequences.

    A batch of long sequences has 8,192 steps: a larger one would take longer, not teach more.
    """
    most = min(LARGEST_BATCH, int(MOST_STEPS_PER_BATCH / mean_length))
    return max(min(n_samples // UPDATES_PER_EPOCH, most), SMALLEST_BATCH)


def updates_per_check(n_samples: int, batch_size: int, token_unit: str | None) -> int:
    """Return the updates between two checks of the held-out loss.

    Series: 75. Words: at most 75, and at most 1.5 epochs, which is less for fewer than 200 texts.
    Characters: twice as many.
    """
    if token_unit is None:
        return UPDATES_PER_CHECK
    times = MORE_FOR_CHARACTERS if token_unit == "char" else 1
    of_epochs = round(EPOCHS_PER_CHECK * math.ceil(n_samples / batch_size))
    return times * min(UPDATES_PER_CHECK, of_epochs)


def checks_without_progress(
    n_samples: int, batch_size: int, token_unit: str | None, per_check: int
) -> int:
    """Return after how many checks without progress training ends.

    3; of words fewer, if these cover 3 epochs.
    """
    if token_unit != "word":
        return CHECKS_WITHOUT_PROGRESS
    of_epochs = EPOCHS_WITHOUT_PROGRESS * math.ceil(n_samples / batch_size) / per_check
    return min(CHECKS_WITHOUT_PROGRESS, math.ceil(of_epochs))


def max_epochs_for(n_samples: int, work: int, batch_size: int, token_unit: str | None) -> int:
    """Return the epochs of "auto", for data whose epoch is so much work.

    It is the number of epochs with 800 updates, or with 5 million units of work if that is less,
    but at least 6. Characters: twice the updates and the work, and at least 15. Where 6 (or 15)
    epochs are more than 25 million units, as many as these allow, but at least 4.
    """
    is_char = token_unit == "char"
    times = MORE_FOR_CHARACTERS if is_char else 1
    least = FEWEST_EPOCHS_OF_CHARACTERS if is_char else FEWEST_EPOCHS
    enough = min(round(times * N_UPDATES * batch_size / n_samples), times * MOST_WORK // work)
    affordable = max(FEWEST_EPOCHS_OF_ALL, min(least, MOST_WORK_OF_FEWEST_EPOCHS // work))
    return max(enough, affordable)


def n_to_hold_out(n_samples: int) -> int:
    """Return how many samples to hold out: 10 %, but 200 to 1,000, and never more than 20 %."""
    n_held_out = min(max(SMALLEST_HELD_OUT, n_samples * HELD_OUT_SHARE), LARGEST_HELD_OUT)
    return round(min(n_held_out, n_samples * LARGEST_HELD_OUT_SHARE))


def steps_per_frame(sequences: Sequences) -> int:
    """Return how many steps of measurements a network reads at once.

    Series of up to 400 steps are read step by step, longer ones in about 200 frames.
    """
    return 1 if sequences.n_channels is None else max(1, int(sequences.lengths.mean() / N_FRAMES))


def work_of_epoch(sequences: Sequences) -> int:
    """Return the work of an epoch: 1 unit for each token, 2 for each frame of measurements."""
    n_steps = int(sequences.lengths.sum())
    return n_steps if sequences.n_channels is None else 2 * n_steps // steps_per_frame(sequences)
