"""What training minimises: the loss of each sample."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from sklearn_lstm.data.labels import Labels


def find_criterion(
    criterion: str | type[nn.Module], labels: Labels
) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """Return the loss of each sample, and the function from logits to probabilities.

    "cross_entropy" is that of each label by itself if y is multilabel.

    Raises
    ------
    ValueError
        If the criterion is not a loss of torch.
    """
    if criterion == "cross_entropy":
        criterion = nn.BCEWithLogitsLoss if labels.is_multilabel else nn.CrossEntropyLoss
    if not (isinstance(criterion, type) and issubclass(criterion, nn.Module)):
        raise ValueError(
            f"criterion={criterion!r} is neither 'cross_entropy' nor a class of torch.nn losses."
        )
    probabilities = torch.sigmoid if labels.is_multilabel else partial(torch.softmax, dim=-1)
    return SampleLoss(criterion), probabilities


class SampleLoss(nn.Module):
    """The loss of each sample, for any loss that takes `reduction="none"`."""

    def __init__(self, criterion: type[nn.Module]) -> None:
        super().__init__()
        self.criterion = criterion(reduction="none")

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits (B, n_outputs), targets (B,) or (B, n_outputs) -> losses (B,)."""
        losses: Tensor = self.criterion(logits, targets)
        return losses.mean(1) if losses.ndim == 2 else losses
