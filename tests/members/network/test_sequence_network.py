"""The network: one-hot input, positions, dropout, weights, and every architecture on a toy task."""

from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from memory_taken import LargestTensor
from small_models import PLAIN, small_architecture
from torch import nn

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.network.architecture import GATES, POOLINGS
from sklearn_lstm.members.network.recurrent_cells import Direction
from sklearn_lstm.members.network.sequence_network import SequenceNetwork

LENGTHS = torch.tensor([7, 1, 4, 6])
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def generator():
    return torch.Generator().manual_seed(0)


def network(**architecture):
    made = SequenceNetwork(small_architecture(**architecture))
    made.draw_weights(generator())
    return made.eval()


def random_codes(n_codes=9):
    codes = torch.randint(2, n_codes, (4, 7), generator=generator())
    return codes * (torch.arange(7) < LENGTHS[:, None])  # (B, T)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_gate_that_keeps_the_state_begins_open(cell):
    cells = network(cell=cell).layers[0][0].cells
    gates = cells.bias_ih_l0.view(-1, cells.hidden_size)
    assert (gates[1] == 1).all()  # of an LSTM the forget gate, of a GRU the update gate
    assert gates[0].abs().max() < 1


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_one_hot_input_equals_explicit_one_hot_vectors(cell, bidirectional):
    options = {"embedding_dim": None, "cell": cell, "bidirectional": bidirectional, "num_layers": 2}
    from_codes, from_vectors = network(**options), network(tokens=False, **options)
    table = from_codes.embedding.weight  # (n_codes, n_directions * gates)
    weights = {k: v for k, v in from_codes.state_dict().items() if not k.startswith("embedding")}
    for direction, part in enumerate(table.chunk(1 + bidirectional, 1)):
        weights[f"layers.0.{direction}.cells.weight_ih_l0"] = part.T
    from_vectors.load_state_dict(weights)
    codes = random_codes()
    one_hot = nn.functional.one_hot(codes, 9).float()
    expected = from_vectors(one_hot, LENGTHS)
    torch.testing.assert_close(from_codes(codes, LENGTHS), expected, **CLOSE)


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_one_hot_input_never_builds_a_one_hot_tensor():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so the calling thread does all
    n_codes = 5000
    X = np.arange(2, n_codes).reshape(-1, 14)
    options = {"input_type": "words", "hidden_size": 1, "max_epochs": 1, "batch_size": 400}
    model = LSTMSequenceClassifier(embedding_dim=None, **options)
    with LargestTensor() as largest:
        model.fit(X, np.arange(len(X)) % 2).predict(X)
    torch.set_num_threads(threads)
    assert 4 * X.size < largest.n_bytes < 4 * X.size * n_codes / 5


def test_one_hot_input_weights_are_learned_and_the_identity_is_not():
    X, y = np.arange(2, 42).reshape(-1, 4), np.arange(10) % 2
    for cell in GATES:
        model = LSTMSequenceClassifier(embedding_dim=None, cell=cell, hidden_size=3, max_epochs=2)
        before = model.fit(X, y).module_.embedding.weight.clone()
        after = model.partial_fit(X, y).module_
        assert not torch.equal(after.embedding.weight, before)
        for direction in after.layers[0]:
            weight = direction.cells.weight_ih_l0
            assert torch.equal(weight, torch.eye(len(weight)))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradients_do_not_depend_on_padding(pooling):
    gradients = []
    for extra in (0, 5):
        net = network(pooling=(pooling,), num_layers=2)
        net(nn.functional.pad(random_codes(), (0, extra)), LENGTHS).square().sum().backward()
        gradients.append([weight.grad for weight in net.parameters()])
    for padded, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(padded, plain, **CLOSE)


def test_the_padding_vector_stays_zero():
    model = LSTMSequenceClassifier(hidden_size=3, max_epochs=3)
    model.fit([[3, 4, 5], [6], [3], [6, 5]], [0, 1, 0, 1])
    assert not model.module_.embedding.weight[0].any()


def test_a_token_is_read_with_its_position():
    net = network()
    codes = random_codes()
    positions = net.add_positions(net.embedding(codes.T)) - net.embedding(codes.T)  # (T, B, D)
    torch.testing.assert_close(positions, positions[:, :1].expand_as(positions), **CLOSE)
    assert len(positions[:, 0].detach().round(decimals=4).unique(dim=0)) == 7


def test_dropout_drops_a_feature_in_all_steps_of_a_sequence():
    net = network(dropout=0.5).train()
    net.generator = generator()
    dropped = net.drop_features(torch.ones(9, 6, 40))
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert 0.3 < (dropped == 0).float().mean() < 0.7
    assert torch.equal(net.eval().drop_features(torch.ones(9, 6, 40)), torch.ones(9, 6, 40))


def update(net):
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, fused=True)
    net(random_codes(), LENGTHS).square().sum().backward()
    optimizer.step()
    net.eval()


@torch.no_grad()
def double(net):
    for weight in net.parameters():
        weight.mul_(2)


def double_unnoticed(net):
    net.train()
    for weight in net.parameters():
        weight.data.mul_(2)
    net.eval()


def load(net, *, assign):
    others = {name: 2 * weight for name, weight in net.state_dict().items()}
    net.load_state_dict(others, assign=assign)


def replace_data(net):
    for weight in net.parameters():
        weight.data = 2 * weight.data


@pytest.mark.parametrize(
    "change",
    [
        update,
        double,
        double_unnoticed,
        partial(load, assign=False),
        partial(load, assign=True),
        replace_data,
    ],
)
def test_weights_that_were_rounded_are_rounded_again_once_they_change(change):
    net = network(num_layers=2)
    net.use_bfloat16 = True
    with torch.no_grad():
        before = net(random_codes(), LENGTHS)
        copied, kept = deepcopy(net), net.layers[0][0]._rounded
        assert torch.equal(net(random_codes(), LENGTHS), before)
        assert net.layers[0][0]._rounded is kept  # nothing was rounded again
    change(net)
    with torch.no_grad():
        found = net(random_codes(), LENGTHS)
    expected = net(random_codes(), LENGTHS)  # with gradients, weights are rounded in each call
    assert expected.requires_grad
    assert torch.equal(found, expected)
    assert not torch.equal(found, before)
    with torch.no_grad():
        assert torch.equal(copied(random_codes(), LENGTHS), before)


def test_another_thread_may_discard_rounded_weights_at_once(monkeypatch):
    net = network()
    net.use_bfloat16 = True
    with torch.no_grad():
        expected = net(random_codes(), LENGTHS)
        discarded = property(lambda _: None, lambda *_: None)  # as `eval` of an explanation does
        monkeypatch.setattr(Direction, "_rounded", discarded)
        assert torch.equal(net(random_codes(), LENGTHS), expected)


def toy_task():
    """Return ids with a 2 or a 3 somewhere among others, and which of them it is."""
    rng = np.random.default_rng(0)
    X = [rng.integers(4, 9, length) for length in rng.integers(2, 7, 80)]
    y = np.arange(80) % 2
    for row, label in zip(X, y, strict=True):
        row[rng.integers(len(row))] = 2 + label
    return X, y


# Each cell and each pooling are in networks of one layer and in networks of two.
@pytest.mark.parametrize(
    ("cell", "pooling", "is_deep"),
    [
        (cell, pooling, (row + column) % 2 == 1)
        for row, cell in enumerate(GATES)
        for column, pooling in enumerate([*POOLINGS, ("max", "attention")])
    ],
)
def test_every_architecture_learns(cell, pooling, is_deep):
    X, y = toy_task()
    model = LSTMSequenceClassifier(
        cell=cell,
        pooling=pooling,
        num_layers=1 + is_deep,
        bidirectional=is_deep,
        hidden_size=8,
        max_epochs=8,
        batch_size=8,
        lr=0.04,
        dropout=0.0,
        linear_model=False,  # which would find the class alone
        random_state=0,
    )
    assert model.fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("embedding_dim", [None, 5])
def test_a_frame_is_summaries_of_its_steps_and_their_changes(embedding_dim):
    options = {"tokens": False, "embedding_dim": embedding_dim}
    of_steps = network(**options, n_inputs=2, steps_per_frame=3)
    of_frames = network(**options, n_inputs=16)
    of_frames.load_state_dict(of_steps.state_dict())
    steps = torch.randn(4, 7, 2, generator=generator())
    frames = torch.zeros(4, 3, 16)
    for row, length in enumerate(LENGTHS.tolist()):
        for number, start in enumerate(range(0, length, 3)):
            frame = steps[row, start : min(start + 3, length)]
            frame = torch.cat([frame, frame[-1:].expand(3 - len(frame), -1)])
            summaries = frame.mean(0), frame.std(0, correction=0), frame.amax(0), frame.amin(0)
            frames[row, number, :8] = torch.cat(summaries)
    frames[:, 1:, 8:] = frames[:, :, :8].diff(dim=1)
    expected = of_frames(frames, torch.tensor([3, 1, 2, 2]))
    torch.testing.assert_close(of_steps(steps, LENGTHS), expected, **CLOSE)


def test_the_module_gives_gradients_more_than_once(texts):
    module = LSTMSequenceClassifier(**PLAIN).fit(*texts).module_
    logits = module(torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 2]))
    logits[:, 0].sum().backward(retain_graph=True)
    logits[:, 1].sum().backward()


def test_a_module_in_training_mode_predicts_without_dropout(texts):
    model = LSTMSequenceClassifier(**PLAIN | {"dropout": 0.5}).fit(*texts)
    expected = model.predict_proba(texts[0])
    model.module_.train()
    np.testing.assert_array_equal(model.predict_proba(texts[0]), expected)
