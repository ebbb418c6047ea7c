"""The logits of a network and a linear model count as much as they are right."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from sklearn_lstm.linear.blending import fit_blend_weights


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("better", [0, 1])
def test_logits_that_are_right_on_held_out_samples_weigh_more(rng, better):
    targets = rng.integers(0, 3, 500)
    logits = [5 * rng.normal(size=(500, 3)) for _ in range(2)]
    logits[better] = np.eye(3)[targets] * 2 + rng.normal(size=(500, 3)) / 2
    weights, _ = fit_blend_weights(logits, targets, np.ones(500), expected=[0.5, 1.0])
    assert weights[better] > 5 * weights[1 - better]


def test_logits_that_are_too_large_get_a_small_weight(rng):
    logits = rng.normal(size=(4000, 3))
    targets = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    weights, _ = fit_blend_weights([8 * logits], targets, np.ones(4000), expected=[0.5])
    np.testing.assert_allclose(weights, 1 / 8, rtol=0.15)


def test_without_samples_the_weights_are_what_is_expected():
    nothing = np.empty((0, 3))
    weights, _ = fit_blend_weights(
        [nothing, nothing], np.empty(0, int), np.empty(0), expected=[0.2, 1.0]
    )
    assert weights == pytest.approx([0.2, 1.0])


def test_multilabel_logits_are_weighed_too(rng):
    targets = rng.integers(0, 2, (500, 3)).astype(np.float32)
    right = 2.0 * targets - 1 + rng.normal(size=(500, 3)) / 2
    noise = 5 * rng.normal(size=(500, 3))
    weights, _ = fit_blend_weights([noise, right], targets, np.ones(500), expected=[0.5, 1.0])
    assert weights[1] > 5 * weights[0]


def test_the_weights_have_the_highest_posterior_probability(rng):
    logits, targets = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
    sample_weights = rng.random(50)
    weights, loss = fit_blend_weights([logits], targets, sample_weights, expected=[0.5])

    def loss_with(weight):
        fits = log_softmax(weight * logits, axis=1)[np.arange(50), targets]
        return -(sample_weights @ fits)

    def surprise(weight):
        return loss_with(weight) + np.log(weight / 0.5) ** 2 / 2

    assert loss == pytest.approx(loss_with(weights[0]))
    assert all(surprise(weights[0]) < surprise(weights[0] * factor) for factor in (0.9, 1.1))
