"""What a fit is told: the parameters of the classifier, and what X and y say about them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from inspect import signature
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback

from sklearn_lstm.compute import find_device
from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.exceptions import IgnoredParameterWarning, warn_user
from sklearn_lstm.network.network import SequenceNetwork
from sklearn_lstm.network.pooling import POOLINGS
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.thresholds import given_thresholds
from sklearn_lstm.training.loss_and_optimizer import SampleLoss, find_criterion, find_optimizer


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained: the parameters of the classifier of the same names, read.

    Parameters
    ----------
    loss : SampleLoss
        By the criterion.
    callbacks : sequence
        Copies of the user's.
    """

    loss: SampleLoss
    optimizer: type[torch.optim.Optimizer]
    device: torch.device
    callbacks: Sequence[Any]
    precision: str
    lr: float
    weight_decay: float
    max_epochs: int | str
    batch_size: int | str
    early_stopping: bool | str
    validation_fraction: float
    n_iter_no_change: int
    verbose: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any], labels: Labels) -> Self:
        """Read the parameters of the classifier.

        Raises
        ------
        ValueError
            For a criterion or optimiser that can't be used, a device that is not there, and
            callbacks that are not skorch's or can't be copied.
        """
        names = {known.name for known in fields(cls)} & parameters.keys()
        read = {
            "loss": find_criterion(parameters["criterion"], labels),
            "callbacks": _copies(parameters["callbacks"]),
            "optimizer": find_optimizer(parameters["optimizer"]),
            "device": find_device(parameters["device"]),
        }
        if parameters["linear_model"] == "alone":
            read["max_epochs"] = 0
        return cls(**{name: parameters[name] for name in names} | read)


@dataclass(frozen=True)
class Configuration:
    """All that is decided before the samples are divided and the members fitted.

    Where nothing else is said, a field is the parameter of the classifier of the same name.

    Parameters
    ----------
    kind : Kind
        What the steps of sequences are.
    vectors : PretrainedVectors or None
        Of all ids, or in `partial_fit` of those that the network lacks.
    encoder : SentenceEncoder or None
        In `fit` alone.
    architecture : dict
        Arguments of `SequenceNetwork` that do not depend on the steps; all arguments of a network
        that training goes on from. `embedding_dim` may be "auto".
    thresholds : ndarray of shape (n_thresholds,)
        NaN: chosen by held-out samples.
    training : TrainingSettings
        Of the network.
    numbers : bool
        There are columns of numbers or categories beside the sequences.
    """

    kind: Kind
    vectors: PretrainedVectors | None = field(repr=False)
    encoder: SentenceEncoder | None = field(repr=False)
    architecture: dict[str, Any]
    criterion: str | type
    linear_model: bool | str
    normalize: bool
    thresholds: NDArray[np.float64] = field(repr=False)
    training: TrainingSettings
    numbers: bool = False

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
            that do not fit y, and what `TrainingSettings` can't be.

        Warns
        -----
        IgnoredParameterWarning
            For parameters that differ from the architecture of the previous network.
        """
        names_of_network = signature(SequenceNetwork).parameters & parameters.keys()
        architecture = {name: parameters[name] for name in sorted(names_of_network)}
        pooling = architecture["pooling"]
        names = [pooling] if isinstance(pooling, str) else list(pooling)
        if not names or not all(name in [*POOLINGS] for name in names):
            raise ValueError(f"pooling needs names out of {tuple(POOLINGS)}, found {pooling!r}.")
        architecture |= {"pooling": names, "n_outputs": len(labels)}
        if previous is not None:
            for name, value in architecture.items():
                if value not in ("auto", previous[name]):
                    warn_user(
                        f"{name}={value!r} is ignored: the network goes on with "
                        f"{name}={previous[name]!r}. Call fit for a new one.",
                        IgnoredParameterWarning,
                    )
            architecture = dict(previous)
        length, embedding_dim = vectors and vectors.width, architecture["embedding_dim"]
        if length and embedding_dim not in ("auto", length):
            raise ValueError(
                f"embeddings holds vectors of length {length}, but the network has embedding_dim="
                f"{embedding_dim}. Leave it 'auto', and call fit for a new network."
            )
        architecture["embedding_dim"] = length or embedding_dim
        return cls(
            kind=kind,
            vectors=vectors,
            encoder=encoder,
            architecture=architecture,
            **{name: parameters[name] for name in ("criterion", "linear_model", "normalize")},
            thresholds=given_thresholds(parameters["threshold"], labels),
            training=TrainingSettings.of(parameters, labels),
        )

    @property
    def ids_with_vectors(self) -> NDArray[np.int64]:
        """The ids that have a pretrained vector."""
        return np.empty(0, np.int64) if self.vectors is None else self.vectors.ids


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
