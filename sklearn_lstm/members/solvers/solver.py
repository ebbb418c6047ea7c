"""What every solver can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from sklearn_lstm.blending import ExpectedFactor, Logits
from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.linear_model import Term


class BaseSolver(ABC):
    """Finds the coefficients of features. Each module here has a `Solver`, which recipes name.

    Parameters
    ----------
    reader : Reader
        Of the kind that the solver needs.

    Attributes
    ----------
    expected_factor : ExpectedFactor
        Of the logits, in the blend.
    leaves_one_out : bool
        Whether it predicts each sample by all others. So the scale of the logits is set, and no
        samples have to be held out, unless some belong together.
    keeps_penalty : bool
        Whether what all samples tell about the penalty holds in each fold of them.
    """

    expected_factor: ClassVar[ExpectedFactor] = ExpectedFactor(1.0, 1.0)
    leaves_one_out: ClassVar[bool] = False
    keeps_penalty = False

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def learned(self, rows: Rows) -> list[Any]:
        """Return the features that these rows tell."""
        return [*self.reader.learned(rows, np.random.default_rng(self.reader.seed))]

    @abstractmethod
    def solve(self, rows: Rows) -> tuple[Term, ...]:
        """Return the terms that these rows tell."""

    def leave_out(self, rows: Rows) -> tuple[tuple[Term, ...], Logits, float]:
        """Return the terms that all samples tell, and what they say of these rows without them.

        Returns
        -------
        terms : tuple of Term
        logits : ndarray of shape (n_rows, n_outputs)
            Of each row, by all others.
        confidence : float
            Up to 1: a factor of all weights in the blend, because new samples may be of other
            groups.
        """
        raise NotImplementedError
