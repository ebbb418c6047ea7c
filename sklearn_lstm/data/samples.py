"""Sequences with what is known of each: its target, weight and group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.labels import Labels
from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.data.weights import read_groups


@dataclass(frozen=True)
class Samples:
    """Sequences, the target of each, and how much it counts.

    Parameters
    ----------
    sequences : Sequences
    targets : ndarray of shape (n_samples,) of int64, or (n_samples, n_labels) of float32
        Indices of classes, or multilabel indicators.
    weights : ndarray of shape (n_samples,) of float64
    labels : Labels
        What the targets stand for.
    groups : ndarray of shape (n_samples,) of int, or None
        The number of the group of each: no group is split where samples are held out.
    """

    sequences: Sequences
    targets: NDArray[Any]
    weights: NDArray[np.float64]
    labels: Labels
    groups: NDArray[np.intp] | None = None

    @classmethod
    def of(
        cls,
        sequences: Sequences,
        y: NDArray[Any],
        weights: NDArray[np.float64],
        labels: Labels,
        groups: Any = None,
    ) -> Samples:
        """Return the samples whose weight is not 0.

        Raises
        ------
        ValueError
            If y holds a label that is not among the classes, or groups are not labels of samples.
        """
        samples = cls(sequences, labels.encode(y), weights, labels, read_groups(groups, len(y)))
        return samples.subset(np.flatnonzero(weights))

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def n_outputs(self) -> int:
        """Classes, or labels of a multilabel y."""
        return len(self.labels)

    def subset(self, rows: Rows) -> Samples:
        """Return the samples of these rows."""
        return replace(
            self,
            sequences=self.sequences.subset(rows),
            targets=self.targets[rows],
            weights=self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    def indicators(self) -> NDArray[np.bool_]:
        """Return which classes or labels each sample has, (n_samples, n_outputs)."""
        return self.labels.indicators(self.targets)
