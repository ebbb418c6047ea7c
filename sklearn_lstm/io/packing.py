"""Fitted models as plain NumPy arrays, which need neither torch nor a GPU to be stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from sklearn_lstm.data.encoding import ChannelScaling, TokenCodes
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.labels import Labels, LabelSets
from sklearn_lstm.data.letters import Lexicon
from sklearn_lstm.members.convolutions import ConvolutionModel
from sklearn_lstm.members.encoded_network import EncodedNetwork
from sklearn_lstm.members.letters import LetterModel
from sklearn_lstm.members.networks import Networks
from sklearn_lstm.members.ngrams import NgramModel
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.network.network import SequenceNetwork

_PARTS = {
    part.__name__: part
    for part in (
        SequenceModel,
        Networks,
        EncodedNetwork,
        TokenCodes,
        ChannelScaling,
        NgramModel,
        LetterModel,
        Lexicon,
        ConvolutionModel,
        InputFormat,
        Labels,
        LabelSets,
    )
}


def pack(value: Any) -> Any:
    """Replace tensors by arrays, and networks and dataclasses by dicts that name their class."""
    if isinstance(value, SequenceNetwork):
        return {
            "class": "SequenceNetwork",
            "architecture": value.architecture,
            "weights": pack(value.state_dict()),
            "use_bfloat16": value.use_bfloat16,
        }
    if is_dataclass(value) and not isinstance(value, type):
        stored = [each.name for each in fields(value) if each.metadata.get("is_stored", True)]
        packed = {name: pack(getattr(value, name)) for name in stored}
        return {"class": type(value).__name__, **packed}
    if isinstance(value, np.ndarray):
        return np.asarray(value, order="C")
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, Mapping):
        return {key: pack(item) for key, item in value.items()}
    return [pack(item) for item in value] if isinstance(value, list | tuple) else value


def unpack(packed: Any) -> Any:
    """Return the model that was packed. Arrays are copied, as they may be memory maps."""
    if isinstance(packed, np.ndarray):
        return np.array(packed)
    if isinstance(packed, list):
        return tuple(unpack(item) for item in packed)
    if not isinstance(packed, Mapping):
        return packed
    if packed.get("class") == "SequenceNetwork":
        return _unpack_network(packed)
    values = {name: unpack(value) for name, value in packed.items() if name != "class"}
    return _PARTS[packed["class"]](**values) if "class" in packed else values


@torch.inference_mode(mode=False)
def _unpack_network(packed: Mapping[str, Any]) -> SequenceNetwork:
    network = SequenceNetwork(**packed["architecture"])
    network.load_state_dict(to_tensors(packed["weights"]), assign=True)
    network.use_bfloat16 = packed["use_bfloat16"]
    return network.eval()


def to_tensors(value: Any) -> Any:
    """Replace every array in nested dicts and lists by a tensor of its own."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))  # a memory map may not be written to
    if isinstance(value, Mapping):
        return {key: to_tensors(item) for key, item in value.items()}
    return [to_tensors(item) for item in value] if isinstance(value, list) else value
