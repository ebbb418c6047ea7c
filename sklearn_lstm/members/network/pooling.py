"""The states of all steps -> one vector; which steps of a padded batch are no padding.

T steps, B sequences, D features, H units.
"""

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.members.network.devices import exact


class SequenceMask:
    """The steps of a padded batch that are not padding, and their places in reverse order.

    Parameters
    ----------
    lengths : Tensor of shape (B,)
    n_steps : int
        Steps of the batch, T.
    """

    def __init__(self, lengths: Tensor, n_steps: int) -> None:
        self.lengths = lengths
        self.n_steps = n_steps
        # Whether any step may be padding. To know it, a GPU would wait for all computations before.
        self.has_padding = lengths.device.type != "cpu" or int(lengths.min()) < n_steps

    def filled(self, x: Tensor, value: float) -> Tensor:
        """Return (T, B, D) with this value in place of padding."""
        return x.masked_fill(~self.is_step[:, :, None], value) if self.has_padding else x

    @cached_property
    def _step(self) -> Tensor:  # (T, 1)
        return torch.arange(self.n_steps, device=self.lengths.device)[:, None]

    @cached_property
    def _sequence(self) -> Tensor:  # (B,)
        return torch.arange(len(self.lengths), device=self.lengths.device)

    @cached_property
    def is_step(self) -> Tensor:
        """Which steps are no padding (T, B)."""
        return self._step < self.lengths

    @cached_property
    def mirror(self) -> Tensor:
        """The place of each step in reverse order (T * B,)."""
        mirrored = torch.where(self.is_step, self.lengths - 1 - self._step, self._step)  # (T, B)
        return (mirrored * len(self.lengths) + self._sequence).flatten()

    @cached_property
    def last(self) -> Tensor:
        """The place of the last step of each sequence (B,)."""
        return (self.lengths - 1) * len(self.lengths) + self._sequence


def reverse(x: Tensor, mask: SequenceMask) -> Tensor:
    """Reverse each sequence of (T, B, D) within its own length; padding stays where it is."""
    if not mask.has_padding:
        return x.flip(0)
    return x.flatten(0, 1).index_select(0, mask.mirror).view_as(x)


class Pooling(nn.Module):
    """Pool the states of one direction, in the order in which it reads.

    Several poolings are laid side by side.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.names = architecture.pooling
        if "attention" in self.names:
            size = architecture.hidden_size
            self.attention = nn.Linear(size, 1, bias=False, dtype=torch.float32)

    def forward(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """(T, B, H) -> (B, len(names) * H)."""
        return torch.cat([getattr(self, f"pool_{name}")(states, mask) for name in self.names], 1)

    def pool_max(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the largest value of each unit."""
        states = mask.filled(states, -torch.inf)
        # Without their places, it takes an eighth of the time.
        return states.max(0).values if torch.is_grad_enabled() else states.amax(0)

    def pool_mean(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the average over the steps."""
        return mask.filled(states, 0).sum(0) / mask.lengths[:, None]

    def pool_last(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the state in which the direction ends."""
        return states.flatten(0, 1)[mask.last]

    def pool_attention(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the average with learned weights (Yang et al. 2016, without the hidden layer)."""
        scores = (states * self.attention.weight).sum(2, keepdim=True)  # (T, B, 1)
        scores = mask.filled(scores, -torch.inf)
        # In float32 the exponential of a score would depend on the place of its sequence.
        return (states * F.softmax(exact(scores), 0).to(states.dtype)).sum(0)
