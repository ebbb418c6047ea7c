"""Two directions against torch's own layers."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklearn_lstm.network.directions import CELLS, Direction
from sklearn_lstm.network.masks import SequenceMask

LENGTHS = torch.tensor([7, 1, 4, 6])
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def random_features():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 4, 3, generator=generator)


def both_directions(n_features, cell, hidden_size):
    torch.manual_seed(0)
    return [
        Direction(
            n_features,
            cell=cell,
            hidden_size=hidden_size,
            is_backward=is_backward,
            pooling=(),
            gates=None,
        )
        for is_backward in (False, True)
    ]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_layer_equals_torchs_layer_with_packed_sequences(cell, bidirectional):
    layer = both_directions(3, cell, 5)[: 1 + bidirectional]
    reference = CELLS[cell](3, 5, bidirectional=bidirectional)
    for direction, suffix in zip(layer, ("", "_reverse"), strict=False):
        for name, weight in direction.cells.named_parameters():
            weight.data = getattr(reference, name + suffix).data
    x = random_features()
    packed, _ = reference(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed)  # (T, B, n_directions * H)
    mask = SequenceMask(LENGTHS, 7)
    states = torch.cat([direction(x, mask) for direction in layer], 2)
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
