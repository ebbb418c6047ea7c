"""Sinusoidal positions (Vaswani et al. 2017)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def sinusoidal_positions(n_steps: int, n_features: int) -> NDArray[np.float32]:
    """Return sines and cosines of each position, (n_steps, n_features)."""
    for size in (1 << 20, 1 << 22):  # numbers in a table that is kept: 4 or 16 MiB
        if n_steps * n_features <= size:
            return _table(size // n_features, n_features)[:n_steps]
    return _compute(n_steps, n_features)


def _compute(n_steps: int, n_features: int) -> NDArray[np.float32]:
    feature = np.arange(n_features)
    frequency = 1e4 ** -(2 * (feature // 2) / n_features)
    positions = np.empty((n_steps, n_features), np.float32)
    for start in range(0, n_steps, 1024):  # so that float64 does not need many times the memory
        stop = min(start + 1024, n_steps)
        phase = np.arange(start, stop)[:, np.newaxis] * frequency
        positions[start:stop] = np.where(feature % 2 == 0, np.sin(phase), np.cos(phase))
    return positions


# A NumPy array: a tensor that is made while torch traces a network has no values.
_table = lru_cache(4)(_compute)
