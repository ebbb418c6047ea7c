"""
Music: types of tunes, and composing
====================================

A tune is a sequence of signs. First we tell reels, jigs and other dances apart. Then the same
classifier learns which sign comes next, and we compose with it: each new sign is drawn from
``predict_proba``.

The tunes are from "Ryan's mammoth collection" (Boston, 1883), in ABC notation: letters are notes
(C and c are an octave apart), numbers are lengths, and ``|`` ends a bar.
"""

# %%
# Which dance is it?
# ------------------
#
# Both models read the signs of a tune. To keep the example short, they read the first 100 signs
# only.

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from comparing import compare
from example_data import fetch_tunes
from melodies import fetch_melodies, midi, notes_of
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import classification_report, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

tunes, types = fetch_tunes()
tunes = np.array([tune[:100] for tune in tunes], object)
X_train, X_test, y_train, y_test = train_test_split(
    tunes, types, test_size=0.2, stratify=types, random_state=0
)
model = make_pipeline(
    TextSequenceVectorizer(analyzer="char", lowercase=False),
    LSTMSequenceClassifier(random_state=0),
)
plain = make_pipeline(
    TfidfVectorizer(
        analyzer="char", lowercase=False, ngram_range=(1, 5), min_df=2, sublinear_tf=True
    ),
    LinearSVC(),
)
compare({"LSTM": model, "TF-IDF of 1-5 signs, SVM": plain}, X_train, y_train, X_test, y_test)
print(classification_report(y_test, model.predict(X_test), zero_division=0))

# %%
# Predicting the next sign
# ------------------------
#
# Now X holds the last 20 signs (or fewer) before a place in a reel in D, and y is the sign at this
# place. 60 tunes are for training. The classes are all signs that occur at least 20 times in them.
# 18 tunes are for choosing the plain model, the others for the test.

CONTEXT = 20


def windows(tunes: list[list[str]], signs: set[str] | None = None) -> tuple[list, np.ndarray]:
    """Return what is before each sign, and the sign."""
    X, y = [], []
    for tune in tunes:
        whole = ["start", *tune, "end"]
        for i in range(1, len(whole)):
            if signs is None or whole[i] in signs:
                X.append(whole[max(0, i - CONTEXT) : i])
                y.append(whole[i])
    return X, np.array(y, object)


reels = fetch_melodies("reel", "D")
order = np.random.default_rng(0).permutation(len(reels))
training, choosing, testing = (
    [reels[i] for i in part] for part in (order[:60], order[60:78], order[78:])
)
names, counts = np.unique(windows(training)[1].astype(str), return_counts=True)
SIGNS = set(names[counts >= 20])
X_train, y_train = windows(training, SIGNS)
X_choose, y_choose = windows(choosing, SIGNS)
X_test, y_test = windows(testing, SIGNS)

# %%
# The plain model counts which sign came after the same last signs. The more often such an n-gram of
# signs was seen, the more its counts weigh.


class NGrams(ClassifierMixin, BaseEstimator):
    """Predict the next sign from how often it came after the last `longest` signs.

    The counts of n signs are mixed with the prediction from n - 1 signs, which counts as `prior`
    observations.
    """

    def __init__(self, longest: int = 4, prior: float = 5.0) -> None:
        self.longest = longest
        self.prior = prior

    def fit(self, X: list[list[str]], y: np.ndarray) -> "NGrams":
        """Count."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.counts_ = defaultdict(lambda: np.zeros(len(self.classes_)))
        for before, code in zip(X, codes, strict=True):
            for n in range(min(self.longest, len(before)) + 1):
                self.counts_[tuple(before[len(before) - n :])][code] += 1
        return self

    def predict_proba(self, X: list[list[str]]) -> np.ndarray:
        """Return the probability of each sign, of shape (n_samples, n_classes)."""
        return np.array([self._probabilities(before) for before in X])

    def predict(self, X: list[list[str]]) -> np.ndarray:
        """Return the most probable sign of each place."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _probabilities(self, before: list[str]) -> np.ndarray:
        mixed = np.full(len(self.classes_), 1 / len(self.classes_))
        for n in range(min(self.longest, len(before)) + 1):
            counts = self.counts_.get(tuple(before[len(before) - n :]))
            if counts is None:
                break
            mixed = (counts + self.prior * mixed) / (counts.sum() + self.prior)
        return mixed


# %%
# How many signs the plain model looks at is chosen on tunes that are in neither of the other parts.
# ``analyzer=list`` tells the vectorizer that a text is a list of signs already. A sign is a letter
# of a small alphabet, so ``input_type="characters"``. What comes next depends most on the last
# signs, so ``pooling="last"``: the state after the last sign decides.

candidates = [NGrams(longest).fit(X_train, y_train) for longest in (2, 3, 4, 6, 8)]
ngrams = max(candidates, key=lambda candidate: candidate.score(X_choose, y_choose))
composer = make_pipeline(
    TextSequenceVectorizer(analyzer=list),
    LSTMSequenceClassifier(input_type="characters", pooling="last", random_state=0),
)
models = {"LSTM": composer, f"n-grams of {ngrams.longest}": ngrams}
compare(models, X_train, y_train, X_test, y_test)
for name, candidate in models.items():
    loss = log_loss(y_test, candidate.predict_proba(X_test), labels=candidate.classes_)
    print(f"{name:<14} perplexity {np.exp(loss):.2f}")

# %%
# A perplexity of 7 means that the model is as unsure as if it had to choose among 7 equally
# probable signs.
#
# Composing
# ---------
#
# A composition starts with "start" and grows sign by sign. The temperature says how often less
# probable signs are taken: near 0 the most probable sign is always taken, at 1 each sign is taken
# with its probability. Lower temperatures give tunes that are more regular, with less variety.
#
# Two numbers judge the tunes. The first is the proportion of full bars: a bar of a reel has eight
# eighths, and the models have to learn this from the tunes. The second is the proportion of n-grams
# of eight signs that are also in a training tune, and so were perhaps copied. Reels by people have
# some such n-grams too: those that were not used for training show how many are usual.


def compose(model: object, temperature: float, n_tunes: int, n_signs: int = 145) -> list[list[str]]:
    """Return tunes of `n_signs` signs, each drawn from the probabilities of the model."""
    generator = np.random.default_rng(0)
    tunes = [["start"] for _ in range(n_tunes)]
    allowed = model.classes_ != "end"
    for _ in range(n_signs):
        probabilities = model.predict_proba([tune[-CONTEXT:] for tune in tunes])
        weights = np.where(allowed, probabilities, 0) ** (1 / temperature)
        weights /= weights.sum(axis=1, keepdims=True)
        for tune, row in zip(tunes, weights, strict=True):
            tune.append(str(generator.choice(model.classes_, p=row)))
    return [tune[1:] for tune in tunes]


def full_bars(tunes: list[list[str]]) -> float:
    """Return the proportion of the bars that have eight eighths."""
    bars = [bar.split() for tune in tunes for bar in " ".join(tune).split("|")[1:-1]]
    return float(np.mean([abs(sum(n.length for n in notes_of(bar)) - 8) < 0.01 for bar in bars]))


def ngrams_of_eight(tunes: list[list[str]]) -> set[tuple[str, ...]]:
    """Return all n-grams of eight signs."""
    return {tuple(tune[i : i + 8]) for tune in tunes for i in range(len(tune) - 7)}


HUMAN = "Ryan's reels"
composed = {
    "LSTM, temperature 0.5": compose(composer, 0.5, n_tunes=10),
    "LSTM, temperature 1.0": compose(composer, 1.0, n_tunes=10),
    "n-grams, temperature 0.5": compose(ngrams, 0.5, n_tunes=10),
    "n-grams, temperature 1.0": compose(ngrams, 1.0, n_tunes=10),
}
full = {name: full_bars(tunes) for name, tunes in {HUMAN: testing, **composed}.items()}
seen = ngrams_of_eight(training)
copied = {}
for name, tunes in {HUMAN: testing, **composed}.items():
    copied[name] = np.mean([ngram in seen for ngram in ngrams_of_eight(tunes)])
    print(f"{name:<26} full bars: {full[name]:.0%}, in training tunes: {copied[name]:.0%}")

# %%
# Piano rolls
# -----------
#
# Each line is a note: how high it is, when it starts and how long it lasts. The dotted lines are
# eight eighths apart.

rolls = {HUMAN: testing[0]} | {name: tunes[0] for name, tunes in composed.items()}
figure, axes = plt.subplots(5, 1, figsize=(8, 9), sharex=True, sharey=True, layout="constrained")
for ax, (name, signs) in zip(axes, rolls.items(), strict=True):
    notes = [note for note in notes_of(signs) if note.start < 64]
    ax.hlines(
        [note.pitch for note in notes],
        [note.start for note in notes],
        [note.start + 0.9 * note.length for note in notes],
        linewidth=3,
    )
    for bar in range(0, 65, 8):
        ax.axvline(bar, color="grey", linestyle=":", linewidth=0.8)
    ax.set_title(
        f"{name}: {full[name]:.0%} of the bars are full, {copied[name]:.0%} is in training tunes",
        fontsize=10,
    )
    ax.set_yticks([62, 69, 74, 81], ["D", "A", "d", "a"])
    ax.set_ylabel("note")
axes[-1].set(xlabel="time in eighths", xlim=(0, 64))
figure.suptitle(
    f"The LSTM predicts {composer.score(X_test, y_test):.0%} of the signs of unseen reels, "
    f"n-grams {ngrams.score(X_test, y_test):.0%}"
)
plt.show()

# %%
# ABC and MIDI
# ------------
#
# Programs for notation and many web pages play ABC. Every music program plays MIDI. Give another
# folder to keep the files.

tune = composed["LSTM, temperature 0.5"][0]
abc = f"X:1\nT:Reel from sklearn_lstm\nM:C|\nL:1/8\nK:D\n{fill(' '.join(tune), 76)} |\n"
print(abc)
with TemporaryDirectory() as folder:
    Path(folder, "reel.abc").write_text(abc)
    Path(folder, "reel.mid").write_bytes(midi(notes_of(tune)))
    print({path.name: f"{path.stat().st_size} bytes" for path in sorted(Path(folder).iterdir())})

# %%
# When to use which
# -----------------
#
# For the type of a tune, both models are close: short n-grams of signs already show the rhythm, and
# the plain model fits in a second. For the next sign the LSTM is ahead. The n-grams keep more bars
# full, but they also copy far more from the training tunes. At temperature 1 the LSTM copies about
# as much as is usual in reels by people. No model here counts as well as people.
