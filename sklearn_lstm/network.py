"""The network on one page: input -> recurrent layers -> pooling -> logits. T steps, B sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sklearn_lstm.parallel import together
from sklearn_lstm.vocabulary import PADDING

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
WAVES_AT_ONCE = 1024  # positions; few sequences have more steps
POOLINGS = ("max", "mean", "last", "attention")


class SequenceNetwork(nn.Module):
    """One vector of logits for a whole sequence.

    Parameters
    ----------
    n_inputs : int
        Codes for tokens, channels for measurements.
    n_outputs : int
    tokens : bool
    embedding_dim : int or None
        None: codes or measurements go straight to the gates.
    cell, hidden_size, num_layers, bidirectional, pooling, dropout
        As in `LSTMSequenceClassifier`.
    """

    def __init__(
        self,
        *,
        n_inputs: int,
        n_outputs: int,
        tokens: bool,
        embedding_dim: int | None,
        cell: str,
        hidden_size: int,
        num_layers: int,
        bidirectional: bool,
        pooling: Sequence[str],
        dropout: float,
    ) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {
            "n_inputs": n_inputs,
            "n_outputs": n_outputs,
            "tokens": tokens,
            "embedding_dim": embedding_dim,
            "cell": cell,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "pooling": list(pooling),
            "dropout": dropout,
        }
        self.n_directions = n_directions = 1 + bidirectional
        gates = GATES[cell] * hidden_size
        n_features = embedding_dim or (gates * n_directions if tokens else n_inputs)
        if tokens:
            self.embedding = nn.Embedding(n_inputs, n_features, PADDING, dtype=torch.float32)
            self._draw_embedding()
        elif embedding_dim is not None:
            self.projection = nn.Linear(n_inputs, n_features, dtype=torch.float32)
            nn.init.normal_(self.projection.weight, std=n_inputs**-0.5)
        if embedding_dim is not None:
            self.position_scale = nn.Parameter(torch.tensor(0.3, dtype=torch.float32))
        one_hot = tokens and embedding_dim is None
        self.layers = nn.ModuleList()
        for index in range(num_layers):
            split = one_hot and index == 0
            self.layers.append(
                nn.ModuleList(
                    Direction(
                        gates if split else n_features,
                        cell=cell,
                        hidden_size=hidden_size,
                        backward=direction == 1,
                        pooling=pooling if index == num_layers - 1 else (),
                        part=slice(direction * gates, (direction + 1) * gates) if split else None,
                    )
                    for direction in range(n_directions)
                )
            )
            n_features = hidden_size * n_directions
        self.output = nn.Linear(len(pooling) * n_features, n_outputs, dtype=torch.float32)
        self.dropout = dropout
        self.tokens = tokens
        self.use_bfloat16 = False
        self.generator: torch.Generator | None = None  # of what is dropped; None: torch's own

    def grow(self, n_inputs: int) -> None:
        """Give new codes, up to n_inputs, a vector of their own."""
        if n_inputs == self.architecture["n_inputs"]:
            return
        old = self.embedding.weight
        self.embedding = nn.Embedding(
            n_inputs, old.shape[1], PADDING, device=old.device, dtype=old.dtype
        )
        self._draw_embedding()
        self.set_vectors(torch.arange(len(old)), old)
        self.embedding.weight.requires_grad_(old.requires_grad)
        self.architecture["n_inputs"] = n_inputs

    @torch.no_grad()
    def set_vectors(self, codes: Tensor, vectors: Tensor) -> None:
        """Overwrite the vectors of these codes."""
        weight = self.embedding.weight
        weight[codes.to(weight.device)] = vectors.to(weight.device)
        self.embedding.weight[PADDING] = 0

    @torch.no_grad()
    def _draw_embedding(self) -> None:
        if self.architecture["embedding_dim"] is None:  # as nn.LSTM draws its input weights
            bound = self.architecture["hidden_size"] ** -0.5
            self.embedding.weight.uniform_(-bound, bound)
        else:
            self.embedding.weight.normal_()
        self.embedding.weight[PADDING] = 0

    def forward(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Codes (B, T) or measurements (B, T, C), and lengths (B,) -> logits (B, n_outputs)."""
        kind = steps.device.type
        # What oneDNN computes as a whole does not round a sequence by its neighbours.
        is_whole = kind == "cpu" and self.architecture["cell"] == "lstm"
        is_mixed = self.use_bfloat16 and (self.training or is_whole)
        # torch's cache of rounded weights is one for all threads, and may outlive a step.
        with torch.autocast(kind, torch.bfloat16, enabled=is_mixed, cache_enabled=False):
            summary = self.summarize(steps, lengths).float()
        weight, bias = self.output.parameters()
        if self.training:
            return F.linear(self.drop(summary, summary.shape), weight, bias)
        # In float32 a row of odd length would be rounded by its place in the batch.
        return F.linear(summary.double(), weight.double(), bias.double())

    def summarize(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Read, and pool the states: (B, n_directions * len(pooling) * H)."""
        x = self.read(steps.transpose(0, 1))  # (T, B, D)
        clock = Clock(lengths, len(x))
        for index, layer in enumerate(self.layers):
            x = self.drop_steps(x) if index else x
            x = torch.cat(together(layer.children(), x, clock), -1)  # (T, B, n_directions * H)
        return x

    def read(self, steps: Tensor) -> Tensor:
        """Codes (T, B) or measurements (T, B, C) -> features (T, B, D)."""
        x = self.embedding(steps) if self.tokens else steps.contiguous()
        if self.architecture["embedding_dim"] is None:
            return x
        if not self.tokens:
            x = self.projection(x)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        n_cached = WAVES_AT_ONCE * -(-len(x) // WAVES_AT_ONCE)
        position = torch.from_numpy(waves(n_cached, x.shape[2])[: len(x), None])  # (T, 1, D)
        return self.drop_steps(x + (self.position_scale * position.to(x.device)).to(x.dtype))

    def drop_steps(self, x: Tensor) -> Tensor:
        """Drop features of (T, B, D), the same ones in all steps of a sequence."""
        return self.drop(x, x.shape[1:])

    def drop(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """Drop numbers of x, by a mask of this shape; the others grow, to the same mean."""
        if not (self.training and self.dropout):
            return x
        # nn.Dropout draws each number by itself, in three times the time.
        kept = self.chances(shape, x.device) >= self.dropout
        return x * (kept / (1 - self.dropout)).to(x.dtype)

    def chances(self, shape: Sequence[int], device: torch.device) -> Tensor:
        """Draw numbers from 0 to 1."""
        return torch.rand(*shape, generator=self.generator, dtype=torch.float32, device=device)


@lru_cache(4)  # NumPy's, as a tensor made while torch traces a network would be no real one
def waves(n_steps: int, n_features: int) -> NDArray[np.float32]:
    """Give each step sines and cosines of its position, (T, D) (Vaswani et al. 2017)."""
    feature = np.arange(n_features)
    phase = np.arange(n_steps)[:, np.newaxis] * 1e4 ** -(2 * (feature // 2) / n_features)
    return np.where(feature % 2 == 0, np.sin(phase), np.cos(phase)).astype(np.float32)


class Clock:
    """Which steps of a padded batch are real, and where each lies in the reversed sequence.

    Parameters
    ----------
    lengths : Tensor of shape (B,)
    n_steps : int
        Steps of the batch, T.
    """

    def __init__(self, lengths: Tensor, n_steps: int) -> None:
        step = torch.arange(n_steps, device=lengths.device)[:, None]  # (T, 1)
        batch = torch.arange(len(lengths), device=lengths.device)  # (B,)
        self.lengths = lengths
        self.real = step < lengths  # (T, B)
        mirrored = torch.where(self.real, lengths - 1 - step, step)  # (T, B)
        self.mirror = (mirrored * len(lengths) + batch).flatten()  # (T * B,)
        self.last = (lengths - 1) * len(lengths) + batch  # (B,)
        # All sequences are at least so long; on a GPU to ask would be to wait for it.
        self.n_common = 0 if lengths.is_cuda else int(lengths.min())


def reverse(x: Tensor, clock: Clock) -> Tensor:
    """Reverse each sequence of (T, B, D) within its own length; padding stays where it is."""
    reversed_: Tensor = _Permutation.apply(x, clock.mirror)  # type: ignore[no-untyped-call]
    return reversed_


class _Permutation(torch.autograd.Function):
    """Reorder the steps of a batch by a permutation that is its own inverse.

    The gradient goes the same way as the value, which is faster than adding it up by index.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor) -> Tensor:
        ctx.save_for_backward(order)
        return x.flatten(0, 1).index_select(0, order).view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (order,) = ctx.saved_tensors
        return gradient.flatten(0, 1).index_select(0, order).view_as(gradient), None


class Direction(nn.Module):
    """Cells that read a batch one way: the states of all steps, or what is pooled of them.

    The backward direction reads each sequence from its own end: packing would be slow, and reading
    the padding first would be wrong.

    Parameters
    ----------
    n_features, cell, hidden_size
    backward : bool
    pooling : tuple of str
        Empty: all states.
    part : slice or None
        The input is the sum at the gates already, and this is what belongs to the direction: the
        input weights stay the identity.
    """

    def __init__(
        self,
        n_features: int,
        *,
        cell: str,
        hidden_size: int,
        backward: bool,
        pooling: Sequence[str],
        part: slice | None,
    ) -> None:
        super().__init__()
        self.cells = CELLS[cell](n_features, hidden_size, dtype=torch.float32)
        self.backward_ = backward
        self.pooling = Pooling(pooling, hidden_size) if pooling else None
        self.part = part
        if part is not None:
            nn.init.eye_(self.cells.weight_ih_l0)  # type: ignore[arg-type]
            self.cells.weight_ih_l0.requires_grad = False

    def forward(self, x: Tensor, clock: Clock) -> Tensor:
        """(T, B, D) -> states (T, B, H), or what is pooled of them, (B, len(pooling) * H)."""
        if self.part is not None:
            x = x[:, :, self.part]
        states = self.cells(reverse(x, clock) if self.backward_ else x)[0]
        if self.pooling is not None:
            pooled: Tensor = self.pooling(states, clock)
            return pooled
        return reverse(states, clock) if self.backward_ else states


class Pooling(nn.Module):
    """The states of a direction, in the order in which it reads -> one vector for the sequence.

    Several poolings stand side by side.
    """

    def __init__(self, names: Sequence[str], hidden_size: int) -> None:
        super().__init__()
        self.names = names
        if "attention" in names:
            self.attention = nn.Linear(hidden_size, 1, bias=False, dtype=torch.float32)

    def forward(self, states: Tensor, clock: Clock) -> Tensor:
        """(T, B, H) -> (B, len(names) * H)."""
        pools: dict[str, Callable[[Tensor, Clock], Tensor]] = {
            "max": self.max,
            "mean": self.mean,
            "last": self.last,
            "attention": self.attend,
        }
        return torch.cat([pools[name](states, clock) for name in self.names], 1)

    def max(self, states: Tensor, clock: Clock) -> Tensor:
        """Keep the largest value of each feature."""
        largest: Tensor = _Maximum.apply(states, clock)  # type: ignore[no-untyped-call]
        return largest

    def mean(self, states: Tensor, clock: Clock) -> Tensor:
        """Average over the steps."""
        real = states if clock.n_common == len(states) else states * clock.real[:, :, None]
        return real.sum(0) / clock.lengths[:, None]

    def last(self, states: Tensor, clock: Clock) -> Tensor:
        """Keep the state in which the direction ends."""
        return states.flatten(0, 1)[clock.last]

    def attend(self, states: Tensor, clock: Clock) -> Tensor:
        """Average with learnt weights (Yang et al. 2016, without the hidden layer)."""
        scores = (states * self.attention.weight).sum(2, keepdim=True)  # (T, B, 1)
        scores = scores.masked_fill(~clock.real[:, :, None], -torch.inf)
        # In float32 the exponential of a score would depend on the place of its sequence.
        return (states * F.softmax(scores.double(), 0).to(states.dtype)).sum(0)


class _Maximum(torch.autograd.Function):
    """The maximum over the real steps; only steps that some sequence lacks are looked at twice."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, clock: Clock) -> Tensor:
        start = clock.n_common
        tail = states[start:].masked_fill(~clock.real[start:, :, None], -torch.inf)
        parts = [part.max(0) for part in (states[:start], tail) if len(part)]
        values, steps = parts[-1]
        if len(parts) == 2:
            later, steps = values > parts[0].values, steps + start
            values = torch.where(later, values, parts[0].values)
            steps = torch.where(later, steps, parts[0].indices)
        ctx.save_for_backward(steps)
        ctx.shape = states.shape
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (steps,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.shape).scatter_(0, steps[None], gradient[None]), None
