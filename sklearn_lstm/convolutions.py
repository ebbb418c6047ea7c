"""A linear model over random convolutions of series, which tells their shapes without training.

Few and long series teach a recurrent network little; how often a convolution exceeds a threshold
says much about them, and the two err in different places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import RidgeCV

from sklearn_lstm.batches import pad, prediction_rows
from sklearn_lstm.encoding import ChannelScaling
from sklearn_lstm.sequences import Rows, Samples, Sequences
from sklearn_lstm.weighing import weigh

WIDTH = 9  # steps that a convolution looks at
HEAVY = np.array(list(combinations(range(WIDTH), 3)))  # its steps that weigh 2; others weigh -1
N_FEATURES = 2500  # about so many; four times as many are no better
MOST_DILATIONS = 16
MOST_CHANNELS = 9  # that a convolution adds up
SERIES_FOR_THRESHOLDS = 32
GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class ConvolutionModel:
    """Ridge regression on the share of the steps at which convolutions exceed thresholds.

    The convolutions are those of MiniRocket (Dempster et al. 2021): they look at nine steps, apart
    by a dilation, three of which weigh 2 and six -1, and add up some channels, or their changes.

    Parameters
    ----------
    encoding : ChannelScaling
    dilations : ndarray of shape (n_dilations,)
    channels : ndarray of bool of shape (n_dilations, 84, n_inputs)
        Which inputs each convolution adds up.
    thresholds : ndarray of shape (n_dilations, 84, n_thresholds)
        Quantiles of what the convolution gives for a training series.
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    """

    encoding: ChannelScaling
    dilations: NDArray[np.intp]
    channels: NDArray[np.bool_]
    thresholds: NDArray[np.float32]
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @classmethod
    def of(
        cls, samples: Samples, encoding: ChannelScaling, *, n_outputs: int, seed: int
    ) -> tuple[ConvolutionModel, NDArray[np.float64]]:
        """Fit to series.

        Returns
        -------
        ConvolutionModel
        ndarray of shape (n, n_outputs)
            The logits of each series by what all others teach.
        """
        sequences = samples.sequences
        rng = np.random.default_rng(seed)
        reach = max(int(sequences.lengths.max()) - 1, WIDTH - 1) / (WIDTH - 1)
        dilations = np.unique((reach ** np.linspace(0, 1, MOST_DILATIONS)).astype(np.intp))
        n_thresholds = round(N_FEATURES / (len(dilations) * len(HEAVY)))
        shape = len(dilations), len(HEAVY), n_thresholds
        drawn = cls(
            encoding,
            dilations,
            _draw_channels(encoding, shape[:2], rng),
            np.empty(shape, np.float32),
            np.zeros((np.prod(shape), n_outputs)),
            np.zeros(n_outputs),
        )
        drawn._find_thresholds(sequences, rng)
        features = np.empty((len(samples), np.prod(shape)), np.float32)
        for rows, shares in drawn._shares(sequences):
            features[rows] = shares
        deviation = features.std(axis=0, dtype=np.float64)
        deviation[deviation < 1e-9] = 1  # rounding
        targets = np.where(samples.targets(n_outputs), 1.0, -1.0)
        ridge = RidgeCV(  # with a scoring it stores the predictions for each sample left out
            np.logspace(-3, 3, 10), scoring="neg_mean_squared_error", store_cv_results=True
        )
        with config_context(enable_metadata_routing=False):
            ridge.fit(features / deviation, targets, sample_weight=samples.weights)
        best = int(np.flatnonzero(ridge.alphas == ridge.alpha_)[0])
        left_out = ridge.cv_results_.reshape(*targets.shape, -1)[:, :, best]
        (scale,) = weigh([left_out], samples.codes, samples.weights, expected=[1.0])
        model = replace(
            drawn,
            coef=scale * np.atleast_2d(ridge.coef_).T / deviation[:, np.newaxis],
            intercept=scale * np.atleast_1d(ridge.intercept_),
        )
        return model, scale * left_out

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Give the logits (n_samples, n_outputs)."""
        logits = np.empty((len(sequences), len(self.intercept)))
        for rows, shares in self._shares(sequences):
            # In float32 the product would round a row by its neighbours.
            logits[rows] = shares.astype(np.float64) @ self.coef + self.intercept
        return logits

    def _find_thresholds(self, sequences: Sequences, rng: np.random.Generator) -> None:
        """Take quantiles of each convolution of a series, at irregular even distances."""
        rows = rng.permutation(len(sequences))[:SERIES_FOR_THRESHOLDS]
        chosen = rng.choice(rows, size=self.thresholds.shape[:2])
        counts = np.arange(1, self.thresholds.size + 1).reshape(self.thresholds.shape)
        quantiles = (counts * GOLDEN_RATIO) % 1
        for row in np.unique(chosen):
            alone = pad(sequences, np.array([row]), self.encoding)
            values_of = self._convolutions(alone["steps"].numpy(), alone["lengths"].numpy())
            for place, values in values_of:
                if chosen[place] == row:
                    self.thresholds[place] = np.quantile(values[0], quantiles[place])

    def _shares(self, sequences: Sequences) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield the share of the steps above each threshold (B, n_features), batch by batch."""
        for rows in prediction_rows(sequences.lengths):
            lengths = sequences.lengths[rows]
            shares = np.empty((len(rows), *self.thresholds.shape), np.float32)
            padded = pad(sequences, rows, self.encoding)["steps"].numpy()
            for place, values in self._convolutions(padded, lengths):
                for index, threshold in enumerate(self.thresholds[place]):
                    shares[:, *place, index] = (values > threshold).sum(1) / lengths
            yield rows, shares.reshape(len(rows), -1)

    def _convolutions(
        self, steps: NDArray[np.float32], lengths: NDArray[np.intp]
    ) -> Iterator[tuple[tuple[int, int], NDArray[np.float32]]]:
        """Yield what each convolution gives (B, T) for steps (B, T, n_inputs), and its place.

        Outside of a series all is 0, and there are no values: they are minus infinity.
        """
        n_steps = steps.shape[1]
        padding = np.arange(n_steps) >= lengths[:, np.newaxis]
        inputs = np.moveaxis(steps, 2, 0)  # (n_inputs, B, T)
        for index, dilation in enumerate(self.dilations.tolist()):
            margin = (WIDTH // 2) * dilation
            wide = np.pad(inputs, [(0, 0), (0, 0), (margin, margin)])
            parts: dict[bytes, tuple[list[NDArray[np.float32]], NDArray[np.float32]]] = {}
            for number, heavy in enumerate(HEAVY.tolist()):
                channels = self.channels[index, number]
                key = channels.tobytes()
                if key not in parts:
                    added = wide[channels].sum(0)
                    shifted = [
                        added[:, start : start + n_steps]
                        for start in range(0, WIDTH * dilation, dilation)
                    ]
                    parts[key] = shifted, sum(shifted[1:], shifted[0])
                shifted, whole = parts[key]
                values = 3 * (shifted[heavy[0]] + shifted[heavy[1]] + shifted[heavy[2]]) - whole
                values[padding] = -np.inf
                yield (index, number), values


def _draw_channels(
    encoding: ChannelScaling, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose for each convolution some channels, few more often than many, or their changes."""
    n_channels, n_kinds = encoding.n_channels, len(encoding) // encoding.n_channels
    most = min(n_channels, MOST_CHANNELS) + 1
    n_chosen = (most ** rng.random(shape)).astype(np.intp)
    ranks = rng.random((*shape, n_channels)).argsort(axis=-1)
    chosen = ranks < n_chosen[..., np.newaxis]
    kind = rng.integers(n_kinds, size=shape)
    of_kind = kind[..., np.newaxis, np.newaxis] == np.arange(n_kinds)[:, np.newaxis]
    return np.asarray((of_kind & chosen[..., np.newaxis, :]).reshape(*shape, -1))
