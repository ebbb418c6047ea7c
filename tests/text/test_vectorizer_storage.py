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
    "array": (np.array(["sat", "the"]), "word"),
    "mapping": ({"sat": 1, "the": 0}, "word"),
    "mapping of numpy scalars": ({np.str_("sat"): np.int64(1), np.str_("the"): 0}, "word"),
    "list of tuples": ([("the", "dog"), ("dog", "sat")], pairs_of_words),
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
    texts = [text.split() for text in TEXTS] if analyzer is list else TEXTS
    vectorizer = TextSequenceVectorizer(analyzer=analyzer).fit(texts)
    restored = round_trip(vectorizer)
    assert restored.vocabulary_ == vectorizer.vocabulary_
    X = vectorizer.transform(texts)
    np.testing.assert_array_equal(restored.transform(texts).toarray(), X.toarray())


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


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_length": np.int64(2), "min_df": np.int64(2), "max_df": np.float64(0.9)},
        {"max_features": np.uint8(3), "lowercase": np.False_, "truncation": np.str_("middle")},
        {"analyzer": np.str_("char"), "padding": np.str_("pre"), "output": np.str_("dense")},
    ],
)
def test_numpy_scalars_serve_as_parameters(parameters):
    texts = [*TEXTS, "The dog Sat"]
    plain = {name: value.item() for name, value in parameters.items()}
    expected = TextSequenceVectorizer(**plain).fit(texts)
    vectorizer = TextSequenceVectorizer(**parameters).fit(texts)
    for each in (vectorizer, *stored_and_loaded(vectorizer), clone(vectorizer).fit(texts)):
        assert each.vocabulary_ == expected.vocabulary_
        numbers = each.max_length_, *each.vocabulary_.values(), *each.coverage_.values()
        assert {*map(type, numbers)} == {int}
        assert (each.transform(texts) != expected.transform(texts)).sum() == 0
        assert each.partial_fit(["cat cat cat"]) is each
