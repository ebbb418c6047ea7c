"""How a network learns: a whole training, or an epoch of `partial_fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import EarlyStopping
from skorch.utils import noop

from sklearn_lstm.blending import ExpectedFactor, HeldOutLogits
from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.compute import workers
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.members.member import BATCH_SIZE_OF_PARTIAL_FIT
from sklearn_lstm.members.network.loop import (
    optimizer_state_of,
    torch_generator,
    train,
)
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.network_member import Encoding
from sklearn_lstm.members.network.schedule_and_end import (
    MOST_CHECKS,
    HeldOutChecks,
    Losses,
    NetworkProgress,
    Trapezoid,
)
from sklearn_lstm.network.network import N_SUMMARIES, SequenceNetwork
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import TrainingPlan, steps_per_frame
from sklearn_lstm.training.held_out import Split
from sklearn_lstm.training.loss_and_optimizer import SampleLoss, loss_of_guessing, mean_loss


@dataclass(frozen=True)
class BlendLosses:
    """The losses of held-out samples, with a network as it is now.

    Parameters
    ----------
    network : Network
    known : HeldOutLogits
        What the other members say of the samples.
    sequences : Sequences
        Of the samples.
    loss : SampleLoss
    expected : ExpectedFactor
        Of the network in the blend.
    """

    network: Network
    known: HeldOutLogits
    sequences: Sequences
    loss: SampleLoss
    expected: ExpectedFactor

    def logits(self) -> HeldOutLogits:
        """Return what all members say of the samples."""
        logits = self.network.logits(self.sequences)
        return self.known.joined_by(self.network.name, logits, self.expected)

    def __call__(self) -> Losses:
        """Return the losses of the blend and of the network."""
        logits, targets = self.logits(), self.known.targets
        total = logits.blend().loss
        of_network = mean_loss(self.loss, logits.members[self.network.name][0], targets)
        return Losses(total, total / len(targets), of_network)


def fit_network(
    split: Split,
    configuration: Configuration,
    plan: TrainingPlan,
    held_out: HeldOutLogits,
    progress: FitProgress,
) -> tuple[Network, HeldOutLogits]:
    """Train a network; the loss of the blend may end the training.

    `held_out` are the logits of the members that were fitted before. What is returned beside the
    network are the logits of the network too, if the held-out samples can judge it.
    """
    settings, is_trained = configuration.training, plan.max_epochs > 0
    ends_early = is_trained and settings.early_stopping is True
    judges = bool(held_out.members) or bool(np.isnan(configuration.thresholds).any())
    expected = ExpectedFactor(configuration.kind.network_weight, deviation=1.0)
    rng, learned, n_updates = split.generator, split.learned, progress.updates_per_epoch
    values, generator = learned.targets.values, torch_generator(rng)
    start = new_network(configuration, None, learned.sequences, generator, values)

    losses = BlendLosses(start, held_out, split.held_out.sequences, settings.loss, expected)
    most = plan.max_epochs * n_updates
    # The held-out loss mostly ends a training in the first half of its updates.
    usual = most // 2 if plan.follows_loss else most
    schedule = Trapezoid(settings.lr, most, n_updates, usual)
    interval = max(plan.updates_per_check, most // MOST_CHECKS)
    guessing = loss_of_guessing(learned.targets)
    checks = HeldOutChecks(losses, schedule, interval, guessing, plan.follows_loss)
    callbacks: list[Any] = [schedule]
    decides = plan.follows_loss or start.module.tokens  # when training ends, or which are dropped
    if decides and held_out.members and len(split.held_out) and is_trained and not ends_early:
        callbacks.append(checks)
    if ends_early:
        patience = settings.n_iter_no_change
        callbacks.append(EarlyStopping(patience=patience, threshold=0, load_best=True, sink=noop))
    callbacks.append(NetworkProgress(progress, schedule))
    watched = split.held_out if ends_early else None
    net = train(start, learned, settings, plan, rng=rng, callbacks=callbacks, held_out=watched)
    network = replace(start, is_trained=is_trained, net=net, has_learned=checks.has_learned)
    return network, losses.logits() if judges and is_trained else held_out


@torch.inference_mode(mode=False)
def fit_network_one_epoch(
    samples: Samples,
    configuration: Configuration,
    rng: np.random.Generator,
    previous: Network | None,
) -> Network:
    """Return a network that was trained for an epoch more, at a constant learning rate."""
    settings = configuration.training
    batch_size = settings.batch_size
    if isinstance(batch_size, str):
        batch_size = BATCH_SIZE_OF_PARTIAL_FIT
    generator = torch_generator(rng)
    plan = TrainingPlan(batch_size, 1, follows_loss=False, updates_per_check=1, n_held_out=0)
    if previous is None or not previous.is_trained:
        network = new_network(configuration, previous, samples.sequences, generator)
    else:
        network = previous.extended(samples.sequences, configuration.vectors, generator)
    n_updates = plan.updates_per_epoch(len(samples))
    is_shown, task = settings.verbose > 0, CallbackTask()  # no callback is told of it
    progress = FitProgress({}, plan, n_updates, is_shown=is_shown, task=task)
    with workers(settings.device, network.module.n_directions), progress:
        callbacks = [NetworkProgress(progress)]
        net = train(network, samples, settings, plan, rng=rng, callbacks=callbacks)
    state = optimizer_state_of(net)
    known = replace(network, is_trained=True, optimizer_state=state, net=net)
    return replace(known, has_learned=True)  # what an earlier fit said holds no longer


def new_network(
    configuration: Configuration,
    previous: Network | None,
    sequences: Sequences,
    generator: torch.Generator,
    targets: NDArray[np.generic] | None = None,
) -> Network:
    """Return a network that reads these sequences, ready to be trained.

    Targets are those that the encoding may depend on. Without them the level of a channel stays:
    nothing says whether it tells the class.
    """
    known, own = (None, None) if previous is None else (previous.encoding, previous.vectors)
    encoding: Encoding
    if configuration.kind is MEASUREMENTS:
        encoding = known or ChannelScaling.of(sequences, targets, normalize=configuration.normalize)
    else:
        known_codes = cast("TokenCodes", known or TokenCodes(np.empty(0, np.int64)))
        encoding = known_codes.extended(sequences, configuration.ids_with_vectors)
    kind = configuration.kind
    tokens, size = kind is not MEASUREMENTS, steps_per_frame(sequences, kind)
    architecture: dict[str, Any] = {"tokens": tokens, "steps_per_frame": size}
    architecture |= configuration.architecture  # of a network before, all of it
    if architecture["embedding_dim"] == "auto":
        n_features = len(encoding) * (N_SUMMARIES if size > 1 else 1)
        architecture["embedding_dim"] = min(128, int(16 * n_features**0.5))
    module = SequenceNetwork(**architecture | {"n_inputs": len(encoding)})
    # Weights that were not trained are drawn again, since a loaded network has none.
    module.draw_weights(generator)
    for vectors in (own, configuration.vectors):
        if vectors is not None and len(vectors.ids):
            codes = cast("TokenCodes", encoding)(vectors.ids)
            _, known_vectors = vectors(vectors.ids, None)
            weight = module.embedding.weight.detach()
            weight[torch.from_numpy(codes)] = torch.from_numpy(known_vectors)
    return Network(encoding, configuration.vectors if previous is None else own, module)
