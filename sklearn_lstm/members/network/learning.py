"""How a network learns: a whole training, or an epoch of `partial_fit`."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop

from sklearn_lstm.compute import workers
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.members.member import BATCH_SIZE_OF_PARTIAL_FIT
from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.members.network.loop import (
    optimizer_state_of,
    torch_generator,
    train,
)
from sklearn_lstm.members.network.loss_and_optimizer import loss_of_guessing
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.network_member import Encoding
from sklearn_lstm.members.network.schedule_and_end import (
    MOST_CHECKS,
    BlendLoss,
    HeldOutChecks,
    NetworkProgress,
    Trapezoid,
)
from sklearn_lstm.members.network.sequence_network import SequenceNetwork
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import TrainingPlan, steps_per_frame
from sklearn_lstm.training.held_out import Split


def train_network(
    split: Split,
    settings: Configuration,
    plan: TrainingPlan,
    loss: BlendLoss,
    progress: FitProgress,
) -> Network:
    """Return a network that was trained; the loss of the blend may end the training."""
    rng, learned = split.generator, split.learned
    is_trained, ends_early = plan.max_epochs > 0, settings.early_stopping is True
    generator = torch_generator(rng)
    network = new_network(settings, learned, generator, targets=learned.targets.values)
    n_updates = plan.updates_per_epoch(len(learned))
    most = plan.max_epochs * n_updates
    # The held-out loss mostly ends a training in the first half of its updates.
    usual = most // 2 if plan.follows_loss else most
    schedule = Trapezoid(settings.lr, most, n_updates, usual)
    interval = max(plan.updates_per_check, most // MOST_CHECKS)
    guessing = loss_of_guessing(learned.targets)
    checks = HeldOutChecks(loss, network, schedule, interval, guessing, plan.follows_loss)
    callbacks: list[Callback] = [schedule]
    # When training ends, or which tokens are dropped.
    decides = plan.follows_loss or network.module.architecture.tokens
    if decides and loss.can_judge and is_trained and not ends_early:
        callbacks.append(checks)
    if ends_early and is_trained:
        patience = settings.n_iter_no_change
        callbacks.append(EarlyStopping(patience=patience, threshold=0, load_best=True, sink=noop))
    callbacks.append(NetworkProgress(progress, schedule))
    watched = split.held_out if ends_early and is_trained else None
    net = train(network, learned, settings, plan, rng=rng, callbacks=callbacks, held_out=watched)
    return replace(network, is_trained=is_trained, net=net, has_learned=checks.has_learned)


def train_one_epoch(
    samples: Samples,
    settings: Configuration,
    rng: np.random.Generator,
    previous: Network | None,
    progress: FitProgress,
) -> Network:
    """Return a network that was trained for an epoch more, at a constant learning rate."""
    batch_size = settings.batch_size
    if isinstance(batch_size, str):
        batch_size = BATCH_SIZE_OF_PARTIAL_FIT
    plan = TrainingPlan(batch_size, 1, follows_loss=False, updates_per_check=1, n_held_out=0)
    generator = torch_generator(rng)
    if previous is None or not previous.is_trained:
        network = new_network(settings, samples, generator, previous=previous)
    else:
        network = previous.extended(samples.sequences, settings.vectors, generator)
    n_directions = network.module.architecture.n_directions
    n_updates = plan.updates_per_epoch(len(samples))
    with workers(settings.device, n_directions), progress.planned({}, plan.max_epochs, n_updates):
        callbacks = [NetworkProgress(progress)]
        net = train(network, samples, settings, plan, rng=rng, callbacks=callbacks)
    state = optimizer_state_of(net)
    # What an earlier fit said of learning nothing holds no longer.
    return replace(network, is_trained=True, optimizer_state=state, net=net, has_learned=True)


def new_network(
    settings: Configuration,
    samples: Samples,
    generator: torch.Generator,
    *,
    previous: Network | None = None,
    targets: NDArray[np.generic] | None = None,
) -> Network:
    """Return a network that reads these samples, ready to be trained.

    Targets are those that the encoding may depend on. Without them the level of a channel stays:
    nothing says whether it tells the class. Of a previous network, which was not trained, all else
    is kept.
    """
    encoding = new_encoding(settings, samples.sequences, previous, targets)
    if previous is None:
        own, architecture = settings.vectors, new_architecture(settings, samples, len(encoding))
    else:
        own = previous.vectors
        architecture = replace(previous.module.architecture, n_inputs=len(encoding))
    module = SequenceNetwork(architecture)
    # Weights that were not trained are drawn again, since a loaded network has none.
    module.draw_weights(generator)
    for vectors in (own, settings.vectors):
        if vectors is not None and len(vectors.ids):
            codes = torch.from_numpy(cast("TokenCodes", encoding)(vectors.ids))
            _, known = vectors(vectors.ids, None)
            module.embedding.weight.detach()[codes] = torch.from_numpy(known)
    return Network(encoding, own, module)


def new_encoding(
    settings: Configuration,
    sequences: Sequences,
    previous: Network | None,
    targets: NDArray[np.generic] | None,
) -> Encoding:
    """Return the encoding that reads these sequences; a previous one is extended."""
    known = None if previous is None else previous.encoding
    if settings.kind is MEASUREMENTS:
        return known or ChannelScaling.of(sequences, targets, normalize=settings.normalize)
    known_codes = cast("TokenCodes", known or TokenCodes.of(np.empty(0, np.int64)))
    return known_codes.extended(sequences, settings.ids_with_vectors)


def new_architecture(settings: Configuration, samples: Samples, n_inputs: int) -> Architecture:
    """Return what a network for these samples consists of."""
    names = {known.name for known in fields(Architecture)} & vars(settings).keys()
    architecture = Architecture(
        **{name: getattr(settings, name) for name in names},
        n_inputs=n_inputs,
        n_outputs=samples.targets.n_outputs,
        tokens=settings.kind is not MEASUREMENTS,
        steps_per_frame=steps_per_frame(samples.sequences, settings.kind),
    )
    if settings.embedding_dim != "auto":
        return architecture
    return replace(architecture, embedding_dim=min(128, int(16 * architecture.n_frame_inputs**0.5)))
