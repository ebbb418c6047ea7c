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
    again = TextSequenceVectorizer(vocabulary=vectorizer.vocabulary_).fit(["other"])
    assert again.vocabulary_ == vectorizer.vocabulary_


def test_words_of_a_vocabulary_match_in_any_normal_form():
    decomposed = [unicodedata.normalize("NFD", word) for word in WORDS]
    assert decomposed != WORDS
    vectorizer = TextSequenceVectorizer(vocabulary=decomposed).fit(WORDS)
    assert vectorizer.coverage_["n_unknown_tokens"] == 0
    own = TextSequenceVectorizer(vocabulary=decomposed, tokenizer=str.split)
    assert own.fit(decomposed).coverage_["n_unknown_tokens"] == 0
    with pytest.raises(ValueError, match="Duplicate term in vocabulary: 'é'"):
        TextSequenceVectorizer(vocabulary=["é", unicodedata.normalize("NFD", "é")]).fit(WORDS)


@pytest.mark.parametrize("lowercase", [True, False])
def test_characters_are_the_same_in_any_normal_form(lowercase):
    texts = ["crème  brûlée", "J\u030cáva", "한국어", "각", "ÅΣ", "plain"]
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    vectorizer = TextSequenceVectorizer(analyzer="char", lowercase=lowercase).fit(composed)
    for read in (vectorizer, vectorizer.partial_fit(decomposed)):
        X, found = read.transform(composed), read.transform(decomposed)
        assert (found != X).nnz == len(found.unknown_tokens) == 0
    letters = TextSequenceVectorizer(analyzer="char", vocabulary=[*decomposed[0][2:4], "e\u0300"])
    assert [*letters.fit(composed).vocabulary_][-1] == "è"


SESSIONS = [["login", "open"], ["login", "fail"], ["open"]]


@pytest.mark.parametrize("analyzer", [list, tuple])
@pytest.mark.parametrize("hold", [list, tuple, np.array])
def test_one_list_of_tokens_in_place_of_a_list_of_them_is_refused(analyzer, hold, round_trip):
    sessions = [hold(session) for session in SESSIONS]
    vectorizer = TextSequenceVectorizer(analyzer=analyzer).fit(sessions)
    vectorizers = [vectorizer, TextSequenceVectorizer(analyzer=analyzer).partial_fit(sessions)]
    vectorizers.append(round_trip(vectorizer))
    for one in vectorizers:
        for read in (one.transform, one.known_share, one.partial_fit):
            with pytest.raises(TypeError, match=r"X\[0\] is .* 'login' .* \[text\] of one"):
                read(SESSIONS[0])
        assert one.partial_fit(sessions).transform(sessions[:1]).toarray().tolist()[0][:2] != [1, 1]


@pytest.mark.parametrize("odd", ["GATTACA", b"GA", {"a", "b"}])
def test_a_list_of_tokens_is_no_string_and_no_set(odd):
    with pytest.raises(TypeError, match=r"X\[1\] is no tokens in order.* analyzer='char'"):
        TextSequenceVectorizer(analyzer=list).fit([["a"], odd])
    assert TextSequenceVectorizer(analyzer=lambda text: [*text]).fit(["ab"]).vocabulary_


def test_a_token_that_can_not_be_looked_up_is_refused_where_it_stands():
    with pytest.raises(
        TypeError, match=r"(?s)X\[1\] is no list of tokens, but \[\['b'.*nested lists"
    ):
        TextSequenceVectorizer(analyzer=list).fit([["a"], [["b", "c"], ["d"]]])


@pytest.mark.parametrize("odd", [None, 5])
def test_tokens_of_several_types_are_named(odd):
    with pytest.raises(ValueError, match=r"several types, \['(NoneType|int)', 'str'\]: '<' not"):
        TextSequenceVectorizer(analyzer=list).fit([["a", "b"], ["b", odd]])
