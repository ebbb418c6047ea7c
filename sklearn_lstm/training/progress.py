"""How much of a fit is done: one bar over the whole fit, and the tasks that callbacks see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from skorch import NeuralNet
from skorch.callbacks import Callback

from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.progress_bar import ProgressBar


class FitProgress(ProgressBar):
    """A bar over the whole fit, and the same fit as a task with subtasks.

    The work is counted in updates of the networks, which may be trained in two threads. Training
    may end before the last epoch: once this is known, fewer updates are counted.

    The subtasks are the linear models (number 0) and the networks (from 1 on), whose subtasks are
    their epochs.

    Parameters
    ----------
    linear_epochs : dict of str to float
        The time that each linear model takes, by its name, in epochs of the first network.
    max_epochs : int
    updates_per_epoch : sequence of int
        Of each network.
    is_shown : bool
        If False, nothing is drawn.
    task : CallbackTask or None
        Of the whole fit; None: no callback is told of it.
    ended : callable or None
        `Fitted.ended` with what does not change during the training.
    """

    def __init__(
        self,
        linear_epochs: Mapping[str, float],
        max_epochs: int,
        updates_per_epoch: Sequence[int],
        *,
        is_shown: bool,
        task: CallbackTask | None = None,
        ended: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(is_shown=is_shown)
        self.task = task or CallbackTask()
        self.ended = ended
        self.updates_per_epoch = updates_per_epoch
        self._linear_updates = {
            name: 1.0 + round(epochs * updates_per_epoch[0])
            for name, epochs in linear_epochs.items()
        }
        self._left = dict(self._linear_updates)
        # The linear models, and each network.
        self._all = [sum(self._left.values()), *(max_epochs * float(n) for n in updates_per_epoch)]
        self._done = [0.0] * len(self._all)

    def __enter__(self) -> Self:
        has_linear_model = len(self._left) > 0
        self.task.begin(has_linear_model + len(self.updates_per_epoch))
        if has_linear_model:
            self._linear_model = self.task.subtask("linear model", 0)
        super().__enter__()
        self.show(0.0, next(iter(self._left), ""))
        return self

    def count_linear_model(self, name: str, share: float = 1.0) -> None:
        """Set which share of a linear model is done."""
        self._left[name] = (1 - share) * self._linear_updates[name]
        left = sum(self._left.values())
        self.count(0, self._all[0] - left, self._all[0], name if left else "")
        if not left:
            self._linear_model.end()

    def network(self, index: int, so_far: Any = None) -> NetworkProgress | None:
        """Return the callback that counts the updates of a network; None if nobody looks at it."""
        if not (self.is_shown or self.task.is_heard):
            return None
        return NetworkProgress(self, index, so_far)

    def count(self, part: int, n_done: float, n_all: float, text: str) -> None:
        """Set how much of a part is done, and the text, unless an earlier network is trained."""
        self._done[part], self._all[part] = n_done, n_all
        is_told = part < 2 or self._done[1] >= self._all[1]
        self.show(sum(self._done) / (sum(self._all) or 1.0), text if is_told else None)


class NetworkProgress(Callback):  # type: ignore[misc]
    """Count the updates of a network; show epoch and losses, of one network at a time.

    Its epochs are tasks. Training ends if one of scikit-learn's callbacks says so.

    Parameters
    ----------
    progress : FitProgress
    index : int
        Which network it is.
    so_far : object or None
        The `NetworkSoFar`.
    """

    progress: FitProgress | None = None  # of a copy, and after the training
    schedule: Callback | None = None  # tells when training ends, if that may be early
    task = epoch = CallbackTask()
    has_stopped = False
    n_done = 0

    def __init__(self, progress: FitProgress, index: int, so_far: Any) -> None:
        self.progress = progress
        self.index = index
        self.so_far = so_far

    def __getstate__(self) -> dict[str, Any]:
        """Leave out all but the updates: the bar and the tasks can't be pickled."""
        return {"n_done": self.n_done}

    def on_train_begin(self, net: NeuralNet, **_: Any) -> None:
        """Start to count."""
        self.n_done = 0
        if self.progress is not None:
            self.task = self.progress.task.subtask("network", 1 + self.index, net.max_epochs)

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Begin the task of an epoch."""
        self.epoch = self.task.subtask("epoch")

    def on_batch_end(self, net: NeuralNet, *, training: bool = False, **_: Any) -> None:
        """Count an update."""
        if training:
            self.n_done += 1
            self._show(net, self.schedule and self.schedule.end)

    def on_epoch_end(self, net: NeuralNet, **_: Any) -> None:
        """End the task of an epoch, and perhaps the training."""
        self.end_epoch(net)
        if self.has_stopped:
            raise KeyboardInterrupt  # as skorch's early stopping does

    def end_epoch(self, net: NeuralNet) -> None:
        """End the task of an epoch."""
        ended = None if self.progress is None else self.progress.ended
        self.has_stopped = self.epoch.end(
            ended and (lambda: ended(*self.so_far.ended(net)).attributes)
        )

    def on_train_end(self, net: NeuralNet, **_: Any) -> None:
        """Count no more updates than were done, and forget what can't be pickled."""
        self._show(net, self.n_done)
        self.task.end()
        self.__dict__ = self.__getstate__()

    def _show(self, net: NeuralNet, n_all: int | None) -> None:
        """Show how many of all updates are done; None: as many as there may be."""
        if self.progress is None:
            return
        per_epoch = self.progress.updates_per_epoch[self.index]
        n_all = net.max_epochs * per_epoch if n_all is None else n_all
        text = self._text(net, n_all // per_epoch) if self.n_done else ""
        self.progress.count(1 + self.index, self.n_done, n_all, text)

    def _text(self, net: NeuralNet, n_epochs: int) -> str:
        network = f"network {self.index + 1}, " if self.index else ""
        epoch = f"{network}epoch {len(net.history)}/{n_epochs}"
        rows = (row for row in reversed(net.history) if "train_loss" in row)
        finished: dict[str, float] = next(rows, {})
        losses = [name for name in ("train", "valid") if finished.get(f"{name}_loss") is not None]
        return ", ".join([epoch, *(f"{name} {finished[f'{name}_loss']:.3f}" for name in losses)])


def print_above_bar(text: str) -> None:
    """Print a line that a bar does not overwrite."""
    from tqdm.auto import tqdm  # noqa: PLC0415

    tqdm.write(text)
