"""A network and a linear model beside it are trusted as far as they are right."""

import numpy as np
import pytest
from scipy.special import softmax

from sklearn_lstm.weighing import weigh

RNG = np.random.default_rng(0)


def test_what_is_right_on_held_out_samples_is_trusted():
    codes = RNG.integers(0, 3, 500)
    right = np.eye(3)[codes] * 2 + RNG.normal(size=(500, 3)) / 2
    noise = 5 * RNG.normal(size=(500, 3))
    for parts, better in (([right, noise], 0), ([noise, right], 1)):
        scales = weigh(parts, codes, np.ones(500), expected=[0.5, 1.0])
        assert scales[better] > 5 * scales[1 - better]


def test_logits_that_are_too_sure_are_tempered():
    logits = RNG.normal(size=(4000, 3))
    codes = np.array([RNG.choice(3, p=row) for row in softmax(logits, axis=1)])
    np.testing.assert_allclose(
        weigh([8 * logits], codes, np.ones(4000), expected=[0.5]), 1 / 8, rtol=0.15
    )


def test_without_samples_the_factors_are_what_is_expected():
    none = np.empty((0, 3))
    factors = weigh([none, none], np.empty(0, int), np.empty(0), expected=[0.2, 1.0])
    assert factors == pytest.approx([0.2, 1.0])


def test_labels_by_themselves_are_weighed_too():
    labels = RNG.integers(0, 2, (500, 3))
    right = 2.0 * labels - 1 + RNG.normal(size=(500, 3)) / 2
    noise = 5 * RNG.normal(size=(500, 3))
    factors = weigh([noise, right], labels, np.ones(500), expected=[0.5, 1.0])
    assert factors[1] > 5 * factors[0]
