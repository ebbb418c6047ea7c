"""A fitted estimator as plain NumPy arrays, with a checksum.

Such a state can be held by pickle, joblib (memory-mapped too), deepcopy and skops, and by a machine
without the GPU that it was trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from sklearn_lstm.convolutions import ConvolutionModel
from sklearn_lstm.encoding import ChannelScaling, TokenCodes
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.network import SequenceNetwork
from sklearn_lstm.ngrams import NgramModel


def to_arrays(value: Any) -> Any:
    """Replace every tensor in nested dicts and lists by an array of its own."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, Mapping):
        return {key: to_arrays(item) for key, item in value.items()}
    return [to_arrays(item) for item in value] if isinstance(value, list) else value


def to_tensors(value: Any) -> Any:
    """Replace every array in nested dicts and lists by a tensor of its own."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))  # a memory map may not be written to
    if isinstance(value, Mapping):
        return {key: to_tensors(item) for key, item in value.items()}
    return [to_tensors(item) for item in value] if isinstance(value, list) else value


def pack_model(model: SequenceModel) -> dict[str, Any]:
    """Give the model as its architecture and its arrays."""
    return {
        "encoding": _pack(model.encoding),
        "architecture": model.network.architecture,
        "weights": to_arrays(model.network.state_dict()),
        "use_bfloat16": model.network.use_bfloat16,
        "branch": _pack(model.branch),
        "scales": list(model.scales),
        "trial": None if model.trial is None else pack_model(model.trial),
    }


def unpack_model(packed: Mapping[str, Any]) -> SequenceModel:
    """Build the model that was packed."""
    with torch.random.fork_rng([]):  # what is drawn here is overwritten at once
        network = SequenceNetwork(**packed["architecture"])
    network.load_state_dict(to_tensors(packed["weights"]))
    network.use_bfloat16 = packed["use_bfloat16"]
    return SequenceModel(
        _unpack(packed["encoding"]),
        network.eval(),
        _unpack(packed["branch"]),
        tuple(packed["scales"]),
        None if packed["trial"] is None else unpack_model(packed["trial"]),
    )


_PARTS = {
    part.__name__: part for part in (TokenCodes, ChannelScaling, NgramModel, ConvolutionModel)
}


def _pack(part: Any) -> Any:
    """Replace a part of a model by the name of its class and its fields."""
    if not is_dataclass(part):
        return part
    values = {each.name: _pack(getattr(part, each.name)) for each in fields(part)}
    return {"class": type(part).__name__, **values}


def _unpack(packed: Any) -> Any:
    """Build a part of a model; its arrays are copied, as they may be memory maps."""
    if isinstance(packed, np.ndarray):
        return np.array(packed)
    if not isinstance(packed, Mapping):
        return packed
    values = {name: _unpack(value) for name, value in packed.items() if name != "class"}
    return _PARTS[packed["class"]](**values)


def verified(state: Mapping[str, Any]) -> dict[str, Any]:
    """Take the checksum off a state, once it fits the rest.

    Raises
    ------
    ValueError
        If the state is not what was saved.
    """
    rest = dict(state)
    if rest.pop("_checksum", None) != checksum(rest):
        raise ValueError(
            "The stored LSTMSequenceClassifier is damaged: its checksum does not fit its content. "
            "Load another copy of it, or train it again."
        )
    return rest


def checksum(state: Any) -> str:
    """Give a digest of all numbers and strings in nested dicts, lists and arrays."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, state)
    return digest.hexdigest()


def _feed(digest: hashlib.blake2b, value: Any) -> None:
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            digest.update(f"{key}:".encode())
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray) and value.dtype.kind != "O":
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    elif isinstance(value, np.ndarray):
        _feed(digest, value.tolist())
    elif value is None or isinstance(value, str | int | float):
        digest.update(str(value).encode())
