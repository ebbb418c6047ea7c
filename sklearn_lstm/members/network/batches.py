"""Batches of sequences of similar length, so that little work is spent on padding; one update."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping
from skorch.dataset import Dataset
from torch import Tensor

from sklearn_lstm.data.sequences import Rows, gather, pad, row_numbers, rows_of_similar_length
from sklearn_lstm.encoding.token_codes import UNKNOWN_CODE
from sklearn_lstm.members.network.network_member import Encoding
from sklearn_lstm.members.settings import SMALLEST_BATCH
from sklearn_lstm.progress import UNLIMITED, TimeLimit
from sklearn_lstm.targets.targets import Samples

BATCHES_PER_POOL = 64  # batches whose sequences are sorted by length together
STEPS_AT_ONCE = {"cpu": 1 << 13}  # fewer steps leave too few long sequences side by side
STEPS_AT_ONCE_ON_GPU = 1 << 18
STEPS_OF_LONG = 1 << 16  # of few long sequences: they do not fit into caches anyway


@dataclass
class SequenceBatch:
    """Sequences of a batch without padding.

    Parameters
    ----------
    steps : Tensor of shape (n_steps,) or (n_steps, n_inputs)
        Codes or inputs of all sequences, laid end to end.
    lengths : Tensor of shape (B,)
    weights : Tensor of shape (B,) or (B, n_labels)
        How much each sample counts, or each of its labels.
    rows : ndarray of shape (B,)
        Which rows of X they are.
    """

    steps: Tensor
    lengths: Tensor
    weights: Tensor
    rows: Rows

    def __len__(self) -> int:
        return len(self.lengths)


class SequenceDataset(Dataset):  # type: ignore[misc]
    """Samples as a network reads them.

    Parameters
    ----------
    samples : Samples
    encoding : Encoding
    token_dropout : float
        In training a token becomes the unknown token with this probability, which is how the vector
        of the unknown token is learned.
    """

    def __init__(self, samples: Samples, encoding: Encoding, token_dropout: float = 0) -> None:
        self.y = samples.targets.values  # as callbacks of skorch look for it, and for X
        self.samples, self.encoding, self.token_dropout = samples, encoding, token_dropout

    @property
    def X(self) -> "SequenceDataset":  # noqa: N802
        """An attribute would keep the samples of a fit until the garbage is collected."""
        return self

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row: int) -> Any:
        """Return one sample, as a batch of it."""
        return self.batch(np.array([row]))

    def batch(
        self, rows: Rows, rng: np.random.Generator | None = None
    ) -> tuple[SequenceBatch, Tensor]:
        """Return these rows and their targets; with `rng`, some tokens are unknown."""
        lengths = self.samples.sequences.lengths[rows].astype(np.int64)
        steps = self.encoding(self.samples.sequences.read(rows), lengths)
        if rng is not None and self.token_dropout:
            is_dropped = rng.random(len(steps)) < self.token_dropout
            steps = np.where(is_dropped, UNKNOWN_CODE, steps)
        targets = self.samples.targets.subset(rows)
        weights, values = targets.weights.astype(np.float32), targets.values
        if values.ndim == 1:
            values = values.astype(np.int64)  # the losses of torch take no smaller type
        read, known, counted = map(torch.from_numpy, (steps, lengths, weights))
        batch = SequenceBatch(read, known, counted, self.samples.sequences.original_rows(rows))
        return batch, torch.from_numpy(values)


class LengthBatches:
    """Every sample once per epoch, in batches of sequences of similar length.

    The samples are shuffled. Each pool of 64 batches is sorted by length and cut into batches, and
    the batches are shuffled: batches are random, with little padding.

    Parameters
    ----------
    dataset : SequenceDataset
    batch_size : int
        Sequences in a batch; the last one may have fewer.
    rng : numpy Generator or None
        None: all samples in their order, and no token is dropped.
    limit : TimeLimit
        After it there are no more batches than the first one of an epoch.
    """

    def __init__(
        self,
        dataset: SequenceDataset,
        batch_size: int,
        rng: np.random.Generator | None = None,
        limit: TimeLimit = UNLIMITED,
    ) -> None:
        self.dataset, self.batch_size, self.rng, self.limit = dataset, batch_size, rng, limit

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[SequenceBatch, Tensor]]:
        for number, rows in enumerate(self.rows()):
            if number and self.limit.seconds_left <= 0:
                break
            yield self.dataset.batch(rows, self.rng)

    def rows(self) -> list[Rows]:
        """Return the rows of each batch of one epoch."""
        lengths, n_samples = self.dataset.samples.sequences.lengths, len(self.dataset)
        cuts = np.arange(self.batch_size, n_samples, self.batch_size)
        if self.rng is None:
            return np.split(np.arange(n_samples), cuts)
        order, size = row_numbers(n_samples), self.batch_size * BATCHES_PER_POOL
        self.rng.shuffle(order)
        for start in range(0, n_samples, size):
            pool = order[start : start + size]
            pool[:] = pool[np.argsort(lengths[pool], kind="stable")]
        batches = np.split(order, cuts)
        return [batches[index] for index in self.rng.permutation(len(batches))]


def steps_at_once(device: torch.device) -> int:
    """Return how many steps, padding included, the device reads at once."""
    return STEPS_AT_ONCE.get(device.type, STEPS_AT_ONCE_ON_GPU)


class TrainingCallback(Callback):  # type: ignore[misc]
    """A callback of one training, which the net forgets afterwards.

    It is told of the batches of training alone, not of those held out.
    """

    def __getstate__(self) -> dict[str, object]:
        """Leave all out: the bar, the tasks and the samples can't be pickled."""
        return {}


class MicroBatchNet(NeuralNetClassifier):  # type: ignore[misc]
    """A skorch net that reads a batch in micro-batches and adds up their gradients.

    The micro-batches hold sequences of similar length, and need little memory. A long sequence is a
    micro-batch of its own.
    """

    has_stopped = False  # a callback has ended the training

    def notify(self, method_name: str, **told: object) -> None:
        """Tell all callbacks, also those after one of skorch that ends the training."""
        getattr(self, method_name)(self, **told)
        for _, callback in self.callbacks_:
            if isinstance(callback, TrainingCallback) and not told.get("training", True):
                continue
            try:
                getattr(callback, method_name)(self, **told)
            except KeyboardInterrupt:  # so skorch ends a training, and users with Ctrl-C
                is_stopping = isinstance(callback, EarlyStopping) and method_name == "on_epoch_end"
                if not (is_stopping and callback.misses_ == callback.patience):
                    raise
                self.has_stopped = True

    def train_step_single(self, batch: Any, **_: object) -> dict[str, Any]:
        """Compute the loss of a batch and its gradients."""
        if not self.module_.training:
            self._set_training(training=True)
        sequences, targets = batch
        losses, logits, n_padded_steps, is_finite = [], [], 0, []
        for rows, inputs in self._micro_batches(sequences):
            outputs = self.module_(**inputs)
            weights = sequences.weights[rows].to(outputs.device)
            losses_of_rows = self.criterion_(outputs, targets[rows].to(outputs.device), weights)
            loss = losses_of_rows.sum() / len(sequences)
            loss.backward()
            losses.append(loss.detach())
            is_finite.append((rows, losses_of_rows.detach().isfinite()))
            logits.append((rows, outputs.detach()))
            n_padded_steps += inputs["steps"].shape[0] * inputs["steps"].shape[1]
        loss, outputs = torch.stack(losses).sum(), _in_order(logits)
        told = {"n_padded_steps": n_padded_steps, "is_finite": _in_order(is_finite)}
        return {"loss": loss, "y_pred": outputs, **told}

    def infer(self, x: SequenceBatch, **_: object) -> Tensor:
        """Return the logits of a batch."""
        micro_batches = self._micro_batches(x)
        return _in_order([(rows, self.module_(**inputs)) for rows, inputs in micro_batches])

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, **_: object) -> Tensor:
        """Return the weighted mean of the losses of a batch."""
        weights = X.weights.to(y_pred.device)
        return torch.mean(self.criterion_(y_pred, y_true.to(y_pred.device), weights))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the index of the most probable class, or which labels are more likely than not."""
        if self.predict_nonlinearity is torch.sigmoid:
            return np.asarray(self.predict_proba(X) > 0.5, dtype=np.int64)
        return np.asarray(super().predict(X))

    def _micro_batches(self, sequences: SequenceBatch) -> Iterator[tuple[Rows, dict[str, Tensor]]]:
        """Yield rows of a batch, and the inputs of the network for them."""
        device = torch.device(self.device)
        frame, lengths = self.module_.architecture.steps_per_frame, sequences.lengths.numpy()
        most_steps = frame * steps_at_once(device)
        is_long = lengths > most_steps // SMALLEST_BATCH
        for rows, steps, size in (
            (np.flatnonzero(~is_long), most_steps, len(lengths)),
            (np.flatnonzero(is_long), max(most_steps, frame * STEPS_OF_LONG), SMALLEST_BATCH),
        ):
            for places in rows_of_similar_length(lengths[rows], steps, size):
                yield rows[places], _padded(sequences, rows[places], device)


def _padded(sequences: SequenceBatch, rows: Rows, device: torch.device) -> dict[str, Tensor]:
    """Return the inputs of the network for some sequences of a batch."""
    lengths = sequences.lengths.numpy()
    starts, lengths = (lengths.cumsum() - lengths)[rows], lengths[rows]
    steps = pad(gather(sequences.steps.numpy(), starts, lengths), lengths)
    inputs = {"steps": steps, "lengths": lengths}
    return {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}


def _in_order(micro_batches: list[tuple[Rows, Tensor]]) -> Tensor:
    """Return what is known of the rows of micro-batches, in the order of the batch."""
    order, known = zip(*micro_batches, strict=True)
    return torch.cat(known)[np.argsort(np.concatenate(order))]
