"""Reel, jig or hornpipe? Tunes in ABC notation, read sign by sign."""

from collections import Counter

from example_data import read_texts, report
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

tunes, kinds = read_texts("music_tune_type")
common = {kind for kind, _ in Counter(kinds).most_common(6)}
chosen = [i for i, kind in enumerate(kinds) if kind in common]
tunes, kinds = [tunes[i] for i in chosen], [kinds[i] for i in chosen]
X_train, X_test, y_train, y_test = train_test_split(
    tunes, kinds, test_size=0.2, stratify=kinds, random_state=0
)

model = make_pipeline(
    TextSequenceVectorizer(analyzer="char", lowercase=False),  # C and c are an octave apart
    LSTMSequenceClassifier(random_state=0),
)
model.fit(X_train, y_train)
report(model, X_test, y_test)
print(classification_report(y_test, model.predict(X_test)))
