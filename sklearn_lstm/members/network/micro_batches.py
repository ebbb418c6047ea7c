"""One update of the weights, in memory that does not grow with the batch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNetClassifier
from torch import Tensor

from sklearn_lstm.data.sequences import Rows, gather, rows_of_similar_length
from sklearn_lstm.encoding.encoding import pad
from sklearn_lstm.members.network.batches import STEPS_OF_LONG, SequenceBatch, steps_at_once
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
        losses, logits, n_padded_steps, is_finite = [], [], 0, []
        for rows, inputs in self._micro_batches(sequences):
            outputs = self.module_(**inputs)
            weights = sequences.weights[rows].to(outputs.device)
            losses_of_rows = self.criterion_(outputs, targets[rows].to(outputs.device), weights)
            loss = losses_of_rows.sum() / len(sequences)
            if not loss.requires_grad:
                raise ValueError(
                    "Training stopped: no weight of the network can be trained, since a callback "
                    "(such as Freezer) has frozen all of them. Freeze fewer, or set max_epochs=0 "
                    "to fit the linear model alone."
                )
            loss.backward()
            losses.append(loss.detach())
            is_finite.append((rows, losses_of_rows.detach().isfinite()))
            logits.append((rows, outputs.detach()))
            n_padded_steps += inputs["steps"].shape[0] * inputs["steps"].shape[1]
        loss, outputs = torch.stack(losses).sum(), _in_order(logits)
        told = {"n_padded_steps": n_padded_steps, "is_finite": _in_order(is_finite)}
        return {"loss": loss, "y_pred": outputs, **told}

    def infer(self, x: SequenceBatch, **_: Any) -> Tensor:
        """Return the logits of a batch."""
        micro_batches = self._micro_batches(x)
        return _in_order([(rows, self.module_(**inputs)) for rows, inputs in micro_batches])

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, **_: Any) -> Tensor:
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
        frame, lengths = self.module_.steps_per_frame, sequences.lengths.numpy()
        most_steps = frame * steps_at_once(device)
        is_long = lengths > most_steps // SMALLEST_BATCH
        for rows, steps, size in (
            (np.flatnonzero(~is_long), most_steps, len(lengths)),
            (np.flatnonzero(is_long), max(most_steps, frame * STEPS_OF_LONG), SMALLEST_BATCH),
        ):
            for part in rows_of_similar_length(lengths[rows], steps, size):
                yield rows[part], _padded(sequences, rows[part], device)


def _padded(sequences: SequenceBatch, rows: Rows, device: torch.device) -> dict[str, Tensor]:
    """Return the inputs of the network for some sequences of a batch."""
    lengths = sequences.lengths.numpy()
    starts, lengths = (lengths.cumsum() - lengths)[rows], lengths[rows]
    steps = pad(gather(sequences.steps.numpy(), starts, lengths), lengths)
    inputs = {"steps": steps, "lengths": lengths}
    return {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}


def _in_order(micro_batches: list[tuple[Rows, Tensor]]) -> Tensor:
    """Return what is known of the rows of micro-batches, in the order of the batch."""
    order, parts = zip(*micro_batches, strict=True)
    return torch.cat(parts)[np.argsort(np.concatenate(order))]
