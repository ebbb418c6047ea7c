"""The gates and states of the recurrent layers, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Bunch
from torch import Tensor

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.inspection.inputs import OpenModel, open_model
from sklearn_lstm.members.network.network import Network

Activations = dict[str, Tensor]


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


@torch.inference_mode()
def _activations(network: Network, sequences: Sequences) -> dict[str, NDArray[np.float32]]:
    """Return the activations of one sequence, (num_layers, n_directions, n_steps, H) each."""
    module, device = network.module, network.device
    codes, extension = network.encoded(sequences, np.arange(1))
    layers: list[list[Activations]] = []
    with torch.autocast(device.type, enabled=False):
        n_steps = torch.from_numpy(sequences.lengths).to(device)
        x = module.embed(codes.transpose(0, 1), n_steps, extension)  # (T, 1, D)
        if module.architecture["embedding_dim"] is not None:
            x = module.add_positions(x)
        x = x[:, 0]
        for layer in module.layers:
            layers.append([_read(direction, x) for direction in layer.children()])
            x = torch.cat([found["hidden_state"] for found in layers[-1]], 1)
    frame = np.arange(sequences.lengths[0]) // module.steps_per_frame
    return {
        name: np.stack([[found[name][frame].cpu().numpy() for found in layer] for layer in layers])
        for name in layers[0][0]
    }


def _read(direction: Any, x: Tensor) -> Activations:
    """Read (T, D) step by step; return each activation of all steps, (T, H)."""
    cells, weights = direction.cells, dict(direction.cells.named_parameters())
    step = {"LSTM": _lstm_step, "GRU": _gru_step, "RNN": _rnn_step}[type(cells).__name__]
    x = x if direction.gates is None else x[:, direction.gates]
    input_terms = x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]
    zeros = x.new_zeros(cells.hidden_size)
    steps = [{"memory_cell": zeros, "hidden_state": zeros}]
    for input_term in input_terms.flip(0) if direction.is_backward else input_terms:
        state_term = weights["weight_hh_l0"] @ steps[-1]["hidden_state"] + weights["bias_hh_l0"]
        steps.append(step(input_term, state_term, steps[-1]))
    order = slice(None, 0, -1) if direction.is_backward else slice(1, None)
    return {name: torch.stack([found[name] for found in steps[order]]) for name in steps[-1]}


def _lstm_step(input_term: Tensor, state_term: Tensor, before: Activations) -> Activations:
    i, f, g, o = (input_term + state_term).chunk(4)
    gates = {"input_gate": i.sigmoid(), "forget_gate": f.sigmoid(), "output_gate": o.sigmoid()}
    candidate = g.tanh()
    memory = gates["forget_gate"] * before["memory_cell"] + gates["input_gate"] * candidate
    hidden = gates["output_gate"] * memory.tanh()
    return gates | {"candidate": candidate, "memory_cell": memory, "hidden_state": hidden}


def _gru_step(input_term: Tensor, state_term: Tensor, before: Activations) -> Activations:
    (r, z, n), (r_state, z_state, n_state) = input_term.chunk(3), state_term.chunk(3)
    r, z = (r + r_state).sigmoid(), (z + z_state).sigmoid()
    n = (n + r * n_state).tanh()
    hidden = (1 - z) * n + z * before["hidden_state"]
    return {"reset_gate": r, "update_gate": z, "candidate": n, "hidden_state": hidden}


def _rnn_step(input_term: Tensor, state_term: Tensor, _: Activations) -> Activations:
    return {"hidden_state": (input_term + state_term).tanh()}
