"""The error and warning types of the package; each is a built-in one too."""

from __future__ import annotations

import warnings
from inspect import currentframe

__all__ = [
    "IgnoredParameterWarning",
    "InputTypeWarning",
    "InvalidSequencesError",
    "InvalidSequencesTypeError",
    "LinearModelSkippedWarning",
    "MissingValuesWarning",
    "ModelFileError",
    "NonFiniteTrainingError",
]

LIBRARIES = {"sklearn_lstm", "sklearn", "imblearn", "joblib", "torch"}


class InvalidSequencesError(ValueError):
    """X does not hold sequences that can be read."""


class InvalidSequencesTypeError(TypeError):
    """X holds something other than numbers, or a bag of words."""


class NonFiniteTrainingError(ValueError):
    """The loss or a weight became infinite or NaN while training."""


class ModelFileError(ValueError):
    """A stored estimator is damaged or forged, or has a format that this version does not know."""


class LinearModelSkippedWarning(UserWarning):
    """The linear model was left out: it needs too much memory, or another `criterion`."""


class InputTypeWarning(UserWarning):
    """X may hold something other than what it is read as, or than the X of fit."""


class MissingValuesWarning(UserWarning):
    """X has missing values in a channel that had none in training."""


class IgnoredParameterWarning(UserWarning):
    """A parameter was set, but cannot be used here."""


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of the user, who may have called scikit-learn, which called us.

    Python 3.12 has `skip_file_prefixes` for this.
    """
    frame, level = currentframe(), 1
    while frame and frame.f_globals.get("__name__", "").split(".")[0] in LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
