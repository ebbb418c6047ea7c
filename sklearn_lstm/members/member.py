"""What every member of a model can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.blending import Logits

BATCH_SIZE_OF_PARTIAL_FIT = 32  # sequences, of each member that learns online
# What each part adds to scores (n_parts, n_scores), and their base (n_samples, n_scores).
Contributions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
# The parts that they belong to.
Explained: TypeAlias = Literal["steps", "steps at places", "columns", "whole"]


class Member(ABC):
    """A part of a model that turns sequences into logits by itself.

    Attributes
    ----------
    name : str
    explained : {"steps", "steps at places", "columns", "whole"}
        The parts of a sequence that contributions belong to: its steps, of which none can be
        deleted if their places count; the columns beside it; or the sequence as a whole.
    """

    name: str
    explained: Explained = "steps"

    @abstractmethod
    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each part of sequences adds to the scores ``logits @ directions``.

        Parameters
        ----------
        sequences : Sequences
            As many as can be read at once.
        directions : ndarray of shape (n_outputs, n_scores)

        Returns
        -------
        contributions : ndarray of shape (n_parts, n_scores)
            The steps, or columns, of all sequences are laid end to end.
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
