"""Subclasses that say what a token is, and the unit that the output is told to have."""

import pickle
from itertools import pairwise

import pytest
from sklearn.base import clone

from sklearn_lstm.vectorizer import TextSequenceVectorizer


class PairVectorizer(TextSequenceVectorizer):
    """Its tokens are pairs of words."""

    def build_analyzer(self):
        words_of = super().build_analyzer()

        def pairs_of(text):
            return [f"{one} {two}" for one, two in pairwise(words_of(text))]

        return pairs_of


TEXTS = ["The cat sat", "the cat!", ""]
PAIRS = {"the cat": 2, "cat !": 3, "cat sat": 4}


def test_a_subclass_says_what_a_token_is():
    vectorizer = PairVectorizer()
    X = vectorizer.fit_transform(TEXTS)
    assert vectorizer.vocabulary_ == PAIRS
    assert X.toarray().tolist() == [[2, 4], [2, 3], [1, 0]]
    for other in (vectorizer, clone(vectorizer).fit(TEXTS), pickle.loads(pickle.dumps(vectorizer))):
        assert other.transform(["a the CAT sat"]).toarray().tolist() == [[1, 2, 4]]
    assert vectorizer.partial_fit(["cat sat down"]).vocabulary_ == {**PAIRS, "sat down": 5}


def test_a_subclass_is_warned_of_ignored_parameters_as_before():
    with pytest.warns(UserWarning, match="'stop_words' will not be used"):
        PairVectorizer(analyzer="char", stop_words=["a"]).fit(TEXTS)
    PairVectorizer(preprocessor=str.lower).fit(TEXTS)


@pytest.mark.parametrize(
    ("parameters", "texts", "input_type"),
    [
        ({}, ["the cat", "a dog"], "words"),
        ({"analyzer": "char"}, ["the cat"], "characters"),
        ({"analyzer": list}, [["G", "A"]], "characters"),
        ({"analyzer": str.split}, ["C E G", "A"], "characters"),
        ({"analyzer": str.split}, ["Cm E G# Am", "A"], "auto"),
        ({}, ["房间很大。早餐很好。", "2024 年买的 iPhone 手机"], "characters"),
        ({}, ["น้ำ ทำ คำ"], "characters"),  # with the vowel sign am
        ({}, ["ｶﾞｷﾞ ﾊﾟﾋﾟ"], "characters"),  # half-width kana with voicing signs
        ({}, ["सभी मनुष्यों को गौरव"], "words"),
        ({"vocabulary": ["", "a"]}, ["a"], "words"),
        ({"vocabulary": ["a", "b"]}, ["a b"], "characters"),
        ({"max_features": 2}, ["some long words", "long words"], "words"),
        ({"analyzer": lambda text: [(c,) for c in text]}, ["abc"], "auto"),
    ],
)
def test_sparse_output_tells_whether_tokens_are_words(parameters, texts, input_type):
    vectorizer = TextSequenceVectorizer(**parameters)
    fitted = vectorizer.fit_transform(texts)
    assert fitted.input_type == input_type
    assert vectorizer.transform(texts).input_type == input_type
    assert pickle.loads(pickle.dumps(fitted)).input_type == input_type


def test_an_empty_vocabulary_is_of_words():
    vectorizer = TextSequenceVectorizer(min_df=2).partial_fit(["a b"])
    assert vectorizer.transform(["a"]).input_type != "characters"


def test_a_subclass_of_an_analyzer_of_characters_tells_the_unit_of_its_tokens():
    assert PairVectorizer(analyzer="char").fit_transform(["abc"]).input_type != "characters"
