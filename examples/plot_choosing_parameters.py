"""
Choosing parameters: what matters, and what does not
====================================================

The defaults are a good start. If you want to tune, begin where it matters. This page changes one
parameter at a time and draws the accuracy on a *validation part*, which is taken from the training
part. The test part is read only once, at the end, for the choice that was made.

The data are splice sites in DNA: 60 bases, is there an exon-intron border (EI) in the middle, an
intron-exon border (IE), or neither (N)?
"""

# %%
# Training, validation and test
# -----------------------------
# 1,000 windows are for the fits, 700 for validation, and 1,000 for the test.
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_splice_sites
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

windows, borders = fetch_splice_sites()
X_train, X_test, y_train, y_test = train_test_split(
    windows, borders, train_size=1700, test_size=1000, stratify=borders, random_state=0
)
X_fit, X_valid, y_fit, y_valid = train_test_split(
    X_train, y_train, train_size=1000, stratify=y_train, random_state=0
)


def pipeline(**parameters: Any) -> Any:
    """Return the pipeline with these parameters of the classifier, else the defaults."""
    return make_pipeline(
        TextSequenceVectorizer(analyzer="char"),
        LSTMSequenceClassifier(**{"random_state": 0, **parameters}),
    )


def validate(**parameters: Any) -> tuple[float, float]:
    """Return the accuracy on the validation part in percent, and the seconds of the fit."""
    start = perf_counter()
    model = pipeline(**parameters).fit(X_fit, y_fit)
    seconds = perf_counter() - start
    accuracy = 100 * model.score(X_valid, y_valid)
    print(f"{accuracy:5.1f} %  {seconds:5.1f} s  {parameters}")
    return accuracy, seconds


# %%
# First: how long to train
# ------------------------
# ``max_epochs`` matters most for the time, and for a network alone also for the accuracy. 0 is the
# linear models alone: since all windows have the same length, one of them reads each base at its
# position. "auto" trains until the loss of held-out samples no longer falls. The dashed line is the
# network without a linear model beside it. It learns from all samples, since none have to be held
# out for the blend weights. A small fit comes first and is not timed, because torch loads parts of
# itself then.
pipeline(max_epochs=1).fit(X_fit[:200], y_fit[:200])
epochs = [0, 3, 6, "auto"]
both = [validate(max_epochs=n) for n in epochs]
alone = [validate(max_epochs=n, linear_model=False) for n in (3, 6)]

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
places = np.arange(len(epochs))
for ax, column in ((left, 0), (right, 1)):
    ax.plot(places, [point[column] for point in both], "o-", label="network and linear models")
    ax.plot(places[1:3], [point[column] for point in alone], "s--", label="network alone")
    ax.set_xticks(places, [str(n) for n in epochs])
    ax.set(xlabel="max_epochs")
left.set(ylabel="accuracy on the validation part, %")
left.legend()
right.set(ylabel="seconds of the fit", ylim=(0, None))
fig.suptitle(
    f'"auto" moves the linear model alone by {both[-1][0] - both[0][0]:+z.1f} points, '
    f"in {both[-1][1]:.0f} instead of {both[0][1]:.1f} seconds"
)
plt.show()

# %%
# How large is chance?
# --------------------
# Now the parameters of the network. To see them at work and to be quick, this part fits the network
# alone, for 6 epochs. With so few validation samples an accuracy is not exact: its standard error
# follows from their number. And another ``random_state`` gives another network. Look only at
# differences that are larger than both.
base = alone[1][0]
of_seeds = [base] + [validate(max_epochs=6, linear_model=False, random_state=n)[0] for n in (1, 2)]
error = 100 * np.sqrt(base / 100 * (1 - base / 100) / len(X_valid))
print(f"seeds: {min(of_seeds):.1f} to {max(of_seeds):.1f} %, standard error {error:.1f} points")

# %%
# Then: the network
# -----------------
# One parameter at a time, the others at their defaults. The GRU is in the example on memory.
defaults = LSTMSequenceClassifier().get_params()
grids: dict[str, list[Any]] = {
    "lr": [0.001, 0.005, 0.02],
    "hidden_size": [16, 64, 128],
    "cell": ["rnn", "lstm"],
    "pooling": ["last", "max", ("max", "mean")],
    "dropout": [0.0, 0.3],
    "batch_size": ["auto", 64],
}
curves = {
    name: [
        base
        if value == defaults[name]
        else validate(max_epochs=6, linear_model=False, **{name: value})[0]
        for value in values
    ]
    for name, values in grids.items()
}

# %%
fig, axes = plt.subplots(2, 3, figsize=(10, 6), sharey=True, layout="constrained")
for (name, accuracies), ax in zip(curves.items(), axes.flat, strict=True):
    places = np.arange(len(accuracies))
    ax.axhspan(min(of_seeds), max(of_seeds), color="lightgrey", label="default, three seeds")
    ax.errorbar(places, accuracies, error, fmt="o-", capsize=3, label="with standard error")
    labels = [", ".join(v) if isinstance(v, tuple) else str(v) for v in grids[name]]
    labels[grids[name].index(defaults[name])] += "*"
    ax.set_xticks(places, labels)
    ax.set(title=name, xlim=(-0.5, len(accuracies) - 0.5))
for ax in axes[:, 0]:
    ax.set_ylabel("accuracy on validation, %")
axes[0, 0].legend()
spread = {name: np.ptp(accuracies) for name, accuracies in curves.items()}
widest = max(spread, key=spread.__getitem__)
fig.suptitle(f"{widest} moves the accuracy most, by {spread[widest]:.1f} points (* is the default)")
plt.show()

# %%
# The choice, and the test
# ------------------------
# A default is changed only where another value is better by more than two standard errors of the
# difference of two accuracies. Whoever tries a dozen values finds a slightly better one by chance
# alone. Only now the test part is read. The baseline knows the position of
# each base: all windows have the same length and the same middle, so trees on one-hot positions can
# be used.
chosen: dict[str, Any] = {}
for name, accuracies in curves.items():
    best = int(np.argmax(accuracies))
    if accuracies[best] > base + 2 * np.sqrt(2) * error:
        chosen[name] = grids[name][best]
print("changed:", chosen or "nothing")
model = pipeline(**chosen).fit(X_train, y_train)
trees = make_pipeline(
    FunctionTransformer(lambda texts: np.array([list(text) for text in texts])),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    ExtraTreesClassifier(500, random_state=0),
).fit(X_train, y_train)
print(f"test: LSTM {model.score(X_test, y_test):.1%}")
print(f"test: extra trees on one-hot positions {trees.score(X_test, y_test):.1%}")

# %%
# **What to remember.** Fit ``linear_model="alone"`` first, as here, where windows of equal length
# around a fixed position are a table. Where the network adds to it, choose ``max_epochs`` by the
# time that you have. Values that make the network weaker lose most: few units (``hidden_size``),
# the plain RNN, the last state alone, and a learning rate that is too small, or batches that are
# too large, for so few epochs. With so little data, most other differences are not larger than
# chance.
