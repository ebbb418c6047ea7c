"""Random convolutions of series, and the number of steps at which each is large or small."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import Annotated, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.constants import golden

from sklearn_lstm.data.sequences import MOST_STEPS_PER_BATCH, Lengths, Sequences
from sklearn_lstm.encoding.channel_scaling import ChannelScaling

WIDTH = 9  # steps that a convolution looks at
HEAVY = np.array(list(combinations(range(WIDTH), 3)))  # its steps of weight 2; others have -1
MOST_DILATIONS = 16
COMPETING = 7  # kernels that are compared with each other
SHARE_BY_COMPETING = 1 / 3  # of the features; the others are by thresholds

Inputs: TypeAlias = NDArray[np.float32]  # (B, T, n_inputs)
Events: TypeAlias = tuple[slice, int, NDArray[np.bool_]]


@dataclass(frozen=True)
class Convolutions:
    """Convolutions of MiniRocket (Dempster et al. 2021), and the events that are counted.

    A convolution reads nine steps; its dilation is the distance from each of them to the next.
    Three of the steps have the weight 2, six have -1. There are 84 ways to choose the three. Each
    convolution reads the sum of some channels, or of the changes of some channels. An event is that
    a convolution exceeds a threshold at a step, or that it is the largest or the smallest of a
    group of competing kernels there (Dempster et al. 2023).

    Parameters
    ----------
    dilations : ndarray of shape (n_dilations,)
    channels : ndarray of bool of shape (n_dilations, 84, n_inputs)
        Which inputs (channels and their changes) each convolution adds up.
    thresholds : ndarray of shape (n_dilations, 84, n_thresholds)
        Quantiles of the values of each convolution on one training series.
    competing : ndarray of shape (n_dilations, n_groups, 7)
        The numbers, 0 to 83, of the convolutions of each group.
    """

    dilations: Annotated[NDArray[np.intp], "n_dilations<100"]
    channels: Annotated[NDArray[np.bool_], "n_dilations 84 n_inputs"]
    thresholds: Annotated[NDArray[np.float32], "n_dilations 84 n_thresholds<200"]
    competing: Annotated[NDArray[np.intp], "n_dilations n_groups<500 7 of 84"]

    @classmethod
    def draw(
        cls,
        sequences: Sequences,
        encoding: ChannelScaling,
        n_features: int,
        rng: np.random.Generator,
    ) -> Self:
        """Draw convolutions with about `n_features` events, and find their thresholds."""
        dilations = choose_dilations(int(sequences.lengths.max()))
        channels = draw_channels(encoding, len(dilations), rng)
        n_by_competing = SHARE_BY_COMPETING * n_features
        n_groups = max(1, round(n_by_competing / (len(dilations) * 2 * COMPETING)))
        n_thresholds = max(1, round((n_features - n_by_competing) / channels[..., 0].size))
        thresholds = np.empty((len(dilations), len(HEAVY), n_thresholds), np.float32)
        # Quantiles of each convolution, on one of 32 series, at low-discrepancy positions.
        chosen = rng.choice(rng.permutation(len(sequences))[:32], size=thresholds.shape[:2])
        positions = np.arange(1, thresholds.size + 1).reshape(thresholds.shape) * (golden - 1) % 1
        for row in np.unique(chosen):  # one at a time, for long series take much memory
            lengths = sequences.lengths[[row]]
            inputs = encoding(sequences.read(np.array([row])), lengths)[np.newaxis]
            found: dict[tuple[int, int], list[NDArray[np.float32]]] = {}
            for index, _, values in convolve(inputs, lengths, dilations, channels):
                for number in np.flatnonzero(chosen[index] == row).tolist():
                    found.setdefault((index, number), []).append(values[number, 0].copy())
            for place, parts in found.items():
                thresholds[place] = np.quantile(np.concatenate(parts), positions[place])
        order = rng.random((len(dilations), n_groups, len(HEAVY))).argsort(axis=-1)
        return cls(dilations, channels, thresholds, order[..., :COMPETING])

    def __len__(self) -> int:
        return self.thresholds.size + 2 * self.competing.size

    def events(self, inputs: Inputs, lengths: Lengths) -> Iterator[Events]:
        """Yield which events happen at which steps of inputs (B, T, n_inputs), part by part.

        A part is the slice of its k events, its first step, and whether each event happens in each
        of its n steps, (k, B, n).
        """
        n_rows, n_of_dilation = len(lengths), len(self) // len(self.dilations)
        for index, start, values in convolve(inputs, lengths, self.dilations, self.channels):
            limits = self.thresholds[index][..., np.newaxis, np.newaxis]
            competing = values[self.competing[index]]  # (n_groups, 7, B, n)
            extremes = np.stack([competing.max(axis=1), competing.min(axis=1)], axis=1)
            first = index * n_of_dilation
            are_above = values[:, np.newaxis] > limits
            are_extreme = competing[:, np.newaxis] == extremes[:, :, np.newaxis]
            for happens in (are_above, are_extreme):
                indicators = happens.reshape(-1, n_rows, values.shape[2])
                yield slice(first, first + len(indicators)), start, indicators
                first += len(indicators)

    def counts(self, inputs: Inputs, lengths: Lengths) -> NDArray[np.unsignedinteger]:
        """Return the number of steps of inputs (B, T, n_inputs) with each event, (B, n_events)."""
        counts = np.zeros((len(lengths), len(self)), np.min_scalar_type(lengths.max()))
        for place, _, happens in self.events(inputs, lengths):
            piece_counts = np.einsum("kbt->bk", happens.view(np.int8), dtype=np.int32)
            counts[:, place] += piece_counts.astype(counts.dtype)
        return counts


def choose_dilations(longest: int) -> NDArray[np.intp]:
    """Return the dilations: with the largest, nine steps span at most the longest sequence."""
    reach = max(longest - 1, WIDTH - 1) / (WIDTH - 1)
    return np.unique((reach ** np.linspace(0, 1, MOST_DILATIONS)).astype(np.intp))


def draw_channels(
    encoding: ChannelScaling, n_dilations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which inputs each convolution adds up, (n_dilations, 84, n_inputs).

    They are some values (channels, or their scores), more often few than many, or the changes of
    some values.
    """
    shape = n_dilations, len(HEAVY)
    n_values, n_kinds = encoding.n_values, len(encoding.mean) // encoding.n_values
    most = min(n_values, WIDTH) + 1  # as in MiniRocket
    n_chosen = (most ** rng.random(shape)).astype(np.intp)
    ranks = rng.random((*shape, n_values)).argsort(axis=-1)
    is_chosen = ranks < n_chosen[..., np.newaxis]
    kind = rng.integers(n_kinds, size=shape)
    is_kind = kind[..., np.newaxis, np.newaxis] == np.arange(n_kinds)[:, np.newaxis]
    is_added = (is_kind & is_chosen[..., np.newaxis, :]).reshape(*shape, -1)
    return np.pad(is_added, [(0, 0), (0, 0), (0, len(encoding) - len(encoding.mean))])


def convolve(
    inputs: Inputs, lengths: Lengths, dilations: NDArray[np.intp], channels: NDArray[np.bool_]
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Yield the values of convolutions of inputs (B, T, n_inputs), a piece of n steps at a time.

    A piece is the number of the dilation, the first step, and the values (84, B, n). A convolution
    that reaches beyond a sequence reads 0 there. The values at steps of padding are NaN.
    """
    n_rows, n_steps, _ = inputs.shape
    is_padding = np.arange(n_steps) >= lengths[:, np.newaxis]
    inputs = np.moveaxis(inputs, 2, 0)  # (n_inputs, B, T)
    # From farther steps than there are it reads 0 too.
    for index, dilation in enumerate(np.clip(dilations, 1, n_steps).tolist()):
        margin = (WIDTH // 2) * dilation
        wide = np.pad(inputs, [(0, 0), (0, 0), (margin, margin)])
        for first in range(0, n_steps, MOST_STEPS_PER_BATCH):
            n = min(MOST_STEPS_PER_BATCH, n_steps - first)
            parts: dict[bytes, tuple[list[NDArray[np.float32]], NDArray[np.float32]]] = {}
            values = np.empty((len(HEAVY), n_rows, n), np.float32)
            for number, heavy in enumerate(HEAVY.tolist()):
                chosen = channels[index, number]
                key = chosen.tobytes()
                if key not in parts:
                    shifted = _shifted(wide, chosen, first, n, dilation)
                    parts[key] = shifted, sum(shifted[1:], shifted[0])
                shifted, whole = parts[key]
                kernel_values = values[number]  # 3 times the heavy steps, minus all nine
                np.add(shifted[heavy[0]], shifted[heavy[1]], out=kernel_values)
                kernel_values += shifted[heavy[2]]
                kernel_values *= 3
                kernel_values -= whole
            values[:, is_padding[:, first : first + n]] = np.nan
            yield index, first, values


def _shifted(
    wide: NDArray[np.float32], chosen: NDArray[np.bool_], first: int, n: int, dilation: int
) -> list[NDArray[np.float32]]:
    """Return the sum of the chosen inputs at the nine steps that a convolution looks at.

    They are added one after the other, or a single step would be rounded in another way than beside
    others.
    """
    starts = range(first, first + WIDTH * dilation, dilation)
    added = reduce(np.add, wide[chosen, :, first : starts[-1] + n])
    return [added[:, start - first : start - first + n] for start in starts]
