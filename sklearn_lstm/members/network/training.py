"""How a network learns: a whole training, or an epoch of `partial_fit`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, PrintLog
from skorch.helper import predefined_split
from skorch.utils import noop

from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.members.blending import ExpectedFactor, HeldOutLogits, Judged, fit_blend
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.member import BATCH_SIZE_OF_PARTIAL_FIT
from sklearn_lstm.members.network import callbacks, network_settings
from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.members.network.batches import LengthBatches, MicroBatchNet, SequenceDataset
from sklearn_lstm.members.network.devices import prefers_bfloat16
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.network_settings import NetworkSettings
from sklearn_lstm.members.network.sequence_network import SequenceNetwork
from sklearn_lstm.members.settings import TrainingPlan, steps_per_frame
from sklearn_lstm.progress import ProgressBar, print_above_bar
from sklearn_lstm.targets.targets import Samples
from sklearn_lstm.threads import workers

TOKEN_DROPOUT = 0.1  # share of the tokens that training reads as the unknown one, to learn it
PATIENCE = 5  # epochs without a lower loss until `early_stopping=True` ends the training
# Of the logarithm of the factor of a network alone; and of that beside linear models, which is
# expected to be such a share of the first.
DEVIATION_ALONE, DEVIATION_BESIDE, EXPECTED_SHARE = 0.5, 0.7, 0.2
LARGEST_GRADIENT = 1.0  # norm; larger ones are scaled down to it


@dataclass(frozen=True)
class BlendLoss:
    """The loss of held-out samples by the blend of other members with a network.

    Parameters
    ----------
    held_out : HeldOutLogits
        The logits of the other members.
    samples : Samples
        Those held out.
    settings : NetworkSettings
    """

    held_out: HeldOutLogits
    samples: Samples
    settings: NetworkSettings = field(repr=False)

    def joined_by(self, network: Network) -> HeldOutLogits:
        """Return the logits of all members, also of the network.

        It is expected to count a share of the factor that its logits need alone: a network is often
        too sure of itself. This factor is at most 1: that held-out samples are all predicted well
        is no reason to make logits larger.
        """
        logits, known = network.logits(self.samples.sequences), self.held_out
        expected_alone = ExpectedFactor(self.settings.kind.network_factor, DEVIATION_ALONE)
        found = fit_blend([Judged(logits, expected_alone)], known.targets, known.prior)
        alone = min(1.0, found.factors.item())
        expected = ExpectedFactor(EXPECTED_SHARE * alone, DEVIATION_BESIDE)
        return known.joined_by(network.name, Judged(logits, expected))

    def __call__(self, network: Network) -> callbacks.Losses:
        """Return the losses with a network as it is now."""
        joined, targets = self.joined_by(network), self.samples.targets
        total, logits = joined.blend.loss, joined.members[network.name].logits
        of_network = network_settings.mean_loss(self.settings.loss, logits, targets)
        return callbacks.Losses(total, total / len(targets), of_network)


def train_network(
    split: Split, plan: TrainingPlan, loss: BlendLoss, progress: ProgressBar
) -> Network:
    """Return a network that was trained; the loss of the blend may end the training."""
    settings, rng, learned = loss.settings, split.generator, split.learned
    n_epochs, batch_size = plan.max_epochs, plan.batch_size
    is_trained = n_epochs > 0
    ends_early = is_trained and settings.early_stopping is True
    generator = torch_generator(rng)
    network = new_network(settings, learned, generator, targets=learned.targets.values)
    n_updates = math.ceil(len(learned) / batch_size)  # of an epoch
    most = n_epochs * n_updates
    # The held-out loss mostly ends a training in the first half of its updates.
    usual = most // 2 if plan.follows_loss else most
    schedule = callbacks.Trapezoid(settings.lr, most, n_updates, usual, progress.limit)
    interval = max(plan.updates_per_check, most // callbacks.MOST_CHECKS)
    guessing = network_settings.loss_of_guessing(learned.targets)
    checks = callbacks.HeldOutChecks(loss, network, schedule, interval, guessing, plan.follows_loss)
    ours: list[Callback] = [schedule]
    # When training ends, or which tokens are dropped.
    decides = plan.follows_loss or network.module.architecture.tokens
    can_judge = loss.held_out.members and len(loss.samples)
    if decides and can_judge and is_trained and not ends_early:
        ours.append(checks)
    if ends_early and not settings.has_early_stopping:
        ours.append(EarlyStopping(patience=PATIENCE, threshold=0, load_best=True, sink=noop))
    ours.append(callbacks.NetworkProgress(progress, n_updates, schedule))
    watched = split.held_out if ends_early else None
    batches = partial(LengthBatches, batch_size=batch_size, rng=rng, limit=progress.limit)
    net = train(network, learned, settings, batches, n_epochs=n_epochs, ours=ours, held_out=watched)
    return replace(network, is_trained=is_trained, net=net)


def train_one_epoch(
    samples: Samples, settings: NetworkSettings, rng: np.random.Generator, previous: Network | None
) -> Network:
    """Return a network that was trained for an epoch more, at a constant learning rate."""
    batch_size = settings.batch_size
    if isinstance(batch_size, str):
        batch_size = BATCH_SIZE_OF_PARTIAL_FIT
    generator = torch_generator(rng)
    if previous is None or not previous.is_trained:
        network = new_network(settings, samples, generator, previous=previous)
    else:
        network = previous.extended(samples.sequences, settings.vectors, generator)
    n_directions = network.module.architecture.n_directions
    progress = ProgressBar(is_shown=settings.verbose > 0)
    with workers(settings.device, n_directions), progress:
        ours = [callbacks.NetworkProgress(progress, math.ceil(len(samples) / batch_size))]
        batches = partial(LengthBatches, batch_size=batch_size, rng=rng)
        net = train(network, samples, settings, batches, n_epochs=1, ours=ours)
    gathered = net.optimizer_.state_dict()["state"]
    state = {"optimizer": settings.optimizer.__name__, "state": gathered}
    return replace(network, is_trained=True, optimizer_state=state, net=net)


def train(
    network: Network,
    samples: Samples,
    settings: NetworkSettings,
    batches: partial[LengthBatches],
    *,
    n_epochs: int,
    ours: Iterable[Callback],
    held_out: Samples | None = None,
) -> MicroBatchNet:
    """Train a network in place, and return the skorch net that did it.

    Training ends early if one of the callbacks says that the net `has_stopped`. `ours` come after
    the user's. The loss of `held_out` is computed after each epoch.

    Raises
    ------
    NonFiniteTrainingError
        If the loss or a weight is no longer finite.
    """
    module = network.module
    is_trained = [weight.requires_grad for weight in module.parameters()]
    tokens, may_round = module.architecture.tokens, settings.precision == "auto"
    module.use_bfloat16 = tokens and may_round and prefers_bfloat16(settings.device)
    dataset = SequenceDataset(samples, network.encoding, TOKEN_DROPOUT * tokens)
    clipping = GradientNormClipping(LARGEST_GRADIENT)
    first = callbacks.EpochRecord(), callbacks.SparseEmbedding(), clipping
    with torch.enable_grad(), torch.autocast(settings.device.type, enabled=False):
        net = make_net(
            module,
            settings,
            max_epochs=n_epochs,
            batch_size=batches.keywords["batch_size"],
            iterator_train=batches,
            train_split=held_out and predefined_split(SequenceDataset(held_out, network.encoding)),
            callbacks=[*_named(first), *settings.callbacks, *_named(ours)],
            verbose=int(settings.verbose > 1),
            # Else it would lay rows out for nobody, and print them if `print` is replaced.
            callbacks__print_log=PrintLog(sink=print_above_bar) if settings.verbose > 1 else None,
        )
        gathered = network.optimizer_state or {}
        if gathered.get("optimizer") == settings.optimizer.__name__:
            _restore(net.optimizer_, gathered["state"])
        module.generator = torch_generator(batches.keywords["rng"], net.device)
        net.notify("on_train_begin", X=dataset, y=None)
        while len(net.history) < net.max_epochs and not net.has_stopped:
            net.fit_loop(dataset, epochs=1)
        module.generator = None
        net.notify("on_train_end", X=dataset, y=None)
    callbacks.check_weights(net)
    for weight, is_trained_again in zip(module.parameters(), is_trained, strict=True):
        weight.requires_grad_(is_trained_again)  # a Freezer counts for this training alone
    module.eval()
    # Else our callbacks would keep all samples alive, or a second copy of the weights.
    net.callbacks, net.train_split = [*settings.callbacks], None
    net.callbacks_ = [pair for pair in net.callbacks_ if not pair[0].startswith("sklearn_lstm_")]
    return net


def torch_generator(rng: np.random.Generator, device: str = "cpu") -> torch.Generator:
    """Return a generator of torch, so that numbers are drawn without any global random state."""
    return torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))


def make_net(module: SequenceNetwork, settings: NetworkSettings, **options: Any) -> MicroBatchNet:
    """Return a skorch net with the network and a fresh optimiser."""
    given = network_settings.optimizer_options(settings.optimizer, settings.weight_decay)
    net = MicroBatchNet(
        module,
        criterion=settings.loss,
        optimizer=settings.optimizer,
        lr=settings.lr,
        **{f"optimizer__{name}": value for name, value in given.items()},
        device=str(settings.device),
        classes=list(range(module.architecture.n_outputs)),
        predict_nonlinearity=settings.loss.probabilities,
        callbacks__valid_acc=None,
        iterator_valid=LengthBatches,
        **{"iterator_train": LengthBatches, "train_split": None, "verbose": 0} | options,
    )
    net.initialize()
    return net


def _named(ours: Iterable[Callback]) -> list[tuple[str, Callback]]:
    """Give callbacks of ours names that the user's do not have."""
    return [(f"sklearn_lstm_{type(callback).__name__}", callback) for callback in ours]


def _restore(optimizer: torch.optim.Optimizer, optimizer_state: Mapping[int, Any]) -> None:
    """Go on with what an optimiser of the same class has gathered about each weight."""
    optimizer.load_state_dict(optimizer.state_dict() | {"state": optimizer_state})
    for weight, values in optimizer.state.items():
        for name in network_settings.FUSED_STATE & values.keys():
            if getattr(values[name], "shape", weight.shape) != weight.shape:
                raise ValueError(
                    f"The state {name} of the optimiser has the shape {list(values[name].shape)}, "
                    f"but its weight {list(weight.shape)}: the stored model is damaged."
                )


def new_network(
    settings: NetworkSettings,
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
    sequences, given = samples.sequences, settings.vectors
    encoding = None if previous is None else previous.encoding
    if settings.kind is not MEASUREMENTS:
        known_codes = cast("TokenCodes", encoding or TokenCodes(np.empty(0, np.int64)))
        further = np.empty(0, np.int64) if given is None else given.ids
        encoding = known_codes.extended(sequences, further)
    elif encoding is None:
        encoding = ChannelScaling.of(sequences, targets, normalize=settings.normalize)
    if previous is None:
        own, architecture = given, new_architecture(settings, samples, len(encoding))
    else:
        own = previous.vectors
        architecture = replace(previous.module.architecture, n_inputs=len(encoding))
    module = SequenceNetwork(architecture)
    # Weights that were not trained are drawn again, since a loaded network has none.
    module.draw_weights(generator)
    for vectors in (own, given):
        if vectors is not None and len(vectors.ids):
            codes = torch.from_numpy(cast("TokenCodes", encoding)(vectors.ids))
            module.embedding.weight.detach()[codes] = torch.from_numpy(vectors.vectors)
    return Network(encoding, own, module)


def new_architecture(settings: NetworkSettings, samples: Samples, n_inputs: int) -> Architecture:
    """Return what a network for these samples consists of."""
    architecture = Architecture(
        **settings.architecture,
        n_inputs=n_inputs,
        n_outputs=samples.targets.n_outputs,
        tokens=settings.kind is not MEASUREMENTS,
        steps_per_frame=steps_per_frame(samples.sequences, settings.kind),
    )
    if settings.architecture["embedding_dim"] != "auto":
        return architecture
    return replace(architecture, embedding_dim=min(128, int(16 * architecture.n_frame_inputs**0.5)))
