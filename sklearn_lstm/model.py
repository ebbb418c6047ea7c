"""What is learnt: an encoding of the input, and the network that reads it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_lstm.batches import pad, prediction_rows
from sklearn_lstm.convolutions import ConvolutionModel
from sklearn_lstm.encoding import ChannelScaling, Encoding, TokenCodes
from sklearn_lstm.network import SequenceNetwork
from sklearn_lstm.ngrams import NgramModel
from sklearn_lstm.parallel import in_pairs
from sklearn_lstm.sequences import Rows, Samples, Sequences
from sklearn_lstm.weighing import weigh

Pretrained: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]  # ids, their vectors


@dataclass(frozen=True)
class SequenceModel:
    """An encoding, its network, and perhaps others beside it: sequences to logits.

    Parameters
    ----------
    encoding : Encoding
    network : SequenceNetwork
    branch : NgramModel, ConvolutionModel or None
        A linear model, whose logits are added to those of the network.
    scales : tuple of float
        Factors of the logits of the network, and of the branch.
    trial : SequenceModel or None
        Another network that learnt from most of the same samples: the logits of the two are
        averaged.
    """

    encoding: Encoding
    network: SequenceNetwork
    branch: NgramModel | ConvolutionModel | None = None
    scales: tuple[float, ...] = (1.0,)
    trial: SequenceModel | None = None

    @classmethod
    def new(
        cls,
        sequences: Sequences,
        pretrained: Pretrained | None,
        *,
        normalize: bool,
        embedding_dim: int | str | None,
        freeze_embeddings: bool,
        **architecture: Any,
    ) -> SequenceModel:
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
            **architecture,
        )
        if pretrained is not None and isinstance(encoding, TokenCodes):
            _place(network, encoding, pretrained, first_code=0)
            network.embedding.weight.requires_grad = not freeze_embeddings
        return cls(encoding, network)

    def extended(self, sequences: Sequences, pretrained: Pretrained | None) -> SequenceModel:
        """Copy the model, with codes and vectors for the ids that it does not know yet.

        Its network goes on without the one of the trial, which would not learn what is new.
        """
        network = deepcopy(self.network)
        if not isinstance(self.encoding, TokenCodes):
            return replace(self, network=network, trial=None)
        encoding = self.encoding.extended(sequences, _ids(pretrained))
        network.grow(len(encoding))
        if pretrained is not None:
            _place(network, encoding, pretrained, first_code=len(self.encoding))
        return replace(self, encoding=encoding, network=network, trial=None)

    def with_branch(
        self, samples: Samples, held_out: Rows, *, device: torch.device | str, seed: int
    ) -> SequenceModel:
        """Put a linear model beside the network, weighed by samples that neither was fitted to."""
        options = {"n_outputs": self.network.architecture["n_outputs"], "seed": seed}
        new, left_out = samples.subset(held_out), np.empty((0, options["n_outputs"]))
        branch: NgramModel | ConvolutionModel
        if isinstance(self.encoding, ChannelScaling):
            branch, logits = ConvolutionModel.of(samples, self.encoding, **options)
            left_out = logits[held_out]
        else:
            branch = NgramModel.of(samples, **options)
            if len(held_out):
                seen = samples.subset(np.setdiff1d(np.arange(len(samples)), held_out))
                left_out = NgramModel.of(seen, **options).logits(new.sequences)
        # A network is too sure of itself.
        parts = [self._network_logits(new.sequences, device), left_out]
        scales = weigh(parts, new.codes, new.weights, expected=[0.5, 1.0])
        return replace(self, branch=branch, scales=tuple(scales.tolist()))

    def logits(self, sequences: Sequences, device: torch.device | str) -> NDArray[np.float64]:
        """Give the logits (n_samples, n_outputs)."""
        logits = self._network_logits(sequences, device)
        if self.trial is not None:
            logits = (logits + self.trial.logits(sequences, device)) / 2
        logits *= self.scales[0]
        if self.branch is not None:
            logits += self.scales[1] * self.branch.logits(sequences)
        return logits

    def _network_logits(
        self, sequences: Sequences, device: torch.device | str
    ) -> NDArray[np.float64]:

        def read(rows: Rows) -> None:
            # One sequence alone takes another way through the matrix products, and rounds
            # differently: it is read twice, so that its neighbours never matter.
            inputs = pad(sequences, np.resize(rows, max(2, len(rows))), self.encoding)
            batch = {name: tensor.to(device) for name, tensor in inputs.items()}
            logits[rows] = self.network(**batch)[: len(rows)].cpu().numpy()

        logits = np.empty((len(sequences), self.network.architecture["n_outputs"]))
        with torch.no_grad():
            in_pairs(device, read, list(prediction_rows(sequences.lengths)))
        return logits


def _ids(pretrained: Pretrained | None) -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64) if pretrained is None else pretrained[0]


def _embedding_dim(
    embedding_dim: int | str | None, encoding: Encoding, pretrained: Pretrained | None
) -> int | None:
    if pretrained is not None:
        length: int = pretrained[1].shape[1]
        if embedding_dim not in ("auto", length):
            raise ValueError(
                f"embeddings holds vectors of length {length}, but embedding_dim={embedding_dim}. "
                "Leave it 'auto'."
            )
        return length
    if isinstance(embedding_dim, str):
        return min(128, int(16 * len(encoding) ** 0.5))
    return embedding_dim


def _place(
    network: SequenceNetwork,
    encoding: TokenCodes,
    pretrained: Pretrained,
    *,
    first_code: int,
) -> None:
    """Give the codes from `first_code` on their pretrained vectors."""
    ids, vectors = pretrained
    codes = torch.from_numpy(encoding(ids))
    network.set_vectors(codes[codes >= first_code], torch.from_numpy(vectors)[codes >= first_code])
