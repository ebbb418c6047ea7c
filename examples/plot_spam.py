"""
Spam in text messages and mails
===============================

A spam filter that loses a good message is worse than one that lets some spam through. This example
shows how to choose the threshold when spam is rare, what happens when spammers use new words, and
which words the model saw in a message.

The data are the SMS Spam Collection (Almeida, Gomez Hidalgo and Yamakami, 2011). The mails at the
end are the public corpus of SpamAssassin. They are read if their server can be reached.
"""

# %%
# Messages
# --------
#
# Three fifths of the messages are for training, one fifth is for choosing the threshold, and one
# fifth is for the test. In the training part we keep one spam message of six, so that spam is rare.
# "ham" is the label of messages that are not spam.

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from comparing import compare
from example_data import fetch_sms_spam
from fetching import FetchError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC
from text_data import fetch_mails

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import ExplanationDisplay, explain

RARE = 6
texts, labels = fetch_sms_spam()
X_fit, X_test, y_fit, y_test = train_test_split(
    texts, labels, test_size=0.2, stratify=labels, random_state=0
)
X_train, X_choose, y_train, y_choose = train_test_split(
    X_fit, y_fit, test_size=0.25, stratify=y_fit, random_state=0
)
kept = y_train == "ham"
kept[np.flatnonzero(y_train == "spam")[::RARE]] = True
X_train, y_train = X_train[kept], y_train[kept]
print(f"{np.mean(y_train == 'spam'):.1%} of {len(y_train):,} training messages are spam")

# %%
# The models
# ----------
#
# The plain model is hard to beat on spam: TF-IDF of words and of pieces of words, with a linear
# support vector machine.


def lstm() -> Pipeline:
    """Return the sequence classifier with its default parameters."""
    return make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))


def plain() -> Pipeline:
    """Return the plain model."""
    words_and_letters = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    return make_pipeline(words_and_letters, LinearSVC())


models = {"LSTM": lstm(), "TF-IDF, linear SVM": plain()}
compare(models, X_train, y_train, X_test, y_test)

# %%
# The threshold
# -------------
#
# ``predict`` says "spam" where spam is more probable than ham. This is one threshold of many. On
# the part that was kept for this, we look for the lowest threshold with which 99 of 100 alarms
# (messages that are called spam) are right. The test part tells how well this works. Each spam
# message of these two parts counts one sixth, so that spam is as rare in them as in the training
# part.


def weights(y: np.ndarray) -> np.ndarray:
    """Return how much each message counts."""
    return np.where(y == "spam", 1 / RARE, 1.0)


figure, ax = plt.subplots(figsize=(6.5, 4.5), layout="constrained")
areas = {}
for (name, model), marker in zip(models.items(), "os", strict=True):
    chosen_scores, scores = model.decision_function(X_choose), model.decision_function(X_test)
    precision, _, thresholds = precision_recall_curve(
        y_choose, chosen_scores, pos_label="spam", sample_weight=weights(y_choose)
    )
    threshold = thresholds[np.flatnonzero(precision[:-1] >= 0.99)[0]]
    found = scores[y_test == "spam"] >= threshold
    lost = scores[y_test == "ham"] >= threshold
    default = scores[y_test == "spam"] > 0
    print(f"{name}:")
    print(f"  with the default threshold it finds {default.mean():.1%} of the spam")
    print(f"  with the chosen one {found.mean():.1%}, and loses {lost.sum()} of {lost.size} ham")
    curve = precision_recall_curve(y_test, scores, pos_label="spam", sample_weight=weights(y_test))
    areas[name] = average_precision_score(
        y_test, scores, pos_label="spam", sample_weight=weights(y_test)
    )
    (line,) = ax.plot(curve[1], curve[0], label=f"{name} (area {areas[name]:.3f})")
    alarms = found.sum() / RARE + lost.sum()
    precision_of_alarms = found.sum() / RARE / alarms
    ax.plot(found.mean(), precision_of_alarms, marker, color=line.get_color(), markersize=9)
ax.set(
    xlabel="recall: proportion of the spam that is found",
    ylabel="precision: proportion of the alarms that are right",
    xlim=(0.5, 1.01),
    ylim=(0.5, 1.01),
    title=f"Rare spam: area under the curve {areas['LSTM']:.3f} (LSTM)\n"
    "the marks are the thresholds chosen on other messages",
)
ax.legend(loc="lower left")
plt.show()

# %%
# Spam with new words
# -------------------
#
# Spammers change their words. So we take all messages with one of the ten words below out of
# training, ham and spam. The test is the spam among them. The network reads a word that training
# has not seen as an unknown token. It has learned a vector for unknown tokens, because training
# hides some words, and it still sees the words around it. The linear model
# beside the network and the plain model also see pieces of words, and new words have known pieces.

NEW_WORDS = {"prize", "claim", "cash", "won", "award", "urgent", "tone", "voucher", "gift", "offer"}
analyzer = TextSequenceVectorizer().build_analyzer()
is_new = np.array([not NEW_WORDS.isdisjoint(analyzer(text)) for text in texts])
old = {
    "LSTM": lstm(),
    "TF-IDF, linear SVM": plain(),
    "TF-IDF of words only": make_pipeline(TfidfVectorizer(), LinearSVC()),
}
spam_of_new_words = texts[is_new & (labels == "spam")]
for name, model in old.items():
    model.fit(texts[~is_new], labels[~is_new])
    print(
        f"{name:<20} finds {np.mean(model.predict(spam_of_new_words) == 'spam'):.1%} "
        f"of {len(spam_of_new_words)} spam messages with new words"
    )

# %%
# What the model saw
# ------------------
#
# :func:`~sklearn_lstm.inspection.explain` tells how much each word adds to the score of a class.
# The bars are logits: a message is called spam if the base value and all bars together are above 0.
# This message has words that were not in the training part. They have bars of the linear model
# alone, which knows pieces of them.

model = old["LSTM"]
known = set(model[0].vocabulary_)
unknown_words = [sum(word not in known for word in analyzer(text)) for text in spam_of_new_words]
short = [len(analyzer(text)) <= 25 for text in spam_of_new_words]
message = spam_of_new_words[np.argmax(np.array(unknown_words) * short)]
print(fill(message, 78))
print("unknown:", *(word for word in analyzer(message) if word not in known))
(explanation,) = explain(model, [message], target="spam")
display = ExplanationDisplay(explanation).plot()
network, words = explanation.network.sum(), explanation.linear.sum()
display.ax_.set_title(
    f"The score of spam is {explanation.score:+.1f}:\nbase value {explanation.base_value:+.1f}, "
    f"network {network:+z.1f}, linear model {words:+.1f}",
    color="black",
    fontsize=10,
)
display.ax_.get_legend().remove()  # it would lie on the bars
display.figure_.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# Mails
# -----
#
# Mails are longer. To keep this example short, there are 1,000 mails to learn from, and the LSTM
# reads the first 100 words of a mail; the plain model reads all words.

try:
    mails, kinds = fetch_mails()
except FetchError as error:
    print(fill(f"Text messages alone. {error}", 78))
else:
    some = np.random.default_rng(0).permutation(len(mails))[:2000]
    X_train, X_test, y_train, y_test = train_test_split(
        mails[some], kinds[some], test_size=0.5, stratify=kinds[some], random_state=0
    )
    model = lstm().set_params(textsequencevectorizer__max_length=100)
    compare({"LSTM": model, "TF-IDF, linear SVM": plain()}, X_train, y_train, X_test, y_test)

# %%
# When to use which
# -----------------
#
# Spam is recognised by its words and pieces of them, and their order hardly matters. The two
# models are about equally good, with little spam to learn from and with all messages of the
# collection, and the plain model fits in a second: take it here. Take the LSTM if you need
# probabilities.
