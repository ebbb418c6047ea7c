"""How the linear models are fitted, and what they say of samples that they have not seen."""

from dataclasses import replace
from importlib import import_module
from typing import NamedTuple

import numpy as np

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.blending import ClassPrior, ExpectedFactor, HeldOutLogits, Logits
from sklearn_lstm.members.held_out import folds
from sklearn_lstm.members.linear_model import LinearModel
from sklearn_lstm.members.recipe import BaseSolver, FitContext, Recipe

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
    logits : ndarray of shape (n_held_out, n_outputs)
        Of the held-out samples, the user's own or drawn, by a fit that has not seen them.
    solver : Solver
    confidence : float
        As `HeldOutLogits` has it.
    """

    recipe: Recipe
    model: LinearModel
    logits: Logits
    solver: BaseSolver
    confidence: float = np.inf


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
        expected = factors.get(fit.recipe.name, fit.solver.expected_factor)
        held_out = held_out.joined_by(fit.recipe.name, fit.logits, expected, fit.confidence)
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
        terms, logits, confidence = solver.leave_out(held_out)
        return LinearFit(recipe, LinearModel(recipe.name, terms), logits, solver, confidence)
    model = LinearModel(recipe.name, solver.solve(np.delete(rows, held_out)))
    logits = np.empty((0, split.samples.targets.n_outputs))
    if len(split.held_out):
        logits = model.logits(split.held_out.sequences)
    if len(held_out):
        del model  # two models are never in memory at the same time
        model = LinearModel(recipe.name, solver.solve(rows))
    return LinearFit(recipe, model, logits, solver)


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
        expected = fit.solver.expected_factor._replace(deviation=EXPECTED_DEVIATION)
        held_out = held_out.joined_by(fit.recipe.name, logits, expected)
    factors = held_out.blend().factors.tolist()
    pairs = zip(held_out.members, factors, strict=True)
    return {name: ExpectedFactor(factor, CROSS_VALIDATED_DEVIATION) for name, factor in pairs}


def _logits_of_fold(fit: LinearFit, fold: Rows, context: FitContext) -> Logits:
    """Return the logits of the rows of a fold, by a fit to all others."""
    recipe, without = fit.recipe, context.split.holding_out(fold)
    if fit.solver.keeps_penalty:
        rows = np.delete(np.arange(len(context.split.samples)), fold)
        model = LinearModel(recipe.name, fit.solver.solve(rows))
        return model.logits(without.held_out.sequences)
    found = fit_recipe(recipe, replace(context, split=without))
    if found is None:
        return np.zeros((len(fold), without.samples.targets.n_outputs))
    return found.logits
