"""What a fit is told of the network: its parameters, as torch and skorch take them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping

from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.members.network.architecture import POOLINGS, Architecture
from sklearn_lstm.members.network.devices import find_device
from sklearn_lstm.members.network.loss_and_optimizer import (
    SampleLoss,
    find_criterion,
    find_optimizer,
)
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.settings import FitSettings, Parameters, read_settings
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.targets.labels import Labels


@dataclass(frozen=True)
class NetworkSettings(FitSettings):
    """All settings of a fit, also those that only the network needs.

    Parameters
    ----------
    loss : SampleLoss
        By the criterion.
    callbacks : sequence
        Copies of the user's.
    architecture : dict
        The parameters that `Architecture` has too; `embedding_dim` is the width of the vectors, if
        there are any.
    """

    loss: SampleLoss
    optimizer: type[torch.optim.Optimizer]
    device: torch.device
    callbacks: Sequence[Any]
    architecture: Mapping[str, Any]
    precision: str
    lr: float
    weight_decay: float

    @property
    def has_early_stopping(self) -> bool:
        """Whether early stopping is among the callbacks of the user."""
        return any(isinstance(one, EarlyStopping) for one in _without_names(self.callbacks))


def read_network_settings(
    parameters: Parameters,
    kind: Kind,
    labels: Labels,
    sequences: Sequences | None = None,
    network: Network | None = None,
) -> NetworkSettings:
    """Read the parameters of the classifier.

    Parameters
    ----------
    parameters, kind, labels, sequences
        As `read_settings` takes them.
    network : Network or None
        That training goes on from.

    Raises
    ------
    ValueError
        As `read_settings` does; and for wrong names of poolings, vectors of another length than
        `embedding_dim`, a criterion or optimiser that can't be used, a device that is not there,
        and callbacks that are not skorch's, can't be copied, or monitor what is not recorded.
    """
    known = own = None
    if network is not None and isinstance(network.encoding, TokenCodes):
        known, own = network.encoding, network.vectors
    settings = read_settings(parameters, kind, labels, sequences, known=known, known_vectors=own)
    return NetworkSettings(
        **vars(settings),
        architecture=_architecture(parameters, settings.vectors, network),
        loss=find_criterion(parameters["criterion"], labels),
        callbacks=_copies(parameters["callbacks"], parameters["early_stopping"]),
        optimizer=find_optimizer(parameters["optimizer"]),
        device=find_device(parameters["device"]),
        **{name: parameters[name] for name in ("precision", "lr", "weight_decay")},
    )


def _architecture(
    parameters: Parameters, vectors: PretrainedVectors | None, network: Network | None
) -> dict[str, Any]:
    """Return the parameters that `Architecture` has too."""
    names = {one.name for one in fields(Architecture)} & parameters.keys()
    architecture = {name: parameters[name] for name in names}
    found = parameters["pooling"]
    architecture["pooling"] = pooling = (found,) if isinstance(found, str) else tuple(found)
    if not pooling or not all(name in POOLINGS for name in pooling):
        raise ValueError(f"pooling needs names out of {POOLINGS}, found {found!r}.")
    if network is not None:
        architecture["embedding_dim"] = network.module.architecture.embedding_dim
    width, embedding_dim = vectors and vectors.width, architecture["embedding_dim"]
    if width and embedding_dim not in ("auto", width):
        raise ValueError(
            f"embeddings holds vectors of length {width}, but the network has embedding_dim="
            f"{embedding_dim}. Leave it 'auto', and call fit for a new network."
        )
    return architecture | {"embedding_dim": width or embedding_dim}


def _without_names(callbacks: Sequence[Any]) -> list[Any]:
    """Return the callbacks; some may stand behind a name."""
    return [one[1] if isinstance(one, tuple) else one for one in callbacks]


def _copies(callbacks: Sequence[Any] | None, early_stopping: object) -> list[Any]:
    """Copy the callbacks of the user, which stay as they are."""
    given = [*(callbacks or ())]
    for callback in _without_names(given):
        if not isinstance(callback, Callback):
            raise ValueError(
                f"callbacks holds {callback!r}, which is not a callback of skorch, such as "
                "EarlyStopping(). Callbacks of scikit-learn are set by set_callbacks."
            )
        monitor = getattr(callback, "monitor", None)
        if early_stopping is not True and monitor in {"valid_loss", "valid_loss_best"}:
            raise ValueError(
                f"{type(callback).__name__} monitors {monitor!r}, but fit records it with "
                "early_stopping=True alone. Set that, or let it monitor 'train_loss'."
            )
    try:
        return deepcopy(given)
    except Exception as error:
        raise ValueError(
            f"callbacks={given} can't be copied ({error}), but fit calls copies. Let a callback "
            "open in on_train_begin what can't be copied, such as a file."
        ) from error
