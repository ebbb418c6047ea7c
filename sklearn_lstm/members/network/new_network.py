"""The network that a training begins with: new, or a copy of the previous one."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_lstm.data.encoding import TokenCodes
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.network.network import N_SUMMARIES, SequenceNetwork
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import steps_per_frame


def new_network(
    configuration: Configuration,
    previous: Network | None,
    sequences: Sequences,
    generator: torch.Generator,
    targets: NDArray[np.generic] | None = None,
) -> Network:
    """Return a network that reads these sequences, ready to be trained.

    Targets are those that the encoding may depend on.
    """
    if previous is not None and previous.is_trained:  # it reads measurements, else see `Excerpt`
        return replace(previous, module=deepcopy(previous.module))
    known, own = (None, None) if previous is None else (previous.encoding, previous.vectors)
    encoding = configuration.encoding(sequences, targets, known)
    # Weights that were not trained are drawn again, since a loaded network has none.
    module = _new_module(configuration, sequences, len(encoding))
    module.draw_weights(generator)
    for vectors in (own, configuration.vectors):
        if vectors is not None and len(vectors.ids):
            codes = cast("TokenCodes", encoding)(vectors.ids)
            _, known_vectors = vectors(vectors.ids, None)
            module.set_vectors(torch.from_numpy(codes), torch.from_numpy(known_vectors))
    return Network(encoding, module, configuration.vectors if previous is None else own)


def _new_module(
    configuration: Configuration, sequences: Sequences, n_inputs: int
) -> SequenceNetwork:
    """Return a network without weights, which are drawn later."""
    size = steps_per_frame(sequences, configuration.kind)
    embedding_dim = configuration.embedding_dim
    if isinstance(embedding_dim, str):
        n_features = n_inputs * (N_SUMMARIES if size > 1 else 1)
        embedding_dim = min(128, int(16 * n_features**0.5))
    architecture = {
        "tokens": configuration.reads_tokens,
        "embedding_dim": embedding_dim,
        "steps_per_frame": size,
        **configuration.architecture,  # of a network before, all of it
        "n_inputs": n_inputs,
    }
    return SequenceNetwork(**architecture)
