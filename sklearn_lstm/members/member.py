"""What every member of a model can do."""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import Sequences

# What each step of a sequence adds to a score (n_steps,), and the rest of the score.
Contributions: TypeAlias = tuple[NDArray[np.float64], float]


class Member(ABC):
    """A part of a model that turns sequences into logits by itself."""

    name: ClassVar[str]

    def confidence_in(self, factor: float) -> float:  # noqa: ARG002
        """Return what all logits of a blend are multiplied by where the member has this factor."""
        return 1.0

    @abstractmethod
    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""

    @abstractmethod
    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        Parameters
        ----------
        sequences : Sequences
            One.
        direction : ndarray of shape (n_outputs,)

        Returns
        -------
        contributions : ndarray of shape (n_steps,)
            Or of shape (1,), for a member that reads the sequence as a whole.
        base : float
            The rest of the score.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return what the member consists of, in one line."""


class LinearMember(Member):
    """A linear model on features that do not have to be learned; a `Learner` fits it."""

    name = "linear model"
