"""Praise or not: sentences of product reviews; no review is on both sides of the split."""

from comparing import compare
from example_data import fetch_product_reviews
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, labels, reviews = fetch_product_reviews()
splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
train, test = next(splitter.split(texts, groups=reviews))

model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
words_and_letters = make_union(
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
)
plain = make_pipeline(words_and_letters, LinearSVC())
compare(
    {"tf-idf, linear SVM": plain, "LSTM": model},
    texts[train], labels[train], texts[test], labels[test],
)  # fmt: skip

sentences = [
    "small , light , and the battery lasts for days .",
    "it stopped working after a week and nobody answered my mails .",
    "it is not the best camera , but you will not regret it .",
]
positive = list(model.classes_).index("positive")
for sentence, probabilities in zip(sentences, model.predict_proba(sentences), strict=True):
    print(f"  positive {probabilities[positive]:.2f}: {sentence}")
