"""What every member of a model can do, and what fits a linear member."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import ExpectedFactor, Logits
from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.targets.samples import Samples

if TYPE_CHECKING:  # a stored model predicts without torch
    from sklearn_lstm.progress import FitProgress
    from sklearn_lstm.training.configuration import Configuration
    from sklearn_lstm.training.held_out import Split

BATCH_SIZE_OF_PARTIAL_FIT = 32
# What each step adds to scores (n_steps, n_scores), and the rest of each (n_samples, n_scores).
Contributions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


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

    def channel_contributions(
        self, sequences: Sequences, directions: NDArray[np.float64]
    ) -> Contributions:
        """Return what each channel of series adds, as `contributions` does for each step.

        The channels of all series are laid end to end, (n_samples * n_channels, n_scores). By
        default a member reads series as a whole.
        """
        return self.contributions(sequences, directions)

    @abstractmethod
    def describe(self) -> str:
        """Return what the member consists of, in one line."""


def one_by_one(
    explain: Callable[[Sequences], Contributions], sequences: Sequences
) -> Contributions:
    """Return the contributions to several sequences, by a function of a single one."""
    rows = np.arange(len(sequences))[:, np.newaxis]
    added, base = zip(*(explain(sequences.subset(row)) for row in rows), strict=True)
    return np.concatenate(added), np.concatenate(base)


class LinearMember(Member):
    """A linear model on features that do not have to be learned; a `Learner` fits it."""

    name = "linear model"


class Learner(ABC):
    """A way to fit a linear member: a class with these methods, and an entry in `LEARNERS`."""

    member: ClassVar[type[LinearMember]]
    kinds: ClassVar[tuple[Kind, ...]]  # that it reads
    expected_factor: ClassVar[ExpectedFactor] = ExpectedFactor(1.0, 1.0)  # in the blend
    has_own_scale: ClassVar[bool] = False  # all samples have already set the scale of its logits

    @classmethod
    def suits(cls, configuration: Configuration) -> bool:
        """Return whether the member reads such sequences, and is wanted."""
        return configuration.kind in cls.kinds and not cls.lacks(configuration)

    @classmethod
    def lacks(cls, configuration: Configuration) -> list[str]:
        """Return which conditions of a fit are not met."""
        criterion = configuration.criterion
        conditions = {
            "linear_model=True": configuration.linear_model,
            f"criterion='cross_entropy' (found {criterion})": criterion == "cross_entropy",
        }
        return [condition for condition, is_met in conditions.items() if not is_met]

    @classmethod
    @abstractmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:
        """Return the work of fitting, in the units of `duration.work_of_epoch`."""

    @classmethod  # noqa: B027
    def prepare(cls, split: Split, configuration: Configuration, progress: FitProgress) -> None:
        """Do what takes all threads, before the members share them: by default nothing."""

    @classmethod
    def fit(cls, split: Split, configuration: Configuration) -> tuple[LinearMember | None, Logits]:
        """Fit to all samples, and return the logits of the held-out samples.

        They are those of a fit that has not seen them. None: the member would be too large, or the
        samples tell it nothing; its logits are 0 then.
        """
        model, logits = cls.fit_linear(split, configuration)
        if model is None:
            return None, np.zeros((len(split.held_out), split.samples.targets.n_outputs))
        if len(split.held_out_rows) < len(split.held_out):  # the user's own
            logits = model.logits(split.held_out.sequences)
        return model, logits

    @classmethod
    @abstractmethod
    def fit_linear(
        cls, split: Split, configuration: Configuration
    ) -> tuple[LinearMember | None, Logits]:
        """Fit to all samples.

        Returns
        -------
        model : LinearMember or None
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out rows, by a model that has not seen them; not read without a model.
        """

    @classmethod
    def logits_of_folds(
        cls,
        split: Split,
        configuration: Configuration,
        rows: list[Rows],
        member: LinearMember,  # noqa: ARG003
    ) -> Logits:
        """Return the logits of the rows of each fold, by a fit to the other samples.

        What the fit to all samples has found about the member may help.
        """
        parts = [cls.fit(split.holding_out(fold), configuration)[1] for fold in rows]
        return np.concatenate(parts)
