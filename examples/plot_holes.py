"""
Holes and time stamps
=====================

A sensor fails for a while, a connection drops packets, a device saves its battery and measures only
now and then. What should one do with the values that are missing? Nothing: leave NaN where they
are. And steps that are not equally far apart? Pass their times.
"""

# %%
# Speech with dropouts
# --------------------
#
# Nine men said the same vowel (270 recordings for training; 370 for the test). Each step of a
# recording has twelve coefficients of the spectrum. Of each coefficient we delete six tenths of the
# values, in blocks of several steps. In the picture the holes are white.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from comparing import compare, measure
from example_data import fetch_japanese_vowels, fetch_watch_recordings
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.inspection import ExplanationDisplay

rng = np.random.default_rng(0)


def with_holes(series: np.ndarray, share: float = 0.6) -> np.ndarray:
    """Return a copy without that share of the values of each channel, in blocks."""
    series = series.copy()
    n_steps = len(series)
    for channel in series.T:
        while np.isnan(channel).mean() < share:
            start = rng.integers(-4, n_steps)
            channel[max(start, 0) : start + rng.integers(2, 6)] = np.nan
    series[-1, 0] = 0.0 if np.isnan(series[-1, 0]) else series[-1, 0]  # the last step stays
    return series


def carried_forward(series: list[np.ndarray]) -> list[np.ndarray]:
    """Return series with the last value in place of missing ones, and 0 before the first."""
    return [pd.DataFrame(one).ffill().fillna(0).to_numpy() for one in series]


def mean_filled(series: list[np.ndarray]) -> list[np.ndarray]:
    """Return series with the mean of the training part in place of missing values."""
    means = np.nanmean(np.concatenate(X_train), axis=0)
    return [np.where(np.isnan(one), means, one) for one in series]


def statistics(series: list[np.ndarray]) -> np.ndarray:
    """Return mean, least, greatest and last value, and the number of values, of each channel."""
    frames = [pd.DataFrame(one) for one in series]
    parts = [(x.mean(), x.min(), x.max(), x.ffill().iloc[-1], x.count()) for x in frames]
    return np.array([np.concatenate(part) for part in parts])


X_train, y_train, X_test, y_test = fetch_japanese_vowels()
X_train, X_test = (list(map(with_holes, part)) for part in (X_train, X_test))
model = LSTMSequenceClassifier(random_state=0)
trees = HistGradientBoostingClassifier(random_state=0)
results = measure(
    {
        "NaN as they are": model,
        "mean fill": make_pipeline(FunctionTransformer(mean_filled), model),
        "forward fill": make_pipeline(FunctionTransformer(carried_forward), model),
        "statistics, boosted trees": make_pipeline(FunctionTransformer(statistics), trees),
    },
    X_train,
    y_train,
    X_test,
    y_test,
)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.imshow(np.transpose(X_test[0]), aspect="auto", interpolation="nearest")
left.set(xlabel="step", ylabel="coefficient", title="A recording with holes")
names = list(results)[::-1]
bars = right.barh(names, [100 * results[name][0] for name in names])
right.bar_label(bars, fmt="%.1f", padding=2)
right.set(xlim=(0, 110), xlabel="accuracy in %", title="What is left is read in four ways")
plt.show()

# %%
# The model carries the last value forward too. But it also reads which values are missing and since
# when, so that it can trust an old value less. An explanation has a bar for each step. Steps that
# hold no value at all would be hatched.

model.fit(X_train, y_train)
ExplanationDisplay.from_estimator(model, X_test[:1])
plt.show()

# %%
# A watch that measures now and then
# ----------------------------------
#
# Seven exercises were recorded by a watch with six sensors, 50 times a second. To save its battery
# the watch could measure at random times: on average at every fourth step. Logs of such devices are
# long tables, with a row for each time and the number of the recording in a column.

windows, exercises, people = (part[::4] for part in fetch_watch_recordings())
recording, step = np.nonzero(rng.random(windows.shape[:2]) < 0.25)
table = pd.DataFrame(windows[recording, step], columns=[f"sensor {n}" for n in range(6)])
table.insert(0, "recording", recording)
table.insert(1, "seconds", step / 50)
print(table.head())

# %%
# ``groupby`` cuts the table into series. Each is a data frame, so the channel of the times has a
# name. Without ``time_channel`` the time would be a measurement like the others. The third model
# reads no time at all. People of the test part are not in the training part.

series = [steps.drop(columns="recording") for _, steps in table.groupby("recording")]
is_test = people >= 8
train = [series[row] for row in np.flatnonzero(~is_test)]
test = [series[row] for row in np.flatnonzero(is_test)]


def without_time(frames: list[pd.DataFrame]) -> list[np.ndarray]:
    """Return the sensors alone."""
    return [frame.drop(columns="seconds").to_numpy() for frame in frames]


compare(
    {
        "with time stamps": LSTMSequenceClassifier(time_channel="seconds", random_state=0),
        "without": make_pipeline(FunctionTransformer(without_time), model),
    },
    train,
    exercises[~is_test],
    test,
    exercises[is_test],
)

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
first = series[0]
ax.plot(np.arange(128) / 50, windows[0, :, 0], color="0.8", label="what happened")
ax.plot(first["seconds"], first["sensor 0"], "o", markersize=4, label="what the watch measured")
ax.set(xlabel="seconds", ylabel="sensor 0", title=exercises[0])
ax.legend()
plt.show()

# %%
# When to fill by yourself
# ------------------------
#
# If you know what a missing value means, write it down: a counter that reports nothing has counted
# 0. If it is missing for a reason that will not hold where the model is used, such as a sensor that
# was repaired, leave out the channel. Else leave the holes.
