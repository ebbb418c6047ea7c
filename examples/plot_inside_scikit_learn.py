"""
Inside scikit-learn: search, stack, calibrate, weight, store
============================================================

``LSTMSequenceClassifier`` is an estimator like any other. This page uses it in scikit-learn's own
tools: a grid search over a whole pipeline, stacking with TF-IDF, a calibration curve, imbalanced
classes, and a stored model. All of it works as with any other classifier.

The networks are small (``hidden_size=32``, two to four epochs), and only a part of the data is
used, so that all of it takes less than a minute.
"""

# %%
# Sentences of film reviews, negative or positive: 1,500 to learn from, 2,000 for the test.
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_movie_reviews, fetch_sms_spam
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.ensemble import StackingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, precision_score, recall_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.class_weight import compute_sample_weight
from skorch.callbacks import EpochScoring

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, labels = fetch_movie_reviews()
X_train, X_test, y_train, y_test = train_test_split(
    texts, labels, train_size=1500, test_size=2000, stratify=labels, random_state=0
)
print(f"{y_train[0]}: {X_train[0]}")

# %%
# Grid search over the whole pipeline
# -----------------------------------
# Parameters of both steps are searched together, with cross validation. In each fold the vocabulary
# is learned from that fold's training part alone.
model = Pipeline(
    [
        ("ids", TextSequenceVectorizer()),
        ("lstm", LSTMSequenceClassifier(hidden_size=32, max_epochs=2, random_state=0)),
    ]
)
search = GridSearchCV(model, {"ids__min_df": [1, 2], "lstm__max_epochs": [2, 4]}, cv=3)
search.fit(X_train, y_train)
for parameters, mean, deviation in zip(
    search.cv_results_["params"],
    search.cv_results_["mean_test_score"],
    search.cv_results_["std_test_score"],
    strict=True,
):
    print(f"{mean:.1%} (deviation {deviation:.1%})  {parameters}")
print("chosen:", search.best_params_)
model = search.best_estimator_

# %%
# Watch each epoch
# ----------------
# ``callbacks`` are those of skorch, which trains the network. ``EpochScoring`` scores the network,
# without the linear model beside it, on the training data after each epoch.
scoring = EpochScoring("accuracy", on_train=True, name="accuracy", lower_is_better=False)
watched = clone(model).set_params(lstm__callbacks=[scoring])
watched.fit(X_train, y_train)
for row in watched["lstm"].net_.history:
    print(f"epoch {row['epoch']}: accuracy {row['accuracy']:.1%}, loss {row['train_loss']:.3f}")

# %%
# Stacking with TF-IDF
# --------------------
# Two models that err on different texts are better together. ``StackingClassifier`` learns how much
# weight to give to each of them, from predictions for texts that the model at hand has not seen.
tfidf = make_pipeline(
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10)
)
stack = StackingClassifier([("tfidf", tfidf), ("lstm", model)], LogisticRegression(), cv=3)
tfidf.fit(X_train, y_train)
stack.fit(X_train, y_train)
fitted = {"TF-IDF, logistic regression": tfidf, "LSTM": model, "both, stacked": stack}
for name, candidate in fitted.items():
    print(f"{name:<28} {candidate.score(X_test, y_test):.1%} of the test sentences are right")

# %%
# Calibration: is 80 % right in 80 % of the cases?
# ------------------------------------------------
# The curve compares the probabilities with what came true. On the diagonal they agree. The
# classifier calibrates itself: the weights of its network and its linear model are fitted to
# samples that neither has learned from. ``CalibratedClassifierCV`` would work too. The Brier score
# is the mean squared error of the probability; smaller is better.
fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
brier = {}
for (name, candidate), marker in zip(fitted.items(), "osD", strict=True):
    positive = candidate.predict_proba(X_test)[:, 1]
    brier[name] = brier_score_loss(y_test == "positive", positive)
    CalibrationDisplay.from_predictions(
        y_test == "positive",
        positive,
        n_bins=10,
        strategy="quantile",
        name=f"{name} (Brier {brier[name]:.3f})",
        marker=marker,
        ax=ax,
    )
ax.set(
    title=f"Brier score of the LSTM: {brier['LSTM']:.3f}",
    xlabel="predicted probability of a positive sentence (mean of a bin)",
    ylabel="proportion of positive sentences in the bin",
)
plt.show()

# %%
# Rare classes
# ------------
# One text message of eight is spam. With few messages to learn from, a model misses some of it.
# ``class_weight="balanced"`` lets each class count the same. ``sample_weight`` does so message by
# message, for weights of your own; a pipeline passes it on by the name of the step. The weights
# used here are the balanced ones, so the two must agree.
messages, kinds = fetch_sms_spam()
M_train, M_test, k_train, k_test = train_test_split(
    messages, kinds, train_size=400, test_size=2000, stratify=kinds, random_state=0
)
print(f"{np.mean(k_train == 'spam'):.0%} of the {len(k_train)} training messages are spam")

unweighted = Pipeline(
    [
        ("ids", TextSequenceVectorizer()),
        ("lstm", LSTMSequenceClassifier(hidden_size=32, max_epochs=4, random_state=0)),
    ]
)
models = {
    "TF-IDF, no weights": make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)),
    "TF-IDF, class_weight": make_pipeline(
        TfidfVectorizer(), LogisticRegression(C=10, class_weight="balanced")
    ),
    "LSTM, no weights": unweighted,
    "LSTM, class_weight": clone(unweighted).set_params(lstm__class_weight="balanced"),
}
found, correct = {}, {}
for name, candidate in models.items():
    predicted = candidate.fit(M_train, k_train).predict(M_test)
    found[name] = 100 * recall_score(k_test, predicted, pos_label="spam")
    correct[name] = 100 * precision_score(k_test, predicted, pos_label="spam")
    print(f"{name:<21} finds {found[name]:.1f} % of the spam, right in {correct[name]:.1f} %")

weights = compute_sample_weight("balanced", k_train)
by_message = clone(unweighted).fit(M_train, k_train, lstm__sample_weight=weights)
same = by_message.predict(M_test) == models["LSTM, class_weight"].predict(M_test)
print(f"sample_weight gives the same label for {np.mean(same):.1%} of the test messages")

# %%
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
places = np.arange(len(models))
for offset, values, label in (
    (-0.2, found, "recall: spam that is found"),
    (0.2, correct, "precision: spam verdicts that are right"),
):
    bars = ax.barh(places + offset, list(values.values()), 0.38, label=label)
    ax.bar_label(bars, fmt="%.1f", padding=2)
ax.set_yticks(places, list(models))
ax.invert_yaxis()
ax.set(xlabel="% of the messages", xlim=(0, 110))
fig.legend(loc="outside lower center", ncols=2)
fig.suptitle(
    f"With balanced weights the LSTM finds {found['LSTM, class_weight']:.0f} % of the spam, "
    f"without {found['LSTM, no weights']:.0f} %"
)
plt.show()

# %%
# Keep the model
# --------------
# ``joblib`` and ``pickle`` store the whole model. What ``LSTMSequenceClassifier`` and
# ``TextSequenceVectorizer`` have learned is stored as NumPy arrays with a checksum. A model that
# was trained on a GPU loads on a machine without one. Load only files that you trust.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "model.joblib")
    joblib.dump(stack, path)
    loaded = joblib.load(path)
    print(f"{path.stat().st_size / 1e6:.1f} MB")
same = loaded.predict_proba(X_test) == stack.predict_proba(X_test)
print("the same probabilities:", bool(same.all()))

# %%
# **When the plain model is the better choice.** A grid search fits a model for each setting and
# fold: seconds with TF-IDF, minutes with networks trained to the end. With 1,500 sentences of
# reviews TF-IDF is about as good, and stacking shows that the two make different errors. If you
# search, do it with few epochs, and train to the end only once.
