"""Whether the output says that its tokens are words or characters."""

import pickle

import pytest

from sklearn_lstm.vectorizer import TextSequenceVectorizer


@pytest.mark.parametrize(
    ("parameters", "texts", "input_type"),
    [
        ({}, ["the cat", "a dog"], "words"),
        ({"analyzer": "char"}, ["the cat"], "characters"),
        ({"analyzer": "char", "vocabulary": ["a", "bc"]}, ["the cat"], "characters"),
        ({"analyzer": list}, ["GATTACA"], "characters"),
        ({"analyzer": str.split}, ["C E G", "A"], "characters"),
        ({"analyzer": str.split}, ["C E G#", "A"], "characters"),
        ({"analyzer": str.split}, ["Cm E G# Am", "A"], "auto"),
        ({}, ["房间很大。早餐很好。", "2024 年买的 iPhone 手机"], "characters"),
        ({}, ["มนุษย์ทั้งหลาย"], "characters"),
        ({}, ["น้ำ ทำ คำ"], "characters"),  # with the vowel sign am
        ({}, ["ນ້ຳ ຄຳ"], "characters"),  # the same in Lao
        ({}, ["ｶﾞｷﾞ ﾊﾟﾋﾟ"], "characters"),  # half-width kana with voicing signs
        ({}, ["सभी मनुष्यों को गौरव"], "words"),
        ({"vocabulary": ["", "a"]}, ["a"], "words"),
        ({"vocabulary": ["a", "b"]}, ["a b"], "characters"),
        ({"max_features": 2}, ["some long words", "long words"], "words"),
        ({"analyzer": lambda text: [(c,) for c in text]}, ["abc"], "auto"),
        ({"analyzer": lambda text: map(ord, text)}, ["abc"], "auto"),
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
