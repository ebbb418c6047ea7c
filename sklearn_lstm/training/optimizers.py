"""Which optimiser trains, and with which options."""

from inspect import signature
from typing import Any

import torch
from torch.optim import Optimizer

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
REFUSED = {
    "LBFGS": "it computes the loss several times for each update",
    "SparseAdam": "it takes sparse gradients only, and those of the network are dense",
    "Muon": "it takes matrices only, and a network has biases too",
}


def find_optimizer(optimizer: str | type[Optimizer]) -> type[Optimizer]:
    """Return the class of the optimiser.

    Raises
    ------
    ValueError
        If it is not an optimiser of torch, or can't train this network.
    """
    found = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer
    if not issubclass(found, Optimizer) or found is Optimizer:
        raise ValueError(
            f"optimizer={optimizer!r} is not in {sorted(OPTIMIZERS)}, nor a class of torch.optim."
        )
    for name, reason in REFUSED.items():
        if issubclass(found, getattr(torch.optim, name, ())):
            raise ValueError(f"optimizer={name} can't be used: {reason}. Leave 'adamw'.")
    return found


def optimizer_options(optimizer: type[Optimizer], weight_decay: float) -> dict[str, Any]:
    """Return the options that the optimiser takes; Rprop, for one, has no weight decay."""
    taken = signature(optimizer).parameters
    options = {"weight_decay": weight_decay, "fused": issubclass(optimizer, FUSED)}
    return {name: value for name, value in options.items() if name in taken}
