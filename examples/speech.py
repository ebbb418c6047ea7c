"""Who speaks? Nine speakers say two vowels, in 7 to 29 frames of 12 LPC cepstrum coefficients.

Recordings of unequal length are given as they are: a list of arrays (n_frames, n_channels).
"""

import numpy as np
from comparing import compare
from example_data import fetch_japanese_vowels
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier


def statistics(X: list[np.ndarray]) -> list[np.ndarray]:
    """Return the mean, the standard deviation, and the extremes of each channel."""
    return [np.hstack([x.mean(axis=0), x.std(axis=0), x.min(axis=0), x.max(axis=0)]) for x in X]


X_train, y_train, X_test, y_test = fetch_japanese_vowels()  # the official split
model = LSTMSequenceClassifier(random_state=0)
plain = make_pipeline(FunctionTransformer(statistics), ExtraTreesClassifier(500, random_state=0))
compare({"statistics, extra trees": plain, "LSTM": model}, X_train, y_train, X_test, y_test)
print(f"trained for {model.n_epochs_} epochs, last loss {model.history_[-1]['train_loss']:.3f}")
