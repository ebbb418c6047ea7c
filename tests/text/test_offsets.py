"""Where in a text its tokens stand."""

import pytest

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.text.analysis import count_vectorizer_like
from sklearn_lstm.text.offsets import find_offsets


@pytest.mark.parametrize(
    ("text", "parameters", "parts"),
    [
        ("Don't  STOP, now!!", {}, ["Don't", "STOP", ",", "now", "!!"]),
        ("cafe\u0301 noir", {}, ["cafe\u0301", "noir"]),
        ("हिन्दी में", {}, ["हिन्दी", "में"]),
        ("我的iPhone手机", {}, ["我", "的", "iPhone", "手", "机"]),
        ("İstanbul IS big", {}, ["İstanbul", "IS", "big"]),
        ("Straße à la carte", {"strip_accents": "unicode"}, ["Straße", "à", "la", "carte"]),
        ("a \n\tb", {"analyzer": "char"}, ["a", " \n\t", "b"]),
        ("a\nb", {"analyzer": "char"}, ["a", "\n", "b"]),
        ("ΟΔΟΣ ΣΑΣ", {}, ["ΟΔΟΣ", "ΣΑΣ"]),
        ("ΔΣ", {"analyzer": "char"}, ["Δ", "Σ"]),
        ("\u1112\u1161\u11ab a", {}, ["\u1112\u1161\u11ab", "a"]),
        ("e\u0301", {"analyzer": "char"}, ["e", "\u0301"]),
        ("", {}, []),
        ("one two", {"token_pattern": r"\w\w"}, ["on", "tw"]),
    ],
)
def test_offsets_are_those_of_the_tokens(text, parameters, parts):
    vectorizer = TextSequenceVectorizer(**parameters)
    tokens = vectorizer.build_analyzer()(text)
    preprocess = count_vectorizer_like(vectorizer).build_preprocessor()
    offsets = find_offsets(text, tokens, preprocess, analyzer=vectorizer.analyzer)
    assert [text[start:stop] for start, stop in offsets] == parts


def test_a_token_that_is_not_in_the_text_is_named():
    with pytest.raises(ValueError, match="'swim' is not a part of the text 'she swam'"):
        find_offsets("she swam", ["she", "swim"], str.lower, analyzer="word")
