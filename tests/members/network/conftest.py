"""Texts of unequal length, of few classes."""

import numpy as np
import pytest


@pytest.fixture
def texts():
    rng = np.random.default_rng(0)
    X = [rng.integers(2, 400, length) for length in rng.integers(1, 30, 60)]
    return X, rng.integers(0, 3, 60)
