"""The states of all steps -> one vector for the sequence. T steps, B sequences, H units."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sklearn_lstm.compute import exact
from sklearn_lstm.network.masks import SequenceMask


class Pooling(nn.Module):
    """Pool the states of one direction, in the order in which it reads.

    Several poolings are laid side by side.
    """

    def __init__(self, names: Sequence[str], hidden_size: int) -> None:
        super().__init__()
        self.names = names
        if "attention" in names:
            self.attention = nn.Linear(hidden_size, 1, bias=False, dtype=torch.float32)

    def forward(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """(T, B, H) -> (B, len(names) * H)."""
        return torch.cat([POOLINGS[name](self, states, mask) for name in self.names], 1)

    def max(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the largest value of each unit."""
        states = mask.filled(states, -torch.inf)
        # Without their places, it takes an eighth of the time.
        return states.max(0).values if torch.is_grad_enabled() else states.amax(0)

    def mean(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the average over the steps."""
        return mask.filled(states, 0).sum(0) / mask.lengths[:, None]

    def last(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the state in which the direction ends."""
        return states.flatten(0, 1)[mask.last]

    def attend(self, states: Tensor, mask: SequenceMask) -> Tensor:
        """Return the average with learned weights (Yang et al. 2016, without the hidden layer)."""
        scores = (states * self.attention.weight).sum(2, keepdim=True)  # (T, B, 1)
        scores = mask.filled(scores, -torch.inf)
        # In float32 the exponential of a score would depend on the place of its sequence.
        return (states * F.softmax(exact(scores), 0).to(states.dtype)).sum(0)


POOLINGS: dict[str, Callable[[Pooling, Tensor, SequenceMask], Tensor]] = {
    "max": Pooling.max,
    "mean": Pooling.mean,
    "last": Pooling.last,
    "attention": Pooling.attend,
}
