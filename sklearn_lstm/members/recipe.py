"""How linear models come about: by recipes, which name a reader and a solver."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, NamedTuple, Self

import numpy as np

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.blending import ClassPrior, ExpectedFactor, HeldOutLogits, Judged, Logits
from sklearn_lstm.members.held_out import Split, folds
from sklearn_lstm.members.member import Features, LinearModel, Term
from sklearn_lstm.members.settings import FitSettings
from sklearn_lstm.progress import ProgressBar
from sklearn_lstm.targets.targets import Samples

MOST_SAMPLES = 100_000  # that a member learns from: a vector of an encoder takes 1.5 kB


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
        The features, or what they are made of; what they learn from samples, a solver finds.
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

    expected_factor = ExpectedFactor(1.0, 1.0)
    leaves_one_out = False
    keeps_penalty = False

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    @abstractmethod
    def solve(self, rows: Rows) -> tuple[Term, ...]:
        """Return the terms that these rows tell."""

    def leave_out(self, rows: Rows) -> tuple[tuple[Term, ...], Judged]:
        """Return the terms that all samples tell, and what these say of each row by all others."""
        raise NotImplementedError


@dataclass(frozen=True)
class Recipe:
    """How a linear model comes about.

    Parameters
    ----------
    name : str
        Of the model.
    suits : callable
        Settings -> whether it is to be fitted: there is what it reads, and the user wants it.
    read : callable
        `FitContext` -> `Reader` of the samples, or None: the coefficients would be too large, or
        the samples tell nothing.
    solver : str
        The module of `members.solvers` whose `Solver` finds the coefficients. It is imported by a
        fit alone.
    stored : tuple of type
        The classes of its features, and of what these hold: those that a file may name.
    is_cross_validated : bool
        Whether few samples are cross-validated for its factor in the blend.
    """

    name: str
    suits: Callable[[FitSettings], object]
    read: Callable[[FitContext], Reader | None]
    solver: str
    stored: tuple[type[Any], ...]
    is_cross_validated: bool = True


# --- How they are fitted


SOLVERS = "sklearn_lstm.members.solvers"
CROSS_VALIDATED_BELOW = 1_000  # samples; of more, those held out are enough to find the factors
# Of the logarithms of these factors: before cross-validation, and after it.
EXPECTED_DEVIATION, CROSS_VALIDATED_DEVIATION = 0.5, 0.2


class LinearFit(NamedTuple):
    """A linear model, and what is known of it.

    Parameters
    ----------
    recipe : Recipe
    model : LinearModel
        Fitted to all samples.
    solver : Solver
    judged : Judged
        Of the held-out samples, the user's own or drawn.
    """

    recipe: Recipe
    model: LinearModel
    solver: BaseSolver
    judged: Judged


def fit_linear_models(
    recipes: list[Recipe], context: FitContext
) -> tuple[list[LinearModel], HeldOutLogits]:
    """Fit the linear models one after the other; return too what they say of held-out samples.

    Raises
    ------
    ValueError
        If there is none, and there is to be no network.
    """
    split = context.split
    fits = [fit for recipe in recipes if (fit := fit_recipe(recipe, context)) is not None]
    if context.settings.max_epochs == 0 and not fits:
        raise ValueError("A model without a network needs linear_model=True.")
    prior = ClassPrior.of(split.samples.targets, is_drawn=len(split.held_out_rows) > 0)
    held_out = HeldOutLogits(split.held_out.targets, prior)
    factors = _factors_of_few(fits, context)
    for fit in fits:
        expected = factors.get(fit.recipe.name, fit.judged.expected)
        held_out = held_out.joined_by(fit.recipe.name, fit.judged._replace(expected=expected))
    return [fit.model for fit in fits], held_out


def fit_recipe(recipe: Recipe, context: FitContext) -> LinearFit | None:
    """Fit a linear model; None: it would be too large, or the samples tell it nothing."""
    context.progress.show(recipe.name)
    reader, split = recipe.read(context), context.split
    if reader is None:
        return None
    solver: BaseSolver = import_module(f"{SOLVERS}.{recipe.solver}").Solver(reader)
    rows, held_out = np.arange(len(reader.samples)), reader.held_out
    are_together = reader.samples.targets.held_together is not None
    if solver.leaves_one_out and len(held_out) and not are_together:
        terms, judged = solver.leave_out(held_out)
        return LinearFit(recipe, LinearModel(recipe.name, terms), solver, judged)
    model = LinearModel(recipe.name, solver.solve(np.delete(rows, held_out)))
    logits = np.empty((0, split.samples.targets.n_outputs))
    if len(split.held_out):
        logits = model.logits(split.held_out.sequences)
    if len(held_out):
        del model  # two models are never in memory at the same time
        model = LinearModel(recipe.name, solver.solve(rows))
    return LinearFit(recipe, model, solver, Judged(logits, solver.expected_factor))


def _factors_of_few(fits: list[LinearFit], context: FitContext) -> dict[str, ExpectedFactor]:
    """Return the factors that are expected of logits, found by cross-validation of few samples.

    They are those of a blend without the network.
    """
    scaled = [fit for fit in fits if fit.recipe.is_cross_validated]
    split, targets = context.split, context.split.samples.targets
    is_needed = scaled and len(split.held_out_rows) and len(targets) < CROSS_VALIDATED_BELOW
    rows = folds(targets, split.seed) if is_needed else []
    if not rows:
        return {}
    prior = ClassPrior.of(targets, is_drawn=False)
    held_out = HeldOutLogits(targets.subset(np.concatenate(rows)), prior)
    for fit in scaled:
        logits = np.concatenate([_logits_of_fold(fit, fold, context) for fold in rows])
        expected = fit.judged.expected._replace(deviation=EXPECTED_DEVIATION)
        held_out = held_out.joined_by(fit.recipe.name, Judged(logits, expected))
    factors = held_out.factors.items()
    return {name: ExpectedFactor(factor, CROSS_VALIDATED_DEVIATION) for name, factor in factors}


def _logits_of_fold(fit: LinearFit, fold: Rows, context: FitContext) -> Logits:
    """Return the logits of the rows of a fold, by a fit to all others."""
    recipe, without = fit.recipe, context.split.holding_out(fold)
    if fit.solver.keeps_penalty:
        rows = np.delete(np.arange(len(context.split.samples)), fold)
        model = LinearModel(recipe.name, fit.solver.solve(rows))
        return model.logits(without.held_out.sequences)
    found = fit_recipe(recipe, replace(context, split=without))
    n_outputs = without.samples.targets.n_outputs
    return np.zeros((len(fold), n_outputs)) if found is None else found.judged.logits
