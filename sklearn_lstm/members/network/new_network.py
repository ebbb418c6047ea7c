"""The network that a training begins with: new, or a copy of the previous one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_lstm.data.encoding import TokenCodes
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.network.network import N_SUMMARIES, SequenceNetwork
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import steps_per_frame
from sklearn_lstm.training.encoded_network import EncodedNetwork


def new_network(
    configuration: Configuration,
    sequences: Sequences,
    generator: torch.Generator,
    targets: NDArray[np.generic] | None = None,
) -> EncodedNetwork:
    """Return a network that reads these sequences, ready to be trained.

    Targets are those that the encoding may depend on.
    """
    previous = configuration.previous
    own = None if previous is None else previous.vectors
    encoding = configuration.encoding(sequences, targets)
    if previous is not None and configuration.goes_on:
        network = deepcopy(previous.network)
        first_code = len(previous.encoding)
        if len(encoding) > first_code:
            network.grow(len(encoding), generator)
    else:  # weights that were not trained are drawn again, since a loaded network has none
        network = SequenceNetwork(**_architecture(configuration, sequences, len(encoding)))
        network.draw_weights(generator)
        first_code = 0
    for vectors in (own, configuration.vectors):
        if vectors is not None and len(vectors.ids):
            codes = cast("TokenCodes", encoding)(vectors.ids)
            is_new = codes >= first_code
            _, new = vectors(vectors.ids[is_new], None)
            network.set_vectors(torch.from_numpy(codes[is_new]), torch.from_numpy(new))
    kept = configuration.vectors if previous is None else own
    return EncodedNetwork(encoding, network, kept, configuration.goes_on)


def _architecture(
    configuration: Configuration, sequences: Sequences, n_inputs: int
) -> dict[str, Any]:
    """Return the arguments of a new network."""
    if configuration.previous is not None:
        return {**configuration.previous.network.architecture, "n_inputs": n_inputs}
    size = steps_per_frame(sequences, configuration.kind)
    embedding_dim = configuration.embedding_dim
    if isinstance(embedding_dim, str):
        n_features = n_inputs * (N_SUMMARIES if size > 1 else 1)
        embedding_dim = min(128, int(16 * n_features**0.5))
    return {
        "n_inputs": n_inputs,
        "tokens": configuration.reads_tokens,
        "embedding_dim": embedding_dim,
        "steps_per_frame": size,
        **configuration.architecture,
    }
