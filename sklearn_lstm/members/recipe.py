"""What a linear model comes about by: a recipe, which names a reader and a solver."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.blending import ExpectedFactor, Logits
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.linear_model import Features, Term
from sklearn_lstm.members.settings import FitSettings
from sklearn_lstm.progress import ProgressBar
from sklearn_lstm.targets.targets import Samples

MOST_SAMPLES = 100_000  # that a member learns from: a vector of an encoder takes 1.5 kB
UNSCALED = ExpectedFactor(1.0, 1.0)


@dataclass(frozen=True)
class FitContext:
    """What a fit knows before its first linear model.

    Parameters
    ----------
    split : Split
    settings : FitSettings
    progress : ProgressBar
    """

    split: Split
    settings: FitSettings
    progress: ProgressBar


@dataclass
class Reader:
    """Samples that a linear model learns from, and the features that it reads.

    Parameters
    ----------
    samples : Samples
        All that are there, or as many as memory allows.
    held_out : ndarray of int
        Those of these rows that are held out.
    features : list
        The features, or what they are made of, whichever samples are learned.
    seed : int
    """

    samples: Samples
    held_out: Rows
    features: list[Any]
    seed: int

    @classmethod
    def of(cls, context: FitContext, *features: Features) -> Self:
        """Return the reader of all samples, or of a random part of very many."""
        split = context.split
        rows = np.arange(len(split.samples))
        if len(rows) > MOST_SAMPLES:
            rng = np.random.default_rng(split.seed)
            others = rng.permutation(np.delete(rows, split.held_out_rows))
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

    expected_factor = UNSCALED
    leaves_one_out = False
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


@dataclass(frozen=True)
class Recipe:
    """How a linear model comes about.

    Parameters
    ----------
    name : str
        Of the model.
    suits : callable
        Settings -> whether there is what it reads.
    read : callable
        `FitContext` -> `Reader` of the samples, or None: the coefficients would be too large, or
        the samples tell nothing.
    solver : str
        The module of `members.solvers` whose `Solver` finds the coefficients. It is imported by a
        fit alone.
    stored : tuple of type
        The classes of its features, and of what these hold: those that a file may name.
    is_asked_for : bool
        The user brings what it reads: it is fitted also with ``linear_model=False``.
    is_cross_validated : bool
        Whether few samples are cross-validated for its factor in the blend.
    """

    name: str
    suits: Callable[[FitSettings], bool]
    read: Callable[[FitContext], Reader | None]
    solver: str
    stored: tuple[type[Any], ...]
    is_asked_for: bool = False
    is_cross_validated: bool = True
