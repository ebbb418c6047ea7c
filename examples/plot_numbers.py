"""
Numbers beside a sequence: the head of a tune
=============================================

A review has a price, a stay in hospital the age of the patient, a tune a meter and a key. The
vectorizer and the classifier read a data frame that holds both, and weigh both in one model:

.. code-block:: python

    make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier()).fit(frame, y)

The tunes are from "Ryan's mammoth collection" (Boston 1883).
"""

# %%
# Notes, meters and keys
# ----------------------
#
# About a thousand dances of six types, such as reels and jigs, in ABC notation. One column of the
# frame holds the notes. What the head of a tune says stands beside them: how many beats a bar has,
# and which note lasts a beat, which note is written without a number, and the key. The vectorizer
# sees that the notes are the texts, and the key a category: few strings, which recur. A quarter of
# the tunes is for the test.
import matplotlib.pyplot as plt
import pandas as pd
from example_data import fetch_tunes_with_heads
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import ExplanationDisplay

tunes, meters, keys, types = fetch_tunes_with_heads()
METER = ["beats", "beat_note", "written_note"]
frame = pd.DataFrame({"notes": tunes, **dict(zip(METER, meters.T, strict=True)), "key": keys})
training, test, y_train, y_test = train_test_split(
    frame, types, test_size=0.25, stratify=types, random_state=0
)
print(training.drop(columns="notes").head(3))

# %%
# One model for both
# ------------------
#
# The numbers get a logistic regression of their own. It is a *member* of the model: one of the
# parts whose scores are added up. It scales the numbers, so that nothing else is needed.
# ``linear_model="alone"`` leaves out the network, to keep this page short.


def sequence_model() -> Pipeline:
    """Return the classifier, without a network."""
    return make_pipeline(
        TextSequenceVectorizer(analyzer="char", lowercase=False),
        LSTMSequenceClassifier(linear_model="alone", random_state=0),
    )


# %%
# Beside it stand the notes alone, the head alone, and a plain model of both: logistic regression on
# TF-IDF of one to five signs, beside scaled numbers and one-hot keys.


def head() -> list:
    """Return what turns the head of a tune into numbers of one scale."""
    return [(StandardScaler(), METER), (OneHotEncoder(handle_unknown="ignore"), ["key"])]


signs = TfidfVectorizer(analyzer="char", ngram_range=(1, 5), sublinear_tf=True, lowercase=False)
regression = LogisticRegression(C=100, max_iter=1000)
models = {
    "the head alone": (make_pipeline(make_column_transformer(*head()), regression), list(frame)),
    "classifier, the notes alone": (sequence_model(), "notes"),
    "TF-IDF, both": (
        make_pipeline(make_column_transformer((signs, "notes"), *head()), regression),
        list(frame),
    ),
    "classifier, both": (sequence_model(), list(frame)),
}
scores = {}
for name, (model, columns) in models.items():
    model.fit(training[columns], y_train)
    predicted = model.predict(test[columns])
    scores[name] = {
        "accuracy": accuracy_score(y_test, predicted),
        "macro F1": f1_score(y_test, predicted, average="macro"),
        "log loss": log_loss(y_test, model.predict_proba(test[columns])),
    }
table = pd.DataFrame(scores).T
print(table.round(3))

# %%
# The notes alone tell most of the types. What the head adds shows in the log loss: the
# probabilities get better, though most of the predicted types stay the same. The factors of the
# members say how much each of them counts:
both = models["classifier, both"][0]
print({name: round(weight, 2) for name, weight in both[-1].calibration_["weights"].items()})

# %%
# Longer bars are better on the left, shorter ones on the right:
shown = table[["accuracy", "log loss"]].iloc[::-1]
shown.plot.barh(subplots=True, layout=(1, 2), sharex=False, legend=False, figsize=(8, 2.6))
plt.tight_layout()
plt.show()

# %%
# What the head of one tune says
# ------------------------------
#
# The bars below the signs are those of the head, in comparison with the mean of all tunes. They do
# not depend on the notes: the model adds up what both say.
ExplanationDisplay.from_estimator(both, test[:1], n_steps=12)
plt.show()

# %%
# When not to
# -----------
#
# If numbers act together (a price is high *for this shop*), or a number changes what the text
# means, give the numbers to boosted trees, and join both models in a ``StackingClassifier``: see
# :ref:`numbers` in the user guide.
