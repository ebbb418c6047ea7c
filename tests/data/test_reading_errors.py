"""A wrong X gets one error that names the row, what was found and what to do."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.exceptions import InvalidSequencesError as WrongValue
from sklearn_lstm.exceptions import InvalidSequencesTypeError as WrongType

TEXTS = ["good day", "bad day", "good night"]
PIPELINE = re.escape("make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())")
NO_ORDER = "a bag of words .* has no order.*TextSequenceVectorizer.* ColumnTransformer .*data frame"
ID_RANGE = "token ids are integers from 0 .* to 2147483647.*input_type='measurements'"
FIELDS = r"no order.*: \[pd.DataFrame\(row\) for row in X\] \(dict: \[\*X.values\(\)\].*step\["
SECONDS = r"\(t - t\.iloc\[0\]\) / pd\.Timedelta\('1s'\)"
ROW = r"Each row has to be .*\(T,\) or \(T, n_channels\).*pd.DataFrame\(\[X\]\)"
ONE = np.ones((2, 3))
DAYS = pd.date_range("2024", periods=2)


def csr(rows):
    return sparse.csr_matrix(np.array(rows))


def frame(**columns):
    return pd.DataFrame({"x": [0.5, 1.5], **columns})


STEPS = [[{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}], [{"b": 5.0, "a": 6.0}], []]
TENSORS = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((3, 2, 2)))
MACHINES = pd.DataFrame({"machine": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]})
LISTS = pd.DataFrame({name: [[1.0, 2.0]] * 3 for name in "ab"})
WRONG_TYPE = {
    "strings": (TEXTS, rf"X\[0\] is a str: 'good day'.*{PIPELINE}"),
    "a string among numbers": ([[1, 2], [3, 4], [5, "x"]], rf"X\[2\] holds a str: 'x'.*{PIPELINE}"),
    "a column of strings": (pl.Series(TEXTS), rf"X\[0\] is a str: 'good day'\..*{PIPELINE}"),
    "a frame of strings": (pd.DataFrame({"text": TEXTS}), rf"\['text'\].*'good day'.*{PIPELINE}"),
    "one string": (TEXTS[0], rf"X is a str: 'good day'\..*{PIPELINE}"),
    "lists of tokens": ([["a", "b"], ["c"], ["d"]], rf"X\[0\] holds .*'a'.*{PIPELINE}"),
    "tf-idf": (TfidfVectorizer().fit_transform(TEXTS), NO_ORDER),
    "long table": (MACHINES, r"\['machine'\], holds a str: 'a'\. Leave out names.* long table"),
    "dates": (np.zeros((3, 2), "M8[D]"), rf"X holds a datetime64: .*1970.*{SECONDS}"),
    "a column of dates": ([frame(time=DAYS)] * 3, rf"X\[0\], in columns \['time'\].*{SECONDS}"),
    "durations": ([frame(time=DAYS - DAYS[0])] * 3, rf"X\[0\].*\['time'\].*timedelta.*{SECONDS}"),
    "structs of polars": (pl.Series(STEPS), rf"X\[0\] holds a dict: \{{'a'.*{FIELDS}"),
    "structs of pyarrow": (pa.table({"a": STEPS[0]}), rf"\['a'\], holds a dict: .*{FIELDS}"),
    "a dict among numbers": ([[1.0], [2.0, {}], [3.0]], rf"X\[1\] holds a dict: .*{FIELDS}"),
    "a dict": ({"a": [1.0], "b": [2.0]}, rf"X is a dict: .*{FIELDS}"),
    "maps": (pa.array([[(1, 2.0)]] * 3, pa.map_(pa.int8(), pa.float64())), rf"maps.*{FIELDS}"),
    "tensors": (TENSORS, r"tensors.*to_numpy_ndarray\(\)"),
    "a set": ([[3, 1], {1, 2}, [2]], r"X\[1\] is a set: \{1, 2\}\. It has no order\. Pass a list"),
    "rows of a CSR": ([csr([[1, 2]])] * 3, r"X\[0\] is a csr_matrix.*X\[rows\] keeps the words"),
    "two columns of lists": (LISTS, r"\['a', 'b'\].*Pass the column .*np.column_stack\(row\)"),
    "times beside numbers": (
        pd.DataFrame({"time": ["2026-01-01 10:00:00"] * 3, "x": 1.0}),
        r"\['time'\], holds a str.*Turn times into seconds.*groupby",
    ),
    "texts beside numbers": (
        pd.DataFrame({"text": ["so good"] * 3, "price": 1.0}),
        r"\['text'\], holds a str: 'so good'\. Texts need a vectorizer",
    ),
    "columns of Series": (LISTS.map(pd.Series), r"\['a', 'b'\].*a Series.*np.column_stack\(row\)"),
    "masked": (np.ma.masked_array(ONE, ONE > 0), r"X is a masked array.*\.filled\(np\.nan\)"),
    "masked steps": ([[np.ma.masked_array([1.0], [1])] * 2] * 3, r"X\[0\] is a masked array"),
    "a lazy frame": (pl.DataFrame({"a": [1, 2, 3]}).lazy(), r"no rows yet.*frame\.collect\(\)"),
    "a tensor": (torch.ones(3, 2, requires_grad=True), r"^X can't .*detach\(\)\.float\(\)"),
    "a tensor as a row": ([ONE, torch.ones(3, 3).to_sparse(), ONE], r"^X\[1\] can't .*detach\(\)"),
}
WRONG_VALUE = {
    "nothing": (None, r"X is no set of sequences, but a 0-D NoneType.*list\(X\)"),
    "one sequence": (np.arange(3.0), r"a 1-D ndarray\..* \[X\] if X is one sequence"),
    "4-D": (np.ones((3, 2, 2, 2)), r"dim 4, while dim <= 3 .*n_timesteps, n_channels"),
    "complex": ([[1.0], [1j, 2.0], [2.0]], r"X\[1\] is complex.*: pass real"),
    "empty list": ([], r"0 sample\(s\)"),
    "no columns": (np.ones((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "empty series": ([[1.0], [], [2.0]], r"X\[1\] is a series without.*Drop it"),
    "mixed channels": (
        [ONE, ONE, ONE[:, :2]],
        r"X\[2\] has 2 channels, .* needs the 3.*x\.T for x in X",
    ),
    "ragged steps": ([[[1.0, 2.0], [3.0]]] * 3, rf"X\[0\] is not .* of one width.*{ROW}"),
    "one row of a frame": (LISTS.assign(y=np.nan).iloc[0], rf"X\[2\] is missing\. {ROW}"),
    "number as a row": ([[1, 2], 3, [3]], rf"X\[1\] has 0 dimensions.*{ROW}"),
    "groups": ([*MACHINES.groupby("x")], r"X\[0\] .*\(name, steps\), apart.*zip\(\*X\)"),
    "pairs": ([(np.ones(3), 1)] * 3, r"X\[0\] .*pairs, .*zip\(\*X\)"),
    "infinite": (
        np.array([[1.0], [-np.inf]]),
        r"too large, -inf: X\[1\], step 0, channel 0. Correct",
    ),
    "beyond float64": (
        [[1.0], [10**400, 0.5], [0]],
        r"X\[1\] holds 10+\.\.\..* too large: .* 3.4e\+38",
    ),
    "id beyond int32": (np.array([[1], [2], [2**31]]), rf"X\[2\] holds 2147483648, .*{ID_RANGE}"),
    "id beyond int32 in CSR": (csr([[1, 2], [0, 0], [2**40, 0]]), r"X\[2\] holds 1"),
    "negative in CSR": (csr([[0, 0], [-2, 0], [1, 1]]), rf"^Negative .*X\[1\] .*{ID_RANGE}"),
    "missing id": (pd.Series([[1, 2], [3, None]]), r"X\[1\] holds a missing value.* 0 is padding"),
    "an iterator": (iter([[1.0], [2.0], [3.0]]), r"list_iterator\..* list\(X\) of an iterator"),
}


@pytest.mark.parametrize("name", [*WRONG_TYPE, *WRONG_VALUE])
def test_an_error_names_the_row_what_was_found_and_what_to_do(name):
    error, (X, message) = (
        (WrongType, WRONG_TYPE[name]) if name in WRONG_TYPE else (WrongValue, WRONG_VALUE[name])
    )
    with pytest.raises(error, match=f"(?s){message}"):
        LSTMSequenceClassifier().fit(X, [0, 1, 0])


NEGATIVE, DECLARED = [[1, 2], [3, 4], [2, -1]], rf"X\[2\] holds -1.*{ID_RANGE}"
WRONG_IF_DECLARED = [
    *[("words", hold(NEGATIVE), WrongValue, DECLARED) for hold in (np.array, csr)],
    ("words", pd.DataFrame([[1.0], [np.nan]]), WrongValue, r"X\[1\] .*X.fillna\(0\).astype\(int\)"),
    ("words", np.array([[1.0], [np.inf], [2.0]]), WrongValue, r"X\[1\] holds inf"),
    ("words", np.ones((3, 2, 2)), WrongValue, r"X\[0\] has shape \(2, 2\), but a row of ids"),
    ("words", [np.ones((2, 2), dtype=int)] * 3, WrongValue, r"X\[0\] has shape \(2, 2\)"),
    ("measurements", csr([[1], [2], [3]]), WrongType, r"X.toarray\(\)"),
]


@pytest.mark.parametrize(("input_type", "X", "error", "message"), WRONG_IF_DECLARED)
def test_an_x_of_another_kind_than_declared_is_refused(input_type, X, error, message):
    with pytest.raises(error, match=message):
        LSTMSequenceClassifier(input_type=input_type).fit(X, [0, 1, 0])


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    inputs = {
        "ids": rng.integers(1, 9, (6, 4)),
        "table": rng.normal(size=(6, 4)),
        "channels": rng.normal(size=(6, 4, 2)),
    }
    model = LSTMSequenceClassifier(hidden_size=2, max_epochs=1, random_state=0)
    return {kind: model.__sklearn_clone__().fit(X, [0, 1] * 3) for kind, X in inputs.items()}


AT_PREDICT = {
    "strings": ("ids", TEXTS, WrongType, PIPELINE),
    "channels for ids": ("ids", np.ones((2, 3, 2)), WrongValue, "row of ids has shape"),
    "no rows": ("ids", np.ones((0, 4), int), WrongValue, r"0 sample\(s\)"),
    "columns": ("table", np.ones((2, 3)), WrongValue, "X has 3 features, but .* 4 features"),
    "channels for a table": ("table", np.ones((2, 4, 2)), WrongValue, "X has 2 channels.* 1 chan"),
    "CSR for a table": ("table", csr([[1, 2], [3, 4]]), WrongType, r"X.toarray\(\)"),
    "ragged": ("channels", [ONE[:, :1], ONE[:, :1]], WrongValue, "has 1 channels.* 2 channels"),
    "NaN": (
        "channels",
        [ONE[:, :2], ONE[:, :2] * np.nan],
        WrongValue,
        r"X\[1\] is a series without",
    ),
}


@pytest.mark.parametrize("name", AT_PREDICT)
def test_a_wrong_x_is_refused_at_predict(fitted, name):
    kind, X, error, message = AT_PREDICT[name]
    with pytest.raises(error, match=f"(?s){message}"):
        fitted[kind].predict(X)


def test_the_input_type_stays_as_decided_at_fit(fitted):
    assert {kind: model.input_type_ for kind, model in fitted.items()} == {
        "ids": "characters",
        "table": "measurements",
        "channels": "measurements",
    }
    table = np.arange(8).reshape(2, 4)
    np.testing.assert_array_equal(
        fitted["table"].predict_proba(table), fitted["table"].predict_proba(table.astype(float))
    )


@pytest.mark.parametrize("input_type", ["words", "characters", "measurements"])
@pytest.mark.parametrize("hold", [list, tuple])
def test_a_list_of_lists_may_have_any_width(input_type, hold):
    model = LSTMSequenceClassifier(
        hidden_size=2, max_epochs=1, input_type=input_type, random_state=0
    )
    model.fit(np.arange(24.0).reshape(6, 4), [0, 1] * 3)
    rows = [[2.0, 3.0], [5.0], [7.0, 1.0], [3.0] * 9]
    together = model.predict_proba(hold(rows))
    for alone, expected in zip(rows, together, strict=True):
        np.testing.assert_allclose(model.predict_proba(hold([alone])), [expected], atol=1e-7)
    np.testing.assert_allclose(model.predict_proba(hold(rows[::2])), together[::2], atol=1e-7)
    with pytest.raises(WrongValue, match=r"X has 2 features, but .* 4 features"):
        model.predict(np.array(rows[::2]))
