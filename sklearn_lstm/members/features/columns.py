"""Features that stand side by side in a table: one vector for each sequence."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.members.linear_model import Array, Features
from sklearn_lstm.members.member import Contributions, Explained


@dataclass(frozen=True)
class ColumnFeatures(Features):
    """Columns relative to their mean in training, which stands for what is not known (NaN).

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
        Found by the solver.
    """

    explained: ClassVar[Explained] = "whole"
    have_one_unit: ClassVar[bool] = False  # such as the coordinates of a vector

    mean: Annotated[NDArray[np.float64], "n_features"] = field(
        default_factory=lambda: np.empty(0), kw_only=True
    )

    @abstractmethod
    def vectors(self, sequences: Sequences) -> NDArray[np.floating]:
        """Return the vector of each sequence (n_samples, n_features)."""

    def blocks(self, sequences: Sequences) -> Iterator[tuple[Rows, NDArray[np.float64]]]:
        """Yield all rows at once, and their features."""
        gaps = np.nan_to_num(self.vectors(sequences) - self.mean, copy=False)
        yield np.arange(len(sequences)), gaps

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each sequence as a whole adds; nothing is left but the intercept."""
        ((_, gaps),) = self.blocks(sequences)
        added = gaps @ (coef @ directions)
        return added, np.zeros_like(added)
