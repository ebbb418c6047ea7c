"""The learning rate of each update: up, constant, and down ("trapezoid"); what ends the training.

How long the rate stays constant may follow the loss of held-out samples. scikit-learn's callbacks
see the progress, and may end the training too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.progress import NETWORK, FitProgress
from sklearn_lstm.training.duration import UPDATES_PER_EPOCH

WARM_UP = 0.05  # share of the updates; at most as many as an epoch has by default
DECAY = 1 / 3  # share of the updates
MOST_CHECKS, CHECKS_WITHOUT_PROGRESS = 40, 3  # in all, and in a row until training ends
LEAST_PROGRESS = 2.0  # nats: the held-out samples become e^2 times as likely


@dataclass(eq=False)
class Trapezoid(Callback):  # type: ignore[misc]
    """Raise the learning rate, keep it constant, and lower it to 0 over the last third.

    With a `held_out_loss`, it is computed at checks while the learning rate is constant. Once three
    checks in a row have made no progress, the learning rate goes down for half as many updates as
    were done, to the nearest end of an epoch, and training stops. Checks before the end of the
    first epoch do not count: beside a good linear model, a network that has not seen all samples
    adds nothing yet.

    Parameters
    ----------
    lr : float
        The highest learning rate.
    n_updates : int
        Of the whole training; with a `held_out_loss` the most.
    updates_per_epoch : int
    held_out_loss : callable or None
        Returns the loss of samples that the network does not learn from: their sum and mean.
    updates_per_check : int
        Between two checks, or more if there would be more than 40.
    """

    lr: float
    n_updates: int
    updates_per_epoch: int
    held_out_loss: Callable[[], tuple[float, float]] | None
    updates_per_check: int

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start to count."""
        self.n_done = 0
        self.has_stopped = False
        # The held-out loss mostly ends a training in the first half of its updates.
        usual_updates = self.n_updates if self.held_out_loss is None else self.n_updates // 2
        self.warm_up = min(UPDATES_PER_EPOCH, max(1, round(WARM_UP * usual_updates)))
        self.interval = max(self.updates_per_check, self.n_updates // MOST_CHECKS)
        if self.held_out_loss is not None:
            self.n_checks_since, self.lowest_loss = 0, self.held_out_loss()[0]
            # That of the weights as they were drawn says little.
            self.mean_loss: float | None = None
        self.end = self.n_updates
        self.start_of_decay = round(self.n_updates * (1 - DECAY))

    def on_batch_begin(self, net: NeuralNet, *, training: bool = False, **_: Any) -> None:
        """Set the learning rate."""
        if not training:
            return
        rising = (self.n_done + 1) / self.warm_up
        falling = max(0, self.end - self.n_done) / max(1, self.end - self.start_of_decay)
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * min(1.0, rising, falling)

    def on_batch_end(self, *_: Any, training: bool = False, **__: Any) -> None:
        """Check the held-out loss, if it is time to."""
        if not training:
            return
        self.n_done += 1
        if self.held_out_loss is None or self.n_done >= self.start_of_decay:
            return
        if self.n_done % self.interval == 0:
            loss, self.mean_loss = self.held_out_loss()
            self.n_checks_since += self.n_done > self.updates_per_epoch
            if loss <= self.lowest_loss - LEAST_PROGRESS:
                self.lowest_loss, self.n_checks_since = loss, 0
            if self.n_checks_since == CHECKS_WITHOUT_PROGRESS:  # the rate falls from now on
                nearest = round(self.n_done / (1 - DECAY) / self.updates_per_epoch)
                n_epochs = max(nearest, self.n_done // self.updates_per_epoch + 1)
                self.start_of_decay = self.n_done
                self.end = min(self.n_updates, n_epochs * self.updates_per_epoch)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the held-out samples, which can't be pickled."""
        return {name: value for name, value in vars(self).items() if name != "held_out_loss"}

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """Record the loss of the last check, and say whether training is to end."""
        if self.held_out_loss is not None:
            net.history.record("valid_loss", self.mean_loss)
            self.mean_loss = None  # until the next check
        self.has_stopped = self.n_done >= self.end < self.n_updates

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Forget the held-out samples, which would stay in memory."""
        self.held_out_loss = None


@dataclass(eq=False)
class NetworkProgress(Callback):  # type: ignore[misc]
    """Count the updates of the network; show epoch and losses.

    Its epochs are tasks. Training ends if one of scikit-learn's callbacks says so.

    Parameters
    ----------
    progress : FitProgress
    schedule : Callback or None
        Its attribute `end` says after how many updates training ends.
    """

    progress: FitProgress | None = None  # of a copy, and after the training
    schedule: Callback | None = None
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
            self._show(net, self.schedule and self.schedule.end)

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """End the task of an epoch, which says whether training is to end."""
        self.has_stopped = self.epoch.end()

    def on_train_end(self, net: NeuralNet, **_: Any) -> None:
        """Count no more updates than were done, and forget what can't be pickled."""
        self._show(net, self.n_done)
        self.task.end()
        self.__dict__ = self.__getstate__()

    def _show(self, net: NeuralNet, n_all: int | None) -> None:
        """Show how many of all updates are done; None: as many as there may be."""
        if self.progress is None:
            return
        per_epoch = self.progress.updates_per_epoch
        n_all = net.max_epochs * per_epoch if n_all is None else n_all
        text = self._text(net, n_all // per_epoch) if self.n_done else ""
        self.progress.count(NETWORK, self.n_done, n_all, text)

    def _text(self, net: NeuralNet, n_epochs: int) -> str:
        epoch = f"epoch {len(net.history)}/{n_epochs}"
        rows = (row for row in reversed(net.history) if "train_loss" in row)
        finished: dict[str, float] = next(rows, {})
        losses = [name for name in ("train", "valid") if finished.get(f"{name}_loss") is not None]
        return ", ".join([epoch, *(f"{name} {finished[f'{name}_loss']:.3f}" for name in losses)])
