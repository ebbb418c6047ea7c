"""A network, how it begins, and the encoding of sequences that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_lstm.compute.devices import exact
from sklearn_lstm.compute.threads import map_on_workers, workers
from sklearn_lstm.data.batches import pad, steps_at_once
from sklearn_lstm.data.embeddings import PretrainedVectors
from sklearn_lstm.data.encoding import ChannelScaling, Encoding, TokenCodes
from sklearn_lstm.data.sequences import Rows, Samples, Sequences, rows_of_similar_length
from sklearn_lstm.data.spelling import FIRST_UNKNOWN
from sklearn_lstm.exceptions import IgnoredParameterWarning, warn_user
from sklearn_lstm.network.network import N_SUMMARIES, SequenceNetwork
from sklearn_lstm.network.pooling import POOLINGS
from sklearn_lstm.training.duration import steps_per_frame

MOST_LAYERS = 1_000  # of a network that is loaded
ARCHITECTURE = (
    "cell",
    "hidden_size",
    "num_layers",
    "bidirectional",
    "pooling",
    "dropout",
    "freeze_embeddings",
)


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
        if not (n_layers <= MOST_LAYERS and n_directions <= 2):  # a forged file may claim billions
            raise ValueError(f"{n_layers} layers of {n_directions} directions")
        network = SequenceNetwork(**architecture)
        if weights is not None:
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
        more : Tensor of shape (n, embedding_dim) or None
            Vectors of words that no training sequence holds. Their codes follow those of the
            network.
        """
        lengths, more = sequences.lengths[rows], None
        steps = self.encoding(sequences.read(rows), lengths)
        if sequences.vectors is not None:
            spellings, places = np.unique(sequences.read_spellings(rows), return_inverse=True)
            is_known, vectors = sequences.vectors(spellings, sequences.spelling)
            is_new = is_known & (spellings >= FIRST_UNKNOWN)
            codes = np.where(is_new, len(self.encoding) + np.cumsum(is_new) - 1, 0)[places]
            steps = np.where(codes > 0, codes, steps)
            more = torch.from_numpy(vectors[is_new]).to(self.device)
        padded = torch.from_numpy(pad(steps, lengths)).to(self.device)
        return padded, more

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs).

        Except for the rounding of float32, those of a sequence do not depend on the others. The
        last product is computed in float64: in float32 a row of odd length would be rounded by its
        place in the batch.
        """
        if self.network.training:
            self.network.eval()
        device, output = self.device, self.network.output
        limit = steps_at_once(device) * self.network.steps_per_frame
        weight, bias = exact(output.weight.detach().cpu()).T, exact(output.bias.detach().cpu())
        logits = np.empty((len(sequences), len(bias)))

        def read(rows: Rows) -> None:
            # One sequence alone takes another way through the matrix products, and is rounded
            # differently. So a sequence is always read alone if it is long, and never if it is not.
            is_long = sequences.lengths[rows[0]] > limit // 2
            read_rows = rows if is_long or len(rows) > 1 else rows.repeat(2)
            steps, more = self.encoded(sequences, read_rows)
            lengths = torch.from_numpy(sequences.lengths[read_rows].astype(np.int64))
            summary = self.network.summarize(steps, lengths.to(device), more).cpu()
            logits[rows] = (exact(summary) @ weight + bias)[: len(rows)].numpy()

        batches = list(rows_of_similar_length(sequences.lengths, limit))
        with torch.inference_mode(), workers(device):
            map_on_workers(read, batches)
        return logits


@dataclass(frozen=True)
class NetworkStart:
    """How a network begins: with new weights, or with those of the previous fit.

    Parameters
    ----------
    architecture : dict
        Arguments of `SequenceNetwork` that do not depend on the data.
    embedding_dim : int, "auto" or None
    normalize : bool
    pretrained : PretrainedVectors or None
    previous : EncodedNetwork or None
        It goes on from this one.
    knows_all_samples : bool
        Else the first ones can't say whether the level of a channel tells the class.
    """

    architecture: dict[str, Any]
    embedding_dim: int | str | None
    normalize: bool
    pretrained: PretrainedVectors | None
    previous: EncodedNetwork | None = field(default=None, repr=False)
    knows_all_samples: bool = True

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, Any],
        n_outputs: int,
        pretrained: PretrainedVectors | None,
        previous: EncodedNetwork | None,
    ) -> NetworkStart:
        """Return how the parameters of the classifier say that a network begins.

        Raises
        ------
        ValueError
            For wrong names of poolings, and for vectors of another length than `embedding_dim`.

        Warns
        -----
        IgnoredParameterWarning
            For parameters that differ from the architecture of the previous network.
        """
        architecture = {name: parameters[name] for name in ARCHITECTURE}
        pooling, embedding_dim = architecture["pooling"], parameters["embedding_dim"]
        names = [pooling] if isinstance(pooling, str) else list(pooling)
        if not names or not all(name in POOLINGS for name in names):
            raise ValueError(f"pooling needs names out of {POOLINGS}, found {pooling!r}.")
        architecture |= {"pooling": names, "n_outputs": n_outputs}
        if previous is not None:
            _check_goes_on(architecture, embedding_dim, pretrained, previous.network.architecture)
        elif pretrained is not None:
            length = pretrained.vectors.shape[1]
            if embedding_dim not in ("auto", length):
                raise ValueError(
                    f"embeddings holds vectors of length {length}, but embedding_dim="
                    f"{embedding_dim}. Leave it 'auto'."
                )
            embedding_dim = length
        architecture["freeze_embeddings"] &= pretrained is not None
        return cls(architecture, embedding_dim, parameters["normalize"], pretrained, previous)

    def encoding(self, samples: Samples) -> Encoding:
        """Return the encoding of the sequences of samples."""
        sequences = samples.sequences
        return self.codes(sequences) if sequences.n_channels is None else self.scaling(samples)

    def codes(self, sequences: Sequences) -> TokenCodes:
        """Return the codes of the previous network, with new ids added."""
        known = None if self.previous is None else self.previous.encoding
        codes = known if isinstance(known, TokenCodes) else TokenCodes()
        return codes.extended(sequences, self.pretrained_ids)

    @property
    def pretrained_ids(self) -> NDArray[np.int64]:
        """The ids that have a pretrained vector."""
        return np.empty(0, np.int64) if self.pretrained is None else self.pretrained.ids

    def scaling(self, samples: Samples) -> ChannelScaling:
        """Return the scaling of the channels: that of the previous network, if there is one."""
        known = None if self.previous is None else self.previous.encoding
        if isinstance(known, ChannelScaling):
            return known
        targets = samples.targets.values if self.knows_all_samples else None
        return ChannelScaling.of(samples.sequences, targets, normalize=self.normalize)

    def __call__(self, samples: Samples, generator: torch.Generator) -> EncodedNetwork:
        """Return a network for the sequences of these samples."""
        encoding, previous = self.encoding(samples), self.previous
        is_trained = previous is not None and previous.is_trained
        if previous is not None and is_trained:
            network = deepcopy(previous.network)
            first_code = len(previous.encoding)
            if len(encoding) > first_code:
                network.grow(len(encoding), generator)
        else:  # weights that were not trained are drawn again, since a loaded network has none
            network = SequenceNetwork(**self._architecture(encoding, samples.sequences))
            network.draw_weights(generator)
            first_code = 0
        if isinstance(encoding, TokenCodes) and self.pretrained is not None:
            codes = encoding(self.pretrained.ids)
            is_new = codes >= first_code
            vectors = torch.from_numpy(self.pretrained.vectors[is_new])
            network.set_vectors(torch.from_numpy(codes[is_new]), vectors)
        return EncodedNetwork(encoding, network, is_trained)

    def _architecture(self, encoding: Encoding, sequences: Sequences) -> dict[str, Any]:
        """Return the arguments of a new network."""
        if self.previous is not None:
            return {**self.previous.network.architecture, "n_inputs": len(encoding)}
        size = steps_per_frame(sequences)
        return {
            "n_inputs": len(encoding),
            "tokens": sequences.n_channels is None,
            "embedding_dim": self._embedding_dim(len(encoding) * (N_SUMMARIES if size > 1 else 1)),
            "steps_per_frame": size,
            **self.architecture,
        }

    def _embedding_dim(self, n_inputs: int) -> int | None:
        if isinstance(self.embedding_dim, str):
            return min(128, int(16 * n_inputs**0.5))
        return self.embedding_dim


def _check_goes_on(
    architecture: Mapping[str, Any],
    embedding_dim: int | str | None,
    pretrained: PretrainedVectors | None,
    previous: Mapping[str, Any],
) -> None:
    """Check what a network that goes on is given; `previous` is its architecture."""
    length = previous["embedding_dim"]
    if pretrained is not None and (found := pretrained.vectors.shape[1]) != length:
        raise ValueError(
            f"embeddings holds vectors of length {found}, but the network goes on with "
            f"embedding_dim={length}. Set warm_start=False to fit a new one."
        )
    wanted = dict(architecture)
    if embedding_dim != "auto":
        wanted["embedding_dim"] = embedding_dim
    if pretrained is None:
        del wanted["freeze_embeddings"]
    for name, value in wanted.items():
        if value != previous[name]:
            warn_user(
                f"{name}={value!r} is ignored: the network goes on with "
                f"{name}={previous[name]!r}. Set warm_start=False to fit a new one.",
                IgnoredParameterWarning,
            )
