"""The recurrent cells of one direction, and two directions at the same time.

T steps, B sequences, D features, H units.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.members.network.pooling import Pooling, SequenceMask, reverse
from sklearn_lstm.threads import is_worker_free, map_pair

MOST_STATES = 1 << 26  # of a sequence, by one call: in bfloat16, oneDNN refuses twice as many
FEWEST_STEPS_IN_PAIRS = 1 << 8  # for fewer, waking the other worker takes longer than it saves


class Direction(nn.Module):
    """Read a batch one way: the states of all steps, or what is pooled of them.

    The backward direction reads each sequence from its own end: packing would be slow, and reading
    the padding first would be wrong.

    For one-hot tokens the input is the embedding, whose rows are the input weights of the gates of
    both directions; their own input weights are a fixed identity matrix.

    Parameters
    ----------
    architecture : Architecture
    index : int
        Of the layer. The last layer pools its states.
    number : {0, 1}
        Of the direction; the second one reads backwards.
    """

    def __init__(self, architecture: Architecture, index: int, number: int) -> None:
        super().__init__()
        n_features = architecture.n_states if index else architecture.n_features
        cells: Any = getattr(nn, architecture.cell.upper())
        self.cells = cells(n_features, architecture.hidden_size, dtype=torch.float32)
        self.is_backward = number == 1
        is_last = index == architecture.num_layers - 1
        self.pooling = Pooling(architecture) if is_last else None
        self.gates: slice | None = None  # of a row of the table, those of the direction
        if architecture.is_one_hot and index == 0:
            self.gates = slice(number * n_features, (number + 1) * n_features)
            self.cells.weight_ih_l0.requires_grad_(requires_grad=False)

    def forward(self, x: Tensor, mask: SequenceMask) -> Tensor:
        """(T, B, D) -> states (T, B, H), or what is pooled of them, (B, len(pooling) * H)."""
        if self.gates is not None:
            x = x[:, :, self.gates]
        states = self._read(reverse(x, mask) if self.is_backward else x)
        if self.pooling is not None:
            pooled: Tensor = self.pooling(states, mask)
            return pooled
        return reverse(states, mask) if self.is_backward else states

    def _read(self, x: Tensor) -> Tensor:
        """(T, B, D) -> (T, B, H)."""
        read, state = list[Tensor](), None
        for chunk in torch.split(x, max(1, MOST_STATES // self.cells.hidden_size)):
            states, state = self.cells(chunk, state)
            read.append(states)
        return read[0] if len(read) == 1 else torch.cat(read)


def run_directions(directions: Sequence[nn.Module], x: Tensor, mask: SequenceMask) -> list[Tensor]:
    """Return ``direction(x, mask)`` for each of one or two directions.

    They are read at the same time in training only: prediction has batches for two workers.
    """
    is_large = torch.is_grad_enabled() and x.shape[0] * x.shape[1] >= FEWEST_STEPS_IN_PAIRS
    if len(directions) == 1 or not (is_large and is_worker_free()):
        return [direction(x, mask) for direction in directions]
    weights = [weight for direction in directions for weight in _trained(direction)]
    return list(_BothDirections.apply(directions, mask, x, *weights))  # type: ignore[no-untyped-call]


def _trained(direction: nn.Module) -> list[Tensor]:
    return [weight for weight in direction.parameters() if weight.requires_grad]


class _BothDirections(torch.autograd.Function):
    """Two directions with a graph each, so that their gradients are computed in pairs too."""

    @staticmethod
    def forward(
        ctx: Any, directions: Sequence[nn.Module], mask: SequenceMask, x: Tensor, *_: Tensor
    ) -> tuple[Tensor, ...]:
        def read(direction: nn.Module) -> tuple[Tensor, Tensor]:
            leaf = x.detach().requires_grad_(x.requires_grad)
            return leaf, direction(leaf, mask)

        with torch.enable_grad():
            ctx.graphs = map_pair(read, directions)
        ctx.directions = directions
        return tuple(result.detach() for _, result in ctx.graphs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        reads_x = int(ctx.needs_input_grad[2])

        def gradients_of(index: int) -> tuple[Tensor, ...]:
            leaf, result = ctx.graphs[index]
            inputs = [*[leaf] * reads_x, *_trained(ctx.directions[index])]
            return torch.autograd.grad(result, inputs, gradients[index])

        first, second = map_pair(gradients_of, (0, 1))
        x_gradient = first[0] + second[0] if reads_x else None
        return None, None, x_gradient, *first[reads_x:], *second[reads_x:]
