"""
Bioinformatics: splice sites, peptides, genes
=============================================

DNA and proteins are sequences of letters: four bases, twenty amino acids. This page reads three
kinds of them, each beside a plain model (one without a network) of scikit-learn, and shows what the
classifier looks at.

- *Splice sites*: 60 bases. Is there a border between exon and intron in the middle?
- *Antimicrobial peptides*: 7 to 174 amino acids. Does the peptide kill microbes?
- *Gene families*: hundreds to thousands of bases. Which of seven families does the gene belong to?
"""

# %%
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from comparing import measure
from example_data import fetch_genes, fetch_peptides, fetch_splice_sites
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain


def split(sequences: Any, labels: Any) -> tuple[Any, Any, Any, Any]:
    """Return X_train, y_train, X_test, y_test: four fifths for training, one fifth for the test."""
    X_train, X_test, y_train, y_test = train_test_split(
        sequences, labels, test_size=0.2, stratify=labels, random_state=0
    )
    return X_train, y_train, X_test, y_test


def letters_model(**parameters: Any) -> Any:
    """Return the pipeline that reads letters."""
    return make_pipeline(
        TextSequenceVectorizer(analyzer="char"),
        LSTMSequenceClassifier(random_state=0, **parameters),
    )


# %%
# Splice sites
# ------------
# When a gene is read, its introns are cut out. EI is the border where an intron begins, IE where it
# ends, N is neither. The border, if there is one, is after the 30th base. Since all windows have
# the same middle, the plain model can use the position of each base: one-hot positions and extra
# trees.
data = split(*fetch_splice_sites())
model = letters_model()
positions = make_pipeline(
    FunctionTransformer(lambda windows: np.array([list(window) for window in windows])),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    ExtraTreesClassifier(500, random_state=0),
)
results = {
    "splice sites": measure({"one-hot positions, extra trees": positions, "LSTM": model}, *data)
}

# %%
# What did it learn?
# ------------------
# ``explain`` says how much each base adds to the score of a class. Averaged over 60 windows of the
# test part, it is the importance of each position. The model is not told where the border is.
#
# Above it stands what biologists know, as a *sequence logo* of the same windows. The height of a
# column is the information of the position in bits, 2 if it is always the same base; the letters
# share it by their frequency. Introns begin with GT and end with AG. Before AG comes a stretch that
# is rich in C and T.
BASES = {"A": "tab:green", "C": "tab:blue", "G": "tab:orange", "T": "tab:red"}


def draw_logo(ax: Axes, windows: Any, places: np.ndarray) -> None:
    """Draw the sequence logo of windows of equal length."""
    table = np.array([list(window) for window in windows])
    for column, place in zip(table.T, places, strict=True):
        shares = np.array([np.mean(column == base) for base in BASES])
        entropy = -sum(share * np.log2(share) for share in shares if share)
        bottom = 0.0
        for i in np.argsort(shares):
            height = shares[i] * (2 - entropy)
            letter = TextPath((0, 0), list(BASES)[i], size=1)
            box = letter.get_extents()
            stretch = (
                Affine2D()
                .translate(-box.x0, -box.y0)
                .scale(0.9 / box.width, height / box.height)
                .translate(place - 0.45, bottom)
            )
            color = list(BASES.values())[i]
            ax.add_patch(PathPatch(stretch.transform_path(letter), color=color, linewidth=0))
            bottom += height
    ax.set(xlim=(places[0] - 0.6, places[-1] + 0.6), ylim=(0, 2))


# %%
# The border is between -1 and 1: there is no position 0.
_, _, X_test, y_test = data
shown = slice(12, 40)
places = np.arange(-30, 30)
names = np.where(places < 0, places, places + 1)
fig, axes = plt.subplots(2, 2, figsize=(11, 5.5), sharex=True, sharey="row", layout="constrained")
found = {}
for border, (top, bottom) in zip(("EI", "IE"), axes.T, strict=True):
    windows = X_test[y_test == border][:60]
    explanations = explain(model, windows, target=border)
    linear = np.mean([explanation.linear for explanation in explanations], axis=0)
    network = np.mean([explanation.network for explanation in explanations], axis=0)
    values = linear + network
    found[border] = names[np.sort(np.argsort(-values)[:2])]
    draw_logo(top, [window[shown] for window in windows], places[shown])
    bottom.bar(places[shown], values[shown], 0.9, color="tab:grey")
    for ax in (top, bottom):
        ax.axvline(-0.5, color="black", linestyle=":")
    top.set_title(f"{border}: {len(windows)} windows of the test part")
    bottom.set_xticks(places[shown][::3], names[shown][::3])
    bottom.set_xlabel("position: bases before (-) and after the border")
axes[0, 0].set_ylabel("information, bits")
axes[1, 0].set_ylabel("mean contribution\nto the class, logits")
fig.suptitle(
    "The two most important positions: "
    + "; ".join(f"{border} {first} and {second}" for border, (first, second) in found.items())
)
plt.show()

# %%
# Antimicrobial peptides
# ----------------------
# The plain model counts n-grams of 1 to 5 amino acids. Related peptides may be on both sides of a
# random split, for both models.
results["peptides"] = measure(
    {
        "TF-IDF of 1-5 letters, linear SVM": make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(1, 5), min_df=2, sublinear_tf=True),
            LinearSVC(),
        ),
        "LSTM": letters_model(),
    },
    *split(*fetch_peptides()),
)

# %%
# Gene families
# -------------
# Genes are long: the default network would need more than a minute. To keep this page quick, both
# models read the first 1,000 bases only, and here the classifier is its linear model alone,
# ``linear_model="alone"``. It chooses the lengths of its n-grams by the length of the genes. Close
# relatives are on both sides of the split, which makes the task easier than it looks.
genes, families = fetch_genes()
starts, rows = np.unique([gene[:1000] for gene in genes], return_index=True)
results["gene families"] = measure(
    {
        "TF-IDF of 8 letters, linear SVM": make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(8, 8), sublinear_tf=True), LinearSVC()
        ),
        "linear model alone": letters_model(linear_model="alone"),
    },
    *split(starts, families[rows]),
)

# %%
# The plain models are strong
# ---------------------------
fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
for row, models in enumerate(results.values()):
    for offset, (name, (accuracy, seconds)), color in zip(
        (-0.15, 0.15), models.items(), ("grey", "tab:blue"), strict=True
    ):
        ax.plot(100 * accuracy, row + offset, "o", color=color)
        label = f"{name}: {accuracy:.1%}, {seconds:.0f} s  "
        ax.text(100 * accuracy, row + offset, label, ha="right", va="center")
ax.set_yticks(range(len(results)), list(results))
gains = [100 * (ours - plain) for (plain, _), (ours, _) in map(dict.values, results.values())]
ax.set(
    title="Points gained over the plain model: " + ", ".join(f"{gain:+z.1f}" for gain in gains),
    xlabel="accuracy on the test part, %",
    xlim=(75, 100),
    ylim=(2.5, -0.5),
)
plt.show()

# %%
# **When the plain model is the better choice.** In a window around a fixed position, trees on
# one-hot positions are as good, and fit faster. For long genes, n-grams of 8 bases say nearly all
# there is. The sequence classifier is for sequences of unequal length without a fixed position, as
# the peptides, and it serves all three tasks without a choice of features.
