"""The training of one network through skorch."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, PrintLog
from skorch.helper import predefined_split

from sklearn_lstm.compute import prefers_bfloat16
from sklearn_lstm.members.network.batches import LengthBatches, MicroBatchNet, SequenceDataset
from sklearn_lstm.members.network.history import EpochRecord, check_weights
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.sparse_embedding import SparseEmbedding
from sklearn_lstm.network.network import SequenceNetwork
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import TrainingSettings
from sklearn_lstm.training.duration import TrainingPlan
from sklearn_lstm.training.loss_and_optimizer import FUSED_STATE, optimizer_options
from sklearn_lstm.training.progress import NetworkProgress, print_above_bar

TOKEN_DROPOUT = 0.1  # share of the tokens that training reads as the unknown one, to learn it
LARGEST_GRADIENT = 1.0  # norm; larger ones are scaled down to it


def make_net(module: SequenceNetwork, settings: TrainingSettings, **options: Any) -> MicroBatchNet:
    """Return a skorch net with the network and a fresh optimiser."""
    optimizer_arguments = optimizer_options(settings.optimizer, settings.weight_decay)
    net = MicroBatchNet(
        module,
        criterion=settings.loss,
        optimizer=settings.optimizer,
        lr=settings.lr,
        **{f"optimizer__{name}": value for name, value in optimizer_arguments.items()},
        device=str(settings.device),
        classes=list(range(module.architecture["n_outputs"])),
        predict_nonlinearity=settings.loss.probabilities,
        callbacks__valid_acc=None,
        iterator_valid=LengthBatches,
        **{"iterator_train": LengthBatches, "train_split": None, "verbose": 0} | options,
    )
    net.initialize()
    return net


def train(
    network: Network,
    samples: Samples,
    settings: TrainingSettings,
    plan: TrainingPlan,
    *,
    rng: np.random.Generator,
    callbacks: Sequence[Any],
    held_out: Samples | None = None,
) -> MicroBatchNet:
    """Train a network in place, and return the skorch net that did it.

    Training ends early if one of the callbacks says that it `has_stopped`. They come after the
    user's. The loss of `held_out` is computed after each epoch.

    Raises
    ------
    NonFiniteTrainingError
        If the loss or a weight is no longer finite.
    """
    module = network.module
    is_trained = [weight.requires_grad for weight in module.parameters()]
    can_round = settings.precision == "auto" and prefers_bfloat16(settings.device)
    module.use_bfloat16 = module.tokens and can_round
    dataset = SequenceDataset(samples, network.encoding, TOKEN_DROPOUT * module.tokens)
    split = held_out and predefined_split(SequenceDataset(held_out, network.encoding))
    first = EpochRecord(), SparseEmbedding(), GradientNormClipping(LARGEST_GRADIENT)
    prints_rows = settings.verbose > 1
    with torch.enable_grad(), torch.autocast(settings.device.type, enabled=False):
        net = make_net(
            module,
            settings,
            max_epochs=plan.max_epochs,
            batch_size=plan.batch_size,
            iterator_train=partial(LengthBatches, rng=rng),
            train_split=split,
            callbacks=[*_named(first), *settings.callbacks, *_named(callbacks)],
            verbose=int(prints_rows),
            # Else it would lay rows out for nobody, and print them if `print` is replaced.
            callbacks__print_log=PrintLog(sink=print_above_bar) if prints_rows else None,
        )
        optimizer_state = network.optimizer_state_for(settings.optimizer)
        if optimizer_state is not None:
            _restore(net.optimizer_, optimizer_state)
        module.generator = torch_generator(rng, net.device)
        net.notify("on_train_begin", X=dataset, y=None)
        _run_epochs(net, dataset, callbacks)
        module.generator = None
        net.notify("on_train_end", X=dataset, y=None)
    check_weights(net)
    for weight, is_trained_again in zip(module.parameters(), is_trained, strict=True):
        weight.requires_grad_(is_trained_again)  # a Freezer counts for this training alone
    module.eval()
    net.train_split = None  # it would keep the held-out samples alive
    return net


def torch_generator(rng: np.random.Generator, device: str = "cpu") -> torch.Generator:
    """Return a generator of torch, so that numbers are drawn without any global random state."""
    return torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))


def _named(callbacks: Sequence[Callback]) -> list[tuple[str, Callback]]:
    """Give callbacks of ours names that the user's do not have."""
    return [(f"sklearn_lstm_{type(callback).__name__}", callback) for callback in callbacks]


def _run_epochs(net: MicroBatchNet, dataset: SequenceDataset, callbacks: Sequence[Any]) -> None:
    """Train for all epochs, or until a callback ends the training."""
    try:
        while len(net.history) < net.max_epochs and not any(map(_has_stopped, callbacks)):
            net.fit_loop(dataset, epochs=1)
    except KeyboardInterrupt:  # skorch's early stopping raises it, and so does a user
        if not any(map(_has_stopped, dict(net.callbacks_).values())):
            raise
        for callback in dict(net.callbacks_).values():  # those after it see the epoch end too
            if isinstance(callback, NetworkProgress | PrintLog):
                callback.on_epoch_end(net)


def _has_stopped(callback: Any) -> bool:
    if isinstance(callback, EarlyStopping):
        return bool(callback.misses_ == callback.patience)
    return getattr(callback, "has_stopped", False)


def optimizer_state_of(net: MicroBatchNet) -> dict[str, Any]:
    """Return what the optimiser of a net has gathered so far."""
    optimizer = net.optimizer_
    return {"optimizer": type(optimizer).__name__, "state": optimizer.state_dict()["state"]}


def _restore(optimizer: torch.optim.Optimizer, optimizer_state: Mapping[int, Any]) -> None:
    """Go on with what an optimiser of the same class has gathered about each weight."""
    state = {
        index: {name: _copy(value) for name, value in values.items()}
        for index, values in optimizer_state.items()
    }
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    for weight, values in optimizer.state.items():
        for name in FUSED_STATE & values.keys():
            if getattr(values[name], "shape", weight.shape) != weight.shape:
                raise ValueError(
                    f"The state {name} of the optimiser has the shape {list(values[name].shape)}, "
                    f"but its weight {list(weight.shape)}: the stored model is damaged."
                )


def _copy(value: Any) -> Any:
    """Return a copy of an entry of the optimiser state; a stored one is an array."""
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else deepcopy(value)
