"""Parameters of the classifier -> settings of training, first networks and random numbers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from sklearn_lstm.compute.devices import find_device, find_device_or_cpu, prefers_bfloat16
from sklearn_lstm.data.embeddings import PretrainedVectors, read_embeddings
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import IgnoredParameterWarning
from sklearn_lstm.fitting import StartNetwork
from sklearn_lstm.model import NetworkModel, SequenceModel
from sklearn_lstm.network.pooling import POOLINGS
from sklearn_lstm.training.loop import TrainingSettings
from sklearn_lstm.training.losses import find_criterion
from sklearn_lstm.training.optimizers import find_optimizer

ARCHITECTURE = (
    "cell",
    "hidden_size",
    "num_layers",
    "bidirectional",
    "pooling",
    "dropout",
    "freeze_embeddings",
)
TRAINING = (
    "precision",
    "lr",
    "weight_decay",
    "lr_schedule",
    "gradient_clip",
    "token_dropout",
    "n_iter_no_change",
    "callbacks",
    "verbose",
)


def training_settings(
    parameters: Mapping[str, Any], *, is_multilabel: bool, device: torch.device | None = None
) -> TrainingSettings:
    """Return the settings of training, on another device than the parameter says if one is given.

    Raises
    ------
    ValueError
        For a device that is not there, and a criterion or optimiser that can't be used.
    """
    return TrainingSettings(
        criterion=find_criterion(parameters["criterion"], is_multilabel=is_multilabel),
        is_multilabel=is_multilabel,
        optimizer=find_optimizer(parameters["optimizer"]),
        device=device or find_device(parameters["device"]),
        **{name: parameters[name] for name in TRAINING},
    )


def network_starter(
    X: Any,
    sequences: Sequences,
    parameters: Mapping[str, Any],
    n_outputs: int,
    previous: SequenceModel | None,
) -> StartNetwork:
    """Return the function that makes a network for sequences, or goes on with the previous one.

    Raises
    ------
    ValueError
        For wrong names of poolings, and for embeddings that do not suit X.
    """
    architecture = {name: parameters[name] for name in ARCHITECTURE}
    pooling = architecture["pooling"]
    names = [pooling] if isinstance(pooling, str) else list(pooling)
    if not names or not all(name in POOLINGS for name in names):
        raise ValueError(f"pooling needs names out of {POOLINGS}, found {pooling!r}.")
    architecture["pooling"] = names
    pretrained = _pretrained(X, sequences, parameters["embeddings"])
    if previous is not None:
        model = previous.networks[0]
        if parameters["embedding_dim"] != "auto":
            architecture["embedding_dim"] = parameters["embedding_dim"]
        if pretrained is None:
            del architecture["freeze_embeddings"]
        _warn_of_other_architecture(architecture, model)
        return lambda some, generator: model.extended(some, pretrained, generator)
    return lambda some, generator: NetworkModel.new(
        some,
        pretrained,
        generator,
        n_outputs=n_outputs,
        normalize=parameters["normalize"],
        embedding_dim=parameters["embedding_dim"],
        **architecture,
    )


def random_generator(random_state: Any, n_epochs: int) -> np.random.Generator:
    """Return the generator of a fit that goes on after so many epochs."""
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(1 << 31)
    return np.random.default_rng([int(random_state), n_epochs])


def move_loaded(model: SequenceModel, parameters: Mapping[str, Any]) -> torch.device:
    """Move a loaded model to its device, or to the processor, and return the device."""
    device = find_device_or_cpu(parameters["device"])
    can_round = parameters["precision"] == "bfloat16" or prefers_bfloat16(device)
    for part in model.networks:
        part.network.to(device)
        part.network.use_bfloat16 = part.network.use_bfloat16 and can_round
    return device


def _pretrained(X: Any, sequences: Sequences, embeddings: Any) -> PretrainedVectors | None:
    if embeddings is None:
        return None
    if sequences.n_channels is not None:
        raise ValueError("embeddings are vectors of token ids, but X holds measurements.")
    return read_embeddings(embeddings, getattr(X, "vocabulary", None))


def _warn_of_other_architecture(architecture: Mapping[str, Any], model: NetworkModel) -> None:
    fitted = model.network.architecture
    for name in architecture:
        if architecture[name] != fitted[name]:
            warnings.warn(
                f"{name}={architecture[name]!r} is ignored: the network goes on with "
                f"{name}={fitted[name]!r}. Set warm_start=False to fit a new one.",
                IgnoredParameterWarning,
                stacklevel=4,
            )
