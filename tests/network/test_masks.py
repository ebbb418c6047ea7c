"""Which steps are padding, and the order in which a sequence is read backward."""

import torch

from sklearn_lstm.network.masks import SequenceMask, reverse

LENGTHS = torch.tensor([7, 1, 4, 6])


def random_steps(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_mask_tells_steps_from_padding():
    mask = SequenceMask(LENGTHS, 7)
    assert mask.is_step.shape == (7, 4)
    assert mask.is_step.sum(0).tolist() == LENGTHS.tolist()
    assert mask.is_step.int().diff(dim=0).max() <= 0  # padding comes last
    assert mask.has_padding


def test_the_last_step_is_that_of_each_sequence():
    steps = random_steps(7, 4, 3)
    last = steps.flatten(0, 1)[SequenceMask(LENGTHS, 7).last]
    for sample, length in enumerate(LENGTHS):
        assert torch.equal(last[sample], steps[length - 1, sample])


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
