"""A linear model of one vector for each sequence."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.member import LinearMember

Vectors: TypeAlias = NDArray[np.floating[Any]]  # (n_samples, dim); NaN: nothing is known


@dataclass(frozen=True)
class RegressionModel(LinearMember):
    """Logistic regression on standardised vectors.

    Parameters
    ----------
    mean : ndarray of shape (dim,)
        Of the vectors of the training sequences.
    coef : ndarray of shape (dim, n_outputs)
    intercept : ndarray of shape (n_outputs,)
        The logits of the mean.
    """

    mean: Annotated[NDArray[np.float64], "dim"]
    coef: Annotated[NDArray[np.float64], "dim n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]

    @abstractmethod
    def vectors(self, sequences: Sequences) -> Vectors:
        """Return the vector of each sequence (n_samples, dim)."""

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        return self.logits_of(self.vectors(sequences))

    def logits_of(self, vectors: Vectors) -> Logits:
        """Return the logits of vectors (n_samples, n_outputs)."""
        gaps = np.nan_to_num(vectors - self.mean, copy=False)
        return np.asarray(gaps @ self.coef + self.intercept)
