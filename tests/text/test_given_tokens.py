"""Tokens that the user brings: a vocabulary of any container and normal form, texts in tokens."""

import unicodedata

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from sklearn_lstm import TextSequenceVectorizer

WORDS = ["é", "crème", "brûlée"]


@pytest.mark.parametrize("container", [list, tuple, pa.array, pl.Series, pa.chunked_array])
def test_a_vocabulary_is_read_from_any_container(container):
    vocabulary = container([WORDS]) if container is pa.chunked_array else container(WORDS)
    vectorizer = TextSequenceVectorizer(vocabulary=vocabulary).fit(["crème"])
    assert vectorizer.vocabulary_ == {"é": 2, "crème": 3, "brûlée": 4}


def test_words_of_a_vocabulary_match_in_any_normal_form():
    decomposed = [unicodedata.normalize("NFD", word) for word in WORDS]
    assert decomposed != WORDS
    vectorizer = TextSequenceVectorizer(vocabulary=decomposed).fit(WORDS)
    assert vectorizer.coverage_["n_unknown_tokens"] == 0
    own = TextSequenceVectorizer(vocabulary=decomposed, tokenizer=str.split)
    assert own.fit(decomposed).coverage_["n_unknown_tokens"] == 0
    with pytest.raises(ValueError, match="Duplicate term in vocabulary: 'é'"):
        TextSequenceVectorizer(vocabulary=["é", unicodedata.normalize("NFD", "é")]).fit(WORDS)


@pytest.mark.parametrize("odd", [None, 5])
def test_tokens_of_several_types_are_named(odd):
    with pytest.raises(ValueError, match=r"Tokens of several types.*'a'.*" + str(odd)):
        TextSequenceVectorizer(analyzer=list).fit([["a", "b"], ["b", odd]])


@pytest.mark.parametrize(
    "nan", [float("nan"), np.float32("nan"), ("a", np.nan), np.datetime64("NaT", "D")]
)
def test_nan_is_refused_as_a_token_of_texts_and_in_a_vocabulary(nan):
    message = "can't be a token: NaN"
    vectorizer = TextSequenceVectorizer(analyzer=list, min_df=2)
    for learn in (vectorizer.fit, vectorizer.partial_fit):
        with pytest.raises(ValueError, match=message):
            learn([[nan]])
    with pytest.raises(ValueError, match=message):
        TextSequenceVectorizer(analyzer=list, vocabulary=[nan]).fit([[nan]])
    X = vectorizer.fit([["a", "a"]] * 2).transform([["a", nan]])
    assert X.toarray().tolist() == [[2, 1]]
