"""Each pooling equals its definition; masks tell padding, whatever it holds."""

import pytest
import torch
from small_models import small_architecture

from sklearn_lstm.members.network.architecture import POOLINGS
from sklearn_lstm.members.network.pooling import Pooling, SequenceMask, reverse

LENGTHS = torch.tensor([7, 1, 4, 6])
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def random_states():
    return torch.randn(7, 4, 6, generator=torch.Generator().manual_seed(0))


def new_layer(*poolings):
    torch.manual_seed(0)
    return Pooling(small_architecture(pooling=poolings, hidden_size=6))


def definition(pooling, layer, states):
    """Pool the states (T, H) of one sequence without padding."""
    return {
        "max": lambda: states.amax(0),
        "mean": lambda: states.mean(0),
        "last": lambda: states[-1],
        "attention": lambda: torch.softmax(layer.attention(states), 0)[:, 0] @ states,
    }[pooling]()


@pytest.mark.parametrize("lengths", [LENGTHS, torch.full((4,), 7)], ids=["padded", "equal"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_pooling_equals_its_definition_one_sequence_at_a_time(pooling, lengths):
    states, layer = random_states(), new_layer(pooling)
    pooled = layer(states, SequenceMask(lengths, 7))
    for sample, length in enumerate(lengths):
        expected = definition(pooling, layer, states[:length, sample])
        torch.testing.assert_close(pooled[sample], expected, **CLOSE)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_gradient_equals_that_of_the_definition(pooling):
    layer, factors = new_layer(pooling), torch.arange(24.0).view(4, 6)
    states, same = (random_states().requires_grad_() for _ in range(2))
    (layer(states, SequenceMask(LENGTHS, 7)) * factors).sum().backward()
    expected = [
        definition(pooling, layer, same[:length, sample]) for sample, length in enumerate(LENGTHS)
    ]
    (torch.stack(expected) * factors).sum().backward()
    torch.testing.assert_close(states.grad, same.grad, **CLOSE)


def test_several_poolings_are_laid_side_by_side():
    states, mask = random_states(), SequenceMask(LENGTHS, 7)
    both = new_layer("mean", "last")(states, mask)
    parts = [new_layer(name)(states, mask) for name in ("mean", "last")]
    assert torch.equal(both, torch.cat(parts, 1))


def random_steps(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_each_sequence_is_reversed_within_its_own_length():
    steps = random_steps(7, 4, 3)
    found = reverse(steps, SequenceMask(LENGTHS, 7))
    for sample, length in enumerate(LENGTHS):
        assert torch.equal(found[:length, sample], steps[:length, sample].flip(0))
        assert torch.equal(found[length:, sample], steps[length:, sample])


def test_the_gradient_is_reversed_like_the_value():
    mask = SequenceMask(LENGTHS, 7)
    steps, factors = random_steps(7, 4, 3).requires_grad_(), random_steps(7, 4, 3).square()
    (reverse(steps, mask) * factors).sum().backward()
    assert torch.equal(steps.grad, reverse(factors, mask))
