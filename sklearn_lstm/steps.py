"""One step of training, in memory that does not grow with the batch or the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_lstm.batches import STEPS_AT_ONCE
from sklearn_lstm.vocabulary import PADDING


class PartwiseNet(NeuralNet):  # type: ignore[misc]
    """A skorch net that reads a batch part by part, and adds up the gradients.

    The parts hold sequences of like length, so that long batches are padded less too. On a GPU a
    batch is one part.
    """

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of a batch and its gradients, and count the steps that it took."""
        if not self.module_.training:
            self._set_training(training=True)
        losses, logits, n_cells = [], [], 0
        on_cpu = torch.device(self.device).type == "cpu"
        for (inputs, targets), share in _parts(batch) if on_cpu else [(batch, 1.0)]:
            outputs = self.infer(inputs, **fit_params)
            loss = self.get_loss(outputs, targets, X=inputs, training=True) * share
            loss.backward()
            losses.append(loss.detach())
            logits.append(outputs.detach())
            n_cells += inputs["steps"].shape[0] * inputs["steps"].shape[1]
        loss = torch.stack(losses).sum()
        return {"loss": loss, "y_pred": torch.cat(logits), "n_cells": n_cells}


def _parts(batch: Any) -> Iterator[tuple[Any, float]]:
    """Cut a batch, which is sorted by length, into parts and their shares of its samples."""
    inputs, targets = batch
    lengths = inputs["lengths"].tolist()
    starts = [0]
    for row, length in enumerate(lengths):
        if row > starts[-1] and length * (row + 1 - starts[-1]) > STEPS_AT_ONCE:
            starts.append(row)
    for start, stop in pairwise([*starts, len(lengths)]):
        rows = slice(start, stop)
        part = {
            "steps": inputs["steps"][rows, : lengths[stop - 1]],
            "lengths": inputs["lengths"][rows],
        }
        yield (part, tuple(target[rows] for target in targets)), (stop - start) / len(lengths)


class RowUpdates(Callback):  # type: ignore[misc]
    """Let the optimiser touch only those rows of the embedding that the batch reads.

    A vocabulary of 100,000 tokens has 13 million weights, of which a batch needs some hundred rows.
    While a step lasts, the weight and all that the optimiser has gathered about it are these rows
    alone, and the batch counts them from 0: any optimiser of torch takes them for a small weight.
    """

    def on_train_begin(self, net: NeuralNet, **_: Any) -> None:
        """Find the table, if it is learnt."""
        self.embedding: Any = getattr(net.module_, "embedding", None)
        self.is_learnt = self.embedding is not None and self.embedding.weight.requires_grad
        if self.is_learnt:
            net.optimizer_.register_step_post_hook(self._widen)

    def on_batch_begin(
        self, net: NeuralNet, batch: Any = None, *, training: bool = False, **_: Any
    ) -> None:
        """Put the rows in the place of the table, and recode the batch."""
        if not (self.is_learnt and training):
            return
        inputs, _target = batch
        self.table = self.embedding.weight
        steps = inputs["steps"]
        met = torch.cat([steps.new_tensor([PADDING]), steps.flatten()])  # which keeps its code
        codes, places = torch.unique(met, return_inverse=True)
        inputs["steps"] = places[1:].view(steps.shape)
        self.codes = codes.to(self.table.device)
        rows = nn.Parameter(self.table.data.index_select(0, self.codes))
        net.optimizer_.state[rows] = {
            name: value.index_select(0, self.codes)
            if _has_shape(value, self.table.shape)
            else value
            for name, value in net.optimizer_.state[self.table].items()
        }
        self._put(net.optimizer_, rows)

    def _widen(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Write the rows back into the table, and what was gathered about them beside it."""
        rows, state = self.embedding.weight, optimizer.state[self.table]
        for name, value in optimizer.state.pop(rows).items():
            if not _has_shape(value, rows.shape):
                state[name] = value
                continue
            if name not in state:
                state[name] = torch.zeros_like(self.table)
            state[name].index_copy_(0, self.codes, value)
        self.table.data.index_copy_(0, self.codes, rows.data)
        self._put(optimizer, self.table)

    def _put(self, optimizer: torch.optim.Optimizer, weight: nn.Parameter) -> None:
        for group in optimizer.param_groups:
            group["params"] = [
                weight if other is self.embedding.weight else other for other in group["params"]
            ]
        self.embedding.weight = weight


def _has_shape(value: Any, shape: torch.Size) -> bool:
    return isinstance(value, Tensor) and value.shape == shape
