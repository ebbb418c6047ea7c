"""Ridge regression over sums is that of scikit-learn over samples, penalty included."""

import numpy as np
import pytest

from sklearn_lstm.linear.ridge import GramMatrix, fit_few


@pytest.mark.parametrize("seed", range(10))
def test_many_samples_are_fitted_as_few_are(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(60, 12)).astype(np.float32)
    signs = np.sign(features[:, :2] + 2 * rng.normal(size=(60, 2)))
    weights = rng.exponential(size=60) ** 3
    deviations = rng.exponential(size=12) + 0.1
    gram = GramMatrix(12, 2)
    for rows in np.split(np.arange(60), 3):
        gram.add(features[rows], signs[rows], weights[rows])
    found = gram.solve(deviations).fit(features, signs, weights)
    expected = fit_few(features, signs, weights, deviations)
    assert found.alpha == expected.alpha
    for name in ("coef", "intercept", "left_out"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-6)
