"""`gate_activations` and `sequence_vectors`: states and poolings are those of the network."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.inspection import gate_activations, sequence_vectors
from sklearn_lstm.inspection.inputs import find_classifier, open_model

NAMES = {
    "lstm": [
        "input_gate",
        "forget_gate",
        "output_gate",
        "candidate",
        "memory_cell",
        "hidden_state",
    ],
    "gru": ["reset_gate", "update_gate", "candidate", "hidden_state"],
    "rnn": ["hidden_state"],
}
SMALL = {"hidden_size": 7, "max_epochs": 2, "random_state": 0, "linear_model": False}
IDS = [[1, 2, 3, 4, 5], [2, 2, 9], [4]]
SERIES = [np.random.default_rng(n).normal(size=(n, 2)) for n in (6, 1, 9)]


def states_of_the_network(model, X):
    """Return the hidden states of each layer and direction, by a hook, for one sequence."""
    network, states = model.module_, []
    handles = [
        direction.cells.register_forward_hook(lambda _, __, output: states.append(output[0]))
        for layer in network.layers
        for direction in layer
    ]
    opened = open_model(model, X)
    ((steps, lengths),) = opened.sequences.chunks()
    codes = torch.from_numpy(opened.model.network.encoding(steps, lengths))[None]
    # Without gradients, a rounded copy of the cells' weights may be read, and no hook be called.
    network.eval().summarize(codes, torch.from_numpy(lengths))
    for handle in handles:
        handle.remove()
    found = torch.stack(states)[:, :, 0].detach().float().numpy()  # (n_layers * n_directions, T, H)
    found = found.reshape(len(network.layers), -1, *found.shape[1:])
    found[:, 1:] = found[:, 1:, ::-1]
    return found


@pytest.mark.parametrize(("X", "embedding_dim"), [(IDS, "auto"), (IDS, None), (SERIES, "auto")])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_hidden_states_are_those_of_the_network(cell, num_layers, bidirectional, embedding_dim, X):
    model = LSTMSequenceClassifier(
        cell=cell,
        num_layers=num_layers,
        bidirectional=bidirectional,
        embedding_dim=embedding_dim,
        precision="float32",
        **SMALL,
    ).fit(X, [0, 1, 1])
    for activations, row in zip(gate_activations(model, X), X, strict=True):
        expected = states_of_the_network(model, [row])
        assert activations.hidden_state.shape == (num_layers, 1 + bidirectional, len(row), 7)
        np.testing.assert_allclose(activations.hidden_state, expected, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_names_and_ranges(cell):
    model = LSTMSequenceClassifier(cell=cell, **SMALL).fit(IDS, [0, 1, 1])
    for activations, row in zip(gate_activations(model, IDS), IDS, strict=True):
        assert list(activations) == ["data", *NAMES[cell]]
        assert activations.data.tolist() == row
        for name in NAMES[cell]:
            lowest = 0 if name.endswith("gate") else -1
            if name != "memory_cell":
                assert lowest <= activations[name].min() <= activations[name].max() <= 1


def test_the_memory_cell_keeps_what_the_gates_say():
    model = LSTMSequenceClassifier(**SMALL).fit(IDS, [0, 1, 1])
    a = gate_activations(model, IDS[:1])[0]
    forwards = a.memory_cell[:, 0]
    before = np.concatenate([np.zeros_like(forwards[:, :1]), forwards[:, :-1]], axis=1)
    expected = a.forget_gate[:, 0] * before + a.input_gate[:, 0] * a.candidate[:, 0]
    np.testing.assert_allclose(forwards, expected, atol=1e-6)
    np.testing.assert_allclose(a.hidden_state, a.output_gate * np.tanh(a.memory_cell), atol=1e-6)


def test_the_output_layer_turns_the_vectors_into_the_logits_of_the_network(fitted):
    model, X = fitted
    _, classifier = find_classifier(model)
    if not classifier.n_epochs_:
        with pytest.raises(NotFittedError, match="was not trained"):
            sequence_vectors(model, X)
        return
    vectors, output = sequence_vectors(model, X), classifier.module_.output
    weight, bias = (tensor.detach().numpy().astype(float) for tensor in output.parameters())
    opened = open_model(model, X)
    assert vectors.shape == (len(opened), output.in_features)
    expected = opened.model.network.logits(opened.sequences)
    np.testing.assert_allclose(vectors @ weight.T + bias, expected, rtol=0, atol=1e-12)


def test_the_vector_of_a_text_does_not_depend_on_the_others(fitted_texts):
    model, texts = fitted_texts("word")
    vectors = sequence_vectors(model, texts)
    alone = np.concatenate([sequence_vectors(model, [text]) for text in texts])
    np.testing.assert_allclose(alone, vectors, rtol=0, atol=1e-6)
