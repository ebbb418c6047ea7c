"""Find splice sites in DNA: is there one in the middle of these 60 bases.

EI is an exon-intron border, IE an intron-exon border, N neither. Each base is a token.
"""

from example_data import read_texts, report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

windows, borders = read_texts("dna_splice")
X_train, X_test, y_train, y_test = train_test_split(
    windows, borders, test_size=0.2, stratify=borders, random_state=0
)

model = make_pipeline(
    TextSequenceVectorizer(analyzer="char"),
    LSTMSequenceClassifier(random_state=0),
)
model.fit(X_train, y_train)
report(model, X_test, y_test)
