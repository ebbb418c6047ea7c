"""What is no text gets one error of ours, whose message names the row and what to do."""

import io
import re
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
from sklearn.pipeline import make_pipeline

from sklearn_lstm import Predictor, TextSequenceVectorizer
from sklearn_lstm.exceptions import InvalidSequencesError as WrongValue
from sklearn_lstm.exceptions import InvalidSequencesTypeError as WrongType
from sklearn_lstm.io import save
from sklearn_lstm.streaming import fit_batches

MISSING = r"^X\[1\] is no text, but (None|<NA>|nan|.*nan.*) \(.*fillna\(''\)"
LISTS = r"^X\[1\] is no text, but \[.*TextSequenceVectorizer\(analyzer=list\)"
ANALYSES = {
    "default": {},
    "characters": {"analyzer": "char"},
    "pattern": {"token_pattern": r"\w+", "lowercase": False},
    "stop words": {"stop_words": ["so"], "lowercase": False},
    "own tokenizer": {"tokenizer": str.split},
}
WRONG = {
    "None": (None, WrongType, MISSING),
    "NA": (pd.NA, WrongType, MISSING),
    "NaN": (np.nan, WrongValue, MISSING),
    "number": (5, WrongType, r"^X\[1\] is no text, but 5 \(int\). Turn it into a string"),
    "dict": ({"text": "a"}, WrongType, r"^X\[1\] is no text, but \{'text'.* pd.DataFrame\(X\)"),
    "list": (["so", "bad"], WrongType, LISTS),
    "array": (np.array(["so", "bad"]), WrongType, LISTS.replace(r"\[.", "array.")),
}


@pytest.mark.parametrize(("wrong", "error", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("parameters", ANALYSES.values(), ids=ANALYSES)
def test_the_row_is_named_in_the_message(parameters, wrong, error, message):
    vectorizer = TextSequenceVectorizer(**parameters).fit(["so good", "bad"])
    for name in ("transform", "partial_fit", "known_share", "fit", "fit_transform"):
        with pytest.raises(error, match=message) as caught:
            getattr(vectorizer, name)(["so good", wrong, "bad"])
        assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("wrong", [None, np.nan, 5, ["so"], b"\xff"])
def test_streams_predictor_and_pipeline_say_the_same(wrong, tmp_path):
    texts, y = ["so good", "so bad"] * 5, [1, 0] * 5
    model = make_pipeline(TextSequenceVectorizer(), small_models.small()).fit(texts, y)
    save(model, tmp_path / "model")
    with pytest.raises((TypeError, ValueError), match=r"X\[1\]") as expected:
        model.predict(["fine", wrong])
    with pytest.raises(expected.type, match=f"^{re.escape(str(expected.value))}$"):
        Predictor.load(tmp_path / "model").predict(["fine", wrong])
    message = str(expected.value).replace("X[1]", "X[11]")
    with pytest.raises(expected.type, match=f"^{re.escape(message)}$"):
        fit_batches(model, [(texts, y), (["fine", wrong], [0, 1])])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a text", WrongValue, r"X is a str: 'a text'. Pass a list of texts, .*, \[text\]"),
        (None, WrongType, r"X is a NoneType: None\. Pass a list of texts"),
        (pd.Series(["a", None], dtype=object), WrongType, MISSING),
        (pl.Series(["a", None]), WrongType, MISSING),
        (pa.chunked_array([["a", None]]), WrongType, MISSING),
        (pd.DataFrame({"price": [1.5, 2]}), WrongType, r"^X\[0\] is no .*1.5.*frame\['text'\]"),
        ({"text": ["a", "b"], "price": [1, 2]}, WrongType, r"X is a dict.* list .* data frame"),
        ({"b", "a"}, WrongType, r"X is a set.* list of texts, in the order of the labels"),
    ],
)
def test_what_is_no_set_of_texts_is_refused(X, error, message):
    vectorizer = TextSequenceVectorizer()
    for read in (vectorizer.fit, vectorizer.fit_transform, vectorizer.fit(["a"]).transform):
        with pytest.raises(error, match=message):
            read(X)


@pytest.mark.parametrize(
    ("parameters", "found", "message"),
    [
        ({"input": "file"}, "a", "'str' object has no attribute 'read'"),
        ({"input": "filename"}, 1.5, "not float"),
        ({"input": "filename"}, None, "not NoneType"),
    ],
)
def test_what_is_no_file_is_named(parameters, found, message, tmp_path):
    (tmp_path / "text").write_text("so good")
    fine = io.StringIO("so good") if parameters["input"] == "file" else tmp_path / "text"
    with pytest.raises((AttributeError, TypeError), match=message) as caught:
        TextSequenceVectorizer(**parameters).fit([fine, found])
    assert caught.value.__notes__ == ["This is about X[1]."]


@pytest.mark.parametrize("analyzer", ["word", "char", str.split])
def test_bytes_that_do_not_decode_are_named_by_their_row(analyzer):
    with pytest.raises(UnicodeDecodeError, match=r"byte 0xff in .*, in X\[1\]. Set `encoding`"):
        TextSequenceVectorizer(analyzer=analyzer).fit([b"good", b"\xff"])


# --- What functions of the user read


def words_of_dict(document):
    return document["text"].split()


@pytest.mark.parametrize(
    ("parameters", "documents"),
    [
        ({"analyzer": words_of_dict}, [{"text": "so good"}, {"text": "bad"}]),
        ({"tokenizer": words_of_dict, "lowercase": False}, [{"text": "so good"}, {"text": "bad"}]),
        ({"preprocessor": lambda one: one["text"]}, [{"text": "so good"}, {"text": "bad"}]),
        ({"preprocessor": " ".join, "analyzer": "char"}, [["so", "good"], ["bad"]]),
        ({"tokenizer": list, "lowercase": False}, [["so", "good"], ["bad"]]),
        ({"strip_accents": " ".join, "lowercase": False}, [["so", "good"], ["bad"]]),
        ({"analyzer": lambda text: str(text).split()}, [None, float("nan"), 5]),
    ],
)
def test_functions_of_the_user_may_take_anything(parameters, documents):
    vectorizer = TextSequenceVectorizer(**parameters)
    assert vectorizer.fit_transform(documents).shape[0] == len(documents)


@pytest.mark.parametrize("parameters", [{"tokenizer": int}, {"analyzer": int}])
def test_an_error_inside_them_stays_theirs_and_its_note_names_the_row(parameters):
    with pytest.raises(ValueError, match=r"^invalid literal for int\(\)") as caught:
        TextSequenceVectorizer(**parameters, lowercase="tokenizer" not in parameters).fit(["bad"])
    assert caught.value.__notes__ == ["This is about X[0]."]


def test_a_missing_list_of_tokens_is_told_as_a_missing_text():
    with pytest.raises(WrongValue, match=r"^X\[1\] is no text, but nan"):
        TextSequenceVectorizer(analyzer=list).fit([["so", "good"], np.nan])


@pytest.mark.parametrize("found", [None, {"input_ids": [1]}, "so good"], ids=repr)
def test_what_is_no_list_of_tokens_is_not_read_as_one(found):
    for function in ("tokenizer", "analyzer"):
        vectorizer = TextSequenceVectorizer(**{function: lambda _: found})
        with pytest.raises(WrongType, match=r"^X\[0\] is no list of tokens, but .* return one"):
            vectorizer.fit(["so good"])


def test_a_preprocessor_that_returns_no_text_is_named():
    for analyzer, preprocessor in product(("word", "char"), (str.split, {}.get)):
        vectorizer = TextSequenceVectorizer(preprocessor=preprocessor, analyzer=analyzer)
        with pytest.raises(WrongType, match=r"^X\[0\] is no text after the preprocessor, but "):
            vectorizer.fit(["so good"])


def test_a_single_text_has_no_row():
    with pytest.raises(WrongType, match=r"^The document is no text, but None"):
        TextSequenceVectorizer().build_analyzer()(None)
