"""Which steps of a padded batch belong to its sequences. T steps, B sequences."""

from functools import cached_property

import torch
from torch import Tensor


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
