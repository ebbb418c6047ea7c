"""What training minimises, and by which optimiser."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "nadam": torch.optim.NAdam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


def find_criterion(criterion: str | type[nn.Module], *, multilabel: bool) -> nn.Module:
    """Give the loss of each sample; "cross_entropy" is that of each label if there are several.

    Raises
    ------
    ValueError
        If the criterion is not a loss of torch.
    """
    if criterion == "cross_entropy":
        criterion = nn.BCEWithLogitsLoss if multilabel else nn.CrossEntropyLoss
    if not (isinstance(criterion, type) and issubclass(criterion, nn.Module)):
        raise ValueError(
            f"criterion={criterion!r} is neither 'cross_entropy' nor a class of torch.nn losses."
        )
    return WeightedLoss(criterion)


def find_optimizer(
    optimizer: str | type[torch.optim.Optimizer],
) -> type[torch.optim.Optimizer]:
    """Give the class of the optimiser.

    Raises
    ------
    ValueError
        If it is not an optimiser of torch.
    """
    found = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer
    if not issubclass(found, torch.optim.Optimizer):
        raise ValueError(
            f"optimizer={optimizer!r} is not in {sorted(OPTIMIZERS)}, nor a class of torch.optim"
        )
    return found


class WeightedLoss(nn.Module):
    """The mean over a batch of weight times loss, for any loss with `reduction="none"`."""

    def __init__(self, criterion: type[nn.Module]) -> None:
        super().__init__()
        self.criterion = criterion(reduction="none")

    def forward(self, logits: Tensor, target: Sequence[Tensor]) -> Tensor:
        """Logits (B, n_outputs), target = (codes (B,) or labels (B, n_outputs), weights (B,))."""
        codes, weights = target
        losses = self.criterion(logits, codes)
        if losses.ndim == 2:
            losses = losses.mean(1)
        return torch.as_tensor((losses * weights).mean())
