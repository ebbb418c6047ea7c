"""Reel, jig or hornpipe? Six types of dance tunes in ABC notation, read sign by sign."""

from comparing import compare
from example_data import fetch_tunes
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

tunes, types = fetch_tunes()
X_train, X_test, y_train, y_test = train_test_split(
    tunes, types, test_size=0.2, stratify=types, random_state=0
)

# Upper and lower case are different notes: C and c are an octave apart.
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
compare({"tf-idf of 1-5 signs, linear SVM": plain, "LSTM": model}, X_train, y_train, X_test, y_test)
print(classification_report(y_test, model.predict(X_test), zero_division=0))
