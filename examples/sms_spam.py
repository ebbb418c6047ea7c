"""Spam or not: text messages (SMS Spam Collection), 5,171 different ones."""

import numpy as np
from comparing import compare
from example_data import fetch_sms_spam
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, labels = fetch_sms_spam()
X_train, X_test, y_train, y_test = train_test_split(
    texts, labels, test_size=0.2, stratify=labels, random_state=0
)

model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
words_and_letters = make_union(
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
)
plain = make_pipeline(words_and_letters, LinearSVC())
compare({"tf-idf, linear SVM": plain, "LSTM": model}, X_train, y_train, X_test, y_test)

spam = model.predict_proba(X_test)[:, list(model.classes_).index("spam")]
print("hardest to decide:")
for i in np.argsort(np.abs(spam - 0.5))[:3]:
    print(f"  spam {spam[i]:.2f}, labelled {y_test[i]}: {X_test[i][:80]}")
