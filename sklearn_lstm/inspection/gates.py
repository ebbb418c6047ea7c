"""The gates and states of the network, step by step, with a picture; and what it pools of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.inspection.drawing import Axes, axes_for, hatch_missing, label_steps
from sklearn_lstm.inspection.inputs import open_model
from sklearn_lstm.members.network.architecture import GATES
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.numpy_network import Forward

STATES = ("candidate", "memory_cell", "hidden_state")  # below 0 too


class GateActivations(Bunch):  # type: ignore[misc]
    """Store the gates and states of the network at each step of one sequence.

    Parameters
    ----------
    **kwargs : dict of str to object
        The entries that `gate_activations` lists. They are attributes too.

    See Also
    --------
    gate_activations : Return the activations of each sequence.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import gate_activations
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=8, max_epochs=10, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], [1, 1, 0, 0])
    >>> (activations,) = gate_activations(model, ["so much fun"])
    >>> activations.data
    array(['so', 'much', 'fun'], dtype=object)
    >>> activations.forget_gate.shape
    (1, 2, 3, 8)
    >>> activations.plot("forget_gate", n_units=5).get_ylabel()
    'unit'
    """

    def plot(
        self,
        gate: str = "memory_cell",
        *,
        layer: int = -1,
        direction: int = 0,
        n_units: int = 20,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the units that change most over the steps as a heat map.

        Parameters
        ----------
        gate : str, default="memory_cell"
            The name of a gate or state; "hidden_state" exists for every cell.
        layer : int, default=-1
            The layer; the default is the last one.
        direction : {0, 1}, default=0
            0 reads forwards, 1 backwards.
        n_units : int, default=20
            How many units to show, in the order of their standard deviation over the steps, the
            largest first.
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        matplotlib Axes
            The axes with the heat map.

        Raises
        ------
        ValueError
            If the network has no such gate, layer or direction.
        ImportError
            If matplotlib is not installed.
        """
        if n_units < 1:
            raise ValueError(f"n_units must be at least 1; got {n_units}.")
        values = self._values(gate, layer, direction)
        units = np.argsort(-values.std(axis=1), kind="stable")[:n_units]
        values = values[units]
        n_units, n_steps = values.shape
        width, height = np.clip(2 + 0.25 * n_steps, 5, 14), np.clip(1.5 + 0.2 * n_units, 2.5, 9)
        ax = axes_for(ax, (width, height))
        largest = float(np.abs(values).max(initial=0)) or 1.0
        colours, limits = ("RdBu_r", (-largest, largest)) if gate in STATES else ("viridis", (0, 1))
        image = ax.imshow(values, colours, aspect="auto", interpolation="nearest", clim=limits)
        ax.figure.colorbar(image, ax=ax, label=gate.replace("_", " "))
        is_short = all(len(str(token)) == 1 for token in self.data)
        label_steps(ax.xaxis, self.data, rotation=0 if is_short else 90)
        hatch_missing(ax, self.data)
        ax.set_yticks(range(n_units), [*map(str, units)], fontsize="small")
        ax.set_ylabel("unit")
        return ax

    def _values(self, gate: str, layer: int, direction: int) -> NDArray[np.float32]:
        """Return the activations (hidden_size, n_steps) of a gate, or an error."""
        gates = {name: values for name, values in self.items() if name != "data"}
        try:
            return np.asarray(gates[gate][layer, direction].T)
        except (KeyError, IndexError) as error:
            n_layers, n_directions, *_ = self.hidden_state.shape
            raise ValueError(
                f"{gate=}, {layer=}, {direction=} is not in this network. It has {[*gates]}, "
                f"{n_layers} layer(s) and {n_directions} direction(s), counted from 0."
            ) from error


def gate_activations(model: object, X: object) -> list[GateActivations]:
    r"""Return what each gate of the network does at each step.

    With the input :math:`x_t` of a layer at step t, the logistic function :math:`\sigma` and the
    elementwise product :math:`\odot`, an LSTM computes [1]_

    .. math::

        i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i) && \text{input gate} \\
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f) && \text{forget gate} \\
        o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o) && \text{output gate} \\
        g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g) && \text{candidate} \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t && \text{memory cell} \\
        h_t &= o_t \odot \tanh(c_t) && \text{hidden state}

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        A fitted model.
    X : iterable of n_samples sequences
        Inputs of the model.

    Returns
    -------
    list of GateActivations
        One for each sequence. Its entry `data` holds the tokens (ids, if no vocabulary is known) of
        shape (n_steps,), or the measurements of shape (n_steps, n_channels). All other entries are
        float32 arrays of shape (num_layers, n_directions, n_steps, hidden_size):

        - "lstm": `input_gate`, `forget_gate`, `output_gate`, `candidate`, `memory_cell` and
          `hidden_state`;
        - "gru": `reset_gate`, `update_gate`, `candidate` and `hidden_state`;
        - "rnn": `hidden_state`.

        Direction 0 reads forwards, direction 1 backwards. Step t is the t-th step of the sequence
        for both.

    Raises
    ------
    TypeError
        If `model` is neither an LSTMSequenceClassifier nor a Pipeline or search that ends with one.
    NotFittedError
        If it is not fitted, or its network was not trained (``linear_model="alone"``).

    See Also
    --------
    GateActivations : What is returned, with an example; its `plot` draws one gate.

    Notes
    -----
    Everything is computed in float32, even if the classifier predicts in bfloat16.

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).
    """
    opened = open_model(model, X)
    network = opened.model.network.trained()
    return [GateActivations(data=data, **_activations(network, one)) for one, data in opened]


def _activations(network: Network, sequences: Sequences) -> dict[str, NDArray[np.float32]]:
    """Return the activations of one sequence, (num_layers, n_directions, n_steps, H) each."""
    forward = Forward(network.module.architecture, network.weights)
    steps, extension = network.encoded(sequences, np.arange(1))
    x, order = forward.embed(steps, sequences.lengths, extension)
    frame, layers = np.arange(sequences.lengths[0]) // forward.architecture.steps_per_frame, []
    for layer in forward.layers:
        states = layer.no_states(len(x))
        read = [np.array([*gates, memory]) for gates, memory in layer.read(x, order, states)]
        names = [*GATES[layer.cell], "memory_cell"] if layer.cell == "lstm" else GATES[layer.cell]
        found = dict(zip(names, np.concatenate(read, axis=1), strict=False))  # GRUs have no memory
        found["hidden_state"] = states
        found = {name: order.restored(values) for name, values in found.items()}
        x = found["hidden_state"].reshape(len(x), -1)
        layers.append({name: values[frame].swapaxes(0, 1) for name, values in found.items()})
    return {name: np.stack([found[name] for found in layers]) for name in layers[0]}


def sequence_vectors(model: object, X: object) -> NDArray[np.float32]:
    """Return a vector of each sequence: what the network pools of its states.

    The output layer turns this vector into the logits of the network. Sequences of one class lie
    close together, so the vectors can be drawn, clustered and searched.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
        A fitted model.
    X : iterable of n_samples sequences
        Inputs of the model.

    Returns
    -------
    ndarray of float32 of shape (n_samples, n_features)
        For each direction that the network reads in, and for each kind of pooling, `hidden_size`
        numbers.

    Raises
    ------
    TypeError
        If `model` is neither an LSTMSequenceClassifier nor a Pipeline or search that ends with one.
    NotFittedError
        If it is not fitted, or its network was not trained (``linear_model="alone"``).

    See Also
    --------
    gate_activations : Return what each gate does at each step.

    Notes
    -----
    Only the network has such vectors. What n-grams, convolutions or an encoder say of a sequence is
    not in them.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import sequence_vectors
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=8, max_epochs=10, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], [1, 1, 0, 0])
    >>> sequence_vectors(model, ["so much fun", "dull"]).shape
    (2, 32)
    """
    opened = open_model(model, X)
    return opened.model.network.trained().vectors_of(opened.sequences)
