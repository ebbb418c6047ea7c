"""A CSR of counts is refused with the remedy; ids that stand in any columns are read as before."""

import csv
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import small_models
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.exceptions import InvalidSequencesTypeError

with (Path(__file__).parents[1] / "fixtures" / "messages.csv").open(newline="") as file:
    MESSAGES = [row["text"] for row in csv.DictReader(file)]
FEW = ["bad night", "good day", "bad day"]
REFUSED = r"0 between .* counts .* no order.* TextSequenceVectorizer .*input_type='words'"
COUNTS = {
    "words": {},
    "words that occur": {"binary": True},
    "frequent words": {"max_features": 100},
    "pairs of words": {"ngram_range": (1, 2)},
    "parts of words": {"analyzer": "char_wb", "ngram_range": (3, 3)},
}


@pytest.mark.parametrize("texts", [MESSAGES, MESSAGES[:20]], ids=len)
@pytest.mark.parametrize("parameters", COUNTS.values(), ids=COUNTS)
def test_counts_are_refused(parameters, texts):
    X = CountVectorizer(**parameters).fit_transform(texts)
    for matrix in (X, X.tocsc(), sparse.csr_array(X)):
        with pytest.raises(InvalidSequencesTypeError, match=REFUSED):
            InputFormat.found_in(matrix)


def test_they_are_refused_by_each_fit_and_read_where_the_user_says_so():
    X, y = CountVectorizer().fit_transform(FEW), [0, 1, 0]
    model = small_models.small()
    for fit in (model.fit, lambda X, y: model.partial_fit(X, y, classes=[0, 1])):
        with pytest.raises(InvalidSequencesTypeError, match=REFUSED):
            fit(X, y)
    for input_type in ("words", "characters"):
        assert InputFormat.found_in(X, input_type)[1].lengths.tolist() == [2, 2, 2]
    assert model.set_params(input_type="words").fit(X, y).predict(X).shape == (3,)


@pytest.mark.parametrize("max_features", [None, 3])  # fewer: most tokens are unknown, id 1
@pytest.mark.parametrize("n_texts", [300, 6])
def test_ids_are_read_wherever_their_columns_are(max_features, n_texts):
    vectorizer = TextSequenceVectorizer(max_features=max_features, max_length=40)
    X = sparse.csr_matrix(vectorizer.fit_transform(MESSAGES[:n_texts]))
    assert (max_features is None) == (np.mean(X.data == 1) < 0.5)
    vectorizer.set_params(output="dense", padding="pre")
    in_front = sparse.csr_matrix(vectorizer.transform(MESSAGES[:n_texts]))
    others = X[::-1]
    ways = {
        "as they are": X,
        "cut": X[:, 2:30],
        "reversed": X[:, ::-1],
        "padded in front": in_front,
        "padded in front and cut": in_front[:, :-2],
        "two texts": sparse.hstack([X, others], format="csr"),
        "two texts padded in front": sparse.hstack([in_front, in_front[::-1]], format="csr"),
        "two reversed texts": sparse.hstack([X[:, ::-1], others[:, ::-1]], format="csr"),
        "three texts": sparse.hstack([X[:, ::-1], in_front, X], format="csr"),
    }
    for name, ids in ways.items():
        is_told = name.endswith("texts") or name == "two texts padded in front"
        with pytest.raises(TypeError, match="Join") if is_told else nullcontext():
            assert InputFormat.found_in(ids)[1].n_channels is None, name
        assert InputFormat.found_in(ids, "words")[1].n_channels is None
