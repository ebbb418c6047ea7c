"""The settings of a fit, and how long to train: batch size, epochs, samples held out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.data.sequences import MOST_STEPS_PER_BATCH, Sequences
from sklearn_lstm.members.held_out import one_of_each
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.targets import Samples

Parameters: TypeAlias = Mapping[str, Any]  # of the classifier, checked


@dataclass(frozen=True)
class FitSettings:
    """All that is decided before the samples are divided and the members fitted.

    Where nothing else is said, a field is the parameter of the classifier of the same name. What
    the network needs beside them, `NetworkSettings` has.

    Parameters
    ----------
    kind : Kind
        What the steps of sequences are.
    vectors : PretrainedVectors or None
        Of all ids, or in `partial_fit` of those that the network lacks.
    encoder : SentenceEncoder or None
        In `fit` alone.
    numbers : bool
        There are columns of numbers or categories beside the sequences.
    n_steps : int
        The length that nearly all sequences have, or 0.
    thresholds : ndarray of shape (n_thresholds,)
        NaN: chosen by held-out samples.
    """

    kind: Kind
    vectors: PretrainedVectors | None = field(repr=False)
    encoder: SentenceEncoder | None = field(repr=False)
    numbers: bool
    n_steps: int
    thresholds: NDArray[np.float64] = field(repr=False)
    criterion: str | type
    linear_model: bool | str
    normalize: bool
    max_epochs: int | str
    batch_size: int | str
    early_stopping: bool | str
    verbose: int


# --- How long to train


SMALLEST_BATCH, LARGEST_BATCH = 4, 64  # sequences
UPDATES_PER_EPOCH = 50
N_UPDATES = 800
# Fewer samples get as many epochs as these, unless the loss of the blend ends the training.
FEWEST_SAMPLES = 100
UPDATES_PER_CHECK = 75  # of the held-out loss; of characters twice as many
MOST_WORK, FEWEST_EPOCHS = 5_000_000, 4
HELD_OUT_SHARE, LARGEST_HELD_OUT = 0.1, 1000  # samples that a network does not see


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
    n_held_out : int
        Samples to draw and hold out.
    """

    batch_size: int
    max_epochs: int
    follows_loss: bool
    updates_per_check: int
    n_held_out: int


def plan_training(
    samples: Samples, validation: Samples | None, settings: FitSettings, *, has_linear_model: bool
) -> TrainingPlan:
    """Plan the training of the network by counting the data alone.

    The blend with linear models is judged by held-out samples, if some sample can be held out: it
    is not the only one of its class, or with a label. Else the network learns from all samples.

    Parameters
    ----------
    samples : Samples
    validation : Samples or None
        The user's own held-out samples.
    settings : FitSettings
    has_linear_model : bool
    """
    n_samples, sequences, kind = len(samples), samples.sequences, settings.kind
    has_spare = len(one_of_each(samples.targets.values)) < n_samples
    is_judged = has_linear_model and (validation is not None or has_spare)
    batch_size, max_epochs = settings.batch_size, settings.max_epochs
    follows_loss = is_judged and settings.early_stopping == max_epochs == "auto"
    follows_loss &= settings.criterion == "cross_entropy"  # of others, that of guessing is unknown
    mean_length = float(sequences.lengths.mean() / steps_per_frame(sequences, kind))
    if isinstance(batch_size, str):
        batch_size = batch_size_for(n_samples, mean_length)
    # Few texts: at most the updates of one epoch (characters: three). Sequences so long that four
    # have more than 8,192 steps: fewer, so that the work between two checks is the same.
    most_updates = kind.epochs_per_check * math.ceil(n_samples / batch_size)
    fewest_steps = min(batch_size, SMALLEST_BATCH) * mean_length
    share = min(1, MOST_STEPS_PER_BATCH / fewest_steps)
    per_check = math.ceil(share * kind.effort * round(min(UPDATES_PER_CHECK, most_updates)))
    if isinstance(max_epochs, str):
        n_counted = n_samples if follows_loss else max(n_samples, FEWEST_SAMPLES)
        max_epochs = max_epochs_for(n_counted, work_of_epoch(sequences, kind), batch_size, kind)
    n_held_out = 0
    if validation is None and settings.early_stopping is True:
        n_held_out = max(1, round(HELD_OUT_SHARE * n_samples))
    elif validation is None and is_judged:
        n_held_out = max(1, n_to_hold_out(n_samples))
    return TrainingPlan(batch_size, max_epochs, follows_loss, per_check, n_held_out)


def batch_size_for(n_samples: int, mean_length: float) -> int:
    """Return the batch size of "auto": 50 updates in an epoch, 4 to 64 sequences.

    A batch of long sequences has 8,192 steps: a larger one would take longer, not teach more.
    """
    most = min(LARGEST_BATCH, int(MOST_STEPS_PER_BATCH / mean_length))
    return max(min(n_samples // UPDATES_PER_EPOCH, most), SMALLEST_BATCH)


def max_epochs_for(n_samples: int, work: int, batch_size: int, kind: Kind) -> int:
    """Return the epochs of "auto", for data whose epoch is so much work.

    It is twice the largest of three numbers: the epochs with 800 updates, or with 5 million units
    of work if that is less (characters: twice as many of both); 6 epochs (characters: 15), or as
    many as are 20 million units; and 4 epochs.
    """
    n_updates, most_work = kind.effort * N_UPDATES, kind.effort * MOST_WORK
    enough = min(round(n_updates * batch_size / n_samples), most_work // work)
    affordable = min(kind.fewest_epochs, FEWEST_EPOCHS * MOST_WORK // work)
    return 2 * max(enough, affordable, FEWEST_EPOCHS)


def n_to_hold_out(n_samples: int) -> int:
    """Return how many samples to hold out: 10 %, but 200 to 1,000, and never more than 30 %."""
    fewest, most = 2 * HELD_OUT_SHARE * LARGEST_HELD_OUT, 3 * HELD_OUT_SHARE * n_samples
    return round(min(max(fewest, n_samples * HELD_OUT_SHARE), LARGEST_HELD_OUT, most))


def steps_per_frame(sequences: Sequences, kind: Kind) -> int:
    """Return how many steps a network reads at once.

    Series of up to 400 steps are read step by step, longer ones in about 200 frames. Tokens are
    read one by one.
    """
    return max(1, int(sequences.lengths.mean() / kind.n_frames))


def work_of_epoch(sequences: Sequences, kind: Kind) -> int:
    """Return the work of an epoch: 1 unit for each token, 2 for each frame of measurements."""
    n_steps = int(sequences.lengths.sum())
    return kind.work_per_step * n_steps // steps_per_frame(sequences, kind)
