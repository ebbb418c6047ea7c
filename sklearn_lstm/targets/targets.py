"""Sequences, and what is known of each: its label, its weight and its group."""

from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.targets.labels import Encoded, Labels

Weights: TypeAlias = NDArray[np.float64]  # (n_samples,), or of labels (n_samples, n_labels)


@dataclass(frozen=True)
class Targets:
    """The target of each sequence, how much it counts, and the group it belongs to.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) of int, or (n_samples, n_labels) of float32
        Indices of classes, or multilabel indicators.
    weights : ndarray of shape (n_samples,) or (n_samples, n_labels) of float64
        How much each sample counts; of several labels perhaps each by itself.
    labels : Labels
        What the values stand for.
    groups : ndarray of shape (n_samples,) of int, or None
        The number of the group of each: no group is split where samples are held out.
    copies : ndarray of shape (n_samples,) of int, or None
        The number of the sequence of each, where several are equal; without groups, copies are held
        out together.
    """

    values: Encoded
    weights: Weights
    labels: Labels
    groups: NDArray[np.intp] | None = None
    copies: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def held_together(self) -> NDArray[np.intp] | None:
        """The group or the sequence of each: one is held out as a whole. None: each by itself."""
        return self.copies if self.groups is None else self.groups

    @property
    def n_outputs(self) -> int:
        """Classes, or labels of a multilabel y."""
        return len(self.labels)

    def subset(self, rows: NDArray[np.integer]) -> Self:
        """Return the targets of these rows."""
        names = "values", "weights", "groups", "copies"
        known = {name: getattr(self, name) for name in names}
        return replace(self, **{name: v[rows] for name, v in known.items() if v is not None})

    @property
    def sample_weights(self) -> Weights:
        """How much each sample counts, (n_samples,): the mean over its labels."""
        return self.weights if self.weights.ndim == 1 else np.asarray(self.weights.mean(axis=1))

    def has(self, outputs: int | list[int]) -> NDArray[np.bool_]:
        """Return which samples have a class or label, (n_samples,), or a list of them.

        With a list the shape is (n_samples, n_listed).
        """
        if self.labels.is_multilabel:
            return np.asarray(self.values[:, outputs] > 0)
        return np.asarray(np.equal.outer(self.values, outputs))

    def output_weights(self, outputs: int | list[int]) -> Weights:
        """Return how much each sample counts for a class or label, (n_samples,).

        With a list of labels that count differently, the shape is (n_samples, n_listed).
        """
        return self.weights if self.weights.ndim == 1 else self.weights[:, outputs]

    def indicators(self) -> NDArray[np.bool_]:
        """Return which classes or labels each sample has, (n_samples, n_outputs)."""
        return self.labels.indicators(self.values)

    def shares(self) -> NDArray[np.float64]:
        """Return how frequent each class or label is, (n_outputs,), by the weights."""
        weights = self.weights.reshape(len(self), -1)  # (n_samples, 1) or (n_samples, n_labels)
        counted = np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
        return np.asarray((weights * self.indicators()).sum(axis=0) / counted)


@dataclass(frozen=True)
class Samples:
    """Sequences and their targets."""

    sequences: Sequences
    targets: Targets

    def __len__(self) -> int:
        return len(self.targets)

    def counted(self) -> Self:
        """Return the samples whose weight is not 0."""
        counts = self.targets.sample_weights > 0
        return self if counts.all() else self.subset(np.flatnonzero(counts))

    def subset(self, rows: Rows) -> Self:
        """Return the samples of these rows."""
        return type(self)(self.sequences.subset(rows), self.targets.subset(rows))
