"""`NumpyNetwork`: the logits of the network of torch, in any batch."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from as_read import read_sequences
from small_models import small_architecture

from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.numpy_network import NumpyNetwork
from sklearn_lstm.members.network.sequence_network import SequenceNetwork
from sklearn_lstm.storage.forms import Unpacker

RNG = np.random.default_rng(0)
LENGTHS = [3, 1, 9, 4, 9, 17, 2, 1]
IDS = [RNG.integers(1, 9, n) for n in LENGTHS]
SERIES = [RNG.normal(size=(n, 2)) for n in LENGTHS]


def networks(X, **architecture):
    """Return a network of torch with random weights, the same in NumPy, and the sequences."""
    sequences = read_sequences(X)
    tokens = sequences.n_channels is None
    encoding = (
        TokenCodes(np.arange(1, 7))  # some ids are unknown
        if tokens
        else ChannelScaling.of(sequences, None, normalize=True)
    )
    defaults = {"hidden_size": 5, "pooling": ("max", "mean"), "embedding_dim": 4}
    architecture = defaults | architecture | {"n_inputs": len(encoding), "tokens": tokens}
    module = SequenceNetwork(small_architecture(**architecture))
    module.draw_weights(torch.Generator().manual_seed(0))
    network = Network(encoding, None, module.eval(), is_trained=True)
    return network, NumpyNetwork.from_stored(Unpacker({}), **network.stored()), sequences


@pytest.mark.parametrize(("X", "embedding_dim"), [(IDS, 4), (IDS, None), (SERIES, None)])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_logits_are_those_of_torch(cell, num_layers, bidirectional, embedding_dim, X):
    network, in_numpy, sequences = networks(
        X,
        cell=cell,
        num_layers=num_layers,
        bidirectional=bidirectional,
        embedding_dim=embedding_dim,
    )
    expected = network.logits(sequences)
    np.testing.assert_allclose(in_numpy.logits(sequences), expected, rtol=0, atol=2e-6)
    assert np.ptp(expected, axis=0).min() > 1e-3


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(
    "pooling", [("max",), ("mean",), ("last",), ("attention",), ("attention", "last", "max")]
)
def test_poolings_are_those_of_torch(cell, pooling):
    network, in_numpy, sequences = networks(IDS, cell=cell, pooling=pooling)
    expected = network.logits(sequences)
    np.testing.assert_allclose(in_numpy.logits(sequences), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("embedding_dim", [4, None])
@pytest.mark.parametrize("size", [2, 3, 50])
def test_frames_are_those_of_torch(embedding_dim, size):
    network, in_numpy, sequences = networks(
        SERIES, embedding_dim=embedding_dim, steps_per_frame=size
    )
    expected = network.logits(sequences)
    np.testing.assert_allclose(in_numpy.logits(sequences), expected, rtol=0, atol=2e-6)


def test_neither_the_batch_nor_padding_changes_a_sequence():
    X = [RNG.normal(size=(n, 2)) for n in (400, 20, 7, 399, 12, 1, 400)]
    _, in_numpy, sequences = networks(X, hidden_size=64, embedding_dim=32)
    together = in_numpy.logits(sequences)
    alone = [in_numpy.logits(sequences.subset(np.array([row]))) for row in range(len(X))]
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=0, atol=1e-6)


def test_weights_of_other_shapes_are_refused():
    network, _, _ = networks(IDS, num_layers=2, pooling=("attention",))
    stored = network.stored()
    for name, weight in stored["weights"].items():
        for other in (weight[..., None], weight.astype(np.float64)):
            with pytest.raises(ValueError, match="do not fit to the architecture"):
                NumpyNetwork.from_stored(
                    Unpacker({}), **stored | {"weights": {**stored["weights"], name: other}}
                )
    names = [*stored["weights"]]
    for kept, lacking in pairwise(names):
        weights = {name: stored["weights"][name] for name in names if name != lacking}
        with pytest.raises(ValueError, match="do not fit"):
            NumpyNetwork.from_stored(
                Unpacker({}), **stored | {"weights": weights | {f"{kept}x": weights[kept]}}
            )
