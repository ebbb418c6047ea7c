"""The logits of a network and a linear model count as much as they are right."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from sklearn_lstm.data.kinds import WORDS
from sklearn_lstm.members import blending
from sklearn_lstm.members.blending import ClassPrior, ExpectedFactor
from sklearn_lstm.members.network.training import EXPECTED_SHARE, BlendLoss
from sklearn_lstm.targets.targets import Labels, LabelSets, Targets


def targets_of(values, n_outputs=None, weights=None, groups=None):
    values = np.asarray(values)
    n_outputs = n_outputs or (values.shape[1] if values.ndim == 2 else 3)
    labels = (LabelSets if values.ndim == 2 else Labels)(np.arange(n_outputs))
    return Targets(values, np.ones(len(values)) if weights is None else weights, labels, groups)


def fit_blend(logits, values, weights=None, *, expected, prior=None):
    targets = targets_of(values, logits[0].shape[1], weights)
    factors = [ExpectedFactor(median, deviation=1.0) for median in expected]
    nothing = np.zeros(logits[0].shape[1])
    members = [*map(blending.Judged, logits, factors)]
    return blending.fit_blend(members, targets, prior or ClassPrior(nothing, nothing))


@pytest.mark.parametrize("better", [0, 1])
def test_logits_that_are_right_on_held_out_samples_weigh_more(better):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 500)
    logits = [5 * rng.normal(size=(500, 3)) for _ in range(2)]
    logits[better] = np.eye(3)[targets] * 2 + rng.normal(size=(500, 3)) / 2
    weights = fit_blend(logits, targets, expected=[0.5, 1.0]).factors
    assert weights[better] > 5 * weights[1 - better]


def test_logits_that_are_too_large_get_a_small_weight():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    targets = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    weights = fit_blend([8 * logits], targets, expected=[0.5]).factors
    np.testing.assert_allclose(weights, 1 / 8, rtol=0.15)


def test_a_network_is_expected_to_count_a_share_of_the_factor_that_it_needs_alone():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(4000, 3))
    targets = targets_of([rng.choice(3, p=row) for row in softmax(known, axis=1)])
    nothing = np.zeros(3)
    held_out = blending.HeldOutLogits(targets, ClassPrior(nothing, nothing))
    settings = SimpleNamespace(kind=WORDS)

    def expected_of(logits):
        network = SimpleNamespace(name="network", logits=lambda _: logits)
        loss = BlendLoss(held_out, SimpleNamespace(sequences=None), settings)
        (judged,) = loss.joined_by(network).members.values()
        return judged.expected.median

    # Logits that are far too large, or too large, count as much in the end.
    medians = [scale * expected_of(scale * known) for scale in (2, 20)]
    np.testing.assert_allclose(medians, EXPECTED_SHARE, rtol=0.1)
    # That all samples are predicted well is no reason to make logits larger.
    assert expected_of(np.eye(3)[targets.values]) == EXPECTED_SHARE
    # Without samples the kind of input says what is expected.
    held_out = replace(held_out, targets=targets.subset(np.arange(0)))
    assert expected_of(known[:0]) == pytest.approx(EXPECTED_SHARE * WORDS.network_factor)


def test_without_samples_the_weights_are_what_is_expected():
    nothing = np.empty((0, 3))
    prior = ClassPrior(np.array([1.0, 0.0, -1.0]), np.zeros(3))
    blend = fit_blend([nothing, nothing], np.empty(0, int), expected=[0.2, 1.0], prior=prior)
    assert blend.factors == pytest.approx([0.2, 1.0])
    assert blend.prior_correction == 0


def test_multilabel_logits_are_weighed_too():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (500, 3)).astype(np.float32)
    right = 2.0 * targets - 1 + rng.normal(size=(500, 3)) / 2
    noise = 5 * rng.normal(size=(500, 3))
    weights = fit_blend([noise, right], targets, expected=[0.5, 1.0]).factors
    assert weights[1] > 5 * weights[0]


def test_the_weights_have_the_highest_posterior_probability():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
    sample_weights = rng.random(50)
    blend = fit_blend([logits], targets, sample_weights, expected=[0.5])
    (factor,) = blend.factors

    def loss_with(weight):
        fits = log_softmax(weight * logits, axis=1)[np.arange(50), targets]
        return -(sample_weights @ fits)

    def surprise(weight):
        return loss_with(weight) + np.log(weight / 0.5) ** 2 / 2

    assert blend.loss == pytest.approx(loss_with(factor))
    assert all(surprise(factor) < surprise(factor * change) for change in (0.9, 1.1))


def prior_of(values, n_outputs, groups=None, *, is_drawn=False):
    return ClassPrior.of(targets_of(values, n_outputs, groups=groups), is_drawn=is_drawn)


def test_a_rare_class_that_is_predicted_too_seldom_is_corrected():
    rng = np.random.default_rng(0)
    targets = (rng.random(3000) < 0.1).astype(int)
    evidence = rng.normal(size=3000) + 2 * targets
    # The right logit is 2 * evidence - 2 + log(0.1 / 0.9); this one does not know the class well.
    logits = np.stack([np.zeros(3000), 2 * evidence - 2 + 2 * np.log(0.1 / 0.9)], axis=1)
    prior = prior_of(targets, 2)
    blend = fit_blend([logits], targets, expected=[1.0], prior=prior)
    assert blend.prior_correction == pytest.approx(1, abs=0.15)
    np.testing.assert_allclose(blend.factors, 1, rtol=0.15)


def test_a_rare_class_is_never_made_rarer():
    rng = np.random.default_rng(0)
    targets = (rng.random(300) < 0.1).astype(int)
    logits = np.stack([np.zeros(300), 2 * rng.normal(size=300) + 4 * targets], axis=1)
    prior = prior_of(targets, 2)
    blend = fit_blend([logits], targets, expected=[1.0], prior=prior)
    assert blend.prior_correction == 0


def test_labels_are_corrected_by_their_odds():
    rng = np.random.default_rng(0)
    targets = (rng.random((3000, 2)) < [0.1, 0.5]).astype(np.float32)
    logits = 2 * (rng.normal(size=(3000, 2)) + 2 * targets) - 2
    logits[:, 0] += 2 * np.log(0.1 / 0.9)
    prior = prior_of(targets, 2)
    np.testing.assert_allclose(prior.logs, [np.log(0.1 / 0.9), 0], atol=0.2)
    blend = fit_blend([logits], targets, expected=[1.0], prior=prior)
    np.testing.assert_allclose(blend.prior_correction, [1, 0], atol=0.15)


def test_two_labels_that_are_one_are_corrected_as_this_one_alone():
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 1)) < 0.1).astype(np.float32)
    logits = 2 * rng.normal(size=(60, 1)) + 4 * targets - 8

    def correction(n_times):
        values = np.tile(targets, n_times)
        prior = prior_of(values, n_times)
        blend = fit_blend([np.tile(logits, n_times)], values, expected=[1.0], prior=prior)
        return blend.prior_correction

    assert correction(1) > 0.1
    np.testing.assert_allclose(correction(2), [*correction(1)] * 2, rtol=1e-3)


def test_that_one_sample_of_each_class_is_not_drawn_is_no_reason_for_a_correction():
    n_samples = np.array([1] * 10 + [30] * 5)  # of each class, of which one is never held out
    targets = np.repeat(np.arange(15), n_samples - 1)
    prior = prior_of(np.repeat(np.arange(15), n_samples), 15, is_drawn=True)
    logits = np.tile(np.log(n_samples / n_samples.sum()), (len(targets), 1))  # what is known
    blend = fit_blend([logits], targets, expected=[1.0], prior=prior)
    assert abs(blend.prior_correction) < 0.05


def test_a_class_of_one_group_is_not_drawn_either():
    targets, groups = np.repeat([0, 1, 2], [20, 20, 6]), np.append(np.arange(40) // 4, [10] * 6)
    prior = prior_of(targets, 3, groups, is_drawn=True)
    np.testing.assert_allclose(np.exp(prior.log_drawn), [4 / 5, 4 / 5, 0], atol=1e-6)
    logits = np.tile(np.log([20, 20, 6]), (40, 1))
    blend = fit_blend([logits], targets[:40], expected=[1.0], prior=prior)
    assert blend.prior_correction == pytest.approx(0, abs=1e-3)


def test_copies_of_a_sequence_which_are_held_out_together_count_as_one():
    targets = replace(targets_of(np.repeat([0, 1], 100), 2), copies=np.arange(200) // 50)
    prior = ClassPrior.of(targets, is_drawn=True)
    np.testing.assert_allclose(prior.log_drawn, np.log(1 / 2))  # one of two sequences


def test_the_rarer_a_class_the_more_its_correction_needs_evidence():
    rng = np.random.default_rng(0)
    targets = (np.arange(40) < 3).astype(int)
    logits = np.stack([np.zeros(40), rng.normal(size=40) - 8], axis=1)

    def correction(ratio):
        prior = prior_of(np.repeat([0, 1], [10 * ratio, 10]), 2)
        blend = fit_blend([logits], targets, expected=[1.0], prior=prior)
        return blend.prior_correction * prior.logs[0]

    assert 0 < correction(2) < correction(10)
    assert correction(10) == pytest.approx(correction(1000), rel=0.01)


def test_a_class_without_samples_gains_nothing():
    counted = prior_of(np.array([0, 0, 0, 1]), 3).logs
    assert counted[2] == counted[0] > counted[1]
    of_labels = prior_of(np.array([[0, 1, 1], [0, 1, 0], [0, 1, 0]], np.float32), 3).logs
    np.testing.assert_allclose(of_labels, [0, 0, np.log(1 / 2)])
