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
    frequency = 1e4 ** -(2 * (np.arange(n_features) // 2) / n_features)
    phase = np.arange(n_steps)[:, np.newaxis] * frequency
    positions = np.empty_like(phase, np.float32)
    np.sin(phase[:, ::2], out=positions[:, ::2], casting="same_kind")
    np.cos(phase[:, 1::2], out=positions[:, 1::2], casting="same_kind")
    return positions


# A NumPy array: a tensor that is made while torch traces a network has no values.
_table = lru_cache(4)(_compute)
