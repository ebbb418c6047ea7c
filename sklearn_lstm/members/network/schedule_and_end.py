"""The learning rate of each update: up, constant, and down ("trapezoid"); what ends the training.

How long the rate stays constant may follow the loss of held-out samples. scikit-learn's callbacks
see the progress, and may end the training too.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.members.network.network_member import NOTHING_LEARNED
from sklearn_lstm.progress import NETWORK, FitProgress
from sklearn_lstm.training.duration import UPDATES_PER_EPOCH, USUAL_SHARE

WARM_UP = 0.05  # share of the updates; at most as many as an epoch has by default
DECAY = 1 / 3  # share of the updates
MOST_CHECKS, CHECKS_WITHOUT_PROGRESS = 40, 3  # in all, and in a row until training ends
LARGEST_LEARNED = 0.95  # of the loss of guessing; above it, a network has learned nothing
LEAST_PROGRESS = 2.0  # nats: the held-out samples become e^2 times as likely


@dataclass(eq=False)
class Trapezoid(Callback):  # type: ignore[misc]
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
    """

    lr: float
    n_updates: int
    updates_per_epoch: int
    usual_updates: int

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start to count."""
        self.n_done = 0
        self.has_stopped = False
        self.warm_up = min(UPDATES_PER_EPOCH, max(1, round(WARM_UP * self.usual_updates)))
        self.end = self.n_updates
        self.start_of_decay = round(self.n_updates * (1 - DECAY))

    @property
    def is_falling(self) -> bool:
        """Whether the rate goes down from now on."""
        return self.n_done >= self.start_of_decay

    @property
    def likely_end(self) -> int:
        """About how many updates there will be; if the rate fell now, so many."""
        if self.is_falling or self.usual_updates == self.n_updates:
            return self.end
        usual = max(USUAL_SHARE * self.n_updates, self.n_done / (1 - DECAY))
        return min(self.end, round(usual))

    def fall(self) -> None:
        """Let the rate go down for half as many updates as were done, to the end of an epoch."""
        nearest = round(self.n_done / (1 - DECAY) / self.updates_per_epoch)
        n_epochs = max(nearest, self.n_done // self.updates_per_epoch + 1)
        self.start_of_decay = self.n_done
        self.end = min(self.n_updates, n_epochs * self.updates_per_epoch)

    def on_batch_begin(self, net: NeuralNet, *, training: bool = False, **_: Any) -> None:
        """Set the learning rate."""
        if not training:
            return
        rising = (self.n_done + 1) / self.warm_up
        falling = max(0, self.end - self.n_done) / max(1, self.end - self.start_of_decay)
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * min(1.0, rising, falling)

    def on_batch_end(self, *_: Any, training: bool = False, **__: Any) -> None:
        """Count an update."""
        self.n_done += training

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """Say whether training is to end."""
        self.has_stopped = self.n_done >= self.end < self.n_updates


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
class HeldOutChecks(Callback):  # type: ignore[misc]
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
    losses : callable or None
        Returns the `Losses` of the network as it is now.
    schedule : Trapezoid
    interval : int
        Updates between two checks.
    loss_of_guessing : float
        The training loss of a network that knows only how frequent the classes are.
    may_end : bool
        Whether they end the training.
    """

    losses: Callable[[], Losses] | None
    schedule: Trapezoid
    interval: int
    loss_of_guessing: float
    may_end: bool
    has_learned = True

    def on_train_begin(self, *_: Any, X: Any = None, **__: Any) -> None:
        """Start to count; X is the dataset of the training."""
        self.dataset, self.token_dropout = X, X.token_dropout
        self.training_losses, self.n_checks_since = list[float](), 0
        self.lowest_loss = self.losses().total if self.losses else 0.0
        self.mean_loss: float | None = None  # that of the weights as they were drawn says little

    def on_batch_end(self, net: NeuralNet, *, training: bool = False, **_: Any) -> None:
        """Check, if it is time to."""
        schedule = self.schedule
        if not training or self.losses is None:
            return
        self.training_losses.append(net.history[-1]["batches"][-1]["train_loss"])
        if schedule.n_done % self.interval:
            return
        training_loss, self.training_losses = float(np.mean(self.training_losses)), []
        self.has_learned = training_loss < LARGEST_LEARNED * self.loss_of_guessing
        if schedule.is_falling:
            return
        found = self.losses()
        self.mean_loss = found.mean
        overfits = self.has_learned and training_loss < found.of_network
        self.dataset.token_dropout = self.token_dropout * overfits
        self.n_checks_since += self.has_learned and schedule.n_done > schedule.updates_per_epoch
        if found.total <= self.lowest_loss - LEAST_PROGRESS:
            self.lowest_loss, self.n_checks_since = found.total, 0
        if self.may_end and self.n_checks_since == CHECKS_WITHOUT_PROGRESS:
            schedule.fall()

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """Record the loss of the last check, if it may end the training."""
        if self.may_end:
            net.history.record("valid_loss", self.mean_loss)
            self.mean_loss = None  # until the next check

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Forget the held-out samples, which would stay in memory; say if nothing was learned."""
        self.losses = self.dataset = None
        if self.may_end and not self.has_learned:
            logging.getLogger("sklearn_lstm").warning("The network %s.", NOTHING_LEARNED)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the samples, which can't be pickled."""
        return vars(self) | {"losses": None, "dataset": None}


@dataclass(eq=False)
class NetworkProgress(Callback):  # type: ignore[misc]
    """Count the updates of the network; show epoch and losses.

    Its epochs are tasks. Training ends if one of scikit-learn's callbacks says so.

    Parameters
    ----------
    progress : FitProgress
    schedule : Trapezoid or None
        Says after how many updates training ends; None: after those of all epochs.
    """

    progress: FitProgress | None = None  # of a copy, and after the training
    schedule: Trapezoid | None = None
    task = epoch = CallbackTask()
    has_stopped = False
    n_done = 0

    def __getstate__(self) -> dict[str, Any]:
        """Leave out all but the updates: the bar and the tasks can't be pickled."""
        return {"n_done": self.n_done}

    def on_train_begin(self, net: NeuralNet, **_: Any) -> None:
        """Begin the task of the network."""
        if self.progress is not None:
            self.task = self.progress.task.subtask(NETWORK, 1, net.max_epochs)

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Begin the task of an epoch."""
        self.epoch = self.task.subtask("epoch")

    def on_batch_end(self, net: NeuralNet, *, training: bool = False, **_: Any) -> None:
        """Count an update."""
        if training:
            self.n_done += 1
            self._show(net)

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """End the task of an epoch, which says whether training is to end."""
        self.has_stopped = self.epoch.end()

    def on_train_end(self, net: NeuralNet, **_: Any) -> None:
        """Count no more updates than were done, and forget what can't be pickled."""
        self._show(net, self.n_done)
        self.task.end()
        self.__dict__ = self.__getstate__()

    def _show(self, net: NeuralNet, n_all: int | None = None) -> None:
        """Show how many of all updates are done; None: as many as the schedule says."""
        if self.progress is None:
            return
        per_epoch = self.progress.updates_per_epoch
        n_most = n_all or (self.schedule.end if self.schedule else net.max_epochs * per_epoch)
        n_likely = self.schedule.likely_end if self.schedule and n_all is None else n_most
        text = self._text(net, n_most // per_epoch) if self.n_done else ""
        self.progress.count_network(self.n_done, n_likely, n_most, text)

    def _text(self, net: NeuralNet, n_epochs: int) -> str:
        epoch = f"epoch {len(net.history)}/{n_epochs}"
        rows = (row for row in reversed(net.history) if "train_loss" in row)
        finished: dict[str, float] = next(rows, {})
        losses = [name for name in ("train", "valid") if finished.get(f"{name}_loss") is not None]
        return ", ".join([epoch, *(f"{name} {finished[f'{name}_loss']:.3f}" for name in losses)])
