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
# recording has twelve coefficients of the spectrum. We delete six tenths of the values of each
# coefficient, in blocks of several steps. In the picture the holes are white.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from comparing import compare, measure
from example_data import fetch_japanese_vowels
from melodies import fetch_melodies, notes_of
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
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
image = left.imshow(np.transpose(X_test[0]), aspect="auto", interpolation="nearest")
figure.colorbar(image, ax=left, label="value")
left.set(xlabel="step", ylabel="coefficient", title="A recording with holes")
names = list(results)[::-1]
kinds = {"plain model": ("grey", names[:1]), "LSTMSequenceClassifier": ("tab:blue", names[1:])}
for kind, (color, models) in kinds.items():
    bars = right.barh(models, [100 * results[name][0] for name in models], color=color, label=kind)
    right.bar_label(bars, fmt="%.1f", padding=2)
right.set(xlim=(0, 110), xlabel="accuracy, %", title="What is left is read in four ways")
figure.legend(loc="outside lower right", ncols=2)
plt.show()

# %%
# The model carries the last value forward too. But it also reads which values are missing and since
# when, so that it can trust an old value less. An explanation has a bar for each step, here of
# what speaks for the man called 1. Steps that hold no value at all are hatched.

model.fit(X_train, y_train)
ExplanationDisplay.from_estimator(model, X_test[:1])
plt.show()

# %%
# Reels and jigs: when the notes begin
# ------------------------------------
#
# Both are dances of a collection of 1883. Reels go in groups of four notes, jigs of three notes.
# A note has a pitch, and a time at which it begins, counted in eighths. Performances, like logs of
# devices and files of patients, are often kept as a long table: a row for each event, and a column
# with the number of the sequence.

rows, dances = [], []
for dance in ("reel", "jig"):
    for key in ("D", "G", "A", "C", "E"):
        for signs in fetch_melodies(dance, key):
            notes = notes_of(signs, key)[:48]
            rows.extend((len(dances), note.start, note.pitch) for note in notes)
            dances.append(dance)
table = pd.DataFrame(rows, columns=["tune", "time", "pitch"])
print(table.head())

# %%
# ``groupby`` cuts the table into series. Each is a data frame, so the channel of the times has a
# name. The second model reads the pitches alone.

tunes = [notes.drop(columns="tune") for _, notes in table.groupby("tune")]
train, test = train_test_split(np.arange(len(tunes)), stratify=dances, random_state=0)
labels = np.array(dances)


def pitches(frames: list[pd.DataFrame]) -> list[np.ndarray]:
    """Return the pitches as floats."""
    return [frame["pitch"].to_numpy(float) for frame in frames]


compare(
    {
        "pitches with time stamps": LSTMSequenceClassifier(time_channel="time", random_state=0),
        "pitches alone": make_pipeline(FunctionTransformer(pitches), model),
    },
    [tunes[row] for row in train],
    labels[train],
    [tunes[row] for row in test],
    labels[test],
)

figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained", sharey=True)
for ax, dance in zip(axes, ("reel", "jig"), strict=True):
    notes = tunes[dances.index(dance)][:24]
    ax.plot(notes["time"], notes["pitch"], "o", markersize=4)
    ax.set(xlabel="eighths", title=dance)
axes[0].set(ylabel="pitch (60 is middle C)")
plt.show()

# %%
# When to fill by yourself
# ------------------------
#
# If you know what a missing value means, write it down: a counter that reports nothing has counted
# 0. If it is missing for a reason that will not hold where the model is used, such as a sensor that
# was repaired, leave out the channel. Else leave the holes.
