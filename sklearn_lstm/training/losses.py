"""What training minimises: the loss of each sample."""

from __future__ import annotations

from torch import Tensor, nn


def find_criterion(criterion: str | type[nn.Module], *, is_multilabel: bool) -> nn.Module:
    """Return the loss of each sample; "cross_entropy" is that of each label if y is multilabel.

    Raises
    ------
    ValueError
        If the criterion is not a loss of torch.
    """
    if criterion == "cross_entropy":
        criterion = nn.BCEWithLogitsLoss if is_multilabel else nn.CrossEntropyLoss
    if not (isinstance(criterion, type) and issubclass(criterion, nn.Module)):
        raise ValueError(
            f"criterion={criterion!r} is neither 'cross_entropy' nor a class of torch.nn losses."
        )
    return SampleLoss(criterion)


class SampleLoss(nn.Module):
    """The loss of each sample, for any loss that takes `reduction="none"`."""

    def __init__(self, criterion: type[nn.Module]) -> None:
        super().__init__()
        self.criterion = criterion(reduction="none")

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits (B, n_outputs), targets (B,) or (B, n_outputs) -> losses (B,)."""
        losses: Tensor = self.criterion(logits, targets)
        return losses.mean(1) if losses.ndim == 2 else losses
