"""The gates and states of the recurrent layers, step by step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.inspection.inputs import OpenModel, open_model
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.numpy_network import GATES, Forward


def gate_activations(model: object, X: object) -> list[Bunch]:
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
    list of Bunch
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
        If it is not fitted, or was loaded and its network was not trained (``max_epochs=0``).

    See Also
    --------
    GateDisplay : Draw one gate of one sequence.

    Notes
    -----
    Everything is computed in float32, even if the classifier predicts in bfloat16.

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997). Long short-term memory. Neural Computation 9(8).

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
    """
    return activations_of(open_model(model, X))


def activations_of(opened: OpenModel) -> list[Bunch]:
    """Return what `gate_activations` returns."""
    network = opened.model.network
    network.check_has_weights()
    return [Bunch(data=data, **_activations(network, sequences)) for sequences, data in opened]


def _activations(network: Network, sequences: Sequences) -> dict[str, NDArray[np.float32]]:
    """Return the activations of one sequence, (num_layers, n_directions, n_steps, H) each."""
    forward = Forward(network.module.architecture, network.weights)
    steps, extension = network.encoded(sequences, np.arange(1))
    x, order = forward.embed(steps, sequences.lengths, extension)
    frame, layers = np.arange(sequences.lengths[0]) // forward.steps_per_frame, []
    for layer in forward.layers:
        states = layer.no_states(len(x))
        read = [np.array([*gates, memory]) for gates, memory in layer.read(x, order, states)]
        names = *GATES[layer.cell], *["memory_cell"] * (layer.cell == "lstm")
        found = dict(zip(names, np.concatenate(read, axis=1), strict=False))  # GRUs have no memory
        found["hidden_state"] = states
        found = {name: order.restored(values) for name, values in found.items()}
        x = found["hidden_state"].reshape(len(x), -1)
        layers.append({name: values[frame].swapaxes(0, 1) for name, values in found.items()})
    return {name: np.stack([found[name] for found in layers]) for name in layers[0]}
