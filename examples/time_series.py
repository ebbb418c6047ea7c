"""Time series as arrays: power demand of a day, and the motion of a wrist.

Both kinds of array: univariate series are 2-D, multivariate ones 3-D.
"""

import numpy as np
from comparing import compare
from example_data import fetch_italy_power_demand, fetch_watch_recordings
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier


def statistics(X: np.ndarray) -> np.ndarray:
    """Return the mean, the standard deviation, and the extremes of each channel."""
    return np.hstack([X.mean(axis=1), X.std(axis=1), X.min(axis=1), X.max(axis=1)])


print("Power demand of 24 hours: winter or summer? The official split.")
X_train, y_train, X_test, y_test = fetch_italy_power_demand()  # (n_samples, n_timesteps)
trees = ExtraTreesClassifier(500, random_state=0)
model = LSTMSequenceClassifier(random_state=0)
compare({"extra trees": trees, "LSTM": model}, X_train, y_train, X_test, y_test)

print("Six sensors of a watch: which of seven exercises? Three of ten persons are for the test.")
X, exercises, persons = fetch_watch_recordings()  # (n_samples, n_timesteps, n_channels)
train, test = persons < 8, persons >= 8
plain = make_pipeline(FunctionTransformer(statistics), trees)
compare(
    {"statistics, extra trees": plain, "LSTM": model},
    X[train], exercises[train], X[test], exercises[test],
)  # fmt: skip
