"""What is done during a training, as callbacks of skorch.

The optimiser sees few rows of a large table; each epoch is recorded; the learning rate goes up,
stays, and goes down ("trapezoid"); the loss of held-out samples, or scikit-learn's callbacks, may
end the training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from skorch import NeuralNet
from torch import nn

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.encoding.token_codes import PADDING_CODE
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.members.network.batches import TrainingCallback
from sklearn_lstm.members.network.network import Network, has_rows_of
from sklearn_lstm.members.network.network_member import EpochRow
from sklearn_lstm.members.settings import UPDATES_PER_EPOCH
from sklearn_lstm.progress import UNLIMITED, ProgressBar, TimeLimit
from sklearn_lstm.sklearn_internals import begin_epoch, end_epoch

WARM_UP = 0.05  # share of the updates; at most as many as an epoch has by default
DECAY = 1 / 3  # share of the updates
LAST_SHARE_OF_TIME = 0.2  # of a training with a limit of seconds: the rate goes down
MOST_CHECKS, CHECKS_WITHOUT_PROGRESS = 40, 3  # in all, and in a row until training ends
LARGEST_LEARNED = 0.95  # of the loss of guessing; above it, a network has learned nothing
LEAST_PROGRESS = 2.0  # nats: the held-out samples become e^2 times as likely


class SparseEmbedding(TrainingCallback):
    """Let the optimiser see only those rows of the embedding table that the batch reads.

    A vocabulary of 100,000 tokens has 13 million weights, of which a batch needs some hundred rows.
    For one update the weight and its optimiser state are replaced by these rows, and the batch
    counts them from 0: any optimiser of torch works on this small weight.
    """

    def on_train_begin(self, net: NeuralNet, **_: object) -> None:
        """Find the table."""
        self.embedding: Any = getattr(net.module_, "embedding", None)
        self.table: nn.Parameter | None = None
        if self.embedding is not None:
            net.optimizer_.register_step_post_hook(self._write_back)

    def on_batch_begin(self, net: NeuralNet, batch: Any = None, **_: object) -> None:
        """Replace the table by the rows of the batch, and recode the batch."""
        if self.embedding is None or not self.embedding.weight.requires_grad:
            return
        sequences, _targets = batch
        self.table = table = self.embedding.weight
        codes = torch.cat([sequences.steps.new_tensor([PADDING_CODE]), sequences.steps])
        codes, places = torch.unique(codes, return_inverse=True)
        sequences.steps = places[1:]
        self.codes = codes.to(table.device)
        rows = nn.Parameter(table.data.index_select(0, self.codes))
        net.optimizer_.state[rows] = {
            name: value.index_select(0, self.codes) if has_rows_of(value, table) else value
            for name, value in net.optimizer_.state[table].items()
        }
        self._put(net.optimizer_, rows)

    def _write_back(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        """Write the rows, and the optimiser state about them, back into the table."""
        if self.table is None:
            return
        rows, state = self.embedding.weight, optimizer.state[self.table]
        for name, value in optimizer.state.pop(rows).items():
            if not has_rows_of(value, rows):
                state[name] = value
                continue
            if name not in state:  # the initial state, which padding still has: its gradient is 0
                state[name] = value[PADDING_CODE].repeat(len(self.table), *[1] * (value.ndim - 1))
            state[name].index_copy_(0, self.codes, value)
        self.table.data.index_copy_(0, self.codes, rows.data)
        self._put(optimizer, self.table)
        self.table = None

    def _put(self, optimizer: torch.optim.Optimizer, weight: nn.Parameter) -> None:
        """Make this the weight of the embedding, for the optimiser too."""
        old, self.embedding.weight = self.embedding.weight, weight
        for group in optimizer.param_groups:
            group["params"] = [weight if one is old else one for one in group["params"]]


class EpochRecord(TrainingCallback):
    """Record learning rate, steps and padding of each epoch; stop at a loss that is not finite."""

    def on_epoch_begin(self, *_: object, **__: object) -> None:
        """Start to count."""
        self.n_steps = self.n_padded_steps = 0

    def on_batch_end(self, net: NeuralNet, batch: Any = None, **step: Any) -> None:
        """Count the batch, and check its loss."""
        sequences, _targets = batch
        self.n_steps += int(sequences.lengths.sum())
        self.n_padded_steps += step["n_padded_steps"]
        loss = net.history[-1]["batches"][-1]["train_loss"]
        if not np.isfinite(loss):
            is_finite = step["is_finite"].cpu().numpy()
            rows = sequences.rows[is_finite.all() | ~is_finite]  # of their sum, all
            raise_not_finite(f"the loss is {loss}", net, rows)

    def on_epoch_end(self, net: NeuralNet, **_: object) -> None:
        """Write the counts into the row of the epoch."""
        net.history.record("lr", net.optimizer_.param_groups[0]["lr"])
        net.history.record("n_steps", self.n_steps)
        net.history.record("padding", 1 - self.n_steps / self.n_padded_steps)


def check_weights(net: NeuralNet) -> None:
    """Raise an error if a weight is not finite."""
    # The least and the largest are finite only if all are, and need no copy of a large table.
    weights = (weight.detach().aminmax() for weight in net.module_.parameters())
    if not np.isfinite([end.item() for ends in weights for end in ends]).all():
        raise_not_finite("a weight of the network is not finite", net)


def raise_not_finite(found: str, net: NeuralNet, rows: Rows | None = None) -> None:
    """Raise an error that says where the training broke, perhaps at rows of X; and what to try."""
    row, where = net.history[-1], "X"
    if rows is not None:
        numbers = ", ".join(map(str, np.sort(rows)[:10].tolist()))
        others = f" and {len(rows) - 10:,} others" * (len(rows) > 10)
        where = f"the rows {numbers}{others} of X"
    raise NonFiniteTrainingError(
        f"Training stopped: {found} in epoch {row['epoch']}, batch {len(row['batches'])} "
        f"(lr={net.optimizer_.param_groups[0]['lr']:g}). Try a smaller lr, "
        f"normalize=True, or precision='float32', and look for extreme values in {where}."
    )


def epoch_rows(net: NeuralNet) -> list[EpochRow]:
    """Return a row for each finished epoch."""
    return [
        {
            "train_loss": float(row["train_loss"]),
            "valid_loss": None if row.get("valid_loss") is None else float(row["valid_loss"]),
            "lr": float(row["lr"]),
            "seconds": float(row["dur"]),
            # A coarse timer may measure 0 seconds.
            "tokens_per_second": row["n_steps"] / max(row["dur"], np.finfo(float).eps),
            "padding": float(row["padding"]),
        }
        for row in net.history
        if "dur" in row and "train_loss" in row and "padding" in row
    ]


@dataclass(eq=False)
class Trapezoid(TrainingCallback):
    """Raise the learning rate, keep it constant, and lower it to 0 over the last third.

    Parameters
    ----------
    lr : float
        The highest learning rate.
    n_updates : int
        Of the whole training; the most, if it may end earlier.
    updates_per_epoch : int
    usual_updates : int
        That a training mostly has.
    limit : TimeLimit
        Over the last fifth of the time of the training, the rate goes down too.
    """

    lr: float
    n_updates: int
    updates_per_epoch: int
    usual_updates: int
    limit: TimeLimit = UNLIMITED

    def __post_init__(self) -> None:
        self.n_done = 0
        self.warm_up = min(UPDATES_PER_EPOCH, max(1, round(WARM_UP * self.usual_updates)))
        self.end = self.n_updates
        self.start_of_decay = round(self.n_updates * (1 - DECAY))

    @property
    def is_falling(self) -> bool:
        """Whether the rate goes down from now on."""
        return self.n_done >= self.start_of_decay or self.time_left < LAST_SHARE_OF_TIME

    @property
    def time_left(self) -> float:
        """Which share of the time is left; all, if there is no limit."""
        is_limited = 0 < self.seconds < np.inf
        return max(0.0, self.limit.seconds_left / self.seconds) if is_limited else 1.0

    @property
    def share_done(self) -> float:
        """Which share of the time is over, or of the updates that are likely, if that is more.

        They are those that are usual, or so many as if the rate began to fall now.
        """
        likely = min(self.end, max(self.usual_updates, self.n_done / (1 - DECAY)))
        return max(self.n_done / likely, 1 - self.time_left)

    def fall(self) -> None:
        """Let the rate go down for half as many updates as were done, to the end of an epoch."""
        nearest = round(self.n_done / (1 - DECAY) / self.updates_per_epoch)
        n_epochs = max(nearest, self.n_done // self.updates_per_epoch + 1)
        self.start_of_decay = self.n_done
        self.end = min(self.n_updates, n_epochs * self.updates_per_epoch)

    def on_train_begin(self, *_: object, **__: object) -> None:
        """Look at the clock."""
        self.seconds = self.limit.seconds_left

    def on_batch_begin(self, net: NeuralNet, **_: object) -> None:
        """Set the learning rate."""
        rising = (self.n_done + 1) / self.warm_up
        falling = max(0, self.end - self.n_done) / max(1, self.end - self.start_of_decay)
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * min(1.0, rising, falling, self.time_left / LAST_SHARE_OF_TIME)

    def on_batch_end(self, *_: object, **__: object) -> None:
        """Count an update."""
        self.n_done += 1

    def on_epoch_end(self, net: NeuralNet, **_: object) -> None:
        """Say whether training is to end."""
        is_over = self.limit.seconds_left <= 0
        net.has_stopped |= is_over or self.n_done >= self.end < self.n_updates


class Losses(NamedTuple):
    """The losses of held-out samples at a check.

    Parameters
    ----------
    total : float
        Of the whole model, the sum over the samples.
    mean : float
        The same, a mean.
    of_network : float
        Of the network alone, a mean.
    """

    total: float
    mean: float
    of_network: float


@dataclass(eq=False)
class HeldOutChecks(TrainingCallback):
    """Compute the loss of held-out samples at checks, while the learning rate is constant.

    It decides two things. Tokens are dropped in training only while the network overfits: while its
    loss of the held-out samples is above its training loss since the last check. (Dropped tokens
    keep it from learning by heart. But where each token counts, they make labels wrong.) And
    training ends: once three checks in a row have made no progress, the learning rate goes down.

    Checks before the end of the first epoch do not count: beside a good linear model, a network
    that has not seen all samples adds nothing yet. Nor do those before which the training loss was
    still that of guessing: the network has learned nothing yet that held-out samples could show.

    Parameters
    ----------
    loss : BlendLoss
    network : Network
        That learns.
    schedule : Trapezoid
    interval : int
        Updates between two checks.
    loss_of_guessing : float
        The training loss of a network that knows only how frequent the classes are.
    may_end : bool
        Whether they end the training.
    """

    loss: Callable[[Network], Losses]
    network: Network
    schedule: Trapezoid
    interval: int
    loss_of_guessing: float
    may_end: bool

    def on_train_begin(self, *_: object, X: Any = None, **__: object) -> None:
        """Start to count; X is the dataset of the training."""
        self.dataset, self.token_dropout = X, X.token_dropout
        self.training_losses, self.n_checks_since = list[float](), 0
        self.lowest_loss = self.loss(self.network).total
        self.mean_loss: float | None = None  # that of the weights as they were drawn says little

    def on_batch_end(self, net: NeuralNet, **_: object) -> None:
        """Check, if it is time to."""
        schedule = self.schedule
        self.training_losses.append(net.history[-1]["batches"][-1]["train_loss"])
        if schedule.n_done % self.interval:
            return
        training_loss, self.training_losses = float(np.mean(self.training_losses)), []
        if schedule.is_falling:
            return
        has_learned = training_loss < LARGEST_LEARNED * self.loss_of_guessing
        found = self.loss(self.network)
        self.mean_loss = found.mean
        overfits = has_learned and training_loss < found.of_network
        self.dataset.token_dropout = self.token_dropout * overfits
        self.n_checks_since += has_learned and schedule.n_done > schedule.updates_per_epoch
        if found.total <= self.lowest_loss - LEAST_PROGRESS:
            self.lowest_loss, self.n_checks_since = found.total, 0
        if self.may_end and self.n_checks_since == CHECKS_WITHOUT_PROGRESS:
            schedule.fall()

    def on_epoch_end(self, net: NeuralNet, **_: object) -> None:
        """Record the loss of the last check, if it may end the training."""
        if self.may_end:
            net.history.record("valid_loss", self.mean_loss)
            self.mean_loss = None  # until the next check


@dataclass(eq=False)
class NetworkProgress(TrainingCallback):
    """Show how much of a training is done, the epoch, and the last losses.

    scikit-learn's callbacks are told of each epoch. Training ends if one says so.

    Parameters
    ----------
    progress : ProgressBar
    updates_per_epoch : int
    schedule : Trapezoid or None
        Says how much is done. None: the training is one epoch.
    """

    progress: ProgressBar
    updates_per_epoch: int
    schedule: Trapezoid | None = None
    losses = ""  # of the last epoch

    def on_epoch_begin(self, net: NeuralNet, **_: object) -> None:
        """Begin an epoch."""
        self.epoch = begin_epoch(self.progress.estimator)
        self.on_batch_end(net)

    def on_batch_end(self, net: NeuralNet, **_: object) -> None:
        """Show how much is done."""
        n_epochs, share = 1, len(net.history[-1]["batches"]) / self.updates_per_epoch
        if self.schedule is not None:
            n_epochs, share = self.schedule.end // self.updates_per_epoch, self.schedule.share_done
        epoch = f"epoch {len(net.history)}/{n_epochs}"
        self.progress.show(Network.name, share, epoch + self.losses)

    def on_epoch_end(self, net: NeuralNet, **_: object) -> None:
        """End an epoch, and perhaps the training; show its losses."""
        net.has_stopped |= end_epoch(self.progress.estimator, self.epoch)
        row = net.history[-1]
        losses = [(name, row.get(f"{name}_loss")) for name in ("train", "valid")]
        self.losses = "".join(f", {name} {loss:.3f}" for name, loss in losses if loss is not None)
        self.on_batch_end(net)
