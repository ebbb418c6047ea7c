"""What every member of a model can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import Sequences

BATCH_SIZE_OF_PARTIAL_FIT = 32  # sequences, of each member that learns online
# What each step adds to scores (n_steps, n_scores), and their base (n_samples, n_scores).
Contributions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


class Member(ABC):
    """A part of a model that turns sequences into logits by itself."""

    name: ClassVar[str]

    def confidence_in(self, factor: float) -> float:  # noqa: ARG002
        """Return the confidence: all weights of a blend with this factor are multiplied by it."""
        return 1.0

    @abstractmethod
    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each step of sequences adds to the scores ``logits @ directions``.

        Parameters
        ----------
        sequences : Sequences
            As many as can be read at once.
        directions : ndarray of shape (n_outputs, n_scores)

        Returns
        -------
        contributions : ndarray of shape (n_steps, n_scores)
            The steps of all sequences are laid end to end. Or of shape (n_samples, n_scores), for a
            member that reads a sequence as a whole.
        base : ndarray of shape (n_samples, n_scores)
            The rest of the scores.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """Return what the member consists of, in one line."""
        raise NotImplementedError


def one_by_one(
    explain: Callable[[Sequences], Contributions], sequences: Sequences
) -> Contributions:
    """Return the contributions to several sequences, by a function of a single one."""
    rows = np.arange(len(sequences))[:, np.newaxis]
    added, base = zip(*(explain(sequences.subset(row)) for row in rows), strict=True)
    return np.concatenate(added), np.concatenate(base)


class LinearMember(Member):
    """A linear model on features that do not have to be learned; `Learner` fits it."""

    name = "linear model"
