"""The training of one network through skorch: loop, learning rate, early stopping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler, PrintLog
from skorch.helper import predefined_split
from skorch.utils import noop
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from sklearn_lstm.compute.devices import prefers_bfloat16
from sklearn_lstm.data.batches import LengthBatches, SequenceDataset
from sklearn_lstm.data.sequences import Samples
from sklearn_lstm.members.network.history import EpochRecord, raise_not_finite
from sklearn_lstm.members.network.micro_batches import MicroBatchNet
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.schedule_and_end import Trapezoid
from sklearn_lstm.members.network.sparse_embedding import SparseEmbedding
from sklearn_lstm.network.network import SequenceNetwork
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import TrainingPlan
from sklearn_lstm.training.optimizers import FUSED_STATE, optimizer_options
from sklearn_lstm.training.progress import NetworkProgress, print_above_bar


def make_net(
    module: SequenceNetwork, configuration: Configuration, **options: Any
) -> MicroBatchNet:
    """Return a skorch net with the network and a fresh optimiser."""
    optimizer_arguments = optimizer_options(configuration.optimizer, configuration.weight_decay)
    net = MicroBatchNet(
        module,
        criterion=configuration.loss,
        optimizer=configuration.optimizer,
        lr=configuration.lr,
        **{f"optimizer__{name}": value for name, value in optimizer_arguments.items()},
        device=str(configuration.device),
        classes=list(range(module.architecture["n_outputs"])),
        predict_nonlinearity=configuration.probabilities,
        callbacks__valid_acc=None,
        iterator_valid=LengthBatches,
        **{"iterator_train": LengthBatches, "train_split": None, "verbose": 0} | options,
    )
    net.initialize()
    return net


def train(
    network: Network,
    samples: Samples,
    configuration: Configuration,
    plan: TrainingPlan,
    *,
    rng: np.random.Generator,
    held_out: Samples | None = None,
    held_out_loss: Callable[[], tuple[float, float]] | None = None,
    optimizer_state: Mapping[int, Any] | None = None,
    progress: NetworkProgress | None = None,
    checkpoint: Callback | None = None,
) -> MicroBatchNet:
    """Train a network in place, and return the skorch net that did it.

    The held-out samples are for early stopping; the held-out loss tells when training ends, if the
    plan follows it. With a `checkpoint`, the training may begin after some epochs.

    Raises
    ------
    NonFiniteTrainingError
        If the loss or a weight is no longer finite.
    """
    module = network.module
    can_round = configuration.precision == "auto" and prefers_bfloat16(configuration.device)
    module.use_bfloat16 = module.tokens and can_round
    dataset, split = SequenceDataset(samples, network.encoding, configuration.token_dropout), None
    if held_out is not None and configuration.early_stopping:
        split = predefined_split(SequenceDataset(held_out, network.encoding))
    callbacks = training_callbacks(
        configuration, plan, len(samples), held_out_loss, progress=progress, checkpoint=checkpoint
    )
    prints_rows = configuration.verbose > 1
    with torch.enable_grad(), torch.autocast(configuration.device.type, enabled=False):
        net = make_net(
            module,
            configuration,
            max_epochs=plan.max_epochs,
            batch_size=plan.batch_size,
            iterator_train=partial(LengthBatches, rng=rng),
            train_split=split,
            callbacks=callbacks,
            verbose=int(prints_rows),
            # Else it would lay rows out for nobody, and print them if `print` is replaced.
            callbacks__print_log=PrintLog(sink=print_above_bar) if prints_rows else None,
        )
        if optimizer_state is not None:
            _restore(net.optimizer_, optimizer_state)
        module.generator = torch_generator(rng, net.device)
        net.notify("on_train_begin", X=dataset, y=None)
        try:
            net.fit_loop(dataset, epochs=plan.max_epochs - len(net.history))
        except KeyboardInterrupt:  # skorch's early stopping raises it, and so does a user
            callbacks = list(dict(net.callbacks_).values())
            if not any(map(_has_stopped, callbacks)):
                raise
            # Those after what ended the training see the end of the epoch too.
            if progress is not None and not progress.has_stopped:
                progress.end_epoch(net)
            for callback in callbacks:
                if isinstance(callback, PrintLog):  # skorch puts them last
                    callback.on_epoch_end(net)
        module.generator = None
        net.notify("on_train_end", X=dataset, y=None)
    # The least and the largest are finite only if all are, and need no copy of a large table.
    ends = [end.item() for weight in module.parameters() for end in weight.detach().aminmax()]
    if not np.isfinite(ends).all():
        raise_not_finite("a weight of the network is not finite", net)
    module.eval()
    net.train_split = None  # it would keep the held-out samples alive
    return net


def torch_generator(rng: np.random.Generator, device: str = "cpu") -> torch.Generator:
    """Return a generator of torch, so that numbers are drawn without any global random state."""
    return torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))


def training_callbacks(
    configuration: Configuration,
    plan: TrainingPlan,
    n_samples: int,
    held_out_loss: Callable[[], tuple[float, float]] | None,
    *,
    progress: NetworkProgress | None,
    checkpoint: Callback | None,
) -> list[Any]:
    """Return the callbacks that the parameters of the classifier stand for, and the user's own.

    Those that may end the training come after the user's, which see each epoch to its end. The
    checkpoint comes last: it sees what the others leave.
    """
    updates_per_epoch = plan.updates_per_epoch(n_samples)
    n_updates = max(1, plan.max_epochs * updates_per_epoch)
    first: list[Callback] = [EpochRecord(), SparseEmbedding()]
    last: list[Callback] = []
    if configuration.gradient_clip is not None:
        first.append(GradientNormClipping(configuration.gradient_clip))
    if configuration.lr_schedule == "trapezoid":
        held_out_loss = held_out_loss if plan.follows_loss else None
        trapezoid = Trapezoid(
            configuration.lr, n_updates, updates_per_epoch, held_out_loss, plan.updates_per_check
        )
        last.append(trapezoid)
        if progress is not None:
            progress.schedule = trapezoid
    elif configuration.lr_schedule == "onecycle":
        shape = {"max_lr": configuration.lr, "total_steps": n_updates, "cycle_momentum": False}
        first.append(LRScheduler(OneCycleLR, step_every="batch", **shape))
    elif configuration.lr_schedule == "cosine":
        first.append(LRScheduler(CosineAnnealingLR, step_every="batch", T_max=n_updates))
    if configuration.early_stopping:
        stop = EarlyStopping(
            patience=configuration.n_iter_no_change,
            threshold=0,
            load_best=plan.max_epochs > 0,
            sink=noop,
        )
        last.append(stop)
    last += [callback for callback in (progress, checkpoint) if callback is not None]
    return [*_named(first), *configuration.callbacks, *_named(last)]


def _named(callbacks: list[Callback]) -> list[tuple[str, Callback]]:
    """Give callbacks of ours names that the user's do not have."""
    return [(f"sklearn_lstm_{type(callback).__name__}", callback) for callback in callbacks]


def _has_stopped(callback: Callback) -> bool:
    if isinstance(callback, Trapezoid | NetworkProgress):
        return callback.has_stopped
    return isinstance(callback, EarlyStopping) and bool(callback.misses_ == callback.patience)


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
