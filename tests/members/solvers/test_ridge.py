"""Ridge regression over sums is that of scikit-learn over samples, penalty included."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sklearn_lstm.members.solvers.ridge_regression import (
    GramMatrix,
    fit_few,
    fit_many,
    leave_alike_out,
)
from sklearn_lstm.targets.targets import LabelSets, Targets


def targets_of(signs, weights):
    return Targets((signs > 0).astype(np.float32), weights, LabelSets(np.arange(2)))


@pytest.mark.parametrize("seed", range(10))
def test_many_samples_are_fitted_as_few_are(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(60, 12)).astype(np.float32)
    signs = np.sign(features[:, :2] + 2 * rng.normal(size=(60, 2)))
    targets = targets_of(signs, rng.exponential(size=60) ** 3)
    deviations = rng.exponential(size=12) + 0.1
    gram = GramMatrix(12, 2)
    for rows in np.split(np.arange(60), 3):
        gram.add(features[rows], targets.subset(rows))
    found = fit_many(gram, features, targets, deviations)
    expected = fit_few(features, targets, deviations)
    assert found.alpha == expected.alpha
    for name in ("coef", "intercept", "left_out"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-6)


def test_samples_are_predicted_without_themselves_and_without_their_like():
    rng = np.random.default_rng(0)
    group, place = np.divmod(np.arange(96), 4)  # 24 groups of 4 that are alike; 12 of each class
    features = (rng.normal(size=(24, 20))[group] + rng.normal(size=(96, 20)) / 50).astype("f4")
    signs = np.where(group[:, np.newaxis] % 2 == [0, 1], 1.0, -1.0)
    weights = rng.exponential(size=96) + 0.1
    predictions = leave_alike_out(features, targets_of(signs, weights), 3.0, np.ones(20))
    scaled = features / features.std(axis=0, dtype=np.float64)
    for found, left_out in zip(predictions, (4 * group + place, group), strict=True):
        for each in (0, 7, 23):
            is_out = left_out == each
            ridge = Ridge(3.0).fit(scaled[~is_out], signs[~is_out], weights[~is_out])
            np.testing.assert_allclose(found[is_out], ridge.predict(scaled[is_out]), atol=1e-6)
