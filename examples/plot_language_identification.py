"""
Which language is this?
=======================

This example tells 87 languages apart by one short message, read letter by letter. Then it looks at
the mistakes: which languages are mixed up, and why.

The texts are the messages that the translators of Django wrote. To keep the example short, only a
part of the messages is used. All translations of one message are on the same side of the split. So
no test message was seen in training, in any language.
"""

# %%
# Messages
# --------

import matplotlib.pyplot as plt
import numpy as np
from comparing import compare
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from text_data import fetch_translations

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, languages, messages = fetch_translations()
splitter = GroupShuffleSplit(n_splits=1, train_size=0.2, test_size=0.1, random_state=0)
train, test = next(splitter.split(texts, groups=messages))
test = test[~np.isin(texts[test].astype(str), texts[train].astype(str))]
print(f"{len(set(languages))} languages, {np.mean([len(t) for t in texts]):.0f} letters on average")

# %%
# Two models
# ----------
#
# Both read letters. The plain model has no network: it counts n-grams of one to three letters.

model = make_pipeline(
    TextSequenceVectorizer(analyzer="char"), LSTMSequenceClassifier(random_state=0)
)
plain = make_pipeline(
    TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC()
)
compare(
    {"LSTM": model, "TF-IDF of 1-3 letters, SVM": plain},
    texts[train], languages[train], texts[test], languages[test],
)  # fmt: skip

# %%
# Which languages are mixed up
# ----------------------------
#
# A row of the matrix is a language, a column is what the model says. The names are codes: hr is
# Croatian, sr_Latn Serbian in Latin letters, bs Bosnian, ky Kyrgyz, udm Udmurt, mk Macedonian, ms
# Malay, id Indonesian, gl Galician, kab Kabyle.

predicted = model.predict(texts[test])
names = model.classes_
shares = confusion_matrix(languages[test], predicted, labels=names, normalize="true")
mixed_up = np.triu(shares + shares.T, k=1)
pairs = [divmod(int(place), len(names)) for place in np.argsort(-mixed_up, axis=None)]
shown = list(dict.fromkeys(i for pair in pairs[:9] for i in pair))
wrong = predicted != languages[test]
among_shown = np.isin(languages[test], names[shown]) & np.isin(predicted, names[shown])
share_of_mistakes = among_shown[wrong].mean()

figure, ax = plt.subplots(figsize=(7.5, 7), layout="constrained")
shown_shares = 100 * shares[np.ix_(shown, shown)]
display = ConfusionMatrixDisplay(shown_shares, display_labels=names[shown])
display.plot(ax=ax, values_format=".0f", cmap="Blues", xticks_rotation=45, colorbar=False)
for number in display.text_.ravel():
    number.set_visible(number.get_text() != "0")
ax.set(
    title=f"{share_of_mistakes:.0%} of all mistakes are among these {len(shown)} languages "
    f"of {len(names)}\n(% of the messages of a row)",
    xlabel="the model says",
    ylabel="language of the message",
)
plt.show()

# %%
# Why: some languages look alike
# ------------------------------
#
# For each pair of languages we count which part of their n-grams of three letters is in both. Most
# pairs that are mixed up have many n-grams in common. If a short message has only such n-grams,
# nobody can know its language. In other pairs one language has so few messages that the model
# hardly knows it.

ngrams = {
    name: {text[i : i + 3] for text in texts[languages == name] for i in range(len(text) - 2)}
    for name in names
}


def common_ngrams(i: int, j: int) -> float:
    """Return which part of the n-grams of two languages is in both."""
    first, second = ngrams[names[i]], ngrams[names[j]]
    return len(first & second) / len(first | second)


for i, j in pairs[:9]:
    fewest = min(np.sum(languages[train] == names[k]) for k in (i, j))
    print(
        f"{names[i]:>7} and {names[j]:<7} {mixed_up[i, j] / 2:4.0%} mixed up, "
        f"{common_ngrams(i, j):4.0%} of n-grams common, {fewest:3} messages or more"
    )
every_pair = [common_ngrams(i, j) for i in range(len(names)) for j in range(i)]
print(f"an average pair has {np.mean(every_pair):.0%} of its n-grams in common")

# %%
# Why: some messages are too short
# --------------------------------

lengths = np.array([len(text) for text in texts[test]])
edges = np.quantile(lengths, np.linspace(0, 1, 9))
group = np.clip(np.searchsorted(edges, lengths, side="right") - 1, 0, 7)
middles = [np.median(lengths[group == k]) for k in range(8)]

figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
accuracies = {}
for name, marker, guesses in [
    ("LSTM", "o", predicted),
    ("TF-IDF of 1-3 letters, SVM", "s", plain.predict(texts[test])),
]:
    right = guesses == languages[test]
    accuracies[name] = np.array([right[group == k].mean() for k in range(8)])
    ax.plot(middles, 100 * accuracies[name], marker + "-", label=name)
ax.set(
    xscale="log",
    xlabel="letters of a message",
    ylabel="accuracy in %",
    title=f"From {middles[0]:.0f} to {middles[-1]:.0f} letters, the LSTM's accuracy rises\n"
    f"from {accuracies['LSTM'][0]:.0%} to {accuracies['LSTM'][-1]:.0%}",
)
ax.set_xticks(middles, [f"{middle:.0f}" for middle in middles])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# Why: other texts than in training
# ---------------------------------
#
# The messages of a web framework are about passwords and dates. These sentences are not. Where the
# model is wrong, its probabilities often tell that it is not sure.

SENTENCES = {
    "da": "Hvor ligger den nærmeste banegård?",
    "de": "Heute Abend gehen wir mit Freunden ins Kino.",
    "en": "My grandmother baked bread every Saturday.",
    "es": "Mañana iremos a la playa con los niños.",
    "eu": "Gaur goizean euria egin du mendian.",
    "fi": "Kissa nukkuu ikkunalaudalla koko päivän.",
    "fr": "Il fait froid, n'oublie pas ton manteau.",
    "el": "Το τρένο για την Αθήνα φεύγει στις οκτώ.",
    "hu": "A szomszéd kutyája egész éjjel ugatott.",
    "it": "La zuppa della nonna era la più buona.",
    "ja": "明日の朝は早く起きなければなりません。",
    "nl": "De fiets staat nog steeds in de schuur.",
    "pl": "Wczoraj kupiłem świeże truskawki na targu.",
    "sw": "Watoto wanacheza mpira nje ya nyumba.",
    "tr": "Çay içmek için arkadaşlarımı bekliyorum.",
    "uk": "Взимку в горах лежить глибокий сніг.",
    "vi": "Hôm nay trời mưa rất to ở Hà Nội.",
}
for (language, sentence), row in zip(
    SENTENCES.items(), model.predict_proba(list(SENTENCES.values())), strict=True
):
    best, next_best = (f"{names[i]} {row[i]:.2f}" for i in np.argsort(row)[:-3:-1])
    print(f"{language}: {best}, {next_best}  {sentence}")

# %%
# When to use which
# -----------------
#
# On so few messages the two models are about equally accurate, and the plain one fits in some
# seconds: take it here. With all messages the LSTM is slightly ahead, for many times the seconds.
# It also gives probabilities.
