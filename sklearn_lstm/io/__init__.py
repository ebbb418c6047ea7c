"""Fitted models as files that are safe to load."""

from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io.files import describe, load, save

__all__ = ["ModelFileError", "describe", "load", "save"]
