"""
Several labels: above which probability?
========================================

Some messages are the same in Spain, Mexico and Argentina, others are not. Here each message has a
label for each of eight languages that it may be written in, and many have more than one. The page
shows what the threshold of a label is good for, and how ``threshold="f1"`` chooses it.

The texts are the messages that the translators of Django wrote. All translations of one message are
on the same side of the split.
"""

# %%
# Messages and their labels
# -------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC
from text_data import fetch_translations

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

NAMES = {
    "es": "Spanish",
    "es_AR": "Spanish, Argentina",
    "es_CO": "Spanish, Colombia",
    "es_MX": "Spanish, Mexico",
    "es_VE": "Spanish, Venezuela",
    "gl": "Galician",
    "pt": "Portuguese",
    "pt_BR": "Portuguese, Brazil",
}
found: dict[str, set[str]] = {}
message_of = {}
for text, language, message in zip(*fetch_translations(by_region=True), strict=True):
    if language in NAMES:
        found.setdefault(text, set()).add(language)
        message_of.setdefault(text, message)
X = np.array(list(found), object)
y = MultiLabelBinarizer(classes=list(NAMES)).fit_transform(found.values())
messages = np.array([message_of[text] for text in X], object)
splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
train, test = next(splitter.split(X, groups=messages))
print(f"{len(X):,} texts, {(y.sum(axis=1) > 1).mean():.0%} of them with several labels, such as")
example = X[y.sum(axis=1).argmax()]
print(f"{example!r}: {', '.join(sorted(found[example]))}")

# %%
# Thresholds
# ----------
#
# A label is predicted if its probability is above its threshold, 0.5 by default. Where a text may
# be of five countries, few probabilities are that large, and many texts get no label.
# ``threshold="f1"`` chooses the threshold of each label from held-out samples. To keep this page
# quick, the classifier has ``linear_model="alone"``, no network. The plain model counts n-grams
# of letters, and has a linear SVM for each label.


def model_with(threshold: float | str) -> Pipeline:
    """Return the pipeline that reads letters."""
    return make_pipeline(
        TextSequenceVectorizer(analyzer="char"),
        LSTMSequenceClassifier(threshold=threshold, linear_model="alone", random_state=0),
    )


models = {
    "TF-IDF of 1-5 letters, SVM": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True),
        OneVsRestClassifier(LinearSVC()),
    ),
    "threshold=0.5": model_with(0.5),
    'threshold="f1"': model_with("f1"),
}
print(f"{'':<28} micro F1  macro F1  without a label")
for name, model in models.items():
    predicted = model.fit(X[train], y[train]).predict(X[test])
    f1 = [f1_score(y[test], predicted, average=average) for average in ("micro", "macro")]
    print(f"{name:<28} {f1[0]:8.3f}  {f1[1]:8.3f} {1 - predicted.any(axis=1).mean():16.0%}")

# %%
# F1 over the threshold
# ---------------------
#
# Each curve is the F1 of a label on the test part. The square is the chosen threshold: half of the
# largest F1 that the model expected, from its own probabilities, of samples that it had not learned
# from. It needs no label of them.

model = models['threshold="f1"']
thresholds, probabilities = model[-1].thresholds_, model.predict_proba(X[test])
grid = np.linspace(0.02, 0.8, 79)
fig, axes = plt.subplots(2, 4, figsize=(11, 5), sharex=True, sharey=True, layout="constrained")
for label, (ax, name) in enumerate(zip(axes.flat, NAMES.values(), strict=True)):
    true, found_by = y[test][:, label], probabilities[:, label]
    curve, (chosen, half) = (
        [f1_score(true, found_by > threshold, zero_division=0) for threshold in places]
        for places in (grid, [thresholds[label], 0.5])
    )
    ax.plot(grid, curve, color="tab:grey")
    ax.plot(0.5, half, "o", color="black", fillstyle="none", label="0.5")
    ax.plot(thresholds[label], chosen, "s", color="tab:blue", label='"f1"')
    ax.set_title(f'{name}\nF1 {half:.2f} at 0.5, {chosen:.2f} by "f1"', fontsize="medium")
marks = axes[0, 0].get_legend_handles_labels()
fig.legend(*marks, loc="outside upper right", title="threshold", ncols=2)
fig.supxlabel("threshold")
fig.supylabel("F1 on the test part")
plt.show()

# %%
# **When to leave it at 0.5.** ``threshold="f1"`` raises the F1 of each label by itself, and so the
# macro F1. It finds more labels that apply, and says more that do not. Where a wrong label is worse
# than a missing one, choose the threshold by your costs. :ref:`thresholds` in the reference shows
# how to find one threshold for all labels.
