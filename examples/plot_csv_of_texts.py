"""
A CSV of texts
==============

From a table with a column of texts and a column of labels to a model on disk: fit it, test it, see
what it gets wrong and why, store it.
"""

# %%
# The file
# --------
#
# Any table with a column of texts will do. This one is written here, so that the example finds it:
# 5,160 different text messages, "ham" or "spam" (Almeida, Gomez Hidalgo and Yamakami 2011).
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from example_data import fetch_sms_spam
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import ExplanationDisplay
from sklearn_lstm.io import load, save

folder = Path(tempfile.mkdtemp())
texts, labels = fetch_sms_spam()
pd.DataFrame({"text": texts, "label": labels}).to_csv(folder / "messages.csv", index=False)

table = pd.read_csv(folder / "messages.csv")
print(table.sample(4, random_state=0))

# %%
# Fit, test, store
# ----------------
#
# Both columns go in as they are. Spam is rare, so look at its recall, not at the accuracy alone.
training, test = train_test_split(table, stratify=table["label"], random_state=0)
model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
model.fit(training["text"], training["label"])
print(classification_report(test["label"], model.predict(test["text"]), digits=3))
save(model, folder / "spam.safetensors")

# %%
# What it gets wrong
# ------------------
#
# On the left, the messages of the test part by how probable the stored model finds spam. On the
# right, the spam that it finds least probable: the words on the left of 0 speak for ham.
model = load(folder / "spam.safetensors")
test = test.assign(spam=model.predict_proba(test["text"])[:, 1])
missed = test[test["label"] == "spam"].nsmallest(1, "spam")
print(missed["text"].item())

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
by_label = [test.loc[test["label"] == label, "spam"] for label in model.classes_]
left.hist(by_label, bins=20, label=[*model.classes_], stacked=True, log=True)
left.set(xlabel="probability of spam", ylabel="messages")
left.legend()
ExplanationDisplay.from_estimator(model, missed["text"], "spam", n_steps=14, ax=right)
plt.show()

# %%
# :doc:`plot_spam` chooses a threshold, and compares with TF-IDF, which is as good here and faster.
