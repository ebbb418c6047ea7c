"""One update of the weights, in memory that does not grow with the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNetClassifier
from torch import Tensor

from sklearn_lstm.compute.abandoning import check_not_abandoned
from sklearn_lstm.data.batches import STEPS_OF_LONG, SequenceBatch, steps_at_once
from sklearn_lstm.data.sequences import Rows, gather, rows_of_similar_length
from sklearn_lstm.network.masks import pad_steps
from sklearn_lstm.training.duration import SMALLEST_BATCH


class MicroBatchNet(NeuralNetClassifier):  # type: ignore[misc]
    """A skorch net that reads a batch in micro-batches and adds up their gradients.

    The micro-batches hold sequences of similar length, and need little memory. A long sequence is a
    micro-batch of its own.
    """

    def train_step_single(self, batch: Any, **_: Any) -> dict[str, Any]:
        """Compute the loss of a batch and its gradients."""
        if not self.module_.training:
            self._set_training(training=True)
        sequences, targets = batch
        device = torch.device(self.device)
        losses, logits, order, n_padded_steps = [], [], [], 0
        for rows in self._micro_batches(sequences):
            check_not_abandoned()
            inputs = _padded(sequences, rows, device)
            outputs = self.module_(**inputs)
            weights = sequences.weights[rows].to(device)
            losses_of_rows = self.criterion_(outputs, targets[rows].to(device), weights)
            loss = losses_of_rows.sum() / len(sequences)
            if not loss.requires_grad:
                raise ValueError(
                    "Training stopped: no weight of the network can be trained, since a callback "
                    "(such as Freezer) has frozen all of them. Freeze fewer, or set max_epochs=0 "
                    "to fit the linear model alone."
                )
            loss.backward()
            losses.append(loss.detach())
            logits.append(outputs.detach())
            order.append(rows)
            n_padded_steps += inputs["steps"].shape[0] * inputs["steps"].shape[1]
        return {
            "loss": torch.stack(losses).sum(),
            "y_pred": _in_order(logits, order),
            "n_padded_steps": n_padded_steps,
        }

    def infer(self, x: SequenceBatch, **_: Any) -> Tensor:
        """Return the logits of a batch."""
        device, logits, order = torch.device(self.device), [], []
        for rows in self._micro_batches(x):
            logits.append(self.module_(**_padded(x, rows, device)))
            order.append(rows)
        return _in_order(logits, order)

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, **_: Any) -> Tensor:
        """Return the weighted mean of the losses of a batch."""
        weights = X.weights.to(y_pred.device)
        return torch.mean(self.criterion_(y_pred, y_true.to(y_pred.device), weights))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the index of the most probable class, or which labels are more likely than not."""
        probabilities = self.predict_proba(X)
        if self.predict_nonlinearity is torch.sigmoid:
            return np.asarray(probabilities > 0.5, dtype=np.int64)
        return np.asarray(probabilities.argmax(axis=1))

    def _micro_batches(self, sequences: SequenceBatch) -> list[Rows]:
        frame, lengths = self.module_.steps_per_frame, sequences.lengths.numpy()
        most_steps = frame * steps_at_once(torch.device(self.device))
        is_long = lengths > most_steps // SMALLEST_BATCH
        parts: list[Rows] = []
        for rows, steps, size in (
            (np.flatnonzero(~is_long), most_steps, len(lengths)),
            (np.flatnonzero(is_long), max(most_steps, frame * STEPS_OF_LONG), SMALLEST_BATCH),
        ):
            parts += [rows[part] for part in rows_of_similar_length(lengths[rows], steps, size)]
        return parts


def _padded(sequences: SequenceBatch, rows: Rows, device: torch.device) -> dict[str, Tensor]:
    """Return the inputs of the network for some sequences of a batch."""
    lengths = sequences.lengths.numpy()
    starts, lengths = (lengths.cumsum() - lengths)[rows], lengths[rows]
    steps = torch.from_numpy(gather(sequences.steps.numpy(), starts, lengths)).to(device)
    longest, on_device = int(lengths.max()), torch.from_numpy(lengths).to(device)
    return {"steps": pad_steps(steps, on_device, longest), "lengths": on_device}


def _in_order(logits: list[Tensor], order: list[Rows]) -> Tensor:
    """Return the logits of micro-batches in the order of the batch."""
    together = torch.cat(logits)
    return together[np.argsort(np.concatenate(order))]
