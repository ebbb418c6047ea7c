"""The network that a training begins with: new, or a copy of the previous one."""

from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.encoding import ChannelScaling, Encoding, TokenCodes
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

    Targets are those that the encoding may depend on. Without them the level of a channel stays:
    nothing says whether it tells the class.
    """
    if previous is not None and previous.is_trained:  # it reads measurements, else see `Excerpt`
        return replace(previous, module=deepcopy(previous.module))
    known, own = (None, None) if previous is None else (previous.encoding, previous.vectors)
    encoding: Encoding
    if configuration.kind is MEASUREMENTS:
        encoding = known or ChannelScaling.of(sequences, targets, normalize=configuration.normalize)
    else:
        known_codes = cast("TokenCodes", known or TokenCodes.of(np.empty(0, np.int64)))
        encoding = known_codes.extended(sequences, configuration.ids_with_vectors)
    kind = configuration.kind
    tokens, size = kind is not MEASUREMENTS, steps_per_frame(sequences, kind)
    architecture: dict[str, Any] = {"tokens": tokens, "steps_per_frame": size}
    architecture |= configuration.architecture  # of a network before, all of it
    if architecture["embedding_dim"] == "auto":
        n_features = len(encoding) * (N_SUMMARIES if size > 1 else 1)
        architecture["embedding_dim"] = min(128, int(16 * n_features**0.5))
    module = SequenceNetwork(**architecture | {"n_inputs": len(encoding)})
    # Weights that were not trained are drawn again, since a loaded network has none.
    module.draw_weights(generator)
    for vectors in (own, configuration.vectors):
        if vectors is not None and len(vectors.ids):
            codes = cast("TokenCodes", encoding)(vectors.ids)
            _, known_vectors = vectors(vectors.ids, None)
            weight = module.embedding.weight.detach()
            weight[torch.from_numpy(codes)] = torch.from_numpy(known_vectors)
    return Network(encoding, configuration.vectors if previous is None else own, module)
