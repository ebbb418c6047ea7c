"""The network: it reads sequences in order, and turns them into logits."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from torch import Tensor

from sklearn_lstm.data.sequences import Rows, Sequences, pad, rows_of_similar_length
from sklearn_lstm.encoding.token_codes import PADDING_CODE, TokenCodes
from sklearn_lstm.members.blending import Logits
from sklearn_lstm.members.member import Array, Contributions, one_by_one
from sklearn_lstm.members.network import network_member
from sklearn_lstm.members.network.architecture import Architecture
from sklearn_lstm.members.network.batches import MicroBatchNet, steps_at_once
from sklearn_lstm.members.network.devices import exact, find_device, prefers_bfloat16
from sklearn_lstm.members.network.gradients import VectorPath, integrated_gradients
from sklearn_lstm.members.network.sequence_network import SequenceNetwork
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.storage.forms import Unpacker
from sklearn_lstm.threads import map_on_workers, workers

NOT_TRAINED = (
    "The network of this model was not trained: its weights would be random, and are not stored. "
    "Train it by partial_fit, or by fit with linear_model=True and max_epochs='auto'."
)


@dataclass
class Network(network_member.NetworkMember):
    """An encoding and the recurrent network that reads it: sequences to logits.

    Parameters
    ----------
    encoding, vectors
    module : SequenceNetwork
    is_trained : bool
        Whether its weights were trained, not only drawn.
    optimizer_state : dict or None
        What the optimiser of `partial_fit` has gathered.
    net : MicroBatchNet or None
        The skorch net that trained the module; None once it was stored.
    """

    module: SequenceNetwork
    is_trained: bool = False
    optimizer_state: dict[str, Any] | None = None
    net: MicroBatchNet | None = field(default=None, repr=False)

    def trained(self) -> Self:
        """Return the network; raise a NotFittedError if it was not trained."""
        if not self.is_trained:
            raise NotFittedError(NOT_TRAINED)
        return self

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        weight = self.module.output.weight
        return torch.device("cpu") if weight.is_meta else weight.device

    @property
    def n_outputs(self) -> int:
        """The number of logits."""
        return self.module.output.out_features

    @property
    def n_weights(self) -> int:
        """The number of weights."""
        return sum(weight.numel() for weight in self.module.parameters())

    @property
    def weights(self) -> network_member.Weights:
        """The weights, by the names that torch gives them."""
        return _without_tensors(dict(self.module.state_dict()))  # type: ignore[no-any-return]

    def stored(self) -> dict[str, Any]:
        """Return what is stored; weights that were not trained are not."""
        return {
            "encoding": self.encoding,
            "vectors": self.vectors,
            "architecture": self.module.architecture,
            "use_bfloat16": self.module.use_bfloat16,
            "weights": self.weights if self.is_trained else None,
            "optimizer_state": _without_tensors(self.optimizer_state),
        }

    @classmethod
    @torch.inference_mode(mode=False)
    def from_stored(
        cls,
        unpack: Unpacker,
        encoding: network_member.Encoding,
        vectors: PretrainedVectors | None,
        architecture: Architecture,
        weights: network_member.Weights | None,
        *,
        use_bfloat16: bool,
        optimizer_state: dict[str, Any] | None,
    ) -> Self:
        """Return the network that was stored; one that was not trained has no weights."""
        network_member.check_stored(architecture, encoding, weights)
        # Bytes, beside the weights.
        unpack.take_memory(20_000 * (1 + architecture.num_layers * architecture.n_directions))
        module = SequenceNetwork(architecture)
        if weights is not None:
            tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
            module.load_state_dict(tensors, assign=True)
        module.use_bfloat16 = use_bfloat16
        return cls(encoding, vectors, module.eval(), weights is not None, optimizer_state)

    @torch.inference_mode(mode=False)
    def extended(
        self, sequences: Sequences, given: PretrainedVectors | None, generator: torch.Generator
    ) -> Self:
        """Return a copy to be trained, whose tables have rows for new ids too.

        These are in sequences, or have a given vector; the others get one that is drawn.
        """
        if not isinstance(self.encoding, TokenCodes):
            state = self._extended_state(0)
            return replace(self, module=deepcopy(self.module), optimizer_state=state)
        further = np.empty(0, np.int64) if given is None else given.ids
        encoding, table = self.encoding.extended(sequences, further), self.module.embedding.weight
        new_ids = encoding.ids[len(self.encoding.ids) :]
        vectors = self.module.new_vectors(len(encoding), generator)
        if given is not None and len(given.ids):  # else their width may be unknown
            has_vector, known = given(new_ids, None)
            places = torch.from_numpy(has_vector).to(table.device)
            vectors[places] = torch.from_numpy(known[has_vector]).to(table.device)
        module = deepcopy(self.module, {id(table): table})
        module.set_table(torch.cat([table.detach(), vectors]))
        state = self._extended_state(len(new_ids))
        return replace(self, encoding=encoding, module=module, optimizer_state=state)

    def _extended_state(self, n_new: int) -> dict[str, Any] | None:
        """Return a copy of what the optimiser has gathered, with rows for new codes.

        These begin as padding, whose gradient is 0.
        """
        if self.optimizer_state is None:
            return None
        weights = dict(self.module.named_parameters())
        table = list(weights).index("embedding.weight") if self.module.architecture.tokens else None

        def copied(value: Any, place: int) -> Any:
            value = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
            if place != table or not has_rows_of(value, weights["embedding.weight"]):
                return deepcopy(value)
            return torch.cat([value, value[PADDING_CODE].expand(n_new, *value.shape[1:])])

        state = {
            place: {name: copied(value, place) for name, value in values.items()}
            for place, values in self.optimizer_state["state"].items()
        }
        return {**self.optimizer_state, "state": state}

    def move(self, to: str | torch.device) -> None:
        """Move a loaded network to its device, or to the processor where it is not there."""
        try:
            device = find_device(to)
        except ValueError:
            device = torch.device("cpu")
        if not self.module.output.weight.is_meta:
            self.module.to(device)
        self.module.use_bfloat16 &= prefers_bfloat16(device)

    def padded(self, sequences: Sequences, rows: Rows) -> tuple[Tensor, Tensor | None]:
        """Return sequences as the module reads them, on its device.

        Returns
        -------
        steps : Tensor of shape (B, T) or (B, T, n_inputs)
            Padded with 0.
        extension : Tensor of shape (n, embedding_dim) or None
            As from `encoded`.
        """
        steps, extension = self.encoded(sequences, rows)
        padded = torch.from_numpy(pad(steps, sequences.lengths[rows])).to(self.device)
        return padded, None if extension is None else torch.from_numpy(extension).to(self.device)

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs).

        Except for the rounding of float32, those of a sequence do not depend on the others. The
        last product is computed in float64: in float32 a row of odd length would be rounded by its
        place in the batch.
        """
        output = self.module.output
        with torch.inference_mode():
            weight, bias = exact(output.weight.cpu()).T, exact(output.bias.cpu())
        logits = np.empty((len(sequences), self.n_outputs))
        self._read(sequences, logits, lambda vectors: exact(vectors) @ weight + bias)
        return logits

    def vectors_of(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return what is pooled of the states of each sequence (n_samples, n_features)."""
        n_features = self.module.output.in_features
        vectors = np.empty((len(sequences), n_features), np.float32)
        self._read(sequences, vectors, lambda pooled: pooled)
        return vectors

    def _read(self, sequences: Sequences, into: Array, compute: Callable[[Tensor], Tensor]) -> None:
        """Write what is computed of the vectors of sequences into the rows of an array."""
        if self.module.training:
            self.module.eval()
        device, frame = self.device, self.module.architecture.steps_per_frame
        limit = steps_at_once(device) * frame // 2  # of that in training

        def read(rows: Rows) -> None:
            # One sequence alone takes another way through the matrix products, and is rounded
            # differently. So a sequence is always read alone if it is long, and never if it is not.
            is_long = sequences.lengths[rows[0]] > limit // 2
            read_rows = rows if is_long or len(rows) > 1 else rows.repeat(2)
            steps, extension = self.padded(sequences, read_rows)
            lengths = torch.from_numpy(sequences.lengths[read_rows].astype(np.int64))
            vectors = self.module.summarize(steps, lengths.to(device), extension).cpu()
            into[rows] = compute(vectors)[: len(rows)].numpy()

        with torch.inference_mode(), workers(device):
            map_on_workers(read, list(rows_of_similar_length(sequences.lengths, limit)))

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each step adds to the scores, by integrated gradients."""

        def of_one(one: Sequences) -> Contributions:
            of_frames, base = integrated_gradients(VectorPath(*self.ends(one)), directions)
            # The steps of a frame share its contribution.
            frame = np.arange(one.lengths[0]) // self.module.architecture.steps_per_frame
            return (of_frames / np.bincount(frame)[:, np.newaxis])[frame], base

        return one_by_one(of_one, sequences)

    @torch.inference_mode(mode=False)
    def ends(self, sequences: Sequences) -> tuple[SequenceNetwork, Tensor, Tensor | None]:
        """Return the ends of the path from nothing to one sequence, as `VectorPath` takes them.

        Nothing is unknown tokens, or the mean series.
        """
        (codes,), extension = self.padded(sequences, np.arange(1))
        nothing = self.encoding.uninformed(sequences.read(np.arange(1)))
        baseline = torch.from_numpy(self.encoding(nothing, sequences.lengths)).to(codes.device)
        both = torch.stack([baseline, codes], 1)  # (T, 2) or (T, 2, C)
        return self.module.eval(), both, extension

    def describe(self) -> str:
        """Return what the network consists of, in one line."""
        if not self.is_trained:
            return "none"
        architecture = self.module.architecture
        return (
            f"{architecture.num_layers} "
            f"{'bidirectional ' * architecture.bidirectional}{architecture.cell.upper()} "
            f"layer{'s' * (architecture.num_layers > 1)} of {architecture.hidden_size} units"
            f", {self.n_weights:,} weights"
        )


def has_rows_of(value: Any, weight: Tensor) -> bool:
    """Return whether an entry of the optimiser state has a row for each row of the weight."""
    return isinstance(value, Tensor) and value.ndim > 0 and len(value) == len(weight)


def _without_tensors(value: Any) -> Any:
    """Return arrays in place of the tensors in a dict of dicts."""
    if isinstance(value, Mapping):
        return {name: _without_tensors(item) for name, item in value.items()}
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value
