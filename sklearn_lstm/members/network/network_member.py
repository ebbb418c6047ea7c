"""What the network of torch and that of NumPy have in common: what they read."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import NO_ID, Rows, Sequences
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.encoding.token_codes import UNKNOWN_CODE, TokenCodes
from sklearn_lstm.members.member import Member
from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.pretrained.embeddings import PretrainedVectors

EpochRow: TypeAlias = dict[str, float | None]  # what is recorded of an epoch
Encoding: TypeAlias = TokenCodes | ChannelScaling
Extension: TypeAlias = NDArray[np.float32] | None
Weights: TypeAlias = dict[str, NDArray[np.float32]]  # as torch names them


@dataclass
class NetworkMember(Member):
    """An encoding, and a network that reads it.

    Parameters
    ----------
    encoding : TokenCodes or ChannelScaling
    vectors : PretrainedVectors or None
        Those of `fit`, for words and ids that have no row in the network.
    """

    name = "network"
    encoding: Encoding
    vectors: PretrainedVectors | None

    def encoded(self, sequences: Sequences, rows: Rows) -> tuple[NDArray[Any], Extension]:
        """Return what the network reads of sequences, which are laid end to end.

        Returns
        -------
        steps : ndarray of shape (n_steps,) or (n_steps, n_inputs)
            Codes or inputs.
        extension : ndarray of shape (n, embedding_dim) or None
            Vectors of words and ids that the network has no row for. Their codes follow those of
            the network.
        """
        lengths = sequences.lengths[rows]
        steps = self.encoding(sequences.read(rows), lengths)
        if self.vectors is None:
            return steps, None
        spellings, places = np.unique(sequences.read_spellings(rows), return_inverse=True)
        has_vector, vectors = self.vectors(spellings, sequences.spelling)
        is_new = self.encoding(np.maximum(spellings, NO_ID), lengths) == UNKNOWN_CODE
        is_new &= has_vector
        codes = np.where(is_new, len(self.encoding) + np.cumsum(is_new) - 1, 0)[places]
        return np.where(codes > 0, codes, steps), vectors[is_new]


def check_stored(architecture: Architecture, encoding: Encoding, weights: Weights | None) -> None:
    """Raise ValueError if a stored network has no pooling, or reads or holds something else."""
    tokens, has_frames = architecture.tokens, architecture.steps_per_frame > 1
    is_read = (architecture.n_inputs, tokens) == (len(encoding), encoding.n_channels is None)
    if not is_read or not architecture.pooling or (tokens and has_frames):
        raise ValueError(f"a network that reads something else, or without pooling: {architecture}")
    found = {name: (weight.dtype, weight.shape) for name, weight in (weights or {}).items()}
    shapes = {} if weights is None else architecture.shapes()
    if found != {name: (np.dtype(np.float32), shape) for name, shape in shapes.items()}:
        raise ValueError(f"weights do not fit to the architecture {architecture}")
