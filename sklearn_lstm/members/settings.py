"""What a fit is told: the parameters of the classifier, and what X and y say about them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback

from sklearn_lstm.data.kinds import MEASUREMENTS, Kind
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.exceptions import IgnoredParameterWarning, warn_user
from sklearn_lstm.members.network.architecture import POOLINGS, Architecture
from sklearn_lstm.members.network.devices import find_device
from sklearn_lstm.members.network.loss_and_optimizer import (
    SampleLoss,
    find_criterion,
    find_optimizer,
)
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.pretrained.embeddings import PretrainedVectors, read_embeddings
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.thresholds import given_thresholds


@dataclass(frozen=True)
class FitSettings:
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
    numbers : bool
        There are columns of numbers or categories beside the sequences.
    is_aligned : bool
        All sequences have the same number of steps, more than one.
    thresholds : ndarray of shape (n_thresholds,)
        NaN: chosen by held-out samples.
    loss : SampleLoss
        By the criterion.
    callbacks : sequence
        Copies of the user's.
    architecture : dict
        The parameters that `Architecture` has too; `embedding_dim` is the width of the vectors, if
        there are any.
    """

    kind: Kind
    vectors: PretrainedVectors | None = field(repr=False)
    encoder: SentenceEncoder | None = field(repr=False)
    numbers: bool
    is_aligned: bool
    thresholds: NDArray[np.float64] = field(repr=False)
    loss: SampleLoss
    optimizer: type[torch.optim.Optimizer]
    device: torch.device
    callbacks: Sequence[Any]
    architecture: Mapping[str, Any]
    criterion: str | type
    linear_model: bool | str
    normalize: bool
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
    def of(
        cls,
        parameters: Mapping[str, Any],
        kind: Kind,
        labels: Labels,
        sequences: Sequences | None = None,
        network: Network | None = None,
    ) -> Self:
        """Read the parameters of the classifier.

        Parameters
        ----------
        parameters : dict
            Checked.
        kind, labels, sequences
            Of X and y. Without sequences neither `embeddings` nor an encoder is read.
        network : Network or None
            That training goes on from: `embeddings` are read for its new ids alone, and no encoder.

        Raises
        ------
        ValueError
            For vectors of measurements, wrong names of poolings, vectors of another length than
            `embedding_dim`, thresholds that do not fit y, a criterion or optimiser that can't be
            used, a device that is not there, and callbacks that are not skorch's, can't be copied,
            or monitor what is not recorded.

        Warns
        -----
        IgnoredParameterWarning
            For parameters that differ from the architecture of the network.
        """
        vectors = encoder = None
        is_aligned = False
        if sequences is not None:
            is_aligned = bool(1 < sequences.lengths.min() == sequences.lengths.max())
            vectors, encoder = _read_vectors(parameters, kind, sequences, network)
        names = {known.name for known in fields(cls)} & parameters.keys()
        settings = {name: parameters[name] for name in names} | {
            "kind": kind,
            "vectors": vectors,
            "encoder": encoder,
            "numbers": sequences is not None and bool(sequences.numbers),
            "is_aligned": is_aligned,
            "architecture": _architecture(parameters, vectors, network),
            "thresholds": given_thresholds(parameters["threshold"], labels),
            "loss": find_criterion(parameters["criterion"], labels),
            "callbacks": _copies(parameters["callbacks"], parameters["early_stopping"]),
            "optimizer": find_optimizer(parameters["optimizer"]),
            "device": find_device(parameters["device"]),
        }
        if parameters["linear_model"] == "alone":
            settings["max_epochs"] = 0
        return cls(**settings)


def _architecture(
    parameters: Mapping[str, Any], vectors: PretrainedVectors | None, network: Network | None
) -> dict[str, Any]:
    """Return the parameters that `Architecture` has too."""
    names = {one.name for one in fields(Architecture)} & parameters.keys()
    architecture = {name: parameters[name] for name in names}
    found = parameters["pooling"]
    architecture["pooling"] = pooling = (found,) if isinstance(found, str) else tuple(found)
    if not pooling or not all(name in POOLINGS for name in pooling):
        raise ValueError(f"pooling needs names out of {POOLINGS}, found {found!r}.")
    if network is not None:
        known = network.module.architecture
        for name in sorted(architecture):
            if architecture[name] not in ("auto", going_on := getattr(known, name)):
                warn_user(
                    f"{name}={architecture[name]!r} is ignored: the network goes on with "
                    f"{name}={going_on!r}. Call fit for a new one.",
                    IgnoredParameterWarning,
                )
        architecture["embedding_dim"] = known.embedding_dim
    width, embedding_dim = vectors and vectors.width, architecture["embedding_dim"]
    if width and embedding_dim not in ("auto", width):
        raise ValueError(
            f"embeddings holds vectors of length {width}, but the network has embedding_dim="
            f"{embedding_dim}. Leave it 'auto', and call fit for a new network."
        )
    return architecture | {"embedding_dim": width or embedding_dim}


def _read_vectors(
    parameters: Mapping[str, Any], kind: Kind, sequences: Sequences, network: Network | None
) -> tuple[PretrainedVectors | None, SentenceEncoder | None]:
    """Read `embeddings`, and open an encoder."""
    embeddings, encoder = parameters["embeddings"], parameters["encoder"]
    if kind is MEASUREMENTS and (embeddings is not None or encoder is not None):
        name = "encoder" if embeddings is None else "embeddings"
        raise ValueError(f"{name} is for tokens, but X holds measurements. Leave it None.")
    vectors = own = new_ids = opened = None
    if embeddings is not None:
        if network is not None and isinstance(network.encoding, TokenCodes):
            own = network.vectors
            new_ids = network.encoding.new_ids(sequences.distinct_ids(), np.arange(0))
        vectors = read_embeddings(embeddings, sequences.vocabulary, new_ids, own)
        if new_ids is None:
            vectors.warn_of_missing_rows(sequences)
    if encoder is not None and network is None:
        opened = SentenceEncoder.opened(encoder)
        opened.known = {}
    return vectors, opened


def _copies(callbacks: Sequence[Any] | None, early_stopping: object) -> list[Any]:
    """Copy the callbacks of the user, which stay as they are."""
    given = [*(callbacks or ())]
    for callback in given:
        found = callback[1] if isinstance(callback, tuple) else callback
        if not isinstance(found, Callback):
            raise ValueError(
                f"callbacks holds {callback!r}, which is not a callback of skorch, such as "
                "EarlyStopping(). Callbacks of scikit-learn are set by set_callbacks."
            )
        monitor = getattr(found, "monitor", None)
        if early_stopping is not True and monitor in {"valid_loss", "valid_loss_best"}:
            raise ValueError(
                f"{type(found).__name__} monitors {monitor!r}, but fit records it with "
                "early_stopping=True alone. Set that, or let it monitor 'train_loss'."
            )
    try:
        return deepcopy(given)
    except Exception as error:
        raise ValueError(
            f"callbacks={given} can't be copied ({error}), but fit calls copies. Let a callback "
            "open in on_train_begin what can't be copied, such as a file."
        ) from error
