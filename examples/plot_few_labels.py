"""
Few labels: spam filters from 100 labelled messages
===================================================

Labelling messages takes time; collecting them takes none. Here 100 messages have a label, and 4,000
others have none. Vectors of words that are learned from all of them tell the classifier which words
are alike, also words that no labelled message holds.

The messages are from Almeida, Gomez Hidalgo and Yamakami (2011). The GloVe vectors at the end are
those of Pennington, Socher and Manning (2014), in the public domain.
"""

# %%
# Words that are alike
# --------------------
#
# :class:`~sklearn_lstm.WordVectors` reads texts without labels. Words that stand among the same
# words get similar vectors. A fifth of the messages is for the test, and is not read.
import time

import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_sms_spam
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC
from text_data import fetch_word_vectors

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer, WordVectors
from sklearn_lstm.inspection import explain

texts, labels = fetch_sms_spam()
X_train, X_test, y_train, y_test = train_test_split(
    texts, labels, test_size=0.2, stratify=labels, random_state=0
)
start = time.perf_counter()
vectors = WordVectors().fit(X_train)
print(f"{len(X_train):,} messages in {time.perf_counter() - start:.1f} s")
print(vectors)

words = np.array(list(vectors.vocabulary_))  # the most frequent one first
analyzer = TextSequenceVectorizer().build_analyzer()


def nearest(word: str, n_words: int) -> list[str]:
    """Return the words with the most similar vectors, the word itself first."""
    alike = vectors.vectors_ @ vectors.vectors_[vectors.vocabulary_[word]]
    return words[np.argsort(-alike)[:n_words]].tolist()


for word in ("prize", "camera", "love", "home"):
    _, *others = nearest(word, 8)
    print(f"{word} is like {', '.join(others)}")

# %%
# Four models
# -----------
#
# The plain model has no network: it counts words, pairs of words and pieces of words. The other
# three are the same classifier: without vectors, with those of the messages without labels, and
# with vectors that others have learned from many English texts.
glove_words, glove = fetch_word_vectors()
glove = (glove[:40_000] - glove[:40_000].mean(axis=0)) / glove[:40_000].std()
from_others = dict(zip(glove_words, glove, strict=False))


def plain() -> Pipeline:
    """Return the plain model."""
    words_and_letters = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    return make_pipeline(words_and_letters, LinearSVC())


def lstm(embeddings: object = None) -> Pipeline:
    """Return the sequence classifier."""
    return make_pipeline(
        TextSequenceVectorizer(), LSTMSequenceClassifier(embeddings=embeddings, random_state=0)
    )


MODELS = {
    "TF-IDF, linear SVM": plain,
    "LSTM": lstm,
    "LSTM, vectors that others learned": lambda: lstm(from_others),
    "LSTM, vectors of texts without labels": lambda: lstm(vectors),
}

# %%
# Which 100 messages have a label is chance, so we draw them several times. Each point of the
# picture is a draw.
N_LABELS, N_DRAWS = 100, 3
accuracies: dict[str, list[float]] = {name: [] for name in MODELS}
for draw in range(N_DRAWS):
    rows = np.random.default_rng(draw).permutation(len(X_train))[:N_LABELS]
    for name, make in MODELS.items():
        model = make().fit(X_train[rows], y_train[rows])
        accuracies[name].append(100 * model.score(X_test, y_test))
for name, values in accuracies.items():
    print(f"{name:<38} {np.mean(values):.1f} %")

# %%
# Left: the accuracies. The dotted line is the share of ham: a model that calls everything ham
# reaches it. Right: the 500 most frequent words, at the two principal components of their vectors.
# The words of spam are on one side, although no label was used to place them. The labels of all
# training messages only colour them. So a few labels are enough to tell which side is which.
some = words[:500]
places = PCA(2, random_state=0).fit_transform(vectors.vectors_[:500])
counter = CountVectorizer(analyzer=analyzer, vocabulary=list(some), binary=True)
holds = counter.transform(X_train)
share = holds[y_train == "spam"].sum(axis=0).A1 / holds.sum(axis=0).A1

fig, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.8), width_ratios=(1, 1.3), layout="constrained"
)
COLORS = ("grey", "tab:blue", "tab:orange", "tab:green")
for row, ((name, values), color) in enumerate(zip(accuracies.items(), COLORS, strict=True)):
    left.plot(values, [row] * len(values), "o", color=color)
    left.plot(np.mean(values), row, "|", color=color, markersize=22)
    left.text(87.8, row - 0.3, f"{name}: {np.mean(values):.1f} %", fontsize=9)
left.axvline(100 * np.mean(y_test == "ham"), color="black", lw=1, ls=":")
left.set(xlim=(84, 100), ylim=(3.5, -0.6), xlabel="accuracy, %")
left.set(title=f"Spam from {N_LABELS} labels, {N_DRAWS} draws")
left.set_yticks([])

dots = right.scatter(*places.T, c=100 * share, cmap="coolwarm", s=14)
for word in ("prize", "urgent", "mobile", "love", "tomorrow", "home", "dinner"):
    place = places[vectors.vocabulary_[word]]
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.85, "linewidth": 0}
    right.annotate(word, place, (6, 6), textcoords="offset points", fontsize=10, bbox=box)
fig.colorbar(dots, ax=right, label="of the messages with this word are spam, %")
right.set(title="Words by their vectors, learned without labels")
right.set_xticks([])
right.set_yticks([])
plt.show()

# %%
# New words
# ---------
#
# The last model again, with vectors of texts without labels. These words are in no labelled
# message, but in spam of the test part. ``explain`` says how much they add to the score of spam, by
# their vectors and by their letters. The last column is the word of the labelled messages with the
# most similar vector.
seen = model[0].vocabulary_
added: dict[str, float] = {}
for explanation in explain(model, X_test[y_test == "spam"][:30], target="spam"):
    for word, value in zip(explanation.data, explanation.values, strict=True):
        if word.isalpha() and word not in seen and word in vectors.vocabulary_:
            added[word] = max(added.get(word, 0), value)
for word in sorted(added, key=lambda word: -added[word])[:8]:
    like = next(other for other in nearest(word, len(words)) if other in seen)
    print(f"{word:<14} {added[word]:+.2f}  like {like!r}")

# %%
# **When to take them.** With 100 to 1,000 labels, and many texts without that are like those to be
# predicted. The more labels, the smaller the gain. :doc:`/few_labels` has the accuracies of five
# tasks from 100 labels to all, and says which vectors suit which data.
