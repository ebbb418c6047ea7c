"""Praise or not: 10,662 sentences of film reviews (sentence polarity, Pang and Lee 2005)."""

from example_data import read_texts, report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

texts, labels = read_texts("mr_polarity")
X_train, X_test, y_train, y_test = train_test_split(
    texts, labels, test_size=0.2, stratify=labels, random_state=0
)

model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
model.fit(X_train, y_train)
report(model, X_test, y_test)

sentences = [
    "a warm and clever film , full of small surprises .",
    "two hours of shouting and not one joke that works .",
    "it is not the masterpiece we hoped for , but it is never dull .",
]
positive = list(model.classes_).index("pos")
for sentence, probabilities in zip(sentences, model.predict_proba(sentences), strict=True):
    print(f"  positive {probabilities[positive]:.2f}: {sentence}")
