"""The random convolutions of MiniRocket (Dempster et al. 2021), for batches of unequal length."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.encoding import ChannelScaling
from sklearn_lstm.data.sequences import Lengths

WIDTH = 9  # steps that a convolution looks at
HEAVY = np.array(list(combinations(range(WIDTH), 3)))  # its steps of weight 2; others have -1
MOST_DILATIONS = 16
COMPETING = 7  # kernels that are compared with each other
STEPS_AT_ONCE = 1 << 12  # arrays of so many steps stay in the processor's cache
MOST_CHANNELS = 9  # that a convolution adds up


def choose_dilations(longest: int) -> NDArray[np.intp]:
    """Return the distances between the steps of a convolution, up to the longest sequence."""
    reach = max(longest - 1, WIDTH - 1) / (WIDTH - 1)
    return np.unique((reach ** np.linspace(0, 1, MOST_DILATIONS)).astype(np.intp))


def draw_channels(
    encoding: ChannelScaling, n_dilations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which inputs each convolution adds up, (n_dilations, 84, n_inputs).

    They are some channels, more often few than many, or the changes of some channels.
    """
    shape = n_dilations, len(HEAVY)
    n_channels, n_kinds = encoding.n_channels, len(encoding.mean) // encoding.n_channels
    most = min(n_channels, MOST_CHANNELS) + 1
    n_chosen = (most ** rng.random(shape)).astype(np.intp)
    ranks = rng.random((*shape, n_channels)).argsort(axis=-1)
    is_chosen = ranks < n_chosen[..., np.newaxis]
    kind = rng.integers(n_kinds, size=shape)
    is_kind = kind[..., np.newaxis, np.newaxis] == np.arange(n_kinds)[:, np.newaxis]
    is_added = np.zeros((*shape, len(encoding)), dtype=bool)
    is_added[..., : len(encoding.mean)] = (is_kind & is_chosen[..., np.newaxis, :]).reshape(
        *shape, -1
    )
    return is_added


def draw_competing(n_dilations: int, n_groups: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw groups of kernels of the same dilation, (n_dilations, n_groups, COMPETING)."""
    order = rng.random((n_dilations, n_groups, len(HEAVY))).argsort(axis=-1)
    return np.asarray(order[..., :COMPETING])


def convolve(
    inputs: NDArray[np.float32],
    lengths: Lengths,
    dilations: NDArray[np.intp],
    channels: NDArray[np.bool_],
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Yield the values (84, B, n) of convolutions of inputs (B, T, n_inputs), n steps at once.

    Steps outside of a sequence count as 0. The values there are NaN. The numbers before them are
    those of the dilation and of the first step.
    """
    n_rows, n_steps, _ = inputs.shape
    is_padding = np.arange(n_steps) >= lengths[:, np.newaxis]
    inputs = np.moveaxis(inputs, 2, 0)  # (n_inputs, B, T)
    for index, dilation in enumerate(dilations.tolist()):
        margin = (WIDTH // 2) * dilation
        wide = np.pad(inputs, [(0, 0), (0, 0), (margin, margin)])
        for first in range(0, n_steps, STEPS_AT_ONCE):
            n = min(STEPS_AT_ONCE, n_steps - first)
            parts: dict[bytes, tuple[list[NDArray[np.float32]], NDArray[np.float32]]] = {}
            values = np.empty((len(HEAVY), n_rows, n), np.float32)
            for number, heavy in enumerate(HEAVY.tolist()):
                chosen = channels[index, number]
                key = chosen.tobytes()
                if key not in parts:
                    shifted = _shifted(wide, chosen, first, n, dilation)
                    parts[key] = shifted, sum(shifted[1:], shifted[0])
                shifted, whole = parts[key]
                values[number] = (
                    3 * (shifted[heavy[0]] + shifted[heavy[1]] + shifted[heavy[2]]) - whole
                )
            values[:, is_padding[:, first : first + n]] = np.nan
            yield index, first, values


def _shifted(
    wide: NDArray[np.float32], chosen: NDArray[np.bool_], first: int, n: int, dilation: int
) -> list[NDArray[np.float32]]:
    """Return the sum of the chosen inputs at the nine steps that a convolution looks at."""
    starts = range(first, first + WIDTH * dilation, dilation)
    if dilation >= n:  # what lies between is not read
        return [wide[chosen, :, start : start + n].sum(axis=0) for start in starts]
    added = wide[chosen, :, first : starts[-1] + n].sum(axis=0)
    return [added[:, start - first : start - first + n] for start in starts]
