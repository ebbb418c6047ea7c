"""What is fitted: networks, a linear model beside them, and the weights that blend them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_lstm.compute.devices import exact
from sklearn_lstm.compute.threads import lanes, map_in_lanes
from sklearn_lstm.data.batches import encoded, steps_at_once
from sklearn_lstm.data.embeddings import PretrainedVectors
from sklearn_lstm.data.encoding import ChannelScaling, Encoding, TokenCodes
from sklearn_lstm.data.letters import Lexicon, letter_vectors
from sklearn_lstm.data.sequences import Rows, Sequences, rows_of_similar_length
from sklearn_lstm.linear.convolutions import ConvolutionModel
from sklearn_lstm.linear.ngrams import NgramModel
from sklearn_lstm.network.network import SequenceNetwork

LinearModel = NgramModel | ConvolutionModel
SHARE_OF_LETTERS = 0.7  # in the variance of the vector that a word begins with


@dataclass(frozen=True)
class NetworkModel:
    """An encoding and the network that reads it: sequences to logits."""

    encoding: Encoding
    network: SequenceNetwork

    @classmethod
    def new(
        cls,
        sequences: Sequences,
        pretrained: PretrainedVectors | None,
        generator: torch.Generator,
        *,
        normalize: bool,
        embedding_dim: int | str | None,
        freeze_embeddings: bool,
        **architecture: Any,
    ) -> NetworkModel:
        """Fit an encoding to the sequences, and draw a network for it."""
        encoding: Encoding
        if sequences.n_channels is None:
            encoding = TokenCodes().extended(sequences, _ids(pretrained))
        else:
            encoding = ChannelScaling.of(sequences, normalize=normalize)
        network = SequenceNetwork(
            n_inputs=len(encoding),
            tokens=sequences.n_channels is None,
            embedding_dim=_embedding_dim(embedding_dim, encoding, pretrained),
            freeze_embeddings=freeze_embeddings and pretrained is not None,
            **architecture,
        )
        network.draw_weights(generator)
        model = cls(encoding, network)
        model._place(sequences, pretrained, first_code=0)
        return model

    def extended(
        self,
        sequences: Sequences,
        pretrained: PretrainedVectors | None,
        generator: torch.Generator,
    ) -> NetworkModel:
        """Return a copy with codes and vectors for the ids that it does not know yet."""
        network = deepcopy(self.network)
        if not isinstance(self.encoding, TokenCodes):
            return NetworkModel(self.encoding, network)
        length = network.architecture["embedding_dim"]
        if pretrained is not None and (found := pretrained.vectors.shape[1]) != length:
            raise ValueError(
                f"embeddings holds vectors of length {found}, but the network goes on with "
                f"embedding_dim={length}. Set warm_start=False to fit a new one."
            )
        encoding = self.encoding.extended(sequences, _ids(pretrained))
        if len(encoding) > len(self.encoding):
            network.grow(len(encoding), generator)
        model = NetworkModel(encoding, network)
        model._place(sequences, pretrained, first_code=len(self.encoding))
        return model

    def _place(
        self, sequences: Sequences, pretrained: PretrainedVectors | None, *, first_code: int
    ) -> None:
        """Set the vectors of the codes from `first_code` on: pretrained, or alike if spelled alike.

        A vector by the letters is mixed with the one that was drawn.
        """
        length = self.network.architecture["embedding_dim"]
        lexicon = None if length is None else Lexicon.of(sequences)
        if lexicon is not None:
            is_new = self._codes(lexicon.ids) >= first_code
            is_new &= np.array(list(map(bool, lexicon.words)))
            ids, words = lexicon.ids[is_new], list(compress(lexicon.words, is_new))
            self._mix(ids, letter_vectors(words, length), SHARE_OF_LETTERS)
        if pretrained is not None:
            is_new = self._codes(pretrained.ids) >= first_code
            self._mix(pretrained.ids[is_new], pretrained.vectors[is_new], 1.0)

    def _codes(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(self.encoding(ids, np.empty(0, np.intp)), np.int64)

    def _mix(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], share: float) -> None:
        """Mix vectors of ids with those that they have; `share` is that of the variance."""
        codes = torch.from_numpy(self._codes(ids))
        self.network.mix_vectors(codes, torch.from_numpy(vectors), share)

    def logits(self, sequences: Sequences, device: torch.device) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs).

        Those of a sequence do not depend on the others, but for the rounding of float32. The last
        product is computed in float64: in float32 a row of odd length would be rounded by its place
        in the batch.
        """
        self.network.eval()
        limit = steps_at_once(device)
        weight, bias = (exact(part.detach().cpu()) for part in self.network.output.parameters())
        logits = np.empty((len(sequences), len(bias)))

        def read(rows: Rows) -> None:
            # One sequence alone takes another way through the matrix products, and is rounded
            # differently. So a sequence is always read alone if it is long, and never if it is not.
            is_long = sequences.lengths[rows[0]] > limit // 2
            read_rows = rows if is_long else np.resize(rows, max(2, len(rows)))
            steps = torch.from_numpy(encoded(sequences, read_rows, self.encoding))
            lengths = torch.from_numpy(sequences.lengths[read_rows])
            summary = self.network.summarize(steps.to(device), lengths.to(device)).cpu()
            logits[rows] = (exact(summary) @ weight.T + bias)[: len(rows)].numpy()

        batches = list(rows_of_similar_length(sequences.lengths, limit))
        with torch.no_grad(), lanes(device):
            map_in_lanes(read, batches)
        return logits


@dataclass(frozen=True)
class SequenceModel:
    """Networks, and perhaps a linear model beside them: sequences to logits.

    Parameters
    ----------
    networks : tuple of NetworkModel
        Their logits are averaged. Each learned without a part of the samples.
    linear_model : NgramModel, ConvolutionModel or None
    network_weight, linear_weight : float
        Factors of the logits of the networks, and of the linear model. 0: the networks were not
        trained, and are not asked.
    prior_correction : float
        How many times `log_prior` is subtracted: rare classes may be predicted too seldom.
    log_prior : ndarray of shape (n_outputs,), or 0
        Logarithms of the frequencies of classes, with mean 0, or of the odds of labels.
    n_held_out : int
        Samples that set the two weights and the correction.
    """

    networks: tuple[NetworkModel, ...]
    linear_model: LinearModel | None = None
    network_weight: float = 1.0
    linear_weight: float = 0.0
    prior_correction: float = 0.0
    log_prior: NDArray[np.float64] | float = 0.0
    n_held_out: int = 0

    @property
    def encoding(self) -> Encoding:
        """The encoding of the first network."""
        return self.networks[0].encoding

    @property
    def network(self) -> SequenceNetwork:
        """The first network."""
        return self.networks[0].network

    def logits(self, sequences: Sequences, device: torch.device) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs)."""
        parts = []
        if self.network_weight:
            of_networks = [model.logits(sequences, device) for model in self.networks]
            parts.append(self.network_weight * np.mean(of_networks, axis=0))
        if self.linear_model is not None:
            parts.append(self.linear_weight * self.linear_model.logits(sequences))
        return np.asarray(np.sum(parts, axis=0) + self.biases)

    @property
    def biases(self) -> NDArray[np.float64] | float:
        """What the correction adds to the logits of each sequence."""
        return -self.prior_correction * self.log_prior

    def calibration(self) -> dict[str, float] | None:
        """Return how network and linear model are blended; None without a linear model."""
        if self.linear_model is None:
            return None
        return {
            "network_weight": self.network_weight,
            "linear_weight": self.linear_weight,
            "prior_correction": self.prior_correction,
            "n_held_out": self.n_held_out,
            "n_networks": len(self.networks),
        }

    def parts(self) -> dict[str, str]:
        """Return what the model is made of, part by part."""
        architecture, n_networks = self.network.architecture, len(self.networks)
        n_weights = sum(weight.numel() for weight in self.network.parameters())
        network = (
            f"{f'{n_networks} networks of ' if n_networks > 1 else ''}{architecture['num_layers']} "
            f"{'bidirectional ' * architecture['bidirectional']}{architecture['cell'].upper()} "
            f"layer{'s' * (architecture['num_layers'] > 1)} of {architecture['hidden_size']} units"
            f", {n_weights:,} weights{' each' * (n_networks > 1)}"
        )
        if self.linear_model is None:
            return {"network": network, "linear model": "none"}
        return {
            "network": network + ", not trained" * (not self.network_weight),
            "linear model": self.linear_model.describe(),
            "blend weights": f"network {self.network_weight:.2f}, linear model "
            f"{self.linear_weight:.2f} (set by {self.n_held_out:,} samples held out)",
            "prior correction": f"{self.prior_correction:z.2f}",
        }


def _ids(pretrained: PretrainedVectors | None) -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64) if pretrained is None else pretrained.ids


def _embedding_dim(
    embedding_dim: int | str | None, encoding: Encoding, pretrained: PretrainedVectors | None
) -> int | None:
    if pretrained is not None:
        length: int = pretrained.vectors.shape[1]
        if embedding_dim not in ("auto", length):
            raise ValueError(
                f"embeddings holds vectors of length {length}, but embedding_dim={embedding_dim}. "
                "Leave it 'auto'."
            )
        return length
    if isinstance(embedding_dim, str):
        return min(128, int(16 * len(encoding) ** 0.5))
    return embedding_dim
