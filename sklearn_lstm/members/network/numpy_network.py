"""The network from its equations, in NumPy: it predicts without torch, and shows its gates.

`sequence_network.py` is the same in torch. The steps of all sequences are laid end to end, so that
there is no padding. N steps, B sequences, D features, H units, G gates, 1 or 2 directions.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import (
    MOST_STEPS_PER_BATCH,
    Lengths,
    Sequences,
    rows_of_similar_length,
    starts_of,
)
from sklearn_lstm.members.blending import Logits
from sklearn_lstm.members.network import network_member
from sklearn_lstm.members.network.architecture import CELL_WEIGHTS, GATES, Architecture, CellName
from sklearn_lstm.members.network.positions import sinusoidal_positions
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.storage.forms import Unpacker

Array: TypeAlias = NDArray[np.float32]
Gates: TypeAlias = tuple[Array, ...]


class StepOrder:
    """The order in which steps are read: the first of all sequences, then the second ones, ...

    The longest sequence comes first, so that those which have ended are the last ones.

    Parameters
    ----------
    lengths : ndarray of shape (B,)
        Falling.
    n_directions : int
    """

    def __init__(self, lengths: Lengths, n_directions: int) -> None:
        self.lengths, starts = lengths, starts_of(lengths)
        n_open = np.searchsorted(-lengths, -np.arange(lengths[0]))  # sequences with such a step
        self.n_open: list[int] = n_open.tolist()
        first = np.cumsum(n_open) - n_open
        step = np.repeat(np.arange(len(n_open)), n_open)
        self.sequence = np.arange(len(step)) - first[step]  # of each step (N,)
        ends = starts + lengths - 1
        # Where each step is taken from: the second direction begins at the end of a sequence.
        places = starts[self.sequence] + step, ends[self.sequence] - step
        self.places = np.array(places[:n_directions]).T  # (N, directions)
        self.last = first[lengths - 1] + np.arange(len(lengths))  # step of each sequence (B,)

    def restored(self, values: Array) -> Array:
        """Return what was read, (N, directions, ...), where sequences are laid end to end."""
        restored = np.empty_like(values)
        restored[self.places, np.arange(values.shape[1])] = values
        return restored

    def reduced(self, function: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """Reduce what was read of each sequence: (N, ...) -> (B, ...)."""
        shortest, n_sequences = int(self.lengths[-1]), len(self.lengths)
        start = shortest * n_sequences
        whole = values[:start].reshape(shortest, n_sequences, *values.shape[1:])
        result: NDArray[Any] = function.reduce(whole, axis=0)
        for n in self.n_open[shortest:]:
            function(result[:n], values[start : start + n], out=result[:n])
            start += n
        return result


class Layer:
    """The recurrent cells of a layer, the directions stacked.

    A logistic function is ``(1 + tanh(a / 2)) / 2``: with halved weights, one call computes all.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
    weights : dict of str to ndarray
        As torch names them.
    directions : list of str
        How the names of their cells begin.
    """

    def __init__(self, cell: CellName, weights: Mapping[str, Array], directions: list[str]) -> None:
        self.cell = cell
        self.input_weight, self.state_weight, bias, state_bias = (
            np.stack([self._by_gate(weights[place + name]) for place in directions], axis=1)
            for name in CELL_WEIGHTS
        )  # (G, directions, D, H)
        # As terms of inputs and states, (G, n, directions, H).
        self.bias, state_bias = bias.swapaxes(1, 2), state_bias.swapaxes(1, 2)
        self.state_bias = state_bias[-1]
        n_with_state = 2 if cell == "gru" else len(bias)  # its reset gate multiplies the last one
        self.bias[:n_with_state] += state_bias[:n_with_state]

    def _by_gate(self, weight: Array) -> Array:
        """(G * H, D) -> (G, D, H), in our order, those of logistic functions halved."""
        order = [*GATES[self.cell].values()]
        gates = weight.reshape(len(order), len(weight) // len(order), -1)[order]
        gates[:-1] /= 2
        return np.ascontiguousarray(gates.swapaxes(1, 2))

    def no_states(self, n_steps: int) -> Array:
        """Return the place of the hidden states of steps."""
        return np.empty((n_steps, *self.state_bias.shape[1:]), np.float32)

    def states(self, x: Array, order: StepOrder) -> Array:
        """Return the hidden states (N, directions, H), in the order of steps."""
        states = self.no_states(len(x))
        for _ in self.read(x, order, states):
            pass
        return states

    def read(self, x: Array, order: StepOrder, states: Array) -> Iterator[tuple[Gates, Array]]:
        """Read inputs (N, D), or codes (N,) of one-hot vectors, the sequences laid end to end.

        The hidden states are written into `states`.

        Yields
        ------
        gates : tuple of ndarray of shape (n, directions, H)
            Of the n sequences that have this step.
        memory : ndarray of shape (n, directions, H)
            The next step overwrites both.
        """
        start, stop, n_before = 0, 0, 0
        before, memory = np.zeros((2, *states[: order.n_open[0]].shape), np.float32)
        terms = np.empty((len(self.bias), *before.shape), np.float32)
        compute = {"lstm": self._lstm, "gru": self._gru, "rnn": self._rnn}[self.cell]
        for n in order.n_open:
            if start + n > stop:  # the inputs of many steps at once, but not of a long sequence
                first, stop = start, start + max(n, MOST_STEPS_PER_BATCH // 2)
                inputs = self._inputs(x, order.places[first:stop])
            if n != n_before:
                n_before, terms, before, memory = n, terms[:, :n], before[:n], memory[:n]
                gates, by_direction = tuple(terms), terms.swapaxes(1, 2)
            state = states[start : start + n]
            np.matmul(before.swapaxes(0, 1), self.state_weight, out=by_direction)
            its_inputs = inputs[:, start - first : start - first + n]
            compute(terms, its_inputs, gates, memory, before, state)
            yield gates, memory
            before, start = state, start + n

    def _inputs(self, x: Array, places: NDArray[np.intp]) -> Array:
        """Return the input terms of all gates, (G, n, directions, H)."""
        if x.ndim == 1:  # the product with one-hot vectors
            return self.input_weight[:, np.arange(places.shape[1]), x[places]] + self.bias
        terms = np.empty((len(self.bias), *self.no_states(len(places)).shape), np.float32)
        np.matmul(x[places].swapaxes(0, 1), self.input_weight, out=terms.swapaxes(1, 2))
        return np.add(terms, self.bias, out=terms)

    def _lstm(self, terms: Array, inputs: Array, gates: Gates, *step: Array) -> None:
        (i, f, o, g), (memory, _, state) = gates, step
        terms += inputs
        np.tanh(terms, out=terms)
        _to_logistic(terms[:-1])
        memory *= f
        memory += np.multiply(i, g, out=state)
        np.tanh(memory, out=state)
        state *= o

    def _gru(self, terms: Array, inputs: Array, gates: Gates, *step: Array) -> None:
        (r, z, g), logistic, (_, before, state) = gates, terms[:-1], step
        logistic += inputs[:-1]
        np.tanh(logistic, out=logistic)
        _to_logistic(logistic)
        g += self.state_bias
        g *= r
        g += inputs[-1]
        np.tanh(g, out=g)
        np.subtract(before, g, out=state)
        state *= z
        state += g  # (1 - z) * g + z * before

    def _rnn(self, terms: Array, inputs: Array, _: Gates, *step: Array) -> None:
        terms += inputs
        np.tanh(terms[0], out=step[-1])


def _to_logistic(tangents: Array) -> None:
    """Compute the logistic function of a, in place, from the tangent of a / 2."""
    tangents *= 0.5
    tangents += 0.5


class Forward:
    """Steps to logits.

    Parameters
    ----------
    architecture : Architecture
    weights : dict of str to ndarray
        As torch names them.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, Array]) -> None:
        self.architecture, self.weights = architecture, weights
        n_directions = architecture.n_directions
        places = [
            [f"layers.{index}.{number}.cells." for number in range(n_directions)]
            for index in range(architecture.num_layers)
        ]
        if architecture.is_one_hot:  # the table holds input weights
            tables = np.split(weights["embedding.weight"], n_directions, axis=1)
            inputs = zip((f"{place}weight_ih_l0" for place in places[0]), tables, strict=True)
            weights = {**weights, **{name: table.T for name, table in inputs}}
        self.layers = [Layer(architecture.cell, weights, directions) for directions in places]
        output = weights["output.weight"], weights["output.bias"]
        self.output_weight, self.output_bias = (weight.astype(np.float64).T for weight in output)

    def logits(
        self, steps: NDArray[Any], lengths: Lengths, extension: network_member.Extension = None
    ) -> Logits:
        """Return the logits (B, n_outputs); the arguments are those of `embed`."""
        x, order = self.embed(steps, lengths, extension)
        for layer in self.layers[:-1]:
            x = order.restored(layer.states(x, order)).reshape(len(x), -1)
        summary = self.pool(self.layers[-1].states(x, order), order)
        return np.asarray(summary.astype(np.float64) @ self.output_weight + self.output_bias)

    def embed(
        self, steps: NDArray[Any], lengths: Lengths, extension: network_member.Extension = None
    ) -> tuple[NDArray[Any], StepOrder]:
        """Return the inputs of the first layer, (N, D) or codes (N,), and the order of steps.

        Parameters
        ----------
        steps : ndarray of shape (N,) or (N, C)
            Codes or inputs of sequences laid end to end, the longest one first.
        lengths : ndarray of shape (B,)
        extension : ndarray of shape (n, D) or None
            The vectors of codes beyond those of the network.
        """
        x, size, tokens = steps, self.architecture.steps_per_frame, self.architecture.tokens
        has_vectors = self.architecture.embedding_dim is not None
        if tokens and has_vectors:
            x = self._vectors(steps, extension)
        elif size > 1:
            x, lengths = frame_summaries(steps, lengths, size), -(-lengths // size)  # in frames
        order = StepOrder(lengths, self.architecture.n_directions)
        if has_vectors:
            if not tokens:
                x = x @ self.weights["projection.weight"].T + self.weights["projection.bias"]
            positions = sinusoidal_positions(len(order.n_open), x.shape[1])
            x += (self.weights["position_scale"] * positions)[numbers_of_steps(order.lengths)]
        return x, order

    def _vectors(self, codes: NDArray[np.integer], extension: network_member.Extension) -> Array:
        table: Array = self.weights["embedding.weight"]
        x: Array = table[np.minimum(codes, len(table) - 1)]
        if extension is not None:
            is_beyond = codes >= len(table)
            x[is_beyond] = extension[codes[is_beyond] - len(table)]
        return x

    def pool(self, states: Array, order: StepOrder) -> Array:
        """States (N, directions, H) -> (B, directions * len(pooling) * H)."""
        lengths = order.lengths[:, None, None].astype(np.float32)
        pool: dict[str, Callable[[], NDArray[Any]]] = {
            "max": lambda: order.reduced(np.maximum, states),
            "mean": lambda: order.reduced(np.add, states) / lengths,
            "last": lambda: states[order.last],
            "attention": lambda: order.reduced(np.add, states * self._shares(states, order)),
        }
        pooled = [pool[name]() for name in self.architecture.pooling]
        return np.concatenate(pooled, axis=2).reshape(len(order.lengths), -1)

    def _shares(self, states: Array, order: StepOrder) -> Array:
        """Return how much attention each step gets (N, directions, 1); a sequence gets 1."""
        last = f"layers.{len(self.layers) - 1}"
        names = (f"{last}.{k}.pooling.attention.weight" for k in range(states.shape[1]))
        weight = np.stack([self.weights[name].T for name in names])  # (directions, H, 1)
        scores = (states.swapaxes(0, 1) @ weight).swapaxes(0, 1).astype(np.float64)
        scores -= order.reduced(np.maximum, scores)[order.sequence]
        np.exp(scores, out=scores)
        scores /= order.reduced(np.add, scores)[order.sequence]
        return scores.astype(np.float32)


def numbers_of_steps(lengths: Lengths) -> NDArray[np.integer]:
    """Return the number of each step in its sequence, where sequences are laid end to end (N,)."""
    starts = np.repeat(starts_of(lengths), lengths)
    return np.arange(len(starts)) - starts


def frame_summaries(steps: Array, lengths: Lengths, size: int) -> Array:
    """Return what frames are like: (N, C) -> (frames of all sequences, 8 C).

    Mean, deviation, largest and smallest of their steps, and the changes of these four from one
    frame to the next. The last step of a sequence fills up its last frame.
    """
    n_frames = -(-lengths // size)
    starts = starts_of(lengths)
    step = size * numbers_of_steps(n_frames)[:, None] + np.arange(size)  # (frames, size)
    last = np.repeat(starts + lengths - 1, n_frames)[:, None]
    frames = steps[np.minimum(np.repeat(starts, n_frames)[:, None] + step, last)]
    found = frames.mean(1), frames.std(1), frames.max(1), frames.min(1)
    summaries = np.concatenate(found, axis=1)
    changes = np.diff(summaries, axis=0, prepend=summaries[:1])
    changes[starts_of(n_frames)] = 0
    return np.hstack([summaries, changes])


@dataclass
class NumpyNetwork(network_member.NetworkMember):
    """An encoding and the network that reads it, in NumPy: sequences to logits.

    Parameters
    ----------
    encoding, vectors
    forward : Forward or None
        None: the weights were not trained, so they are not stored, and no logits are asked for.
    n_outputs : int
        The number of logits.
    """

    forward: Forward | None = field(repr=False)
    n_outputs: int

    @classmethod
    def from_stored(
        cls,
        unpack: Unpacker,
        encoding: network_member.Encoding,
        vectors: PretrainedVectors | None,
        architecture: Architecture,
        weights: network_member.Weights | None,
        **_: object,
    ) -> Self:
        """Return the network that was stored."""
        network_member.check_stored(architecture, encoding, weights)
        unpack.take_memory(2 * sum(weight.nbytes for weight in (weights or {}).values()))
        forward = None if weights is None else Forward(architecture, weights)
        return cls(encoding, vectors, forward, architecture.n_outputs)

    @property
    def is_trained(self) -> bool:
        """Whether it has weights."""
        return self.forward is not None

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        forward: Any = self.forward
        logits = np.empty((len(sequences), len(forward.output_bias)))
        limit = MOST_STEPS_PER_BATCH // 2 * forward.architecture.steps_per_frame  # as in torch
        for rows in rows_of_similar_length(sequences.lengths, limit):
            from_longest = rows[::-1]
            steps, extension = self.encoded(sequences, from_longest)
            lengths = sequences.lengths[from_longest]
            logits[from_longest] = forward.logits(steps, lengths, extension)
        return logits
