"""
From TF-IDF and logistic regression to this
===========================================

Many text classifiers are a pipeline of ``TfidfVectorizer`` and ``LogisticRegression``. This page
changes the two lines of such a pipeline, and measures what one gains and what one pays: accuracy
and seconds over the number of training texts, on one task where the plain pipeline is enough, and
on one where it is not.
"""

# %%
# The two lines that change
# -------------------------
# The pipeline before:
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
from example_data import fetch_movie_reviews, fetch_splice_sites
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

before = Pipeline(
    [
        ("vectorizer", TfidfVectorizer()),
        ("classifier", LogisticRegression(C=10, max_iter=1000)),
    ]
)

# %%
# And after. Nothing else changes: ``fit``, ``predict``, ``predict_proba``, grid search, cross
# validation and ``joblib.dump`` work as before.
after = Pipeline(
    [
        ("vectorizer", TextSequenceVectorizer()),
        ("classifier", LSTMSequenceClassifier(random_state=0)),
    ]
)

# %%
# The parameters of ``TfidfVectorizer`` that say what a token is (``analyzer``, ``lowercase``,
# ``tokenizer``, ``stop_words``, ``min_df``, ...) stay as they are. ``ngram_range`` goes, because
# the network reads the tokens in their order. Three habits change too:
#
# - one-letter words and punctuation are tokens, unless you pass scikit-learn's ``token_pattern``;
# - ``random_state`` matters, since the weights of a network begin at random;
# - ``C`` and ``penalty`` do not exist; ``class_weight`` and ``sample_weight`` work as before.
#
# Two tasks
# ---------
# *Film reviews*: is a sentence positive or negative? Mostly single words tell. *Splice sites*: 60
# bases of DNA, is there a border of an exon in the middle, and of which kind? The same short
# n-grams of bases are everywhere, but it matters where they stand.
#
# The test part stays the same while the training part grows. To keep this page quick, it grows to
# 1,000 texts only.
sentences, opinions = fetch_movie_reviews()
X_train, X_test, y_train, y_test = train_test_split(
    sentences, opinions, test_size=2000, stratify=opinions, random_state=0
)
tasks: dict[str, tuple[Any, Any, Any, Any]] = {"film reviews": (X_train, y_train, X_test, y_test)}

windows, borders = fetch_splice_sites()
X_train, X_test, y_train, y_test = train_test_split(
    windows, borders, test_size=600, stratify=borders, random_state=0
)
tasks["splice sites"] = (X_train, y_train, X_test, y_test)

sizes = [250, 1000]
settings = {
    "film reviews": ({}, {}),
    "splice sites": ({"analyzer": "char", "ngram_range": (1, 5)}, {"analyzer": "char"}),
}

# %%
# Each pipeline is fitted to each number of texts. ``linear_model="alone"`` is the middle way: the
# linear model without the network beside it. A small fit comes first and is
# not timed, because torch loads parts of itself then.
clone(after).set_params(classifier__max_epochs=1).fit(sentences[::20], opinions[::20])
results: dict[str, dict[str, list[tuple[float, float]]]] = {}
for task, (X_train, y_train, X_test, y_test) in tasks.items():
    before.set_params(**{f"vectorizer__{key}": v for key, v in settings[task][0].items()})
    after.set_params(**{f"vectorizer__{key}": v for key, v in settings[task][1].items()})
    variants = {
        "TF-IDF, logistic regression": (before, {}),
        "linear model alone": (after, {"classifier__linear_model": "alone"}),
        "LSTM, default parameters": (after, {"classifier__linear_model": True}),
    }
    results[task] = {name: [] for name in variants}
    for size in sizes:
        for name, (model, parameters) in variants.items():
            model.set_params(**parameters)
            start = perf_counter()
            model.fit(X_train[:size], y_train[:size])
            seconds = perf_counter() - start
            accuracy = model.score(X_test, y_test)
            results[task][name].append((100 * accuracy, seconds))
            print(f"{task:<12} {size:5,} texts  {name:<34} {accuracy:6.1%}  {seconds:5.1f} s")

# %%
# What one gains, what one pays
# -----------------------------
STYLES = [("grey", "s-"), ("tab:orange", "D-"), ("tab:blue", "o-")]
fig, axes = plt.subplots(2, 2, figsize=(9, 6.4), sharex="col", layout="constrained")
for (task, of_models), (top, bottom) in zip(results.items(), axes.T, strict=True):
    for (name, points), (color, style) in zip(of_models.items(), STYLES, strict=True):
        accuracies, seconds = zip(*points, strict=True)
        top.plot(sizes, accuracies, style, color=color, label=name)
        bottom.plot(sizes, seconds, style, color=color, label=name)
    plain, ours = of_models["TF-IDF, logistic regression"], of_models["LSTM, default parameters"]
    gain, price = ours[-1][0] - plain[-1][0], ours[-1][1] / plain[-1][1]
    top.set(
        title=f"{task}, {sizes[-1]:,} texts:\n"
        f"{gain:+z.1f} points for {price:.0f} times the seconds",
        ylabel="accuracy, %",
    )
    bottom.set(xlabel="training texts", ylabel="seconds of a fit", xscale="log", yscale="log")
    bottom.set_xticks(sizes, [f"{size:,}" for size in sizes])
    bottom.set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    bottom.minorticks_off()
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# Could the plain pipeline do better? A linear SVM and logarithmic counts are the usual next step.
for task, (X_train, y_train, X_test, y_test) in tasks.items():
    stronger = Pipeline(
        [
            ("vectorizer", TfidfVectorizer(sublinear_tf=True, **settings[task][0])),
            ("classifier", LinearSVC()),
        ]
    )
    size = sizes[-1]
    accuracy = stronger.fit(X_train[:size], y_train[:size]).score(X_test, y_test)
    print(f"{task}, {size:,} texts: linear SVM {accuracy:.1%}")

# %%
# **When to stay with TF-IDF.** Where words alone decide, as for opinions, topics and spam, and with
# few texts: there the plain pipeline is about as good, and fits in less than a second. **When
# to change.** Where order or place decide: a bag cannot see them, with any number of texts. (Splice
# sites have a better plain model than TF-IDF. All windows have the same middle, so each position
# can be a column: :ref:`sphx_glr_auto_examples_plot_bioinformatics.py`.) In between,
# ``linear_model="alone"`` is a first step, and one parameter away from the network.
