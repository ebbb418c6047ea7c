"""How a network learns: a whole training, or an epoch of `partial_fit`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop

from sklearn_lstm.blending import ExpectedFactor, HeldOutLogits
from sklearn_lstm.callback_support import Attributes
from sklearn_lstm.compute.threads import workers
from sklearn_lstm.data.sequences import Samples
from sklearn_lstm.members.network.excerpt import Excerpt
from sklearn_lstm.members.network.history import EpochRow, epoch_rows
from sklearn_lstm.members.network.loop import optimizer_state_of, torch_generator, train
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.new_network import new_network
from sklearn_lstm.members.network.schedule_and_end import Trapezoid
from sklearn_lstm.training.checkpoint import Checkpoint
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import BATCH_SIZE_OF_PARTIAL_FIT, TrainingPlan
from sklearn_lstm.training.held_out import Split
from sklearn_lstm.training.progress import FitProgress, NetworkProgress, SoFar


def fit_network(
    split: Split,
    configuration: Configuration,
    plan: TrainingPlan,
    held_out: HeldOutLogits,
    *,
    progress: FitProgress,
    ended: Callable[[Network, HeldOutLogits, list[EpochRow]], Any],
) -> tuple[Network, HeldOutLogits]:
    """Train a network; the loss of the blend may end it.

    `held_out` are the logits of the members that were fitted before. `ended` returns what the fit
    leaves if it ends with a network, held-out logits and rows of epochs.

    Returns
    -------
    Network
    HeldOutLogits
        With the logits of the network, if the held-out samples can judge it.
    """
    is_trained = plan.max_epochs > 0
    judges = bool(held_out.members) or bool(np.isnan(configuration.thresholds).any())
    is_judged = judges and is_trained
    expected = ExpectedFactor(configuration.kind.network_weight, deviation=1.0)
    rng, learned = split.generator, split.learned
    start = new_network(
        configuration, None, learned.sequences, torch_generator(rng), learned.targets.values
    )

    def judged(network: Network) -> HeldOutLogits:
        """Return what all members say of the held-out samples."""
        return held_out.joined_by(network.name, network.logits(split.held_out.sequences), expected)

    def loss() -> tuple[float, float]:
        """Return sum and mean of the loss of the blend with the network as it is now."""
        loss = judged(start).blend().loss
        return loss, loss / len(split.held_out)

    def so_far(net: NeuralNet) -> Attributes:
        """Return what the fit leaves if the training ends now."""
        network = start.trained_so_far()
        logits = judged(network) if is_judged else held_out
        return dict(ended(network, logits, epoch_rows(net)).attributes)

    net = train(
        start,
        learned,
        configuration,
        max_epochs=plan.max_epochs,
        batch_size=plan.batch_size,
        rng=rng,
        callbacks=_callbacks(
            split, configuration, plan, progress=progress, held_out_loss=loss, so_far=so_far
        ),
        held_out=split.held_out if configuration.early_stopping is True else None,
    )
    network = replace(start, is_trained=is_trained, net=net)
    return network, judged(network) if is_judged else held_out


def _callbacks(
    split: Split,
    configuration: Configuration,
    plan: TrainingPlan,
    *,
    progress: FitProgress,
    held_out_loss: Callable[[], tuple[float, float]],
    so_far: SoFar,
) -> list[Callback]:
    """Return what sets the learning rate, may end the training, counts, and writes the states."""
    updates_per_epoch = plan.updates_per_epoch(len(split.learned))
    schedule = Trapezoid(
        configuration.lr,
        plan.max_epochs * updates_per_epoch,
        updates_per_epoch,
        held_out_loss if plan.follows_loss else None,
        plan.updates_per_check,
    )
    callbacks: list[Callback] = [schedule]
    if configuration.early_stopping is True and plan.max_epochs:
        patience = configuration.n_iter_no_change
        callbacks.append(EarlyStopping(patience=patience, threshold=0, load_best=True, sink=noop))
    callbacks.append(NetworkProgress(progress, so_far, schedule))
    if configuration.checkpoint is not None:  # last: it sees what the others leave
        callbacks.append(Checkpoint(configuration.checkpoint, split.generator))
    return callbacks


@torch.inference_mode(mode=False)
def fit_network_one_epoch(
    samples: Samples,
    configuration: Configuration,
    rng: np.random.Generator,
    previous: Network | None,
) -> tuple[Network, Excerpt | None]:
    """Train a network for an epoch at a constant learning rate.

    Returns
    -------
    Network
    Excerpt or None
        What was trained, if it is an excerpt: the network needs `with_whole_tables` then.
    """
    batch_size = configuration.batch_size
    if isinstance(batch_size, str):
        batch_size = BATCH_SIZE_OF_PARTIAL_FIT
    generator, stored = torch_generator(rng), (previous and previous.optimizer_state) or {}
    is_same = stored.get("optimizer") == configuration.optimizer.__name__
    optimizer_state = stored["state"] if is_same else None
    excerpt = Excerpt.of(configuration, previous, samples.sequences, generator, optimizer_state)
    if excerpt is None:
        network = new_network(configuration, previous, samples.sequences, generator)
    else:
        network, optimizer_state = excerpt.network, excerpt.optimizer_state
    progress = FitProgress(
        {}, 1, math.ceil(len(samples) / batch_size), is_shown=configuration.verbose > 0
    )
    with workers(configuration.device, network.module.n_directions), progress:
        net = train(
            network,
            samples,
            configuration,
            max_epochs=1,
            batch_size=batch_size,
            rng=rng,
            callbacks=[NetworkProgress(progress)],
            optimizer_state=optimizer_state,
        )
    state = optimizer_state_of(net)
    return replace(network, is_trained=True, optimizer_state=state, net=net), excerpt
