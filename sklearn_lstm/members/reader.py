"""What a solver learns from: samples as a recipe reads them, once for a whole fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.linear_model import Features
from sklearn_lstm.targets.targets import Samples

if TYPE_CHECKING:  # it imports scikit-learn
    from sklearn_lstm.members.held_out import Split

MOST_SAMPLES = 100_000  # that a member learns from: a vector of an encoder takes 1.5 kB


@dataclass
class Reader:
    """Samples that a linear model learns from, and the features that it reads.

    Parameters
    ----------
    samples : Samples
        All that are there, or as many as memory allows.
    held_out : ndarray of int
        Those of these rows that are held out.
    features : sequence of Features
        As far as they are the same whichever samples are learned.
    seed : int
    """

    samples: Samples
    held_out: Rows
    features: list[Any]
    seed: int

    @classmethod
    def of(cls, split: Split, *features: Features) -> Self:
        """Return the reader of all samples, or of a random part of very many."""
        rows = np.arange(len(split.samples))
        if len(rows) > MOST_SAMPLES:
            others = np.random.default_rng(split.seed).permutation(
                np.delete(rows, split.held_out_rows)
            )
            n_others = MOST_SAMPLES - len(split.held_out_rows)
            rows = np.sort(np.append(split.held_out_rows, others[:n_others]))
        held_out = np.searchsorted(rows, split.held_out_rows)
        return cls(split.samples.subset(rows), held_out, [*features], split.seed)

    def part(self, rows: Rows) -> Samples:
        """Return the samples of these rows."""
        return self.samples if len(rows) == len(self.samples) else self.samples.subset(rows)

    def learned(self, rows: Rows, rng: np.random.Generator) -> list[Any]:  # noqa: ARG002
        """Return the features; what they learn from samples, they learn from these rows alone.

        So what is held out has no part in the model that judges it.
        """
        return self.features
