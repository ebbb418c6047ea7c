"""Texts are read by what is stored of a vectorizer."""

import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.data.text_reader import TextReader
from sklearn_lstm.storage.estimators import pack_estimator
from sklearn_lstm.storage.pack import Packer
from sklearn_lstm.storage.unpack import Unpacker
from sklearn_lstm.text.analysis import Analysis

TEXTS = ["The Café is  open,\nopen!", "don't stop me now", "", "naïve 房间很大", "is it?"]
NEW = ["Café is shut", "", "it's\n\n me", "大房"]
READERS = {
    "words": {},
    "stop words": {"stop_words": "english"},
    "pattern": {"token_pattern": r"\w+", "max_length": 2, "truncation": "middle"},
    "accents": {"strip_accents": "ascii", "lowercase": False},
    "characters": {"analyzer": "char", "strip_accents": "unicode"},
    "list": {"analyzer": list},
    "dense": {"output": "dense", "padding": "pre"},
    "one-hot": {"output": "onehot"},
    "vocabulary": {"vocabulary": ["café", "is"], "min_df": np.int64(1), "lowercase": np.True_},
}


@pytest.mark.parametrize("parameters", READERS.values(), ids=READERS)
def test_what_is_stored_of_a_vectorizer_reads_texts_as_it_does(parameters):
    vectorizer = TextSequenceVectorizer(**parameters).fit(TEXTS)
    pack = Packer(is_file=True)
    content = pack_estimator(vectorizer, pack)
    reader = TextReader.of(Unpacker(pack.table).attributes(content))
    found, expected = reader(iter(NEW)), vectorizer.transform(NEW)
    if vectorizer.output == "sparse":
        for name in ("texts", "unknown_tokens", "input_type", "vocabulary"):
            assert np.all(getattr(found, name) == getattr(expected, name)), name
        found, expected = found.toarray(), expected.toarray()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("strip_accents", ["ascii", "unicode"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_every_character_is_preprocessed_as_by_scikit_learn(strip_accents, lowercase):
    parameters = {"strip_accents": strip_accents, "lowercase": lowercase}
    expected = CountVectorizer(**parameters).build_preprocessor()
    preprocess = Analysis.of(TextSequenceVectorizer(**parameters).get_params()).preprocess
    for start in range(0, sys.maxunicode, 1 << 12):
        text = "".join(map(chr, range(start, start + (1 << 12))))
        assert preprocess(text) == expected(text)
