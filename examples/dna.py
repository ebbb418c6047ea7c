"""Find splice sites in DNA: what is in the middle of these 60 bases.

EI is an exon-intron border, IE an intron-exon border, N neither. Each base is a token.
"""

import numpy as np
from comparing import compare
from example_data import fetch_splice_sites
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer


def positions(windows: np.ndarray) -> np.ndarray:
    """Return the bases as columns, one for each position."""
    return np.array([list(window) for window in windows])


windows, borders = fetch_splice_sites()
X_train, X_test, y_train, y_test = train_test_split(
    windows, borders, test_size=0.2, stratify=borders, random_state=0
)

model = make_pipeline(
    TextSequenceVectorizer(analyzer="char"),
    LSTMSequenceClassifier(random_state=0),
)
# It can be used because all windows have the same length and the same middle.
plain = make_pipeline(
    FunctionTransformer(positions),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    HistGradientBoostingClassifier(random_state=0),
)
compare({"position by position, boosting": plain, "LSTM": model}, X_train, y_train, X_test, y_test)
