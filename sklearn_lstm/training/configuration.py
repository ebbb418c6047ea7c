"""What a fit is told: the parameters of the classifier, and what X and y say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_lstm.compute.devices import find_device
from sklearn_lstm.data.embeddings import PretrainedVectors
from sklearn_lstm.data.encoding import ChannelScaling, Encoding, TokenCodes
from sklearn_lstm.data.kinds import MEASUREMENTS, Kind
from sklearn_lstm.data.labels import Labels
from sklearn_lstm.data.sentence_encoders import SentenceEncoder
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import IgnoredParameterWarning, warn_user
from sklearn_lstm.network.pooling import POOLINGS
from sklearn_lstm.thresholds import given_thresholds
from sklearn_lstm.training.losses import find_criterion
from sklearn_lstm.training.optimizers import find_optimizer

ARCHITECTURE = "cell", "hidden_size", "num_layers", "bidirectional", "pooling", "dropout"


@dataclass(frozen=True)
class Configuration:
    """All that is decided before the samples are divided and the members fitted.

    Where nothing else is said, a field is the parameter of the classifier of the same name.

    Parameters
    ----------
    kind : Kind
        What the steps of sequences are.
    labels : Labels
    vectors : PretrainedVectors or None
        Of all ids, or in `partial_fit` of those that the network lacks.
    encoder : SentenceEncoder or None
        In `fit` alone.
    architecture : dict
        Arguments of `SequenceNetwork` that do not depend on the steps; all arguments of a network
        that training goes on from.
    thresholds : ndarray of shape (n_thresholds,)
        NaN: chosen by held-out samples.
    loss : nn.Module
        Of each sample, by the criterion.
    probabilities : callable
        From logits.
    callbacks : sequence
        Copies of the user's.
    checkpoint : Path or None
        The folder of the states from which a training that was killed goes on.
    """

    kind: Kind
    labels: Labels = field(repr=False)
    vectors: PretrainedVectors | None = field(repr=False)
    encoder: SentenceEncoder | None = field(repr=False)
    architecture: dict[str, Any]
    criterion: str | type
    thresholds: NDArray[np.float64] = field(repr=False)
    loss: nn.Module = field(repr=False)
    probabilities: Callable[[Tensor], Tensor] = field(repr=False)
    linear_model: bool
    optimizer: type[torch.optim.Optimizer]
    device: torch.device
    callbacks: Sequence[Any] = field(repr=False)
    embedding_dim: int | str | None
    normalize: bool
    precision: str
    lr: float
    weight_decay: float
    max_epochs: int | str
    batch_size: int | str
    early_stopping: bool | str
    validation_fraction: float
    n_iter_no_change: int
    verbose: int = field(repr=False)
    checkpoint: Path | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, Any],
        kind: Kind,
        labels: Labels,
        *,
        vectors: PretrainedVectors | None = None,
        encoder: SentenceEncoder | None = None,
        previous: Mapping[str, Any] | None = None,
    ) -> Self:
        """Read the parameters of the classifier; `previous` is the architecture to go on with.

        Raises
        ------
        ValueError
            For wrong names of poolings, vectors of another length than `embedding_dim`, thresholds
            that do not fit y, a device that is not there, a criterion or optimiser that can't be
            used, and callbacks that are not skorch's or can't be copied.

        Warns
        -----
        IgnoredParameterWarning
            For parameters that differ from the architecture of the previous network.
        """
        architecture = {name: parameters[name] for name in ARCHITECTURE}
        pooling, embedding_dim = architecture["pooling"], parameters["embedding_dim"]
        names = [pooling] if isinstance(pooling, str) else list(pooling)
        if not names or not all(name in [*POOLINGS] for name in names):
            raise ValueError(f"pooling needs names out of {tuple(POOLINGS)}, found {pooling!r}.")
        architecture |= {"pooling": names, "n_outputs": len(labels)}
        if previous is not None:
            _warn_of_ignored(architecture, embedding_dim, previous)
            architecture, embedding_dim = dict(previous), previous["embedding_dim"]
        length = 0 if vectors is None else vectors.width
        if length and embedding_dim not in ("auto", length):
            raise ValueError(
                f"embeddings holds vectors of length {length}, but the network has embedding_dim="
                f"{embedding_dim}. Leave it 'auto', and call fit for a new network."
            )
        embedding_dim = length or embedding_dim
        loss, probabilities = find_criterion(parameters["criterion"], labels)
        taken = {field.name for field in fields(cls)} - {"checkpoint"}
        values = {name: value for name, value in parameters.items() if name in taken}
        values |= {
            "kind": kind,
            "labels": labels,
            "vectors": vectors,
            "encoder": encoder,
            "architecture": architecture,
            "embedding_dim": embedding_dim,
            "thresholds": given_thresholds(parameters["threshold"], labels),
            "loss": loss,
            "probabilities": probabilities,
            "callbacks": _copies(parameters["callbacks"]),
            "optimizer": find_optimizer(parameters["optimizer"]),
            "device": find_device(parameters["device"]),
        }
        return cls(**values)

    @property
    def reads_tokens(self) -> bool:
        """Whether steps are tokens; else they are measurements."""
        return self.kind is not MEASUREMENTS

    @property
    def has_linear_model(self) -> bool:
        """Whether a linear model is wanted, and possible with the criterion."""
        return self.linear_model and self.criterion == "cross_entropy"

    @property
    def ids_with_vectors(self) -> NDArray[np.int64]:
        """The ids that have a pretrained vector."""
        return np.empty(0, np.int64) if self.vectors is None else self.vectors.ids

    def encoding(
        self,
        sequences: Sequences,
        targets: NDArray[np.generic] | None = None,
        known: Encoding | None = None,
    ) -> Encoding:
        """Return how a network reads sequences: as the one before, with codes for new ids.

        Without targets, the level of a channel stays: nothing says whether it tells the class.
        """
        if self.reads_tokens:
            codes = cast("TokenCodes", known or TokenCodes.of(np.empty(0, np.int64)))
            return codes.extended(sequences, self.ids_with_vectors)
        return known or ChannelScaling.of(sequences, targets, normalize=self.normalize)


def _warn_of_ignored(
    wanted: Mapping[str, Any], embedding_dim: int | str | None, previous: Mapping[str, Any]
) -> None:
    """Warn of parameters that differ from the architecture of a network that goes on."""
    if embedding_dim != "auto":
        wanted = {**wanted, "embedding_dim": embedding_dim}
    for name, value in wanted.items():
        if value != previous[name]:
            warn_user(
                f"{name}={value!r} is ignored: the network goes on with "
                f"{name}={previous[name]!r}. Call fit for a new one.",
                IgnoredParameterWarning,
            )


def _copies(callbacks: Sequence[Any] | None) -> list[Any]:
    """Copy the callbacks of the user, which stay as they are."""
    copies, memo = [], dict[int, Any]()
    for index, callback in enumerate(callbacks or ()):
        if not isinstance(callback[1] if isinstance(callback, tuple) else callback, Callback):
            raise ValueError(
                f"callbacks[{index}] is {callback!r}, which is not a callback of skorch. "
                "Callbacks of scikit-learn are set by set_callbacks."
            )
        try:
            copies.append(deepcopy(callback, memo))
        except Exception as error:
            raise ValueError(
                f"callbacks[{index}] is {callback!r}, which can't be copied ({error}), but fit "
                "calls copies of the callbacks. Leave out what can't be copied, such as an open "
                "file: let the callback open it in on_train_begin."
            ) from error
    return copies
