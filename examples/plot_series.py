"""
Time series: early decisions, unequal lengths, new people
=========================================================

Three kinds of series, and one question about each. Power demand of a day: how early do we know the
answer? The current of appliances: what if the series have unequal lengths? Exercises measured by a
watch: does the model work for people that it has never seen?
"""

# %%
# Power demand: how early?
# ------------------------
#
# Each series is the power demand of a day in Italy, 24 hours. The question is whether it is a day
# of October to March or of April to September. There are 67 days for training (the official split
# of the UCR archive).

import matplotlib.pyplot as plt
import numpy as np
from comparing import compare, measure
from example_data import fetch_italy_power_demand, fetch_plaid, fetch_watch_recordings
from matplotlib.ticker import PercentFormatter
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier

X_train, y_train, X_test, y_test = fetch_italy_power_demand()
SEASONS = {"1": "October to March", "2": "April to September"}
model = LSTMSequenceClassifier(random_state=0)
trees = ExtraTreesClassifier(300, random_state=0)
compare({"LSTM": model, "extra trees": trees}, X_train, y_train, X_test, y_test)

# %%
# How early in the day can one know? A model that has learned from whole days only has never read a
# day that ends at noon. So a second model learns from the beginnings of the days, of 3, 6, ... 24
# hours: that is possible because sequences may have unequal lengths. The plain model is a forest of
# its own for each number of hours. The band is one standard error above and below the accuracy, and
# the dashed line is the accuracy of always giving the more frequent answer.

hours = np.arange(3, 25, 3)
beginnings = [day[:n] for n in hours for day in X_train]
early_model = LSTMSequenceClassifier(random_state=0).fit(beginnings, np.tile(y_train, len(hours)))
firsts = [[day[:n] for day in X_test] for n in hours]
accuracies = {
    "LSTM of whole days": [model.score(days, y_test) for days in firsts],
    "LSTM of beginnings": [early_model.score(days, y_test) for days in firsts],
    "a forest for each length": [
        trees.fit(X_train[:, :n], y_train).score(X_test[:, :n], y_test) for n in hours
    ],
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for kind, season in SEASONS.items():
    days = X_train[y_train == kind]
    (line,) = left.plot(range(1, 25), days.mean(axis=0), label=season)
    low, high = np.quantile(days, [0.1, 0.9], axis=0)
    left.fill_between(range(1, 25), low, high, color=line.get_color(), alpha=0.2, linewidth=0)
left.set(xlabel="hour", ylabel="power demand (scaled)", title="Average day, and 80 % of the days")
left.legend()
for (name, values), marker in zip(accuracies.items(), "oDs", strict=True):
    accuracy = np.array(values)
    error = np.sqrt(accuracy * (1 - accuracy) / len(y_test))
    right.plot(hours, accuracy, marker=marker, label=name)
    right.fill_between(hours, accuracy - error, accuracy + error, alpha=0.2)
right.axhline(np.unique(y_test, return_counts=True)[1].max() / len(y_test), color="0.5", ls="--")
right.yaxis.set_major_formatter(PercentFormatter(1))
figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=3)
half_day = accuracies["LSTM of beginnings"][list(hours).index(12)]
right.set(xlabel="hours seen", title=f"At noon the LSTM of beginnings is right in {half_day:.0%}")
right.set(ylabel="accuracy", xlim=(0, None))
plt.show()

# %%
# Appliances: unequal lengths
# ---------------------------
#
# Which of eleven kinds of appliances draws this current (PLAID)? A recording has 100 to 1,344
# steps. A list of arrays goes into the classifier as it is. The plain model needs the same number
# of features for each recording: here they are statistics of the values and of their changes.


def statistics(X: list[np.ndarray]) -> np.ndarray:
    """Return statistics of each channel and of its changes, of shape (n_samples, n_features)."""
    rows = []
    for x in X:
        series = np.reshape(x, (len(x), -1))
        parts = [series, np.diff(series, axis=0)]
        quantiles = [np.quantile(part, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1], axis=0) for part in parts]
        rows.append(np.concatenate([*quantiles, [part.std(axis=0) for part in parts]]).ravel())
    return np.array(rows)


plain = make_pipeline(FunctionTransformer(statistics), ExtraTreesClassifier(300, random_state=0))
X_train, y_train, X_test, y_test = fetch_plaid()
compare({"LSTM": model, "statistics, trees": plain}, X_train, y_train, X_test, y_test)

figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
predicted = model.predict(X_test)
APPLIANCES = {"0": "air conditioner", "1": "fluorescent lamp", "7": "laptop"}
for ax, (kind, name) in zip(axes, APPLIANCES.items(), strict=True):
    first = X_test[np.flatnonzero(y_test == kind)[0]]
    ax.plot(first, linewidth=1)
    ax.set(xlabel="step", ylabel="current", title=f"{name}: {len(first)} steps")
figure.suptitle(f"The LSTM tells {np.mean(predicted == y_test):.0%} of the appliances right")
plt.show()

# %%
# Exercises: split by person
# --------------------------
#
# Ten people with a watch did seven exercises. The watch has six sensors. If windows of one person
# are in the training part and in the test part, a model can recognise the person instead of the
# exercise. So the honest split is by person: three people are for the test only. To show the
# difference, we also split at random. To keep the example short, only every fourth window is used.

X, exercises, people = (part[::4] for part in fetch_watch_recordings())
splits = {
    "at random": train_test_split(np.arange(len(X)), test_size=0.3, random_state=0),
    "by person": (np.flatnonzero(people < 8), np.flatnonzero(people >= 8)),
}
accuracies = {"LSTM": {}, "statistics, trees": {}}
for split, (train, test) in splits.items():
    print(f"split {split}:")
    results = measure(
        {"LSTM": model, "statistics, trees": plain},
        X[train], exercises[train], X[test], exercises[test],
    )  # fmt: skip
    for name, (accuracy, _) in results.items():
        accuracies[name][split] = accuracy

figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for offset, (name, values) in zip((-0.2, 0.2), accuracies.items(), strict=True):
    bars = ax.bar(np.arange(2) + offset, [100 * v for v in values.values()], 0.38, label=name)
    ax.bar_label(bars, fmt="%.1f")
ax.set_xticks([0, 1], [f"split {split}" for split in splits])
loss = accuracies["LSTM"]["at random"] - accuracies["LSTM"]["by person"]
ax.set(
    ylim=(0, 105),
    ylabel="accuracy in %",
    title=f"For people never seen before, the LSTM loses {100 * loss:.0f} points",
)
figure.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
# When to use which
# -----------------
#
# A forest fits in a second. For the power demand the value at each hour says enough, and a forest
# for each length is ahead with so few days. For appliances, good statistics are nearly as accurate.
# Take the LSTM where the order of the values counts, where you don't know which statistics are
# good, and for people that were never seen.
