"""What every member of a model can do, and what it is given to fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import HeldOutLogits
from sklearn_lstm.callback_support import Attributes
from sklearn_lstm.data.sequences import Rows, Samples, Sequences
from sklearn_lstm.members.encoded_network import NetworkStart
from sklearn_lstm.training.duration import TrainingPlan
from sklearn_lstm.training.held_out import Parts
from sklearn_lstm.training.loop import TrainingSettings
from sklearn_lstm.training.progress import FitProgress

PartLogits = list[NDArray[np.float64]]  # of each held-out part (n_samples, n_outputs)


@dataclass(frozen=True)
class FitTask:
    """What every member is given to fit.

    Parameters
    ----------
    samples : Samples
        All samples to learn from.
    parts : Parts
        Which of them each network learns from, and what is held out of it.
    plan : TrainingPlan
        How long to train.
    parameters : mapping
        Those of the classifier, with what "auto" means for `token_unit`.
    start : NetworkStart
    settings : TrainingSettings
    seed : int
    generators : sequence of numpy Generator
        One for each network.
    progress : FitProgress
    checkpoint : Path or None
        The folder of the states from which a training that was killed goes on.
    fitted : callable
        From a member, and the held-out logits, to the attributes of a classifier that is fitted
        with it and the members before it.
    """

    samples: Samples
    parts: Parts
    plan: TrainingPlan
    parameters: Mapping[str, Any]
    start: NetworkStart
    settings: TrainingSettings
    seed: int
    generators: Sequence[np.random.Generator]
    progress: FitProgress
    checkpoint: Path | None
    fitted: Callable[[Any, HeldOutLogits], Attributes]


class Member(ABC):
    """A part of a model that turns sequences into logits by itself."""

    name: ClassVar[str]

    def confidence_in(self, factor: float) -> float:  # noqa: ARG002
        """Return what all logits of a blend are multiplied by where the member has this factor."""
        return 1.0

    @abstractmethod
    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the logits (n_samples, n_outputs)."""

    @abstractmethod
    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        Parameters
        ----------
        sequences : Sequences
            One.
        direction : ndarray of shape (n_outputs,)

        Returns
        -------
        contributions : ndarray of shape (n_steps,)
        base : float
            The rest of the score.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return what the member consists of, in one line."""


class FittedMember(Member):
    """A member that `fit` fits.

    A new one is a class with these methods, and an entry in `algorithm.MEMBERS`.
    """

    @classmethod
    @abstractmethod
    def suits(cls, samples: Samples, parameters: Mapping[str, Any]) -> bool:
        """Return whether the member can be fitted to these samples, and is wanted."""

    @classmethod
    def work(cls, samples: Samples) -> int:  # noqa: ARG003
        """Return the work of fitting, in the units of `duration.work_of_epoch`."""
        return 0

    @classmethod
    @abstractmethod
    def expected_weight(cls, samples: Samples, parameters: Mapping[str, Any]) -> float:
        """Return how much the logits count in a blend, as long as no held-out sample tells."""

    @classmethod
    @abstractmethod
    def fit(cls, task: FitTask, held_out: HeldOutLogits) -> tuple[Self | None, PartLogits | None]:
        """Fit to the samples of a task.

        Parameters
        ----------
        task : FitTask
        held_out : HeldOutLogits
            Of the members fitted before.

        Returns
        -------
        member : Member or None
            None if it would be too large.
        logits : list of ndarray or None
            Of each held-out part, by a fit that has not seen it. None: nothing can judge it.
        """


def wants_linear_model(parameters: Mapping[str, Any]) -> bool:
    """Return whether the parameters of the classifier allow a linear model."""
    return bool(parameters["linear_branch"]) and parameters["criterion"] == "cross_entropy"


class LinearMember(FittedMember):
    """A linear model on features that do not have to be learned."""

    name = "linear model"
    reads_ids: ClassVar[bool]  # or measurements
    fewest_samples: ClassVar[int]
    epochs: ClassVar[float]  # of a network that take as long, for the progress bar

    @classmethod
    def reads(cls, sequences: Sequences) -> bool:
        """Return whether it reads sequences of this kind."""
        return cls.reads_ids == (sequences.n_channels is None)

    @classmethod
    def suits(cls, samples: Samples, parameters: Mapping[str, Any]) -> bool:
        """Return whether the member can be fitted to these samples, and is wanted."""
        return cls.reads(samples.sequences) and not cls.lacks(samples, parameters)

    @classmethod
    def lacks(cls, samples: Samples, parameters: Mapping[str, Any]) -> list[str]:
        """Return which conditions of a fit are not met."""
        fewest = max(cls.fewest_samples, 1 + len(np.unique(samples.targets.values)))
        criterion, n_samples = parameters["criterion"], len(samples)
        conditions = {
            "linear_branch=True": parameters["linear_branch"],
            f"criterion='cross_entropy' (found {criterion})": criterion == "cross_entropy",
            f"at least {fewest} sequences (found {n_samples})": n_samples >= fewest,
        }
        return [condition for condition, is_met in conditions.items() if not is_met]

    @classmethod
    def expected_weight(cls, samples: Samples, parameters: Mapping[str, Any]) -> float:  # noqa: ARG003
        """Return 1: its logits are scaled by themselves."""
        return 1.0

    @classmethod
    def fit(
        cls,
        task: FitTask,
        held_out: HeldOutLogits,  # noqa: ARG003
    ) -> tuple[Self | None, PartLogits | None]:
        """Fit to all samples, and return the logits of those that are held out of the networks."""
        rows, parts = task.parts.rows, task.parts.held_out
        model, logits = cls.fit_linear(task, np.arange(0) if rows is None else rows)
        task.progress.finish_linear_model()
        if model is None:
            return None, None
        if rows is None:  # the user's own held-out samples
            return model, [model.logits(part.sequences) for part in parts]
        ends = np.cumsum([len(part) for part in parts])
        return model, list(np.split(logits, ends[:-1]))

    @classmethod
    @abstractmethod
    def fit_linear(cls, task: FitTask, held_out: Rows) -> tuple[Self | None, NDArray[np.float64]]:
        """Fit to all samples.

        Returns
        -------
        model : LinearMember or None
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out samples, by a model that has not seen them.
        """
