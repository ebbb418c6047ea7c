"""Values -> normal scores: where a value stands among those of training, as a normal deviate.

Laboratory values range over orders of magnitude, and sensors fail with values far from all others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_lstm.data.sequences import Sequences

PROPORTIONS = np.linspace(0.01, 0.99, 33)
SCORES = ndtri(PROPORTIONS)  # from -2.3 to 2.3
STEPS_FOR_QUANTILES = 1 << 18


def quantiles_of(sequences: Sequences, channels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return quantiles (n_quantiles, n_channels) of the known values of some channels.

    Of many series every k-th is read.
    """
    every = -(-int(sequences.lengths.sum()) // STEPS_FOR_QUANTILES)
    some = sequences.subset(np.arange(0, len(sequences), every))
    steps = np.concatenate([chunk[:, channels] for chunk, _ in some.chunks()])
    quantiles = np.zeros((len(PROPORTIONS), len(channels)))
    for column, values in enumerate(steps.T):
        known = values[~np.isnan(values)]
        if len(known):
            quantiles[:, column] = np.quantile(known, PROPORTIONS)
    return quantiles


def normal_scores(
    values: NDArray[np.float64], quantiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the normal scores of values (n, n_channels); those of missing values are missing.

    Between two quantiles they are interpolated, so that waves keep their form. Beyond the outer
    ones they grow as the logarithm. A value that is several quantiles gets their mean score.
    """
    scores = values.copy()
    for column, of_channel in enumerate(quantiles.T):
        is_known = ~np.isnan(values[:, column])
        known, (first, *_, last) = values[is_known, column], of_channel
        low = np.interp(known, of_channel, SCORES)
        high = -np.interp(-known, -of_channel[::-1], SCORES)
        unit = (last - first) / (SCORES[-1] - SCORES[0]) or 1.0
        above, below = (np.maximum(gap, 0) / unit for gap in (known - last, first - known))
        scores[is_known, column] = (low + high) / 2 + np.log1p(above) - np.log1p(below)
    return scores
