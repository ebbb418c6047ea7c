"""Columns of numbers and categories that travel beside the ids of texts."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array, csr_matrix, vstack
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.exceptions import InputTypeWarning, MissingValuesWarning
from sklearn_lstm.io import load, save

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
        (lambda X: X[np.array([True, False, True])], [0, 2]),
        (lambda X: X[-1], [2]),
        (lambda X: X[np.array([[1], [0]]), [0, 1]], [1, 0]),
        (lambda X: pickle.loads(pickle.dumps(X.copy()))[::-2], [2, 0]),
        (lambda X: train_test_split(X, test_size=1, shuffle=False)[0], [0, 1]),
        (lambda X: copy.deepcopy(X).astype(np.int64), [0, 1, 2]),
        (lambda X: X.tocsr(copy=True).asformat("csr", copy=True), [0, 1, 2]),
        (lambda X: X[:, ::-1][:, ::-1].sorted_indices(), [0, 1, 2]),
    ],
)
def test_words_texts_and_numbers_follow_their_rows(select, rows):
    X = TextSequenceVectorizer(vocabulary=["a", "c"]).fit_transform(PANDAS)
    selected = select(X)
    assert_array_equal(selected.toarray(), X.toarray()[rows])
    assert selected.unknown_tokens.tolist() == ["b"] * len({0, 1} & {*rows})
    assert (selected.vocabulary, selected.input_type) == (X.vocabulary, X.input_type)
    assert selected.texts.tolist() == [COLUMNS["text"][row] for row in rows]
    assert_array_equal(selected.numbers.columns["pages"], np.array(COLUMNS["pages"])[rows])
    assert selected.numbers.columns["shop"].tolist() == [SHOPS[row] for row in rows]


def test_positions_are_no_features_to_select_from():
    texts = ["so good fun", "so bad", "good fun"] * 9
    model = make_pipeline(
        TextSequenceVectorizer(), SelectKBest(chi2, k=1), LSTMSequenceClassifier()
    )
    with pytest.raises(TypeError, match="leave out what selects them, such as SelectKBest"):
        model.fit(texts, [1, 0, 1] * 9)


def test_rows_put_together_have_neither_texts_nor_numbers():
    X = TextSequenceVectorizer().fit_transform(PANDAS)[[[0, 1], [1, 2]], [[0, 1], [0, 1]]]
    assert (X.texts.tolist(), X.numbers) == ([None, None], None)


@pytest.mark.parametrize(
    "change", [lambda X: vstack([X, X]), csr_matrix, csr_array, lambda X: X.tocsc().tocsr()]
)
def test_what_makes_another_matrix_loses_words_texts_and_numbers(change):
    X = change(TextSequenceVectorizer().fit_transform(PANDAS))
    assert not any(hasattr(X, name) for name in ("vocabulary", "texts", "numbers"))


DAY = pd.Timestamp("2026-01-01")
ALONE = PANDAS[["price", "pages"]]
NO_TEXTS = (
    r"\['price', 'pages'.*\], 0 hold neither: all are numbers.*Pass that column.*fillna\(''\)"
)
WRONG = {
    "two columns of texts": (
        PANDAS.assign(title=COLUMNS["text"][::-1]),
        r"2 hold neither: 'text' \('a b'\), 'title' .*frame\['text'\] = frame.pop\('title'\)",
    ),
    "dates": (
        PANDAS.assign(day=DAY),
        r"'day' \(.*\(pd.to_datetime\(frame\['day'\], .*days",
    ),
    "durations": (PANDAS.assign(wait=DAY - DAY), r"Turn it .*\['wait'\].dt.total_seconds\(\)\.$"),
    "no rows": (PANDAS[:0], r"X is empty: found 0 sample\(s\), shape \(0, 5\)"),
    "a cell": (PANDAS.assign(fee=[1.5, 2, "2,5"]), r"'fee' \('2,5'\)"),
    "amounts": (PANDAS.assign(fee="£2"), r"'fee' \('£2'\).*pd.to_numeric\(frame\['fee'\]"),
    "no texts": (ALONE, NO_TEXTS),
    "dicts": (PANDAS.assign(meta=[{"a": 1}] * 3), r"'meta' \(\{'a'.*drop\(columns=\['meta'\]\)\.$"),
    "letters": (
        pd.DataFrame({f"t{k}": ["a", "b"] for k in range(30)}),
        r"30 hold neither: 't0' \('a'\), .*frame.to_numpy\(\).tolist\(\) to .*analyzer=list\)\.",
    ),
    "infinity": (PANDAS.assign(price=[1, np.inf, 2]), r"'price' holds inf in row 1, .*Correct it"),
    "equal names": (PANDAS.rename(columns={"price": "pages"}), "(?s)unique column names.*'pages'"),
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
    remedy = r"Pass frame\[\['text', 'price', 'pages', 'is_new', 'shop'\]\]"
    for read in (vectorizer.transform, vectorizer.partial_fit, vectorizer.known_share):
        with pytest.raises(ValueError, match=remedy):
            read(PANDAS[columns])
    assert vectorizer.transform(COLUMNS["text"]).numbers is None  # texts alone can't be mixed up


def test_a_model_fitted_to_texts_alone_reads_no_frame_of_several_columns(tmp_path):
    frame, y = reviews(60)
    model = linear().fit(frame["text"], y)
    save(model, tmp_path / "model")
    for predict in (model.predict, Predictor.load(tmp_path / "model").predict):
        for X in (frame, frame[["text", "price"]], TABLE):
            with pytest.raises(
                ValueError, match=r"X is a .* one column of texts alone, frame\['text'\]"
            ):
                predict(X)


# --- Categories that `fit` finds among strings


def reviews(n_rows, n_texts=None):
    """Return a frame of texts and shops, as `read_csv` makes it, and a class that both tell."""
    rng = np.random.default_rng(n_rows)
    y = np.arange(n_rows) % 2
    words = np.where(y == 1, "good", "bad")
    numbers = rng.integers(0, n_texts or 10**9, n_rows)
    shops = np.where(rng.random(n_rows) < 0.2, None, np.where(y == 1, "New York", "x"))
    texts = [f"{word} plot {k}" for word, k in zip(words, numbers, strict=True)]
    return pd.DataFrame({"text": texts, "price": rng.normal(size=n_rows), "shop": shops}), y


def linear():
    return make_pipeline(
        TextSequenceVectorizer(), small_models.small(linear_model=True, max_epochs=0)
    )


@pytest.mark.parametrize("way", [pd.DataFrame.copy, pl.from_pandas, pa.Table.from_pandas])
@pytest.mark.parametrize("n_rows", [20, 1_000])
def test_strings_beside_texts_whose_few_values_recur_are_categories(n_rows, way):
    frame, _ = reviews(n_rows)
    vectorizer = TextSequenceVectorizer()
    found = vectorizer.fit_transform(way(frame))
    assert found.texts.tolist() == frame["text"].tolist()
    shops = [shop if isinstance(shop, str) else None for shop in frame["shop"]]
    assert found.numbers.columns["shop"].tolist() == shops
    one = vectorizer.transform(way(frame[:1].assign(shop="seen never")))  # one row decides nothing
    assert one.numbers.columns["shop"].tolist() == ["seen never"]


def test_a_column_that_is_taken_for_a_category_is_told_once(caplog):
    frame = reviews(60)[0].rename(columns={"shop": "title of all"})
    typed = frame.rename(columns={"title of all": "typed"}).astype({"typed": "category"})
    for X in (typed, frame, frame[:40]):
        TextSequenceVectorizer().fit(X).transform(X)
    (told,) = caplog.messages
    assert "frame['text'] = frame.pop('title of all').fillna('') + ' ' + frame['text']" in told


@pytest.mark.parametrize("n_rows", [2, 19])
def test_few_rows_do_not_tell_what_a_category_is(n_rows):
    frame, _ = reviews(n_rows)
    with pytest.raises(ValueError, match=r"2 hold neither: 'text' \(.*\), 'shop' \(.*\)\. "):
        TextSequenceVectorizer().fit(frame)


def test_categories_found_by_fit_are_those_of_the_type_in_folds_and_files(tmp_path):
    frame, y = reviews(60)
    typed, path = frame.astype({"shop": "category"}), tmp_path / "model.safetensors"
    expected = cross_val_predict(linear(), typed, y, cv=2, method="predict_proba")
    found = cross_val_predict(linear(), frame, y, cv=2, method="predict_proba")
    assert_array_equal(found, expected)
    model = linear().fit(frame, y)
    save(model, path)
    for kept in (model, load(path), Predictor.load(path), linear().fit(typed, y)):
        assert_array_equal(kept.predict_proba(frame[:1]), model.predict_proba(typed[:1]))
        with pytest.raises(ValueError, match=r"'shop' of X holds numbers.* at fit it held categ"):
            kept.predict(frame.assign(shop=1.0))


def test_the_first_batch_tells_what_a_category_is():
    frame, _ = reviews(60)
    vectorizer = TextSequenceVectorizer()
    for X in (frame[:40], frame[40:].assign(shop=[*map(str, range(20))])):
        found = vectorizer.partial_fit(X).transform(X).numbers
        assert found.categories == ("shop",)
    with pytest.raises(ValueError, match=r"'shop' of X holds numbers.* at fit it held categ"):
        vectorizer.partial_fit(frame.assign(shop=1.0))
    with pytest.raises(ValueError, match="2 hold neither"):
        TextSequenceVectorizer().partial_fit(frame[:19])


MANY, _ = reviews(60)
RECUR, _ = reviews(60, 5)
LONG_NAMES = ["Department of Sanitation", "Department of Buildings"] * 30
UNCLEAR = {
    "texts that recur too": RECUR[["text", "shop"]],
    "short texts that recur, and long names": RECUR[["text"]].assign(shop=LONG_NAMES),
    "a title": MANY[["text"]].assign(title=[f"part {k}" for k in range(60)]),
}
UNCLEAR["a title beside a category"] = UNCLEAR["a title"].assign(shop=["here", "there"] * 30)


@pytest.mark.parametrize("frame", UNCLEAR.values(), ids=UNCLEAR)
def test_nothing_is_a_category_where_it_is_not_clear(frame):
    with pytest.raises(ValueError, match=rf"2 hold neither: 'text' \(.*\), '{frame.columns[1]}' "):
        TextSequenceVectorizer().fit(frame)


def test_categories_that_are_numbers_are_named_as_whole_numbers():
    shops = pd.Categorical([2, 1.0, "x", "y", None] * 12)
    X = TextSequenceVectorizer().fit_transform(MANY[["text"]].assign(shop=shops))
    assert X.numbers.columns["shop"][:5].tolist() == ["2", "1", "x", "y", None]


LISTS = {
    "lists": [["x"]],
    "arrays": [np.array(["x"])],
    "dates": [DAY],
    "dates of Python": [DAY.date()],
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("way", [pd.DataFrame.copy, pl.from_pandas])
def test_a_column_of_something_else_is_no_unseen_category(name, way):
    frame, y = reviews(60)
    model = linear().fit(way(frame), y)
    with pytest.raises(ValueError, match=r"2 hold neither: .*'shop' "):
        model.predict(way(frame[:1].assign(shop=LISTS[name])))


def test_a_column_that_tells_every_class_is_told():
    """The target was left in: it would be learned, and every score would be perfect."""
    frame = MANY[["text"]].assign(label=np.resize(["spam", "ham"], len(MANY)), price=1.5)
    X = TextSequenceVectorizer().fit_transform(frame)
    model = LSTMSequenceClassifier(linear_model="alone")
    with pytest.warns(InputTypeWarning, match=r"column 'label' tells the class of every sample"):
        model.fit(X, frame["label"])
    y = np.random.default_rng(0).permutation(frame["label"])
    model.fit(X, y)
    series = [pd.DataFrame({"label": float(one == "ham"), "x": [1.0, 2.0]}) for one in y]
    arrays = np.stack([frame.to_numpy() for frame in series])
    for X, name in (series, "'label'"), (arrays, "0"), ([*arrays], "0"):
        with pytest.warns(InputTypeWarning, match=f"Channel {name} tells the class of every"):
            model.fit(X, y)
    model.fit(np.where([[False], [True]], 0.5, arrays), y)  # the first step alone tells it
    table = np.column_stack([np.random.default_rng(1).normal(size=(len(y), 4)), (y == "ham") + 0.5])
    for X, place in (table, "last"), (table[:, ::-1], "first"):
        with pytest.warns(InputTypeWarning, match=f"The {place} step tells the class"):
            model.fit(X, y)


def test_texts_that_hold_their_labels_or_are_lists_in_brackets_are_told():
    y = np.random.default_rng(0).permutation(np.resize(["spam", "ham"], len(MANY)))
    texts = [f"__label__{label} {text}" for label, text in zip(y, MANY["text"], strict=True)]
    with pytest.warns(InputTypeWarning, match="Every text holds its label, and no other: '__label"):
        linear().fit(texts, y)
    lists = [str(text.split()) for text in MANY["text"]]  # as a CSV file holds them
    with pytest.warns(InputTypeWarning, match="Every text is a list in brackets.*literal_eval"):
        linear().fit(lists, y)


def test_a_column_that_counts_the_rows_is_told():
    frame = MANY[["text"]].assign(number=range(len(MANY)))
    X = TextSequenceVectorizer().fit_transform(frame)
    with pytest.warns(InputTypeWarning, match="The column 'number' counts the rows.*Leave it out"):
        LSTMSequenceClassifier(linear_model="alone").fit(X, np.resize([0, 1], len(MANY)))


def test_a_column_of_numbers_that_lost_all_of_them_is_told():
    frame = MANY[["text"]].assign(price=np.resize([1.0, 2, 3], len(MANY)))
    model = linear().fit(frame, np.resize([0, 1, 1], len(MANY)))
    with pytest.warns(MissingValuesWarning, match=r"no value in .* had some at fit: \['price'\]"):
        model.predict(frame[:3].assign(price=np.nan))


# --- Rows, and tables without names


ROWS = {
    "a row": (lambda frame: frame.iloc[0], "pd.DataFrame([X])"),
    "a dict": (lambda frame: frame.iloc[0].to_dict(), "pd.DataFrame([X])"),
    "a list of rows": (lambda frame: [frame.iloc[0]], "pd.DataFrame(X)"),
    "a list of dicts": (lambda frame: frame[:1].to_dict("records"), "pd.DataFrame(X)"),
    "an array": (lambda frame: frame.to_numpy(), "pd.DataFrame(X, columns=[...])"),
    "a row with a gap": (lambda frame: frame.assign(price=None).iloc[0], "pd.DataFrame([X])"),
}


@pytest.mark.parametrize(("select", "advice"), ROWS.values(), ids=ROWS)
def test_what_is_no_table_is_refused_with_what_makes_one(select, advice):
    frame = MANY[["price", "shop", "text"]]
    for read in (TextSequenceVectorizer().fit, TextSequenceVectorizer().fit(frame).transform):
        with pytest.raises((TypeError, ValueError), match=re.escape(advice)):
            read(select(frame))


def test_a_row_on_its_side_and_an_array_in_a_frame_are_tables():
    frame = MANY[["price", "shop", "text"]]
    vectorizer = TextSequenceVectorizer().fit(frame)
    found = vectorizer.transform(frame.iloc[0].to_frame().T)
    assert_array_equal(found.numbers.columns["price"], frame["price"][:1])
    found = TextSequenceVectorizer().fit_transform(pd.DataFrame(frame.to_numpy()))
    assert found.texts.tolist() == frame["text"].tolist()
    assert found.numbers.categories == ("1",)


def test_a_cell_that_is_no_text_is_named_before_its_column_is_blamed():
    texts = [17 if row == 3 else text for row, text in enumerate(MANY["text"])]
    with pytest.raises(TypeError, match=r"^X\[3\] is no text, but 17 \(int\)\. Turn it into"):
        TextSequenceVectorizer().fit(MANY.assign(text=texts))


def test_a_lazy_frame_is_told_to_be_collected():
    lazy = pl.from_pandas(MANY).lazy()
    for X in (lazy, lazy.select("text")):
        with pytest.raises(TypeError, match=r"no rows yet\. Pass frame\.collect\(\)\."):
            TextSequenceVectorizer().fit(X)
