"""
Few texts: word vectors that others have learned
================================================

With some hundred labelled texts, most words of a new text are unknown. Pretrained vectors tell what
these words are like. This page draws the accuracy over the number of training texts, with and
without such vectors, where they help much, and where they help little.

The vectors are the GloVe vectors of Pennington, Socher and Manning (2014), in the public domain.
They are for English. The sentences are from Pang and Lee (2004) and Hutto and Gilbert (2014), the
messages from Almeida, Gomez Hidalgo and Yamakami (2011).
"""

# %%
# Words and their vectors
# -----------------------
#
# To keep the example short, we take the 40,000 most frequent of the 400,000 words. The network
# expects numbers of about mean 0 and deviation 1. In your own code, read the vectors as
# :ref:`word-vectors` says.
import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_movie_reviews, fetch_sms_spam
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC
from text_data import fetch_word_vectors

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

words, vectors = fetch_word_vectors()
words, vectors = words[:40_000], vectors[:40_000]
vectors = (vectors - vectors.mean(axis=0)) / vectors.std()

lengths = np.linalg.norm(vectors, axis=1)
for word in ("superb", "dreadful", "voucher"):
    row = words.index(word)
    alike = vectors @ vectors[row] / lengths
    print(f"{word} is like {', '.join(words[i] for i in np.argsort(-alike)[1:6])}")

# %%
# Three models
# ------------
#
# The vectorizer gets all these words as its vocabulary, and the other words of the training texts
# follow. So it knows words that no training text holds. Row *i* of ``embeddings`` is the vector of
# id *i*; ids 0 and 1 stand for padding and for unknown words. The vectors stay as they are
# (``freeze_embeddings=True``): if they were trained, the words of the training texts would move
# away from the others.


def with_vectors() -> Pipeline:
    """Return our model with the pretrained vectors."""
    return make_pipeline(
        TextSequenceVectorizer(vocabulary=words, fixed_vocabulary=False),
        LSTMSequenceClassifier(
            embeddings=np.pad(vectors, ((2, 0), (0, 0))), freeze_embeddings=True, random_state=0
        ),
    )


def without() -> Pipeline:
    """Return our model with its default parameters."""
    return make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))


def plain() -> Pipeline:
    """Return the plain model: words, pairs of words and pieces of words are counted."""
    words_and_letters = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True),
    )
    return make_pipeline(words_and_letters, LinearSVC())


# %%
# Film reviews and SMS
# --------------------
#
# *Film reviews*: is a sentence positive or negative? There are very many words for praise and
# blame. *SMS*: is a message spam? Few words, numbers and abbreviations tell.
MODELS = {"LSTM with word vectors": with_vectors, "LSTM": without, "tf-idf, linear SVM": plain}
SIZES = [100, 300, 1000]
tasks = {"film reviews": fetch_movie_reviews(), "SMS": fetch_sms_spam()}
accuracies: dict[str, dict[str, list[float]]] = {}
for task, (texts, labels) in tasks.items():
    X_train, X_test, y_train, y_test = train_test_split(
        texts, labels, train_size=max(SIZES), test_size=1500, stratify=labels, random_state=0
    )
    accuracies[task] = {name: [] for name in MODELS}
    for size in SIZES:
        for name, make in MODELS.items():
            model = make().fit(X_train[:size], y_train[:size])
            accuracy = model.score(X_test, y_test)
            accuracies[task][name].append(100 * accuracy)
            print(f"{task:<12} {size:5,} texts  {name:<22} {accuracy:6.1%}")

# %%
# What the vectors bring
# ----------------------
fig, axes = plt.subplots(1, 2, figsize=(8.5, 4), layout="constrained")
for ax, (task, of_models) in zip(axes, accuracies.items(), strict=True):
    for (name, values), color in zip(
        of_models.items(), ["tab:green", "tab:blue", "grey"], strict=True
    ):
        ax.plot(SIZES, values, "o-", color=color, label=name)
    gain = np.mean(np.subtract(of_models["LSTM with word vectors"], of_models["LSTM"]))
    ax.set(
        title=f"{task}: the vectors bring {gain:+z.1f} points on average",
        xlabel="training texts",
        ylabel="accuracy, %",
        xscale="log",
    )
    ax.title.set_size(10)
    ax.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
    ax.minorticks_off()
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# **When to take them.** With up to a few thousand English texts, if meaning decides and many words
# can say the same. **When not.** If letters, names or numbers decide, if there are many texts, or
# if the language is another one. The model also becomes larger: it stores the 40,000 vectors, once
# as its parameter and once for each of its two networks.
