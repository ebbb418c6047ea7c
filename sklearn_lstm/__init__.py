"""The sequence classifier that scikit-learn lacks."""

from sklearn_lstm.classifier import LSTMSequenceClassifier
from sklearn_lstm.vectorizer import TextSequenceVectorizer

__all__ = ["LSTMSequenceClassifier", "TextSequenceVectorizer"]
__version__ = "0.1.0"
