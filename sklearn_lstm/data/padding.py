"""Sequences side by side, padded with 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.encoding import PADDING_CODE, Encoding
from sklearn_lstm.data.sequences import Lengths, Rows, Sequences


def encoded(sequences: Sequences, rows: Rows, encoding: Encoding) -> NDArray[Any]:
    """Return these sequences side by side, (B, T) or (B, T, n_inputs), padded with 0."""
    lengths = sequences.lengths[rows]
    return pad(encoding(sequences.read(rows), lengths), lengths)


def pad(steps: NDArray[Any], lengths: Lengths) -> NDArray[Any]:
    """Lay sequences side by side: (n_steps, ...) -> (B, T, ...), padded with 0."""
    padded = np.full((len(lengths), lengths.max(), *steps.shape[1:]), PADDING_CODE, steps.dtype)
    padded[np.arange(lengths.max()) < lengths[:, np.newaxis]] = steps
    return padded
