"""The network on one page: input -> recurrent layers -> pooling -> logits.

T steps, B sequences, D features, H units.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sklearn_lstm.members.network.architecture import GATES, Architecture
from sklearn_lstm.members.network.pooling import SequenceMask
from sklearn_lstm.members.network.positions import sinusoidal_positions
from sklearn_lstm.members.network.recurrent_cells import Direction, run_directions


def summarize_frames(steps: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Return what frames are like: (T, B, C) -> (T / size, B, 8 C).

    Mean, deviation, largest and smallest of their steps, and the changes of these four from one
    frame to the next. The last step of a sequence fills up its last frame.
    """
    n_steps = len(steps) + -len(steps) % size
    step = torch.arange(n_steps, device=steps.device)[:, None].minimum(lengths - 1)  # (T, B)
    filled = steps[step, torch.arange(len(lengths), device=steps.device)]
    frames = filled.reshape(-1, size, *filled.shape[1:])  # (T / size, size, B, C)
    deviation, mean = torch.std_mean(frames, 1, correction=0)
    summaries = torch.cat([mean, deviation, frames.amax(1), frames.amin(1)], -1)
    return torch.cat([summaries, torch.diff(summaries, dim=0, prepend=summaries[:1])], -1)


class SequenceNetwork(nn.Module):
    """One vector of logits for a whole sequence.

    A new network has no weights yet: they are drawn by `draw_weights`, or loaded with
    ``load_state_dict(..., assign=True)``. No global random state is touched.

    Parameters
    ----------
    architecture : Architecture
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        width, directions = architecture.embedding_dim, range(architecture.n_directions)
        new: dict[str, Any] = {"dtype": torch.float32}
        with torch.device("meta"):
            if architecture.tokens:
                # Without a table it draws one, for which torch imports its compiler: seconds.
                table = torch.empty(architecture.shapes()["embedding.weight"], **new)
                n_codes, n_features = table.shape
                self.embedding = nn.Embedding(n_codes, n_features, padding_idx=0, _weight=table)
            elif width is not None:
                self.projection = nn.Linear(architecture.n_frame_inputs, width, **new)
            if width is not None:
                self.position_scale = nn.Parameter(torch.empty((), **new))
            self.layers = nn.ModuleList(
                nn.ModuleList(Direction(architecture, index, number) for number in directions)
                for index in range(architecture.num_layers)
            )
            n_pooled = len(architecture.pooling) * architecture.n_states
            self.output = nn.Linear(n_pooled, architecture.n_outputs, **new)
        self.use_bfloat16 = False
        self.generator: torch.Generator | None = None  # of dropout; None: torch's own

    def forward(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Codes (B, T) or inputs (B, T, C), and lengths (B,) -> logits (B, n_outputs)."""
        summary = self.summarize(steps, lengths)
        return F.linear(self.drop(summary, summary.shape), self.output.weight, self.output.bias)

    def summarize(self, steps: Tensor, lengths: Tensor, extension: Tensor | None = None) -> Tensor:
        """Read, and pool the states: (B, n_directions * len(pooling) * H)."""
        device = steps.device.type
        # oneDNN's fused LSTM computes the same bits for a sequence in any batch.
        is_whole = device == "cpu" and self.architecture.cell == "lstm"
        is_mixed = self.use_bfloat16 and (self.training or is_whole)
        # torch's cache of rounded weights is one for all threads, and may outlive an update.
        with torch.autocast(device, torch.bfloat16, enabled=is_mixed, cache_enabled=False):
            x = self.embed(steps.transpose(0, 1), lengths, extension)
            if self.architecture.steps_per_frame > 1:
                lengths = -(-lengths // self.architecture.steps_per_frame)  # in frames
            return self.pool(x, lengths).float()

    def embed(self, steps: Tensor, lengths: Tensor, extension: Tensor | None = None) -> Tensor:
        """Codes (T, B) or inputs (T, B, C) -> vectors (T, B, D), or those of T frames.

        Codes beyond those of the network stand for the vectors `extension` (n, D).
        """
        if self.architecture.tokens:
            return self._vectors(steps, extension)
        size = self.architecture.steps_per_frame
        x = summarize_frames(steps, lengths, size) if size > 1 else steps.contiguous()
        if self.architecture.embedding_dim is not None:
            x = self.projection(x)
        return x

    def _vectors(self, codes: Tensor, extension: Tensor | None) -> Tensor:
        if extension is None:
            known: Tensor = self.embedding(codes)
            return known
        n_known = len(self.embedding.weight)
        vectors: Tensor = self.embedding(codes.clamp(max=n_known - 1))
        is_beyond = codes >= n_known
        vectors[is_beyond] = extension[codes[is_beyond] - n_known]
        return vectors

    def pool(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Vectors (T, B, D), and lengths (B,) -> what `summarize` returns."""
        if self.architecture.embedding_dim is not None:
            x = self.drop_features(self.add_positions(x))
        mask = SequenceMask(lengths, len(x))
        for index, layer in enumerate(self.layers):
            x = self.drop_features(x) if index else x
            # States (T, B, n_directions * H), or what is pooled of those of the last layer.
            x = torch.cat(run_directions(list(layer.children()), x, mask), -1)
        return x

    def add_positions(self, x: Tensor) -> Tensor:
        """Add sines and cosines of the position to the vectors (T, B, D)."""
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        position = torch.from_numpy(sinusoidal_positions(len(x), x.shape[2])[:, None])  # (T, 1, D)
        return x + (self.position_scale * position.to(x.device)).to(x.dtype)

    def drop_features(self, x: Tensor) -> Tensor:
        """Drop features of (T, B, D), the same ones in all steps of a sequence."""
        return self.drop(x, x.shape[1:])

    def drop(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """Drop numbers of x by a random mask of this shape; the others grow, to the same mean."""
        share = self.architecture.dropout
        if not (self.training and share):
            return x
        # nn.Dropout draws each number by itself, which takes three times as long.
        uniform = torch.rand(*shape, generator=self.generator, dtype=torch.float32, device=x.device)
        return x * ((uniform >= share).to(x.dtype) / (1 - share))

    @torch.no_grad()
    def draw_weights(self, generator: torch.Generator) -> None:
        """Give the network weights, on the processor.

        Vectors of tokens come from N(0, 1), weights of the projection from N(0, 1 / n_inputs), and
        all others are drawn as torch's layers draw them, but for the biases of the gate that
        keeps a state, which are 1.
        """
        self.to_empty(device="cpu")
        gates = GATES[self.architecture.cell]
        keeps_state = gates.get("forget_gate", gates.get("update_gate"))
        for name, weight in self.named_parameters():
            if name.startswith("embedding"):
                self._draw_vectors(weight, generator)
                weight[self.embedding.padding_idx] = 0
            elif name == "projection.weight":
                weight.normal_(std=weight.shape[1] ** -0.5, generator=generator)
            elif name == "position_scale":
                weight.fill_(0.3)
            elif not weight.requires_grad:
                nn.init.eye_(weight)
            else:
                layer = self.get_submodule(name.rpartition(".")[0])
                bound = getattr(layer, "in_features", self.architecture.hidden_size) ** -0.5
                weight.uniform_(-bound, bound, generator=generator)
            if name.endswith("bias_ih_l0") and keeps_state is not None:
                # With torch's own bias, 0, half of a state is lost at each step.
                weight.view(-1, self.architecture.hidden_size)[keeps_state] = 1

    def _draw_vectors(self, vectors: Tensor, generator: torch.Generator) -> None:
        """Draw vectors of codes."""
        if self.architecture.embedding_dim is None:  # they are the input weights of the gates
            bound = self.architecture.hidden_size**-0.5
            vectors.uniform_(-bound, bound, generator=generator)
        else:
            vectors.normal_(generator=generator)

    @torch.no_grad()
    def new_vectors(self, n_inputs: int, generator: torch.Generator) -> Tensor:
        """Draw a vector for each code from those of the network on, up to `n_inputs`."""
        old = self.embedding.weight
        vectors = torch.empty(n_inputs - len(old), old.shape[1], dtype=old.dtype)
        self._draw_vectors(vectors, generator)
        return vectors.to(old.device)

    def set_table(self, vectors: Tensor) -> None:
        """Make these the vectors of all codes."""
        self.embedding.weight = nn.Parameter(vectors, self.embedding.weight.requires_grad)
        self.embedding.num_embeddings = len(vectors)
        self.architecture = replace(self.architecture, n_inputs=len(vectors))
