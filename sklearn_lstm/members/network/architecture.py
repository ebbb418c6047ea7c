"""What a network consists of, and the shapes of its weights, for torch and for NumPy."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import numpy as np

CellName: TypeAlias = Literal["lstm", "gru", "rnn"]
PoolingName: TypeAlias = Literal["max", "mean", "last", "attention"]
POOLINGS: tuple[PoolingName, ...] = get_args(PoolingName)
# The gates of a cell, and their places in the weights of torch. The hyperbolic tangent is the last
# one, all others are logistic functions.
GATES: dict[CellName, dict[str, int]] = {
    "lstm": {"input_gate": 0, "forget_gate": 1, "output_gate": 3, "candidate": 2},
    "gru": {"reset_gate": 0, "update_gate": 1, "candidate": 2},
    "rnn": {"hidden_state": 0},
}
CELL_WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a network consists of.

    Parameters
    ----------
    n_inputs : int
        Codes of tokens, or inputs per step.
    n_outputs : int
    tokens : bool
    embedding_dim : int or None
        None: one-hot codes or inputs are the input of the recurrent layer.
    cell, hidden_size, num_layers, bidirectional, pooling, dropout
        As in `LSTMSequenceClassifier`.
    steps_per_frame : int
        Of series: the recurrent layers read frames of so many steps.
    """

    n_inputs: int
    n_outputs: int
    tokens: bool
    embedding_dim: Annotated[int, range(1, 1 << 24)] | None
    cell: CellName
    hidden_size: Annotated[int, range(1, 1 << 24)]
    num_layers: Annotated[int, range(1, 1_000)]
    bidirectional: bool
    pooling: Annotated[tuple[PoolingName, ...], "n_poolings<9"]
    dropout: float
    steps_per_frame: Annotated[int, range(1, 1 << 16)]

    @property
    def n_directions(self) -> int:
        """How often each layer reads a sequence."""
        return 1 + self.bidirectional

    @property
    def n_gates(self) -> int:
        """The gates of all units of a direction."""
        return len(GATES[self.cell]) * self.hidden_size

    @property
    def n_frame_inputs(self) -> int:
        """The inputs of a step, or eight summaries of each, of a frame of several."""
        return self.n_inputs * (8 if self.steps_per_frame > 1 else 1)

    @property
    def is_one_hot(self) -> bool:
        """Whether the first layer reads one-hot codes: the table holds its input weights."""
        return self.tokens and self.embedding_dim is None

    @property
    def n_features(self) -> int:
        """What a direction of the first layer reads of a step or frame."""
        return self.embedding_dim or (self.n_gates if self.tokens else self.n_frame_inputs)

    @property
    def n_states(self) -> int:
        """The units of all directions of a layer."""
        return self.n_directions * self.hidden_size

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight, by the name that torch gives it."""
        shapes: dict[str, tuple[int, ...]] = {
            "output.weight": (self.n_outputs, len(self.pooling) * self.n_states),
            "output.bias": (self.n_outputs,),
        }
        if self.embedding_dim is not None:
            shapes["position_scale"] = ()
        if self.tokens:
            width = self.embedding_dim or self.n_directions * self.n_gates
            shapes["embedding.weight"] = self.n_inputs, width
        elif self.embedding_dim is not None:
            shapes["projection.weight"] = self.embedding_dim, self.n_frame_inputs
            shapes["projection.bias"] = (self.embedding_dim,)
        for index, direction in np.ndindex(self.num_layers, self.n_directions):
            place, n_gates = f"layers.{index}.{direction}", self.n_gates
            n_read = self.n_states if index else self.n_features
            sizes = (n_gates, n_read), (n_gates, self.hidden_size), (n_gates,), (n_gates,)
            names = (f"{place}.cells.{name}" for name in CELL_WEIGHTS)
            shapes |= dict(zip(names, sizes, strict=True))
            if index == self.num_layers - 1 and "attention" in self.pooling:
                shapes[f"{place}.pooling.attention.weight"] = 1, self.hidden_size
        return shapes
