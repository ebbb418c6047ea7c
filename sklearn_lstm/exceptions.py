"""The error and warning types of the package; each is a built-in one too."""

from __future__ import annotations


class InvalidSequencesError(ValueError):
    """X does not hold sequences that can be read."""


class InvalidSequencesTypeError(TypeError):
    """X holds something other than numbers, or a bag of words."""


class NonFiniteTrainingError(ValueError):
    """The loss or a weight became infinite or NaN while training."""


class ModelFileError(ValueError):
    """A stored estimator is damaged or forged, or has a format that this version does not know."""


class LinearModelSkippedWarning(UserWarning):
    """The linear model was left out because it would not fit in its memory budget."""


class InputTypeWarning(UserWarning):
    """X may hold something else than what it was read as."""


class MissingValuesWarning(UserWarning):
    """X has missing values in a channel that had none in training."""


class IgnoredParameterWarning(UserWarning):
    """A parameter was set, but cannot be used here."""
