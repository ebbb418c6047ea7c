"""What fits a linear member."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sklearn_lstm.blending import ExpectedFactor, Logits
from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.member import LinearMember
from sklearn_lstm.members.settings import FitSettings
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.targets import Samples

# A member, and logits of the held-out rows (n_held_out, n_outputs) by one that has not seen them.
# None: it would be too large, or the samples tell it nothing; the logits are not read.
Fit: TypeAlias = tuple[LinearMember | None, Logits]
UNSCALED = ExpectedFactor(1.0, 1.0)


@dataclass(frozen=True)
class Learner:
    """A way to fit a linear member: an entry in `LEARNERS` of `fitting.py`.

    Parameters
    ----------
    member : type
    suits : callable
        Settings -> whether there is what the member reads.
    work : callable
        Samples, settings -> the work of fitting, in the units of `duration.work_of_epoch`.
    fit_member : callable
        Split, settings -> the member, fitted to all samples, and `Fit`.
    expected_factor : ExpectedFactor
        In the blend.
    has_own_scale : bool
        All samples have already set the scale of its logits.
    is_asked_for : bool
        The user brings what it reads: it is an error if it can't be fitted.
    prepare : callable or None
        Split, settings, progress -> None: does what takes all threads, before members share them.
    logits_of_folds : callable or None
        Split, settings, rows of folds, and the member -> logits of all these rows. None: by `fit`,
        fold by fold.
    """

    member: type[LinearMember]
    suits: Callable[[FitSettings], bool]
    work: Callable[[Samples, FitSettings], int]
    fit_member: Callable[[Split, FitSettings], Fit]
    expected_factor: ExpectedFactor = UNSCALED
    has_own_scale: bool = False
    is_asked_for: bool = False
    prepare: Callable[[Split, FitSettings, FitProgress], None] | None = None
    logits_of_folds: Callable[[Split, FitSettings, list[Rows], Any], Logits] | None = None

    def fit(self, split: Split, settings: FitSettings) -> Fit:
        """Fit to all samples; return too the logits of the held-out ones, the user's own or drawn.

        They are 0 without a member.
        """
        model, logits = self.fit_member(split, settings)
        if model is None:
            logits = np.zeros((len(split.held_out), split.samples.targets.n_outputs))
        elif len(split.held_out_rows) < len(split.held_out):  # the user's own
            logits = model.logits(split.held_out.sequences)
        return model, logits

    def cross_validated(
        self, split: Split, settings: FitSettings, folds: list[Rows], member: LinearMember
    ) -> Logits:
        """Return the logits of the rows of each fold, by a fit to the other samples.

        What the fit to all samples has found about the member may help.
        """
        if self.logits_of_folds is not None:
            return self.logits_of_folds(split, settings, folds, member)
        return np.concatenate([self.fit(split.holding_out(fold), settings)[1] for fold in folds])
