"""What training minimises, and how: the loss of each sample, and the optimiser with its options."""

from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch
from scipy.special import entr
from torch import Tensor, nn
from torch.optim import Optimizer

from sklearn_lstm.members.blending import Logits
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.targets import Targets

OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "nadam": torch.optim.NAdam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
FUSED = (torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD)
# What these read and write in the shape of the weight, whatever shape it has.
FUSED_STATE = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer"}
# They compute the loss several times for each update, or take sparse gradients or matrices alone.
REFUSED = ("LBFGS", "SparseAdam", "Muon")


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
        losses: Tensor = self.criterion(self.prepare(logits), targets)
        if losses.shape[:1] != (n_samples,):
            raise ValueError(
                f"criterion={type(self.criterion).__name__} has to return one loss for each "
                f"sample, made with reduction='none', but it returned the shape {[*losses.shape]}."
            )
        losses = losses.reshape(n_samples, -1)  # (B, 1) or (B, n_outputs)
        return (losses * weights.reshape(n_samples, -1)).mean(1)


def mean_loss(loss: SampleLoss, logits: Logits, targets: Targets) -> float:
    """Return the weighted mean of the losses of all samples."""
    # The losses of torch take no smaller type of class indices.
    values = targets.values.astype(np.int64 if targets.values.ndim == 1 else np.float64)
    return float(loss(*map(torch.from_numpy, (logits, values, targets.weights))).mean())


def loss_of_guessing(targets: Targets) -> float:
    """Return the least mean loss of logits that are the same for all samples: an entropy."""
    shares, is_multilabel = targets.shares(), targets.labels.is_multilabel
    entropies = entr(shares) + (entr(1 - shares) if is_multilabel else 0)
    mean_weights = targets.weights.reshape(len(targets), -1).mean(axis=0)
    return float((mean_weights * entropies).sum() / (len(shares) if is_multilabel else 1))


def find_criterion(criterion: str | type[nn.Module], labels: Labels) -> SampleLoss:
    """Return the loss of each sample.

    "cross_entropy" is that of each label by itself if y is multilabel.

    Raises
    ------
    ValueError
        If it is no loss class, or needs one class per sequence where y is multilabel.
    """
    found: Any = criterion
    if criterion == "cross_entropy":
        found = nn.BCEWithLogitsLoss if labels.is_multilabel else nn.CrossEntropyLoss
    is_loss = isinstance(found, type) and issubclass(found, nn.Module)
    if not is_loss or (labels.is_multilabel and issubclass(found, OF_CLASSES)):
        raise ValueError(
            f"criterion={criterion!r} is neither 'cross_entropy' nor a loss class of torch.nn, "
            "which has to take each label by itself if y is multilabel, as BCEWithLogitsLoss does."
        )
    return SampleLoss(found, is_multilabel=labels.is_multilabel)


def find_optimizer(optimizer: str | type[Optimizer]) -> type[Optimizer]:
    """Return the class of the optimiser.

    Raises
    ------
    ValueError
        If it is not an optimiser of torch, or can't train this network.
    """
    found = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer
    is_refused = any(issubclass(found, getattr(torch.optim, name, ())) for name in REFUSED)
    if is_refused or not issubclass(found, Optimizer) or found is Optimizer:
        raise ValueError(
            f"optimizer={optimizer!r} is not in {sorted(OPTIMIZERS)}, nor a class of torch.optim "
            "that computes the loss once for each update, and takes all weights of a network."
        )
    return found


def optimizer_options(optimizer: type[Optimizer], weight_decay: float) -> dict[str, Any]:
    """Return the options that the optimiser takes; Rprop, for one, has no weight decay."""
    taken = signature(optimizer).parameters
    options = {"weight_decay": weight_decay, "fused": issubclass(optimizer, FUSED)}
    return {name: value for name, value in options.items() if name in taken}
