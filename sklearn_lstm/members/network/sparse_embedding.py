"""Updates of an embedding table that touch only the rows which a batch reads."""

from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_lstm.encoding.encoding import PADDING_CODE


class SparseEmbedding(Callback):  # type: ignore[misc]
    """Let the optimiser see only those rows of the embedding table that the batch reads.

    A vocabulary of 100,000 tokens has 13 million weights, of which a batch needs some hundred rows.
    For one update the weight and its optimiser state are replaced by these rows, and the batch
    counts them from 0: any optimiser of torch works on this small weight.
    """

    def on_train_begin(self, net: NeuralNet, **_: Any) -> None:
        """Find the table."""
        self.embedding: Any = getattr(net.module_, "embedding", None)
        self.table: nn.Parameter | None = None
        if self.embedding is not None:
            net.optimizer_.register_step_post_hook(self._write_back)

    def on_batch_begin(
        self, net: NeuralNet, batch: Any = None, *, training: bool = False, **_: Any
    ) -> None:
        """Replace the table by the rows of the batch, and recode the batch."""
        if not training or self.embedding is None or not self.embedding.weight.requires_grad:
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

    def _write_back(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
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
        replace_weight(optimizer, self.embedding.weight, weight)
        self.embedding.weight = weight


def replace_weight(optimizer: torch.optim.Optimizer, old: Tensor, new: Tensor) -> None:
    """Let the optimiser train another weight in place of an old one."""
    for group in optimizer.param_groups:
        group["params"] = [new if weight is old else weight for weight in group["params"]]


def has_rows_of(value: Any, weight: Tensor) -> bool:
    """Return whether an entry of the optimiser state has a row for each row of the weight."""
    return isinstance(value, Tensor) and value.ndim > 0 and len(value) == len(weight)
