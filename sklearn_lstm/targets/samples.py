"""Sequences and their targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.targets.targets import Targets


@dataclass(frozen=True)
class Samples:
    """Sequences and their targets."""

    sequences: Sequences
    targets: Targets

    def __len__(self) -> int:
        return len(self.targets)

    def counted(self) -> Samples:
        """Return the samples whose weight is not 0."""
        counts = self.targets.sample_weights > 0
        return self if counts.all() else self.subset(np.flatnonzero(counts))

    def subset(self, rows: Rows) -> Samples:
        """Return the samples of these rows."""
        return Samples(self.sequences.subset(rows), self.targets.subset(rows))
