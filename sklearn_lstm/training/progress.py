"""How much of a fit is done: one bar over the whole fit, and the tasks that callbacks see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_lstm.callback_support import Attributes, CallbackTask
from sklearn_lstm.progress_bar import ProgressBar

NETWORK = "network"


class FitProgress(ProgressBar):
    """A bar over the whole fit, and the same fit as a task with subtasks.

    The work is counted in updates of the network. Training may end before the last epoch: once this
    is known, fewer updates are counted.

    The subtasks are the linear models (number 0) and the network (number 1), whose subtasks are its
    epochs.

    Parameters
    ----------
    linear_epochs : dict of str to float
        The time that each linear model takes, by its name, in epochs of the network.
    max_epochs : int
    updates_per_epoch : int
    is_shown : bool
        If False, nothing is drawn.
    task : CallbackTask or None
        Of the whole fit; None: no callback is told of it.
    """

    def __init__(
        self,
        linear_epochs: Mapping[str, float],
        max_epochs: int,
        updates_per_epoch: int,
        *,
        is_shown: bool,
        task: CallbackTask | None = None,
    ) -> None:
        super().__init__(is_shown=is_shown)
        self.task = task or CallbackTask()
        self.updates_per_epoch = updates_per_epoch
        self._all = {
            name: 1.0 + round(epochs * updates_per_epoch) for name, epochs in linear_epochs.items()
        }
        self._linear_left = list(self._all)
        self._all[NETWORK] = float(max_epochs * updates_per_epoch)
        self._done = dict.fromkeys(self._all, 0.0)

    def __enter__(self) -> Self:
        self.task.begin(bool(self._linear_left) + 1)
        if self._linear_left:
            self._linear_model = self.task.subtask("linear model", 0)
        super().__enter__()
        self.show(0.0, next(iter(self._linear_left), ""))
        return self

    def count_linear_model(self, name: str, share: float = 1.0) -> None:
        """Set which share of a linear model is done."""
        if share == 1:
            self._linear_left.remove(name)
        self.count(name, share * self._all[name], self._all[name], name * bool(self._linear_left))
        if not self._linear_left:
            self._linear_model.end()

    def count(self, name: str, n_done: float, n_all: float, text: str) -> None:
        """Set how much of a member is done, and the text."""
        self._done[name], self._all[name] = n_done, n_all
        self.show(sum(self._done.values()) / (sum(self._all.values()) or 1.0), text)


@dataclass(eq=False)
class NetworkProgress(Callback):  # type: ignore[misc]
    """Count the updates of the network; show epoch and losses.

    Its epochs are tasks. Training ends if one of scikit-learn's callbacks says so.

    Parameters
    ----------
    progress : FitProgress
    so_far : callable or None
        Returns the attributes that the classifier lacks if the training of the skorch net ends now.
    schedule : Callback or None
        Its attribute `end` says after how many updates training ends.
    """

    progress: FitProgress | None = None  # of a copy, and after the training
    so_far: Callable[[NeuralNet], Attributes] | None = None
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

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """End the task of an epoch, which says whether training is to end."""
        self.has_stopped = self.epoch.end(self.so_far and partial(self.so_far, net))

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


def print_above_bar(text: str) -> None:
    """Print a line that a bar does not overwrite."""
    from tqdm.auto import tqdm  # noqa: PLC0415

    tqdm.write(text)
