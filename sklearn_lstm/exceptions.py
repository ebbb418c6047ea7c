"""The errors and warnings of the package; each is a subclass of a built-in one."""

import warnings
from importlib import import_module
from inspect import currentframe
from typing import Any

__all__ = [
    "InputTypeWarning",
    "InvalidSequencesError",
    "InvalidSequencesTypeError",
    "MissingValuesWarning",
    "ModelFileError",
    "NonFiniteTrainingError",
    "NothingLearnedWarning",
]

LIBRARIES = {"sklearn_lstm", "sklearn", "imblearn", "joblib", "torch"}


class InvalidSequencesError(ValueError):
    """Raised if X does not hold sequences, or texts, that can be read."""


class InvalidSequencesTypeError(TypeError):
    """Raised if X holds something other than numbers, or texts, or a bag of words."""


class NonFiniteTrainingError(ValueError):
    """Raised if the loss or a weight becomes infinite or NaN in training."""


class ModelFileError(ValueError):
    """Raised if a stored estimator is damaged or forged, or has a format that is not known."""


class InputTypeWarning(UserWarning):
    """Issued if X may be something other than what it is read as, or than the X of `fit`."""


class MissingValuesWarning(UserWarning):
    """Issued if X has missing values in a channel that had none in training."""


class NothingLearnedWarning(UserWarning):
    """Issued if a fitted model says no more of held-out samples than the shares of the classes."""


def imported(name: str, user: str) -> Any:
    """Return a module of an optional package; the error names what is not installed, and for whom.

    Raises
    ------
    ImportError
        If the package, or another one that it needs, is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0].replace("_", "-")
        raise ImportError(
            f"{user} needs the package {package}, not installed: pip install {package}"
        ) from error


def warn_user(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of the user, who may have called scikit-learn, which called us.

    Python 3.12 has `skip_file_prefixes` for this.
    """
    frame, level = currentframe(), 1
    while frame and frame.f_globals.get("__name__", "").split(".")[0] in LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
