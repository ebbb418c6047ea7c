"""The recurrent cells of one direction, and two directions at the same time.

T steps, B sequences, D features, H units.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.members.network.pooling import Pooling, SequenceMask, reverse
from sklearn_lstm.threads import is_worker_free, map_pair

# What lays the weights of an LSTM out for oneDNN. A torch without it reads as nn.LSTM does.
LAY_OUT: Any = getattr(torch.ops.mkldnn, "_reorder_mkldnn_rnn_layer_weight", None)
IS_ROUNDED = LAY_OUT and getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", bool)()
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

    # The state of the weights when they were rounded to bfloat16, and the rounded ones.
    _rounded: tuple[tuple[list[int], list[int]], list[Tensor]] | None = None

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
            states, state = self._read_chunk(chunk, state)
            read.append(states)
        return read[0] if len(read) == 1 else torch.cat(read)

    def _read_chunk(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Go on from a state; None: from zeros."""
        is_mixed = IS_ROUNDED and x.is_cpu and torch.is_autocast_enabled("cpu")
        if torch.is_grad_enabled() or not (is_mixed and isinstance(self.cells, nn.LSTM)):
            return self.cells(x, state)  # type: ignore[no-any-return]
        self.cells.check_input(x, None)  # else oneDNN would read beyond the weights
        x, size = x.bfloat16(), self.cells.hidden_size
        start = state or [x.new_zeros(x.shape[1], size)] * 2
        # What nn.LSTM calls, but its weights are laid out already: mode 2, in one layer.
        options = False, (), 2, size, 1, True, False, False, False
        arguments: Any = x, *self._rounded_weights(), *start, *options
        states, *end, _ = torch.mkldnn_rnn_layer(*arguments)
        return states, end

    def _rounded_weights(self) -> list[Tensor]:
        """Return the weights in bfloat16, as oneDNN lays them out: that takes as long as a text."""
        weights: Any = self.cells._flat_weights  # noqa: SLF001 - what nn.LSTM reads
        # How often each was changed in place; torch documents this attribute.
        versions = [0 if w.is_inference() else w._version for w in weights]  # noqa: SLF001
        state = [weight.data_ptr() for weight in weights], versions
        rounded = self._rounded  # which another thread may replace
        if rounded is None or rounded[0] != state:
            inputs, states, *biases = (weight.bfloat16() for weight in weights)
            size, options = self.cells.hidden_size, (False, True, False)  # it reads forwards
            laid_out = LAY_OUT(inputs, states, size, *options)
            rounded = self._rounded = state, [*laid_out, *biases]
        return rounded[1]

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Set the mode. A fused optimiser changes weights, and torch does not count it."""
        self._rounded = None
        return super().train(mode)

    def __getstate__(self) -> dict[str, object]:
        return vars(self) | {"_rounded": None}


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
            keep = not ctx.directions[index].training  # an explanation goes on to the next class
            return torch.autograd.grad(result, inputs, gradients[index], retain_graph=keep)

        first, second = map_pair(gradients_of, (0, 1))
        x_gradient = first[0] + second[0] if reads_x else None
        return None, None, x_gradient, *first[reads_x:], *second[reads_x:]
