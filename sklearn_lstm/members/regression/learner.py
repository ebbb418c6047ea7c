"""How a linear model of one vector for each sequence is fitted."""

from abc import abstractmethod
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.learner import Learner
from sklearn_lstm.members.regression.logistic_regression import find_penalty, fit_regression
from sklearn_lstm.members.regression.regression_model import RegressionModel, Vectors
from sklearn_lstm.targets.samples import Samples, Targets
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.held_out import Split

MOST_SAMPLES = 100_000  # that it learns from: a vector of an encoder takes 1.5 kB
NOTHING = np.empty(0), np.empty((0, 0)), np.empty(0)  # has been learned yet


class RegressionLearner(Learner):
    """It fits the regression; its penalty is found by inner folds."""

    kinds = ()  # for any sequences, but only where the user brings what it reads

    @classmethod
    @abstractmethod
    def untrained(cls, samples: Samples, configuration: Configuration) -> RegressionModel:
        """Return a model that has learned nothing, but can read vectors."""

    @classmethod
    def suits(cls, configuration: Configuration) -> bool:
        """Return whether there is what the configuration holds under the name of the member.

        Raises
        ------
        ValueError
            If the member can't be fitted, which the user wants.
        """
        is_wanted = bool(getattr(configuration, cls.member.name))
        if is_wanted and (lacking := cls.lacks(configuration)):
            raise ValueError(f"The member of the {cls.member.name} needs {' and '.join(lacking)}.")
        return is_wanted

    @classmethod
    def fit_linear(
        cls, split: Split, configuration: Configuration
    ) -> tuple[RegressionModel | None, Logits]:
        """Fit to all samples, or to as many as the memory allows.

        Returns
        -------
        model : RegressionModel or None
            None: all samples have the same vector.
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out samples, by a model fitted to the others.
        """
        rows = rows_to_fit(split)
        samples = split.samples.subset(rows)
        untrained = cls.untrained(samples, configuration)
        vectors, targets = untrained.vectors(samples.sequences), samples.targets
        if not vectors.size:
            return None, np.zeros((len(split.held_out_rows), targets.n_outputs))
        held_out = np.searchsorted(rows, split.held_out_rows)
        learned = np.delete(np.arange(len(rows)), held_out)
        learned_targets = targets.subset(learned)
        penalty = find_penalty(cls._scaled(vectors[learned])[0], learned_targets, split.seed)
        without = cls._fitted(untrained, vectors[learned], learned_targets, penalty)
        model = cls._fitted(untrained, vectors, targets, penalty) if len(held_out) else without
        return model, without.logits_of(vectors[held_out])

    @classmethod
    def _fitted(
        cls, untrained: RegressionModel, vectors: Vectors, targets: Targets, penalty: float
    ) -> RegressionModel:
        scaled, mean, deviation = cls._scaled(vectors)
        intercept, *weights = fit_regression(scaled, targets, penalty)
        coef = np.stack(weights) / deviation[:, np.newaxis]
        return replace(untrained, mean=mean, coef=coef, intercept=intercept)

    @classmethod
    def _scaled(
        cls, vectors: Vectors
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
        """Return the standardised vectors, and the mean and the deviation of each column."""
        mean, deviation = cls.scale(vectors)
        scaled = np.nan_to_num((vectors - mean) / deviation, copy=False)
        return scaled.astype(np.float32), mean, deviation

    @classmethod
    def scale(cls, vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean and the deviation of each column."""
        deviation = np.asarray(vectors.std(axis=0, dtype=np.float64))
        mean = np.asarray(vectors.mean(axis=0, dtype=np.float64))
        return mean, np.maximum(deviation, np.finfo(np.float32).eps)


def rows_to_fit(split: Split) -> Rows:
    """Return the rows that the model is fitted to, in ascending order: all, or a random part."""
    rows = np.arange(len(split.samples))
    if len(rows) <= MOST_SAMPLES:
        return rows
    chosen = np.random.default_rng(split.seed).permutation(np.delete(rows, split.held_out_rows))
    return np.sort(
        np.append(split.held_out_rows, chosen[: MOST_SAMPLES - len(split.held_out_rows)])
    )
