"""Columns of numbers and categories that travel beside the ids of texts."""

import copy
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from sklearn_lstm import TextSequenceVectorizer

COLUMNS = {
    "text": ["a b", "b", "c c"],
    "price": [1.5, None, 3.5],
    "pages": [1, 2, 3],
    "is_new": [True, None, False],
}
SHOPS = ["x", None, "y"]
TABLE = pa.table(COLUMNS).append_column("shop", pa.array(SHOPS).dictionary_encode())
PANDAS = pd.DataFrame(COLUMNS).convert_dtypes().assign(shop=pd.Categorical(SHOPS))


@pytest.mark.parametrize("frame", [PANDAS, TABLE], ids=["pandas", "pyarrow"])
def test_the_other_columns_of_a_frame_travel_beside_the_ids(frame):
    vectorizer = TextSequenceVectorizer()
    X = vectorizer.fit_transform(frame)
    assert_array_equal(
        X.toarray(), TextSequenceVectorizer().fit_transform(COLUMNS["text"]).toarray()
    )
    assert X.texts.tolist() == COLUMNS["text"]
    assert vectorizer.feature_names_in_.tolist() == [*COLUMNS, "shop"]
    for found in (X, vectorizer.transform(frame), vectorizer.partial_fit(frame).transform(frame)):
        assert found.numbers.columns.keys() == {"price", "pages", "is_new", "shop"}
        assert_array_equal(found.numbers.columns["price"], [1.5, np.nan, 3.5])
        assert_array_equal(found.numbers.columns["is_new"], [1, np.nan, 0])
        assert found.numbers.columns["shop"].tolist() == SHOPS
    assert not hasattr(vectorizer.fit(COLUMNS["text"]), "feature_names_in_")


@pytest.mark.parametrize(
    ("select", "rows"),
    [
        (lambda X: X[[2, 0]], [2, 0]),
        (lambda X: X[1:], [1, 2]),
        (lambda X: X[np.array([True, False, True])], [0, 2]),
        (lambda X: X[-1], [2]),
        (lambda X: X[np.array([[1], [0]]), [0, 1]], [1, 0]),
        (lambda X: pickle.loads(pickle.dumps(X.copy())), [0, 1, 2]),
        (lambda X: copy.deepcopy(X).astype(np.int64), [0, 1, 2]),
    ],
)
def test_numbers_follow_their_rows(select, rows):
    selected = select(TextSequenceVectorizer().fit_transform(PANDAS))
    assert_array_equal(selected.numbers.columns["pages"], np.array(COLUMNS["pages"])[rows])
    assert selected.numbers.columns["shop"].tolist() == [SHOPS[row] for row in rows]


def test_rows_put_together_or_added_have_no_numbers():
    X = TextSequenceVectorizer().fit_transform(PANDAS)
    assert X[[[0, 1], [1, 2]], [[0, 1], [0, 1]]].numbers is None
    X.resize(2, 2)
    assert_array_equal(X.numbers.columns["pages"], [1, 2])
    X.resize(3, 2)
    assert X.numbers is None


RECURRING = ["x", "x", "x"]
JOINED = r"Join columns of texts: frame\['text'\] \+ ' ' \+ frame\['title'\]; leave out one that is"
CATEGORY = r"Make few values that recur .* frame.astype\(\{'seller': 'category'\}\)"
DAY = pd.Timestamp("2026-01-01")
ALONE = PANDAS[["price", "pages"]]
WRONG = {
    "two columns of texts": (
        PANDAS.assign(title=COLUMNS["text"][::-1]),
        rf"2 hold neither: 'text' \(.*\), 'title' \(.*\)\. {JOINED} an id\.$",
    ),
    "values that recur": (PANDAS.assign(seller=RECURRING), rf"'seller' \(.*\)\. {CATEGORY}"),
    "texts, and values that recur": (
        PANDAS.assign(title=["d", "e", "f"], seller=RECURRING),
        f"{JOINED} an id. {CATEGORY}",
    ),
    "dates": (
        PANDAS.assign(day=DAY),
        r"'day' \(.*\)\. Turn dates into numbers, or leave them out: \['day'\]\.$",
    ),
    "dates of Python": (PANDAS.assign(day=[DAY.date()] * 3), r"\. Turn dates .* \['day'\]\.$"),
    "no texts": (
        ALONE,
        r"No column of X holds the texts: .*\['price', 'pages'\] hold numbers.*Pass",
    ),
    "texts that are a category": (
        ALONE.assign(text=pd.Categorical(COLUMNS["text"])),
        r"No column of X holds the texts.* turn them into strings: frame.astype\(\{'text': str\}\)",
    ),
    "no text in any row": (ALONE.assign(text=None), "If 'text' is the .* no row has a text"),
    "NaN in all rows": (ALONE.assign(text=np.nan), "If 'text' is the .* no row has a text"),
    "dicts": (
        PANDAS.assign(meta=[{"a": 1}] * 3),
        r"'meta' \(object\)\. Leave out what is neither\.$",
    ),
    "infinity": (PANDAS.assign(price=[1, np.inf, 2]), r"'price' holds .*\(inf\) in row 1"),
    "equal names": (PANDAS.rename(columns={"price": "pages"}), "different names"),
}


@pytest.mark.parametrize(("frame", "message"), WRONG.values(), ids=WRONG)
def test_a_frame_that_can_not_be_read_is_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        TextSequenceVectorizer().fit(frame)


@pytest.mark.parametrize("output", ["dense", "onehot"])
def test_only_sparse_output_has_a_place_for_numbers(output):
    with pytest.raises(ValueError, match=r"\['price', .*'shop'\].*'sparse'"):
        TextSequenceVectorizer(output=output).fit(PANDAS)
    TextSequenceVectorizer(output=output).fit(PANDAS[["text"]])


@pytest.mark.parametrize("columns", [["price", "text", "pages", "is_new", "shop"], ["text"]])
def test_columns_have_the_names_and_the_order_of_fit(columns):
    vectorizer = TextSequenceVectorizer().fit(PANDAS)
    with pytest.raises(ValueError, match="feature names should match"):
        vectorizer.transform(PANDAS[columns])
    assert vectorizer.transform(COLUMNS["text"]).numbers is None  # texts alone can't be mixed up
