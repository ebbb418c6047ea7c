"""Time series as arrays: power demand of a day, and the motion of a wrist.

Both kinds of array: univariate series are 2-D, multivariate ones 3-D.
"""

import numpy as np
from example_data import read_series, report

from sklearn_lstm import LSTMSequenceClassifier

print("ItalyPowerDemand, 24 hours: winter or summer?")
X_train, y_train, X_test, y_test = read_series("ItalyPowerDemand")
days = np.stack(X_train)[:, :, 0]  # (n_samples, n_timesteps)
model = LSTMSequenceClassifier(random_state=0).fit(days, y_train)
report(model, np.stack(X_test)[:, :, 0], y_test)

print("BasicMotions, 6 sensors: standing, walking, running or badminton?")
X_train, y_train, X_test, y_test = read_series("BasicMotions")
motions = np.stack(X_train)  # (n_samples, n_timesteps, n_channels)
model = LSTMSequenceClassifier(random_state=0).fit(motions, y_train)
report(model, np.stack(X_test), y_test)
