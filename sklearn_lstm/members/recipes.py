"""The linear models that a fit may have: which sequences, which features, which solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn_lstm.data.kinds import MEASUREMENTS, TOKENS
from sklearn_lstm.members.features.convolutions import Convolutions
from sklearn_lstm.members.features.encoder import (
    ENCODER,
    EncoderFeatures,
    read_encoder,
    work_of_encoder,
)
from sklearn_lstm.members.features.letters import LetterFeatures, Lexicon
from sklearn_lstm.members.features.mean_vectors import MeanVectorFeatures
from sklearn_lstm.members.features.ngram_reader import read_ngrams, read_positions, work_of_ngrams
from sklearn_lstm.members.features.ngrams import NgramFeatures
from sklearn_lstm.members.features.numbers import NumberFeatures, read_numbers
from sklearn_lstm.members.features.series import SeriesFeatures, read_series, work_of_series
from sklearn_lstm.members.features.series_statistics import SeriesStatistics
from sklearn_lstm.members.features.state_search import read_states
from sklearn_lstm.members.features.states import StateFeatures
from sklearn_lstm.members.linear_model import LINEAR
from sklearn_lstm.progress import WORK_PER_SECOND
from sklearn_lstm.targets.targets import Samples

if TYPE_CHECKING:
    from sklearn_lstm.members.held_out import Split
    from sklearn_lstm.members.reader import Reader
    from sklearn_lstm.members.settings import FitSettings
    from sklearn_lstm.progress import FitProgress


def a_second(*_: object) -> int:
    """Return the work of a second."""
    return WORK_PER_SECOND


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
        Split, settings, progress -> `Reader` of the samples, or None: the coefficients would be too
        large, or the samples tell nothing.
    solver : str
        The module of `members.solvers` whose `Solver` finds the coefficients. It is imported by a
        fit alone.
    stored : tuple of type
        The classes of its features, and of what these hold.
    work : callable
        Samples, settings -> the work of fitting, in the units of `duration.work_of_epoch`.
    is_asked_for : bool
        The user brings what it reads: it is an error if it can't be fitted.
    """

    name: str
    suits: Callable[[FitSettings], bool]
    read: Callable[[Split, FitSettings, FitProgress], Reader | None]
    solver: str
    stored: tuple[type[Any], ...]
    work: Callable[[Samples, FitSettings], int] = a_second
    is_asked_for: bool = False


# In the order in which they are fitted.
RECIPES = [
    Recipe(
        LINEAR,
        suits=lambda settings: settings.kind in TOKENS,
        read=read_ngrams,
        solver="svm",
        stored=(NgramFeatures, LetterFeatures, Lexicon, MeanVectorFeatures),
        work=work_of_ngrams,
    ),
    Recipe(
        "positions",
        suits=lambda settings: settings.kind in TOKENS and settings.is_aligned,
        read=read_positions,
        solver="svm",
        stored=(NgramFeatures,),
        work=work_of_ngrams,
    ),
    Recipe(
        "states",
        suits=lambda settings: settings.kind in TOKENS,
        read=read_states,
        solver="regression",
        stored=(StateFeatures,),
    ),
    Recipe(
        LINEAR,
        suits=lambda settings: settings.kind is MEASUREMENTS,
        read=read_series,
        solver="ridge",
        stored=(SeriesFeatures, Convolutions, SeriesStatistics),
        work=work_of_series,
    ),
    Recipe(
        ENCODER,
        suits=lambda settings: settings.encoder is not None,
        read=read_encoder,
        solver="regression",
        stored=(EncoderFeatures,),
        work=work_of_encoder,
        is_asked_for=True,
    ),
    Recipe(
        "numbers",
        suits=lambda settings: settings.numbers,
        read=read_numbers,
        solver="regression",
        stored=(NumberFeatures,),
        is_asked_for=True,
    ),
]
