"""A network and the encoding of sequences that it reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_lstm.compute.devices import exact
from sklearn_lstm.compute.memory import take_memory
from sklearn_lstm.compute.threads import map_on_workers, workers
from sklearn_lstm.data.batches import steps_at_once
from sklearn_lstm.data.encoding import Encoding, pad
from sklearn_lstm.data.sequences import Rows, Sequences, rows_of_similar_length
from sklearn_lstm.network.network import SequenceNetwork
from sklearn_lstm.text.counting import FIRST_UNKNOWN

MOST_LAYERS, LARGEST_FRAME = 1_000, 1 << 16  # of a network that is loaded
BYTES_PER_LAYER = 20_000  # of each direction, beside the weights


@dataclass(frozen=True)
class EncodedNetwork:
    """An encoding and the network that reads it: sequences to logits.

    Parameters
    ----------
    encoding : TokenCodes or ChannelScaling
    network : SequenceNetwork
    is_trained : bool
    """

    encoding: Encoding
    network: SequenceNetwork
    is_trained: bool = False

    @property
    def has_weights(self) -> bool:
        """Whether it can compute; a loaded network that was not trained can't."""
        return not self.network.output.weight.is_meta

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        weight = self.network.output.weight
        return torch.device("cpu") if weight.is_meta else weight.device

    def stored(self) -> dict[str, Any]:
        """Return what is stored; weights that were not trained are not."""
        return {
            "encoding": self.encoding,
            "architecture": self.network.architecture,
            "use_bfloat16": self.network.use_bfloat16,
            "weights": dict(self.network.state_dict()) if self.is_trained else None,
        }

    @classmethod
    @torch.inference_mode(mode=False)
    def from_stored(
        cls,
        encoding: Encoding,
        architecture: dict[str, Any],
        use_bfloat16: bool,  # noqa: FBT001 - a field
        weights: dict[str, torch.Tensor] | None,
    ) -> EncodedNetwork:
        """Return the network that was stored; one that was not trained has no weights."""
        n_layers, n_directions = architecture["num_layers"], 1 + architecture["bidirectional"]
        size = architecture.get("steps_per_frame", 1)
        if not (0 < n_layers <= MOST_LAYERS and n_directions in (1, 2) and size <= LARGEST_FRAME):
            raise ValueError(f"{n_layers} layers of {n_directions} directions, frames of {size}")
        if len(encoding) != architecture["n_inputs"]:
            raise ValueError(f"a network does not have {len(encoding)} inputs, as its encoding has")
        take_memory(BYTES_PER_LAYER * (1 + n_layers * n_directions))
        network = SequenceNetwork(**architecture)
        if weights is not None:
            if {weight.dtype for weight in weights.values()} != {torch.float32}:
                raise TypeError("weights of another type than float32")
            network.load_state_dict(weights, assign=True)
        network.use_bfloat16 = use_bfloat16
        return cls(encoding, network.eval(), is_trained=weights is not None)

    def trained_so_far(self) -> EncodedNetwork:
        """Return a copy of a network that is being trained, with its weights as they are now."""
        stored = replace(self, is_trained=True).stored()
        weights = {name: weight.clone() for name, weight in stored["weights"].items()}
        return self.from_stored(**stored | {"weights": weights})

    def encoded(self, sequences: Sequences, rows: Rows) -> tuple[Tensor, Tensor | None]:
        """Return sequences as the network reads them, on its device.

        Returns
        -------
        steps : Tensor of shape (B, T) or (B, T, n_inputs)
            Padded with 0.
        extension : Tensor of shape (n, embedding_dim) or None
            Vectors of words that no training sequence holds. Their codes follow those of the
            network.
        """
        lengths, extension = sequences.lengths[rows], None
        steps = self.encoding(sequences.read(rows), lengths)
        if sequences.vectors is not None:
            spellings, places = np.unique(sequences.read_spellings(rows), return_inverse=True)
            is_known, vectors = sequences.vectors(spellings, sequences.spelling)
            is_new = is_known & (spellings <= FIRST_UNKNOWN)
            codes = np.where(is_new, len(self.encoding) + np.cumsum(is_new) - 1, 0)[places]
            steps = np.where(codes > 0, codes, steps)
            extension = torch.from_numpy(vectors[is_new]).to(self.device)
        padded = torch.from_numpy(pad(steps, lengths)).to(self.device)
        return padded, extension

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs).

        Except for the rounding of float32, those of a sequence do not depend on the others. The
        last product is computed in float64: in float32 a row of odd length would be rounded by its
        place in the batch.
        """
        if self.network.training:
            self.network.eval()
        device, output = self.device, self.network.output
        limit = steps_at_once(device) * self.network.steps_per_frame // 2  # of that in training
        weight, bias = exact(output.weight.detach().cpu()).T, exact(output.bias.detach().cpu())
        logits = np.empty((len(sequences), len(bias)))

        def read(rows: Rows) -> None:
            # One sequence alone takes another way through the matrix products, and is rounded
            # differently. So a sequence is always read alone if it is long, and never if it is not.
            is_long = sequences.lengths[rows[0]] > limit // 2
            read_rows = rows if is_long or len(rows) > 1 else rows.repeat(2)
            steps, extension = self.encoded(sequences, read_rows)
            lengths = torch.from_numpy(sequences.lengths[read_rows].astype(np.int64))
            summary = self.network.summarize(steps, lengths.to(device), extension).cpu()
            logits[rows] = (exact(summary) @ weight + bias)[: len(rows)].numpy()

        batches = list(rows_of_similar_length(sequences.lengths, limit))
        with torch.inference_mode(), workers(device):
            map_on_workers(read, batches)
        return logits
