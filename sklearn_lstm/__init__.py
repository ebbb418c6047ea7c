"""The sequence classifier that scikit-learn lacks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_lstm.classifier import LSTMSequenceClassifier
    from sklearn_lstm.predictor import Predictor
    from sklearn_lstm.vectorizer import TextSequenceVectorizer
    from sklearn_lstm.word_vectors import WordVectors

__all__ = ["LSTMSequenceClassifier", "Predictor", "TextSequenceVectorizer", "WordVectors"]
__version__ = "0.2.0.dev0"

ESTIMATORS = {  # and where they are
    "LSTMSequenceClassifier": "sklearn_lstm.classifier",
    "TextSequenceVectorizer": "sklearn_lstm.vectorizer",
    "WordVectors": "sklearn_lstm.word_vectors",
}
CLASSES = {**ESTIMATORS, "Predictor": "sklearn_lstm.predictor"}


def __getattr__(name: str) -> Any:
    """Import a class at first use, so that texts can be read without torch (PEP 562)."""
    if name not in CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(CLASSES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *CLASSES])
