"""The settings of a network, its loss and its optimiser."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch
from scipy.special import entr
from skorch.callbacks import Callback, EarlyStopping
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer, RMSprop

from sklearn_lstm.data.kinds import MEASUREMENTS, Kind
from sklearn_lstm.data.sequences import Sequences, common_length
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.members.blending import Logits
from sklearn_lstm.members.network.architecture import POOLINGS, Architecture
from sklearn_lstm.members.network.devices import find_device
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.settings import FitSettings, Parameters
from sklearn_lstm.pretrained.embeddings import PretrainedVectors, read_embeddings
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.targets import Labels, Targets
from sklearn_lstm.targets.thresholds import given_thresholds

OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
OPTIMIZERS = {one.__name__.lower(): one for one in (AdamW, Adam, NAdam, RMSprop, SGD)}
FUSED = (AdamW, Adam, SGD)
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
        try:
            losses: Tensor = self.criterion(self.prepare(logits), targets)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"criterion={type(self.criterion).__name__} can't compare logits {[*logits.shape]} "
                f"with targets {[*targets.shape]}: {error}. Classes need a loss such as "
                "CrossEntropyLoss, several labels one such as BCEWithLogitsLoss."
            ) from error
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


# --- Settings


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
    optimizer: type[Optimizer]
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


def read_settings(
    parameters: Parameters,
    kind: Kind,
    labels: Labels,
    sequences: Sequences | None = None,
    network: Network | None = None,
) -> NetworkSettings:
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
        For vectors of measurements, and thresholds that do not fit y; for wrong names of poolings,
        vectors of another length than `embedding_dim`, a criterion or optimiser that can't be used,
        a device that is not there, and callbacks that are not skorch's, can't be copied, or monitor
        what is not recorded.
    """
    vectors, encoder, n_steps = None, None, 0
    if sequences is not None:
        n_steps = common_length(sequences.lengths)
        for name in ("embeddings", "encoder"):
            if kind is MEASUREMENTS and parameters[name] is not None:
                raise ValueError(f"{name} is for tokens, but X holds measurements. Leave it None.")
        if (given := parameters["embeddings"]) is not None:
            new_ids = known = None
            if network is not None and isinstance(network.encoding, TokenCodes):
                new_ids = network.encoding.new_ids(sequences.distinct_ids())
                known = network.vectors
            vectors = read_embeddings(given, sequences.vocabulary, new_ids, known)
            if network is None:
                vectors.warn_of_missing_rows(sequences)
        if network is None and parameters["encoder"] is not None:
            encoder = SentenceEncoder.opened(parameters["encoder"])
            encoder.known = {}  # the vectors of this fit
    names = {one.name for one in fields(NetworkSettings)} & parameters.keys()
    settings = {name: parameters[name] for name in names} | {
        "kind": kind,
        "vectors": vectors,
        "encoder": encoder,
        "numbers": sequences is not None and bool(sequences.numbers),
        "n_steps": n_steps,
        "thresholds": given_thresholds(parameters["threshold"], labels),
        "architecture": _architecture(parameters, vectors, network),
        "loss": find_criterion(parameters["criterion"], labels),
        "callbacks": _copies(parameters["callbacks"], parameters["early_stopping"]),
        "optimizer": find_optimizer(parameters["optimizer"]),
        "device": find_device(parameters["device"]),
    }
    if parameters["linear_model"] == "alone":
        settings["max_epochs"] = 0
    return NetworkSettings(**settings)


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
