"""Stored vectorizers: plain data, checked, and nothing in them that fit left out."""

import pickle
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from round_trips import ROUND_TRIPS
from sklearn.base import clone
from skops.io import dumps

from sklearn_lstm.vectorizer import TextSequenceVectorizer

TEXTS = ["the cat sat", "a dog sat", "the dog"]


def pairs_of_words(text):
    return list(pairwise(text.split()))


NAMES = "pickle", "pickle protocol 2", "deepcopy", "skops"


def stored_and_loaded(vectorizer):
    return [ROUND_TRIPS[name](vectorizer, None) for name in NAMES]


VOCABULARIES = {
    "tuple": (("sat", "the"), "word"),
    "set": ({"sat", "the"}, "word"),
    "frozen set": (frozenset({"sat", "the"}), "word"),
    "array": (np.array(["sat", "the"]), "word"),
    "object array": (np.array(["sat", "the"], object), "word"),
    "mapping": ({"sat": 1, "the": 0}, "word"),
    "mapping of numpy scalars": ({np.str_("sat"): np.int64(1), np.str_("the"): 0}, "word"),
    "mapping of tuples": ({("the", "dog"): 1, ("dog", "sat"): 0}, pairs_of_words),
    "list of tuples": ([("the", "dog"), ("dog", "sat")], pairs_of_words),
    "tuple of tuples": ((("the", "dog"), ("dog", "sat")), pairs_of_words),
    "tuples of unequal lengths": ([("the", "dog"), ("dog",)], pairs_of_words),
    "set of tuples": ({("the", "dog"), ("dog", "sat")}, pairs_of_words),
}


@pytest.mark.parametrize(("vocabulary", "analyzer"), VOCABULARIES.values(), ids=VOCABULARIES.keys())
def test_any_collection_of_tokens_serves_as_vocabulary(vocabulary, analyzer):
    vectorizer = TextSequenceVectorizer(vocabulary=vocabulary, analyzer=analyzer, output="dense")
    X = vectorizer.fit_transform(TEXTS)
    assert set(vectorizer.vocabulary_) == set(vocabulary)
    assert {type(token) for token in vectorizer.vocabulary_} <= {str, tuple}
    if isinstance(vocabulary, dict):
        assert vectorizer.vocabulary_ == {token: 2 + place for token, place in vocabulary.items()}
    assert X.max() > 1
    restored = stored_and_loaded(vectorizer)
    for other in (*restored, *(clone(each).fit(TEXTS) for each in (vectorizer, *restored))):
        assert other.vocabulary_ == vectorizer.vocabulary_
        np.testing.assert_array_equal(other.transform(TEXTS), X)
        assert [row.tolist() for row in other.inverse_transform(X)] == [
            row.tolist() for row in vectorizer.inverse_transform(X)
        ]


@pytest.mark.parametrize(
    "tokens",
    [
        [-0.0, 1.0, 0.5],
        [True, 1, 2.0],
        list(np.array([0.1, 0.2], np.float32)),
        [None],
        [("a", 1), ("b", np.int64(2))],
        [b"a", b"b"],
        list(np.array(["2020-01-01", "2020-01-02"], "M8[ns]")),
        ["\ud83d", "\ude00"],
    ],
)
@pytest.mark.parametrize("is_given", [False, True])
def test_tokens_of_any_type_are_found_again(tokens, is_given):
    vocabulary = list(dict.fromkeys(tokens)) if is_given else None
    vectorizer = TextSequenceVectorizer(analyzer=list, vocabulary=vocabulary)
    X = vectorizer.fit_transform([tokens, tokens[:1]]).toarray()
    assert X.min(where=X > 0, initial=9) > 1
    copied = [pickle.loads(pickle.dumps(token)) for token in tokens]
    for restored in stored_and_loaded(vectorizer):
        found = restored.transform([copied, copied[:1]])
        np.testing.assert_array_equal(found.toarray(), X)


def test_a_set_of_tokens_is_numbered_in_alphabetical_order():
    for kind in (set, frozenset):
        words = kind(["one", "two", "three", "four", "five", "six", "seven"])
        vectorizer = TextSequenceVectorizer(vocabulary=words).fit(TEXTS)
        assert list(vectorizer.vocabulary_) == sorted(words)


@pytest.mark.parametrize("analyzer", [list, pairs_of_words, partial(pairs_of_words)])
def test_callables_as_analyzer_are_stored(analyzer, round_trip):
    vectorizer = TextSequenceVectorizer(analyzer=analyzer).fit(TEXTS)
    restored = round_trip(vectorizer)
    assert restored.vocabulary_ == vectorizer.vocabulary_
    X = vectorizer.transform(TEXTS)
    np.testing.assert_array_equal(restored.transform(TEXTS).toarray(), X.toarray())


@pytest.mark.parametrize(
    "parameters", [{"min_df": 2}, {"max_df": 1}, {"max_features": 2}, {"vocabulary": ["sat"]}]
)
def test_fit_keeps_no_token_that_it_pruned(parameters):
    texts = ["hush hush secret sat", "the dog sat", "the dog hush"]
    if "max_df" in parameters:
        texts += ["secret", "once"]
    vectorizer = TextSequenceVectorizer(**parameters).fit(texts)
    assert "secret" not in vectorizer.vocabulary_
    for stored in (pickle.dumps(vectorizer), dumps(vectorizer)):
        assert b"secret" not in stored
    assert "secret" not in repr(vars(vectorizer))


def test_partial_fit_after_fit_counts_from_there_on():
    vectorizer = TextSequenceVectorizer(min_df=2).fit(["a b", "a c"])
    assert vectorizer.partial_fit(["b"]).vocabulary_ == {"a": 2}
    assert vectorizer.partial_fit(["b c"]).vocabulary_ == {"a": 2, "b": 3}


def test_shares_of_texts_are_of_those_since_fit():
    vectorizer = TextSequenceVectorizer(min_df=0.5).fit(["a"] * 10)
    assert vectorizer.partial_fit(["b", "b c", "d", "d", "d"]).vocabulary_ == {"a": 2, "d": 3}


NUMBERS = {
    "max_length": [np.int64(2), np.int8(2), np.uint16(2)],
    "max_features": [np.int64(3), np.uint8(3)],
    "min_df": [np.int64(2), np.float64(0.3)],
    "max_df": [np.int64(2), np.float64(0.7)],
    "lowercase": [np.True_, np.False_],
    "analyzer": [np.str_("char"), np.str_("word")],
    "truncation": [np.str_("middle")],
    "padding": [np.str_("pre")],
    "output": [np.str_("dense")],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in NUMBERS.items() for value in values]
)
def test_numpy_scalars_serve_as_parameters(name, value):
    texts = [*TEXTS, "The dog Sat"]
    plain = TextSequenceVectorizer(**{name: value.item()}).fit(texts)
    vectorizer = TextSequenceVectorizer(**{name: value}).fit(texts)
    restored = stored_and_loaded(vectorizer)
    for each in (vectorizer, *restored, *(clone(each).fit(texts) for each in restored)):
        assert each.vocabulary_ == plain.vocabulary_
        assert each.max_length_ == plain.max_length_
        assert type(each.max_length_) is int
        assert {*map(type, each.vocabulary_.values()), *map(type, each.coverage_.values())} == {int}
        X, expected = each.transform(texts), plain.transform(texts)
        assert type(X) is type(expected)
        assert (expected != X).sum() == 0
        assert each.partial_fit(["cat cat cat"]) is each
