"""What training minimises: the loss of each sample."""

from functools import lru_cache, partial

import torch
from torch import Tensor, nn

from sklearn_lstm.targets.labels import Labels

OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)


class SampleLoss(nn.Module):
    """The weighted loss of each sample, for any loss that takes `reduction="none"`.

    Its `probabilities` are a function from logits.
    """

    def __init__(self, criterion: type[nn.Module], *, is_multilabel: bool) -> None:
        super().__init__()
        self.criterion = criterion(reduction="none")
        self.probabilities = torch.sigmoid if is_multilabel else partial(torch.softmax, dim=-1)
        self.prepare = nn.LogSoftmax(-1) if issubclass(criterion, nn.NLLLoss) else nn.Identity()

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Logits (B, n_outputs), targets and weights (B,) or (B, n_outputs) -> losses (B,)."""
        n_samples = len(logits)
        losses = self.of_outputs(logits, targets).reshape(n_samples, -1)  # (B, 1) or (B, n_outputs)
        return (losses * weights.reshape(n_samples, -1)).mean(1)

    def of_outputs(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits (B, n_outputs), targets (B,) or (B, n_outputs) -> losses as the criterion does."""
        losses: Tensor = self.criterion(self.prepare(logits), targets)
        return losses


def find_criterion(criterion: str | type[nn.Module], labels: Labels) -> SampleLoss:
    """Return the loss of each sample.

    "cross_entropy" is that of each label by itself if y is multilabel.

    Raises
    ------
    ValueError
        If the criterion does not return the loss of each sample.
    """
    if criterion == "cross_entropy":
        criterion = nn.BCEWithLogitsLoss if labels.is_multilabel else nn.CrossEntropyLoss
    if not (isinstance(criterion, type) and issubclass(criterion, nn.Module)):
        raise ValueError(
            f"criterion={criterion!r} is neither 'cross_entropy' nor a loss class of torch.nn."
        )
    if labels.is_multilabel and issubclass(criterion, OF_CLASSES):
        raise ValueError(
            f"criterion={criterion.__name__} needs one class per sequence, but y is multilabel. "
            "Pass 'cross_entropy', which takes each label by itself, or "
            "torch.nn.BCEWithLogitsLoss."
        )
    _check_loss(criterion, len(labels), is_multilabel=labels.is_multilabel)  # type: ignore[arg-type]
    return SampleLoss(criterion, is_multilabel=labels.is_multilabel)


@lru_cache  # since `partial_fit` asks in each call
def _check_loss(criterion: type[nn.Module], n_outputs: int, *, is_multilabel: bool) -> None:
    """Make a loss of this class, and call it once."""
    n_samples = 3 if n_outputs == 2 else 2  # so that samples are not taken for outputs
    logits = torch.linspace(-2, 2, n_samples * n_outputs, dtype=torch.float32).view(n_samples, -1)
    truth = torch.arange(n_samples) % n_outputs
    targets = nn.functional.one_hot(truth, n_outputs).float() if is_multilabel else truth
    try:
        loss = SampleLoss(criterion, is_multilabel=is_multilabel)
        with torch.no_grad():
            shape = tuple(loss.of_outputs(logits, targets).shape)
        found, cause = f"returned the shape {shape}", None
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        shape, found, cause = (), f"raised {type(error).__name__}: {error}", error
    if shape not in ((n_samples,), (n_samples, n_outputs)):
        raise ValueError(
            f"criterion={criterion.__name__} can't be used. It has to return one loss for each "
            "sample, or for each sample and label. Made with reduction='none' and called with "
            f"logits of shape {tuple(logits.shape)} and targets of shape {tuple(targets.shape)}, "
            f"it {found}."
        ) from cause
