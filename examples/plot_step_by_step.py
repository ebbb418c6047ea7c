"""
Step by step: from a text to a prediction
=========================================

The two lines ``TextSequenceVectorizer()`` and ``LSTMSequenceClassifier()`` do everything that a
tutorial on recurrent networks does by hand. This page does it one step at a time, and prints what
comes out of each step: tokenise, pad, one-hot, define the layers, compile, train, validate, test.

The data are text messages, spam or not ("ham").
"""

# %%
# Get the data, and put a test part aside
# ---------------------------------------
# 2,000 messages to learn from, 1,500 for the test at the very end. To keep this page quick, the
# rest of the data is not used.
import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_sms_spam
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from skorch.callbacks import EarlyStopping

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, labels = fetch_sms_spam()
texts_train, texts_test, y_train, y_test = train_test_split(
    texts, labels, train_size=2000, test_size=1500, stratify=labels, random_state=0
)
for label, text in zip(y_train[:3], texts_train[:3], strict=True):
    print(f"{label}: {text}")

# %%
# 1. Tokenise
# -----------
# A text becomes a list of tokens: words and punctuation. Upper case becomes lower case.
vectorizer = TextSequenceVectorizer(max_length=40, output="dense")
tokenize = vectorizer.build_analyzer()
print(tokenize("WINNER!! You don't pay."))

# %%
# Each token of the training part gets a number, its id. Frequent tokens have low ids. Two ids are
# reserved: 0 is padding, 1 is any token that was not in the training part.
vectorizer.fit(texts_train)
print(f"{len(vectorizer.vocabulary_):,} tokens have an id. The first ones:")
print(dict(list(vectorizer.vocabulary_.items())[:8]))
print(vectorizer.coverage_)

# %%
# 2. Pad
# ------
# An array has rows of equal length, messages have not. Short ones are filled up with 0; long ones
# keep their last 40 tokens (``truncation`` says which).
short_texts = ["You won!", "Call me when you are home", "qwertyuiop, call me"]
ids = vectorizer.transform(short_texts)
print(ids.shape)
print(ids[:, :9])
print(vectorizer.inverse_transform(ids)[2])

# %%
# The default, ``output="sparse"``, stores the ids without the zeros. The classifier reads both and
# gives the same probabilities: padding never counts as a part of the text.
#
# 3. One-hot
# ----------
# An id is only a name: 7 is not "more" than 6. A one-hot vector says the same without an order: all
# 0, and a single 1 in the column of the id. Here with the 12 most frequent tokens only, so that it
# can be drawn.
tiny = TextSequenceVectorizer(max_features=12, max_length=8, output="onehot").fit(texts_train)
one_hot = tiny.transform(["Call me, and you are the first to call"])
print(one_hot.shape, "texts, steps, ids")

names = ["unknown", *tiny.vocabulary_]  # padding has no id here: its steps are NaN
steps = tiny.inverse_transform(one_hot)[0]
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ax.imshow(one_hot[0].T, cmap="Blues", aspect="auto")
ax.set_xticks(range(len(steps)), steps)
ax.set_yticks(range(len(names)), [f"{i}: {name}" for i, name in enumerate(names, start=1)])
ax.set_xticks(np.arange(len(steps)) - 0.5, minor=True)
ax.set_yticks(np.arange(len(names)) - 0.5, minor=True)
ax.grid(which="minor", color="lightgrey")
ax.tick_params(which="minor", length=0)
ax.set(
    title=f"A text as one-hot vectors: {one_hot[0].sum():.0f} ones among {one_hot[0].size} numbers",
    xlabel="step (the last 8 tokens of the text)",
    ylabel="id: token",
)
plt.show()

# %%
# With the whole vocabulary nearly all numbers would be 0. Therefore the classifier never builds
# this array. ``embedding_dim=None`` reads ids as if they were one-hot vectors; the default learns a
# short vector for each id, which is a one-hot vector times a matrix.
#
# 4. Define the layers
# --------------------
# The parameters say which layers there are. ``linear_model=False`` leaves out the linear model
# that otherwise stands beside the network, so that this page shows the network alone.
classifier = LSTMSequenceClassifier(
    embedding_dim=32,
    cell="lstm",
    hidden_size=32,
    num_layers=1,
    bidirectional=True,
    pooling=("max", "mean"),
    dropout=0.3,
    linear_model=False,
    random_state=0,
)

# %%
# 5. Compile: loss and optimiser
# ------------------------------
# The loss is what training makes smaller, the optimiser is how. Here these are the defaults. The
# network itself is built in ``fit``, which knows how many tokens and classes there are.
classifier.set_params(
    criterion="cross_entropy",
    optimizer="adamw",
    lr=0.005,
    batch_size=32,
)

# %%
# 6. Train, and validate after each epoch
# ---------------------------------------
# ``early_stopping=True`` holds out a tenth of the training part. After each epoch the loss of these
# messages is computed. Training stops when it has not improved for 5 epochs, and the best weights
# come back. A callback of skorch says it otherwise: here 3 epochs are enough.
classifier.set_params(
    early_stopping=True,
    callbacks=[EarlyStopping(patience=3, load_best=True)],
    max_epochs=15,
)
classifier.fit(vectorizer.transform(texts_train), y_train)
print(classifier.module_)
n_weights = sum(weight.numel() for weight in classifier.module_.parameters())
print(f"{n_weights:,} weights")

# %%
# ``Embedding`` holds the vectors, 32 numbers for each token. Tokens that only the held-out messages
# have get no vector of their own, because the network could not learn it. There are two LSTMs: one
# reads from the first word to the last, the other the other way round. ``Pooling`` makes one vector
# of all their states, and ``output`` turns it into a score for each of the two classes.
#
# The history has one row for each epoch.
print("epoch  training loss  validation loss  learning rate")
for epoch, row in enumerate(classifier.history_, start=1):
    print(f"{epoch:5}  {row['train_loss']:13.4f}  {row['valid_loss']:15.4f}  {row['lr']:13.4f}")

# %%
# The training loss goes on falling, the validation loss does not: from there on the network learns
# the training messages by heart.
epochs = np.arange(1, classifier.n_epochs_ + 1)
valid_loss = np.array([row["valid_loss"] for row in classifier.history_])
best = int(valid_loss.argmin())
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(epochs, [row["train_loss"] for row in classifier.history_], "o-", label="training")
ax.plot(epochs, valid_loss, "o-", label="validation")
ax.axvline(best + 1, color="grey", linestyle=":", label="weights of this epoch are kept")
ax.set(
    title=f"The validation loss is lowest in epoch {best + 1}: {valid_loss[best]:.3f}",
    xlabel="epoch",
    ylabel="cross entropy per message (nats)",
    xticks=epochs,
    ylim=(0, None),
)
ax.legend()
plt.show()

# %%
# 7. Test, once
# -------------
# Only now the test part is read. Beside the network stands the usual model without one.
X_test = vectorizer.transform(texts_test)
print(f"LSTM, network alone: {classifier.score(X_test, y_test):.1%} of the test messages are right")
plain = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(texts_train, y_train)
print(f"TF-IDF, logistic regression: {plain.score(texts_test, y_test):.1%}")
for text in short_texts:
    spam = classifier.predict_proba(vectorizer.transform([text]))[0, 1]
    print(f"spam {spam:.2f}: {text}")

predicted = classifier.predict(X_test)
display = ConfusionMatrixDisplay.from_predictions(y_test, predicted, cmap="Blues", colorbar=False)
missed = np.mean(predicted[y_test == "spam"] == "ham")
display.ax_.set_title(f"{missed:.0%} of the spam messages pass as ham")
plt.show()

# %%
# ``make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())`` does all of this at once,
# with a linear model beside the network and with defaults that serve most data.
#
# **When the plain model is the better choice.** Single words give spam away ("free", "claim"), and
# their order says little. For such texts TF-IDF with a linear model is about as good, and fits in a
# fraction of a second.
