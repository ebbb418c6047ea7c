"""What the documentation of CountVectorizer promises, compared on the same texts.

The counts that CountVectorizer gives must be the counts of the tokens in our sequences. Where the
default `token_pattern` matters, ours is given to both.
"""

import io
import sys
import warnings
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm.text.analysis import Analysis
from sklearn_lstm.vectorizer import TextSequenceVectorizer

# For texts of these characters, the pattern that the documentation names.
TOKEN_PATTERN = r"\w+(?:['’]\w+)*|[^\w\s]+"  # noqa: RUF001
TEXTS = [
    "The Quick brown fox, the LAZY dog; and a cat!",
    "Él comió  piñas -- ¿no?\n\nÅngström naïve façade",
    "don't STOP  me now... it's\t\tthe 4th of July :-)",
    "ΑΣ ΣΑΣ Istanbul ﬁne ¨ ½ x² ёлка один \u00a0 end",
    "the the the fox",
    "numbers 1 22 333 snake_case under_score",
]
NEW_TEXTS = ["the fox jumps over ISTANBUL", "brand new words", "", "it's   piñas\n\n!"]


def remove_vowels(text):
    return "".join(character for character in text if character not in "aeiou")


def split_at_blanks(text):
    return text.split(" ")


def first_letters(text):
    return [word[:1] for word in text.split()]


def counts_of(vectorizer, texts, names):
    X = vectorizer.transform(texts)
    counters = [Counter(row.tolist()) for row in vectorizer.inverse_transform(X)]
    return np.array([[counter[name] for name in names] for counter in counters])


ANALYSES = {
    "default": {},
    "lowercase": {"lowercase": False},
    "strip_accents ascii": {"strip_accents": "ascii"},
    "strip_accents unicode": {"strip_accents": "unicode"},
    "strip_accents unicode, case kept": {"strip_accents": "unicode", "lowercase": False},
    "strip_accents callable": {"strip_accents": remove_vowels},
    "preprocessor": {"preprocessor": remove_vowels},
    "tokenizer": {"tokenizer": split_at_blanks, "token_pattern": None},
    "tokenizer and preprocessor": {
        "tokenizer": split_at_blanks,
        "token_pattern": None,
        "preprocessor": remove_vowels,
    },
    "stop_words english": {"stop_words": "english"},
    "token_pattern of CountVectorizer": {"token_pattern": r"(?u)\b\w\w+\b"},
    "token_pattern with a group": {"token_pattern": r"\b(\w)\w*\b"},
    "analyzer char": {"analyzer": "char"},
    "analyzer char, no accents": {"analyzer": "char", "strip_accents": "unicode"},
    "analyzer char, preprocessor": {"analyzer": "char", "preprocessor": remove_vowels},
    "analyzer callable": {"analyzer": first_letters},
    "max_df int": {"max_df": 2},
    "max_df float": {"max_df": 0.4},
    "min_df int": {"min_df": 2},
    "min_df float": {"min_df": 0.3},
    "min_df char": {"min_df": 3, "max_df": 0.9, "analyzer": "char"},
    "max_features": {"max_features": 1},
    "vocabulary list": {"vocabulary": ["fox", "the", "nowhere"]},
    "vocabulary set": {"vocabulary": {"fox", "the", "nowhere"}},
    "vocabulary mapping": {"vocabulary": {"fox": 2, "the": 0, "nowhere": 1}},
    "vocabulary wider than char": {"vocabulary": ["a", "bc"], "analyzer": "char"},
}


@pytest.mark.parametrize("parameters", ANALYSES.values(), ids=ANALYSES.keys())
def test_the_same_tokens_are_counted(parameters):
    theirs = CountVectorizer(**{"token_pattern": TOKEN_PATTERN, **parameters})
    ours = TextSequenceVectorizer(**parameters)
    with warnings.catch_warnings():
        # CountVectorizer calls a token_pattern besides "char" ignored; ours is the default here.
        warnings.filterwarnings("ignore", message="The parameter 'token_pattern' will not be used")
        theirs.fit(TEXTS)
        ours.fit(TEXTS)
    assert set(ours.vocabulary_) == set(theirs.vocabulary_)
    for text in TEXTS + NEW_TEXTS:
        assert list(ours.build_analyzer()(text)) == list(theirs.build_analyzer()(text))
    names = theirs.get_feature_names_out()
    for texts in (TEXTS, NEW_TEXTS):
        long_enough = TextSequenceVectorizer(**{**parameters, "max_length": 1000})
        long_enough.fit(TEXTS)
        np.testing.assert_array_equal(
            counts_of(long_enough, texts, names), theirs.transform(texts).toarray()
        )


def test_shared_parameters_have_the_same_defaults_save_the_documented_one():
    theirs, ours = CountVectorizer().get_params(), TextSequenceVectorizer().get_params()
    shared = theirs.keys() & ours.keys()
    assert theirs.keys() - shared == {"ngram_range", "binary", "dtype"}
    assert {name for name in shared if theirs[name] != ours[name]} == {"token_pattern"}


@pytest.mark.parametrize("analyzer", ["word", "char", str.split])
@pytest.mark.parametrize(
    ("encoding", "decode_error"), [("utf-8", "replace"), ("latin-1", "strict"), ("ascii", "ignore")]
)
def test_bytes_are_decoded_alike(analyzer, encoding, decode_error):
    texts = ["naïve piñas".encode("latin-1"), "naïve Ångström".encode(), "str naïve"]
    parameters = {"encoding": encoding, "decode_error": decode_error, "analyzer": analyzer}
    theirs = CountVectorizer(**parameters)
    if analyzer == "word":
        theirs.set_params(token_pattern=TOKEN_PATTERN)
    assert set(TextSequenceVectorizer(**parameters).fit(texts).vocabulary_) == set(
        theirs.fit(texts).vocabulary_
    )


@pytest.mark.parametrize("analyzer", ["word", "char", str.split])
def test_files_and_file_names_are_read(analyzer, tmp_path):
    paths = []
    for number, text in enumerate(TEXTS):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_bytes(text.encode())
    expected = TextSequenceVectorizer(analyzer=analyzer).fit_transform(TEXTS).toarray()
    by_name = TextSequenceVectorizer(analyzer=analyzer, input="filename")
    np.testing.assert_array_equal(by_name.fit_transform(paths).toarray(), expected)
    by_file = TextSequenceVectorizer(analyzer=analyzer, input="file")
    for opened in (lambda text: io.BytesIO(text.encode()), io.StringIO):
        X = by_file.fit_transform(opened(text) for text in TEXTS)
        np.testing.assert_array_equal(X.toarray(), expected)


def raised(function):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the point is to compare them
        function()
    return caught.type, str(caught.value).replace("TextSequenceVectorizer", "CountVectorizer")


BAD_FITS = {
    "unknown encoding": ([b"a"], {"encoding": "klingon"}),
    "no texts": ([], {}),
    "empty texts": (["", " "], {}),
    "only stop words": (["the and"], {"stop_words": "english"}),
    "pruned to nothing": (["aa bb", "cc dd"], {"min_df": 2}),
    "max_df below min_df": (["aa bb", "aa cc"], {"min_df": 2, "max_df": 1}),
    "empty vocabulary": (["a"], {"vocabulary": []}),
    "duplicates in vocabulary": (["a"], {"vocabulary": ["a", "b", "a"]}),
    "repeated indices in vocabulary": (["a"], {"vocabulary": {"a": 0, "b": 0}}),
    "missing file": (["/nowhere/at/all"], {"input": "filename"}),
    "two groups in the pattern": (["a"], {"token_pattern": r"(\w)(\w)"}),
    "error in the tokenizer": (["a"], {"tokenizer": int, "token_pattern": None}),
}


@pytest.mark.parametrize(("texts", "parameters"), BAD_FITS.values(), ids=BAD_FITS.keys())
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_the_same_error_is_raised(method, texts, parameters):
    theirs = raised(lambda: getattr(CountVectorizer(**parameters), method)(texts))
    ours = raised(lambda: getattr(TextSequenceVectorizer(**parameters), method)(texts))
    assert (ours[0], ours[1][: len(theirs[1]) - 1]) == (theirs[0], theirs[1][:-1])  # ours say more


@pytest.mark.parametrize("pattern", ["(", "a{9999999999}", r"\w++*"])
def test_a_broken_pattern_is_named(pattern):
    for method in ("fit", "fit_transform", "partial_fit"):
        with pytest.raises(ValueError, match=r"token_pattern='.*' is no regular expression: "):
            getattr(TextSequenceVectorizer(token_pattern=pattern), method)(["a"])


BAD_COMBINATIONS = {
    "pattern beside tokenizer": {"tokenizer": str.split, "token_pattern": r"\w"},
    "preprocessor beside callable": {"analyzer": str.split, "preprocessor": str.lower},
    "pattern beside char": {"analyzer": "char", "token_pattern": r"\w"},
    "upper case in vocabulary": {"vocabulary": ["Ab", "b"]},
    "inconsistent stop words": {"stop_words": ["don't"], "token_pattern": r"(?u)\b\w+\b"},
}


@pytest.mark.parametrize("parameters", BAD_COMBINATIONS.values(), ids=BAD_COMBINATIONS.keys())
def test_the_same_warning_is_given(parameters):
    messages = []
    for vectorizer in (CountVectorizer(**parameters), TextSequenceVectorizer(**parameters)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            vectorizer.fit(["a b", "b c"])
            vectorizer.transform(["a"])
        messages.append([" ".join(str(warning.message).rstrip("'").split()) for warning in caught])
    assert messages[0] == messages[1]
    assert messages[0]


@pytest.mark.parametrize("strip_accents", ["ascii", "unicode"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_every_character_is_preprocessed_as_by_scikit_learn(strip_accents, lowercase):
    parameters = {"strip_accents": strip_accents, "lowercase": lowercase}
    expected = CountVectorizer(**parameters).build_preprocessor()
    preprocess = Analysis.of(TextSequenceVectorizer(**parameters).get_params()).preprocess
    for start in range(0, sys.maxunicode, 1 << 12):
        text = "".join(map(chr, range(start, start + (1 << 12))))
        assert preprocess(text) == expected(text)
