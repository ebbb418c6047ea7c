"""The training of a network through skorch: length, schedule, early stopping, history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
)
from skorch.helper import predefined_split
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from sklearn_lstm import devices
from sklearn_lstm.batches import LengthBatches, SequenceDataset
from sklearn_lstm.network import SequenceNetwork
from sklearn_lstm.parallel import shared_directions, stop_if_abandoned
from sklearn_lstm.sequences import Rows, Sequences
from sklearn_lstm.steps import PartwiseNet, RowUpdates

SCHEDULES = ("onecycle", "cosine", "constant")


def batch_size_for(n_samples: int) -> int:
    """Give the batch size that "auto" stands for: 20 steps in an epoch, at most 64 rows."""
    return min(max(n_samples // 20, 1), 64)


def max_epochs_for(n_samples: int, work: int, batch_size: int, *, are_letters: bool) -> int:
    """Give the epochs that "auto" stands for.

    As many as make 1,500 steps of the optimiser, which small data need (100 at most, and no more
    than 10 million units of work), and 12 at least, or 30 over letters: what is made of few symbols
    is not known by heart so soon. Large data get fewer, down to four, where those would be over 50
    million.
    """
    least = 30 if are_letters else 12
    enough = min(100, round(1500 * batch_size / n_samples), 10_000_000 // work)
    affordable = max(4, min(least, 50_000_000 // work))
    return max(enough, affordable)


def work_of(sequences: Sequences) -> int:
    """Give the work of an epoch: a token is one unit; a measurement two, being read in float32."""
    return int(sequences.lengths.sum()) * (1 if sequences.n_channels is None else 2)


def plan(sequences: Sequences, batch_size: int | str, max_epochs: int | str) -> tuple[int, int]:
    """Give the batch size and the number of epochs, "auto" or not."""
    if isinstance(batch_size, str):
        batch_size = batch_size_for(len(sequences))
    if isinstance(max_epochs, str):
        max_epochs = max_epochs_for(
            len(sequences),
            work_of(sequences),
            batch_size,
            are_letters=sequences.are_letters,
        )
    return batch_size, max_epochs


def hold_out(codes: NDArray[Any], fraction: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Split the samples into training and validation rows, class by class.

    One sample of each class stays in training.

    Raises
    ------
    ValueError
        If that leaves nothing to validate on.
    """
    n_samples = len(codes)
    classes = codes if codes.ndim == 1 else np.zeros(n_samples)
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


class EpochRecord(Callback):  # type: ignore[misc]
    """Note learning rate, tokens and padding of each epoch; stop at a loss that is not finite."""

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Start to count."""
        self.n_tokens = self.n_cells = 0

    def on_batch_end(
        self,
        net: NeuralNet,
        batch: Any = None,
        *,
        training: bool = False,
        n_cells: int = 0,
        **_: Any,
    ) -> None:
        """Count the batch, and look at its loss."""
        stop_if_abandoned()
        if not training:
            return
        inputs, _target = batch
        self.n_tokens += int(inputs["lengths"].sum())
        self.n_cells += n_cells
        loss = net.history[-1]["batches"][-1]["train_loss"]
        if not np.isfinite(loss):
            raise_not_finite(f"the loss is {loss}", net)

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """Write the counts into the row of the epoch."""
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])
        net.history.record("tokens", self.n_tokens)
        net.history.record("padding", 1 - self.n_tokens / self.n_cells)


def raise_not_finite(found: str, net: NeuralNet) -> None:
    """Stop the training, and say where it broke and what to try."""
    row = net.history[-1]
    raise ValueError(
        f"Training stopped: {found} in epoch {row['epoch']}, batch {len(row['batches'])} "
        f"(lr={net.optimizer_.param_groups[0]['lr']:g}). Try a smaller lr, gradient_clip=1, "
        "normalize=True, or precision='float32', and look for extreme values in X."
    )


def make_net(
    network: SequenceNetwork,
    *,
    criterion: nn.Module,
    optimizer: type[torch.optim.Optimizer],
    lr: float,
    weight_decay: float,
    device: torch.device,
    precision: str,
    **options: Any,
) -> NeuralNet:
    """Put a network into a skorch net with a fresh optimiser, and choose its arithmetic."""
    auto = precision == "auto" and network.tokens and devices.prefers_bfloat16(device)
    network.use_bfloat16 = auto or precision == "bfloat16"
    accepted = signature(optimizer).parameters
    fused = {"optimizer__fused": True} if "fused" in accepted else {}
    return PartwiseNet(
        network,
        criterion,
        optimizer=optimizer,
        lr=lr,
        optimizer__weight_decay=weight_decay,
        **fused,
        device=str(device),
        **{"train_split": None, "verbose": 0} | options,
    ).initialize()


def train(
    network: SequenceNetwork,
    dataset: SequenceDataset,
    validation: SequenceDataset | None,
    *,
    rng: np.random.Generator,
    batch_size: int | str,
    max_epochs: int | str,
    lr: float,
    lr_schedule: str,
    gradient_clip: float | None,
    n_iter_no_change: int,
    callbacks: Sequence[Any] | None,
    verbose: int,
    progress: Mapping[str, Any] | None = None,
    **net_options: Any,
) -> NeuralNet:
    """Train a network in place, and give it within its skorch net.

    Raises
    ------
    ValueError
        If the loss or a weight is no longer finite.
    """
    batch_size, max_epochs = plan(dataset.samples.sequences, batch_size, max_epochs)
    rules = _rules(
        lr=lr,
        lr_schedule=lr_schedule,
        n_steps=max_epochs * math.ceil(len(dataset) / batch_size),
        gradient_clip=gradient_clip,
        patience=None if validation is None else n_iter_no_change,
        verbose=verbose,
    )
    net = make_net(
        network,
        lr=lr,
        max_epochs=max_epochs,
        batch_size=batch_size,
        iterator_train=partial(LengthBatches, rng=rng),
        iterator_valid=LengthBatches,
        train_split=None if validation is None else predefined_split(validation),
        callbacks=[*rules, *_copies(callbacks or ())],
        verbose=verbose,
        **net_options,
    )
    if progress is not None:
        _resume(net.optimizer_, progress)
    network.generator = torch.Generator(net.device).manual_seed(int(rng.integers(1 << 62)))
    net.notify("on_train_begin", X=dataset, y=None)
    try:
        with shared_directions(net.device, network.n_directions):
            net.fit_loop(dataset)
    except KeyboardInterrupt:  # so skorch stops early, and so does a user
        if not any(map(_has_stopped, dict(net.callbacks_).values())):
            raise
    network.generator = None
    net.notify("on_train_end", X=dataset, y=None)
    if not all(bool(torch.isfinite(weight).all()) for weight in network.parameters()):
        raise_not_finite("a weight of the network is not finite", net)
    network.eval()
    return net


def _rules(
    *,
    lr: float,
    lr_schedule: str,
    n_steps: int,
    gradient_clip: float | None,
    patience: int | None,
    verbose: int,
) -> list[tuple[str, Callback]]:
    """Give the callbacks that the parameters of the estimator stand for."""
    rules: list[tuple[str, Callback]] = [("record", EpochRecord()), ("rows", RowUpdates())]
    if gradient_clip is not None:
        rules.append(("clip", GradientNormClipping(gradient_clip)))
    if lr_schedule == "onecycle":
        shape = {"max_lr": lr, "total_steps": n_steps, "cycle_momentum": False}
        rules.append(("schedule", LRScheduler(OneCycleLR, step_every="batch", **shape)))
    elif lr_schedule == "cosine":
        rules.append(
            ("schedule", LRScheduler(CosineAnnealingLR, step_every="batch", T_max=n_steps))
        )
    if patience is not None:
        stop = EarlyStopping(patience=patience, threshold=0, load_best=True, sink=_silent)
        rules.append(("early_stopping", stop))
    if verbose:
        rules.append(("progress", ProgressBar()))
    return rules


def _copies(callbacks: Sequence[Any]) -> list[Any]:
    """Copy the user's callbacks, which training changes."""
    for callback in callbacks:
        if not isinstance(callback[1] if isinstance(callback, tuple) else callback, Callback):
            raise ValueError(f"callbacks holds {callback!r}, which is not a callback of skorch.")
    return deepcopy(list(callbacks))


def _has_stopped(callback: Callback) -> bool:
    return isinstance(callback, EarlyStopping) and bool(callback.misses_ == callback.patience)


def _silent(_: str) -> None:
    """Print nothing."""


def gather_progress(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Give what an optimiser has gathered so far."""
    return {"class": type(optimizer).__name__, "state": optimizer.state_dict()["state"]}


def _resume(optimizer: torch.optim.Optimizer, progress: Mapping[str, Any]) -> None:
    """Go on with what an optimiser of the same class has gathered.

    Weights may have got more rows since.
    """
    if progress["class"] != type(optimizer).__name__:
        return
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    grown = deepcopy(dict(progress["state"]))
    for index, values in grown.items():
        for name, value in values.items():
            missing = len(weights[index]) - len(value) if getattr(value, "ndim", 0) else 0
            if missing:
                values[name] = torch.cat([value, value.new_zeros(missing, *value.shape[1:])])
    optimizer.load_state_dict(optimizer.state_dict() | {"state": grown})


def epoch_rows(net: NeuralNet) -> list[dict[str, Any]]:
    """Give what each epoch was like, a row for each epoch that was finished."""
    return [
        {
            "train_loss": row["train_loss"],
            "valid_loss": row.get("valid_loss"),
            "lr": row["lr"],
            "seconds": row["dur"],
            "tokens_per_second": row["tokens"] / row["dur"],
            "padding": row["padding"],
        }
        for row in net.history
        if "dur" in row and "train_loss" in row and "padding" in row
    ]
