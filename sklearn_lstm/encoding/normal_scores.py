"""Values -> normal scores: where each stands among those of training.

A score is a value of the standard normal distribution: the median of training becomes 0.

Laboratory values range over orders of magnitude, and sensors fail with values far from all others.
"""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_lstm.data.sequences import Sequences

PROPORTIONS = np.linspace(0.01, 0.99, 33)


@dataclass(frozen=True)
class NormalScores:
    """Quantiles of the known values of some channels, and their scores.

    Parameters
    ----------
    quantiles, scores : ndarray of shape (n_quantiles, n_gappy)
        In ascending order. Quantiles that are the same value have the same score.
    """

    quantiles: Annotated[NDArray[np.float64], "n_quantiles n_gappy"]
    scores: Annotated[NDArray[np.float64], "n_quantiles n_gappy"]

    @classmethod
    def of(cls, sequences: Sequences, channels: NDArray[np.intp]) -> Self:
        """Find the quantiles of these channels; those of many values by a random sample of them."""
        is_known = (~np.isnan(chunk[:, channels]) for chunk, _ in sequences.chunks())
        n_known = sum(known.sum(axis=0) for known in is_known)
        shares = (1 << 18) / np.maximum(n_known, 1)  # about so many values of each channel
        samples: list[list[NDArray[np.number]]] = [[] for _ in channels]
        rng = np.random.default_rng(0)
        for chunk, _ in sequences.chunks():
            draws = rng.random(len(chunk))
            for sample, channel, share in zip(samples, channels, shares, strict=True):
                values = chunk[draws < share, channel]
                sample.append(values[~np.isnan(values)])
        quantiles = np.zeros((len(PROPORTIONS), len(channels)))
        scores = np.empty_like(quantiles)
        for knots, at_knots, sample in zip(quantiles.T, scores.T, samples, strict=True):
            known = np.concatenate(sample)
            if len(known):
                knots[:] = np.quantile(known, PROPORTIONS)
            _, which, n_same = np.unique(knots, return_inverse=True, return_counts=True)
            at_knots[:] = (np.bincount(which, ndtri(PROPORTIONS)) / n_same)[which]
        return cls(quantiles, scores)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of values (n, n_channels); those of missing values are missing.

        Between two quantiles they are interpolated, so that waves keep their form. Beyond the outer
        ones they grow as the logarithm.
        """
        scores = values.copy()
        columns = zip(values.T, scores.T, self.quantiles.T, self.scores.T, strict=True)
        for known, found, knots, at_knots in columns:
            first, last = knots[[0, -1]]
            found[:] = np.interp(known, knots, at_knots)  # of NaN it is NaN
            unit = (last - first) / (at_knots[-1] - at_knots[0]) if last > first else 1.0
            for sign, gaps in (1, known - last), (-1, first - known):
                is_beyond = gaps > 0
                found[is_beyond] += sign * np.log1p(gaps[is_beyond] / unit)
        return scores
