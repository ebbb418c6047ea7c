"""Spam or not: 5,574 text messages (SMS Spam Collection)."""

import numpy as np
from example_data import read_texts, report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, labels = read_texts("sms_spam")
X_train, X_test, y_train, y_test = train_test_split(
    texts, labels, test_size=0.2, stratify=labels, random_state=0
)

model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
model.fit(X_train, y_train)
report(model, X_test, y_test)

spam = model.predict_proba(X_test)[:, list(model.classes_).index("spam")]
print("hardest to decide:")
for i in np.argsort(np.abs(spam - 0.5))[:3]:
    print(f"  spam {spam[i]:.2f}, labelled {y_test[i]}: {X_test[i][:80]}")
