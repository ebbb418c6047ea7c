"""Two directions against torch's own layers, one after the other and at the same time."""

from contextlib import nullcontext

import pytest
import torch
from small_models import small_architecture
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklearn_lstm.members.network import recurrent_cells
from sklearn_lstm.members.network.architecture import GATES
from sklearn_lstm.members.network.pooling import SequenceMask
from sklearn_lstm.members.network.recurrent_cells import Direction, run_directions
from sklearn_lstm.threads import workers

LENGTHS = torch.tensor([7, 1, 4, 6])
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture
def _two_threads(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr(recurrent_cells, "FEWEST_STEPS_IN_PAIRS", 0)
    yield
    torch.set_num_threads(before)


def random_features(*, requires_grad=False):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 4, 3, generator=generator, requires_grad=requires_grad)


def both_directions(n_features, cell, hidden_size, pooling=()):
    torch.manual_seed(0)
    architecture = small_architecture(
        n_inputs=n_features,
        tokens=False,
        embedding_dim=None,
        cell=cell,
        hidden_size=hidden_size,
        num_layers=1 if pooling else 2,  # the last layer pools its states
        pooling=pooling or ("max",),
    )
    return [Direction(architecture, 0, number) for number in (0, 1)]


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_layer_equals_torchs_layer_with_packed_sequences(cell, bidirectional):
    layer = both_directions(3, cell, 5)[: 1 + bidirectional]
    reference = getattr(nn, cell.upper())(3, 5, bidirectional=bidirectional)
    for direction, suffix in zip(layer, ("", "_reverse"), strict=False):
        for name, weight in direction.cells.named_parameters():
            weight.data = getattr(reference, name + suffix).data
    x = random_features()
    packed, _ = reference(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed)  # (T, B, n_directions * H)
    mask = SequenceMask(LENGTHS, 7)
    states = torch.cat(run_directions(layer, x, mask), 2)
    torch.testing.assert_close(states[mask.is_step], expected[mask.is_step], **CLOSE)


def test_a_direction_reads_only_what_comes_before():
    """The state of step t depends on the steps up to t forward, and from t on backward."""
    x, mask = random_features(), SequenceMask(LENGTHS, 7)
    changed = x.clone()
    changed[3, 0] += 1  # step 3 of the first sequence, of 7 steps
    forward, backward = (
        (direction(x, mask)[:, 0] != direction(changed, mask)[:, 0]).any(1).tolist()
        for direction in both_directions(3, "lstm", 4)
    )
    assert forward == [False] * 3 + [True] * 4
    assert backward == [True] * 4 + [False] * 3


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("in_workers", [False, True])
@pytest.mark.parametrize("reads_gradient", [False, True])
@pytest.mark.parametrize("pooling", [(), ("max", "attention")])
def test_gradients_are_those_of_one_direction_after_the_other(in_workers, reads_gradient, pooling):
    pair = both_directions(3, "lstm", 2, pooling)
    mask = SequenceMask(LENGTHS, 7)

    def gradients(run):
        x = random_features(requires_grad=reads_gradient)
        torch.cat(run(x), -1).square().sum().backward()
        found = [weight.grad for module in pair for weight in module.parameters()]
        for module in pair:
            module.zero_grad()
        return [*found, x.grad]

    expected = gradients(lambda x: [direction(x, mask) for direction in pair])
    with workers("cpu") if in_workers else nullcontext():
        found = gradients(lambda x: run_directions(pair, x, mask))
    for gradient, other in zip(found, expected, strict=True):
        assert (gradient is None) == (other is None)
        if gradient is not None:
            torch.testing.assert_close(gradient, other)


@pytest.mark.device("bfloat16")
def test_features_of_another_width_are_refused_in_bfloat16_too():
    direction, _ = both_directions(3, "lstm", 64)
    mask = SequenceMask(torch.full((8,), 20), 20)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert direction(torch.zeros(20, 8, 3), mask).dtype == torch.bfloat16
        with pytest.raises(RuntimeError, match="Expected 3, got 100000"):
            direction(torch.zeros(20, 8, 100_000), mask)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize(
    "in_bfloat16", [False, pytest.param(True, marks=pytest.mark.device("bfloat16"))]
)
def test_what_one_call_does_not_read_is_read_by_several(cell, in_bfloat16, monkeypatch):
    direction, _ = both_directions(3, cell, 5)

    def states(most_steps):
        monkeypatch.setattr(recurrent_cells, "MOST_STATES", 5 * most_steps)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
            return direction(random_features(), SequenceMask(LENGTHS, 7))

    torch.testing.assert_close(states(3), states(7))


@pytest.mark.usefixtures("_two_threads")
def test_workers_change_no_bit_of_the_states():
    pair, mask = both_directions(3, "gru", 5), SequenceMask(LENGTHS, 7)
    expected = [direction(random_features(), mask) for direction in pair]
    with workers("cpu"):
        found = run_directions(pair, random_features(), mask)
    for states, others in zip(found, expected, strict=True):
        assert torch.equal(states, others)


# --- What is not promised by torch


def test_torch_has_what_is_called_beside_its_documented_functions():
    """Should this fail with a new torch, `Direction` in recurrent_cells.py has to change."""
    aten = torch.ops.aten.mkldnn_rnn_layer.default._schema
    asked = "input weight0 weight1 weight2 weight3 hx_ cx_ reverse batch_sizes mode hidden_size "
    asked += "num_layers has_biases bidirectional batch_first train"
    assert [argument.name for argument in aten.arguments] == asked.split()
    assert len(aten.returns) == 4
    if recurrent_cells.LAY_OUT:  # where torch is built with oneDNN
        asked = "weight0 weight1 hidden_size reverse has_biases batch_first input_size"
        laid_out = recurrent_cells.LAY_OUT.default._schema
        assert [argument.name for argument in laid_out.arguments] == asked.split()
    cells = nn.LSTM(3, 5)
    names = "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"
    assert all(map(lambda w, name: w is getattr(cells, name), cells._flat_weights, names))
    before = cells.weight_hh_l0._version
    with torch.no_grad():
        cells.weight_hh_l0.add_(1)
    assert cells.weight_hh_l0._version > before


@pytest.mark.device("bfloat16")
@pytest.mark.parametrize("is_backward", [False, True])
def test_an_lstm_in_bfloat16_reads_what_torchs_own_reads(is_backward):
    direction = both_directions(3, "lstm", 5)[is_backward]
    x, mask = random_features(), SequenceMask(LENGTHS, 7)
    with torch.autocast("cpu", torch.bfloat16):
        expected = direction(x, mask).detach()  # with gradients it calls nn.LSTM
        with torch.no_grad():
            found = direction(x, mask)
    torch.testing.assert_close(found[mask.is_step], expected[mask.is_step], rtol=0.05, atol=0.02)
