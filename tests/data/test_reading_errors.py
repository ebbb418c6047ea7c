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
from torch.utils.data import TensorDataset

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.exceptions import InvalidSequencesError as WrongValue
from sklearn_lstm.exceptions import InvalidSequencesTypeError as WrongType

TEXTS = ["good day", "bad day", "good night"]
PIPELINE = re.escape("make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier())")
NO_ORDER = "a bag of words .* has no order.*TextSequenceVectorizer.* ColumnTransformer .*data frame"
ID_RANGE = "token ids are integers from 0 .* to 2147483647.*input_type='measurements'"
ONE = np.ones((2, 3))


def csr(rows, **options):
    return sparse.csr_matrix(np.array(rows), **options)


def objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


STEPS = [
    [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}],
    [{"b": 5.0, "a": 6.0}],
    [{"a": 7.0, "b": 8.0}],
]
FIELDS = r"no order.*list of one for each sequence, .*: \[pd.DataFrame\(row\) for row in X"
STRUCTS = rf"X holds the type .*(?i:struct).*{FIELDS}"
TENSORS = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((3, 2, 2)))
SHAPE = r"X holds the type .*tensor.*to_numpy_ndarray\(\)"
ROWS_OF_CSR = [csr([[1, 2]]), csr([[3, 0]]), csr([[4, 5]])]
OF_CSR = r"X\[0\] is a csr_matrix.*X\[rows\] keeps the words, a list of rows does not"
PERIODS = pd.DataFrame({"day": pd.period_range("2024", periods=3), "x": [1.0, 2.0, 3.0]})
NO_NUMBER = r"X\[0\] holds .*, which is no number.*\(T,\) or"
COLUMN = NO_NUMBER.replace("number", "number: pass the one column that holds the sequences")
SELECTED = r"\[steps\[\['x', 'y'\]\] for _, steps in groups\]"  # no id and no label
LONG = rf"long table.*a data frame for each series.*{SELECTED}.*groups\['label'\]"
MACHINES = pd.DataFrame({"machine": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]})
OF_MACHINES = rf"X holds strings in columns \['machine'.*\]\. Leave out names.*{LONG}"
WRONG = {
    "list of strings": (TEXTS, WrongType, PIPELINE),
    "array of strings": (np.array(TEXTS), WrongType, PIPELINE),
    "pandas Series of strings": (pd.Series(TEXTS), WrongType, PIPELINE),
    "pandas DataFrame of strings": (pd.DataFrame({"text": TEXTS}), WrongType, PIPELINE),
    "one string": (TEXTS[0], WrongType, PIPELINE),
    "lists of tokens": ([["a", "b"], ["c"], ["d"]], WrongType, r"X\[0\].*" + PIPELINE),
    "equal lists of tokens": ([["a"], ["b"], ["c"]], WrongType, PIPELINE),
    "tf-idf": (TfidfVectorizer().fit_transform(TEXTS), WrongType, NO_ORDER),
    "sparse booleans": (csr([[True], [True], [False]]), WrongType, NO_ORDER),
    "dates": (np.zeros((3, 2), "datetime64[D]"), WrongType, r"X\[0\] holds 1970.*no measure"),
    "nothing": (None, WrongValue, "X is no set of sequences, but a 0-D NoneType"),
    "one sequence": (np.arange(3.0), WrongValue, r"a 1-D ndarray\..* \[X\] if X is one"),
    "4-D": (np.ones((3, 2, 2, 2)), WrongValue, r"dim 4, while dim <= 3 .*n_timesteps, n_channels"),
    "list of 3-D": ([np.ones((2, 2, 2))] * 3, WrongValue, r"X\[0\] has 3 dimensions.*\(T,\) or"),
    "complex": (np.ones((3, 2), complex), WrongValue, "Complex data not supported"),
    "complex row": ([[1.0], [1j, 2.0], [2.0]], WrongValue, r"X\[1\] is complex"),
    "empty list": ([], WrongValue, r"0 sample\(s\)"),
    "empty array": (np.ones((0, 2)), WrongValue, r"0 sample\(s\) \(shape=\(0, 2\)\)"),
    "empty matrix": (sparse.csr_matrix((0, 2), dtype=int), WrongValue, r"0 sample\(s\)"),
    "no columns": (np.ones((3, 0)), WrongValue, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "empty series": ([[1.0], [], [2.0]], WrongValue, r"X\[1\] is a series without.*Drop it"),
    "empty frames": ([ONE, ONE, ONE[:0]], WrongValue, r"X\[2\] is a series without a value"),
    "row of NaN": ([[1.0], [np.nan], [2.0]], WrongValue, r"X\[1\] is a series without a value"),
    "all rows empty": ([[], [], []], WrongValue, r"X\[0\] is a series without a value"),
    "mixed channels": ([ONE, ONE, ONE[:, :2]], WrongValue, r"X\[2\] has 2 channels, .* have 3"),
    "mixed dimensions": ([ONE, ONE[0], ONE], WrongValue, r"X\[1\] has 1 channels, .* have 3"),
    "ragged steps": ([[[1.0, 2.0], [3.0]]] * 3, WrongValue, r"X\[0\] is not .* of one width"),
    "missing row": ([[1.0], None, [3.0]], WrongValue, r"X\[1\] is missing. Each row .*\(T,\) or"),
    "NaN as a row": (pd.Series([[1], np.nan, [3]]), WrongValue, r"X\[1\] is missing. Each row"),
    "number as a row": ([[1, 2], 3, [3]], WrongValue, r"X\[1\] has 0 dimensions"),
    "infinite": (
        np.array([[1.0, 2.0], [1.0, 2.0], [1.0, -np.inf]]),
        WrongValue,
        r"X contains infinity or a value too large .*: X\[2\], step 1, channel 0. Correct it",
    ),
    "beyond float32": ([[1.0], [2.0, 1e39], [0.0]], WrongValue, r"too large \(1e\+39\): X\[1\]"),
    "beyond float64": ([[1.0], [10**400, 0.5], [0]], WrongValue, r"too large .*: X\[1\], step 0"),
    "beyond float64 in a table": ([[1.0], [-(10**400)], [0]], WrongValue, r"too large .*: X\[1\]"),
    "id beyond int32": (np.array([[1], [2], [2**31]]), WrongValue, rf"X\[2\] .*{ID_RANGE}"),
    "id beyond int32 in a list": ([[1], [2**31], [2, 3]], WrongValue, rf"X\[1\] .*{ID_RANGE}"),
    "id beyond int32 in CSR": (csr([[1, 2], [0, 0], [2**40, 0]]), WrongValue, r"X\[2\] holds 1"),
    "polars structs": (pl.Series(STEPS), WrongType, STRUCTS),
    "pyarrow table of structs": (pa.table({"a": [row[0] for row in STEPS]}), WrongType, STRUCTS),
    "list of polars structs": ([*pl.Series(STEPS)], WrongType, STRUCTS.replace("X", r"X\[0\]", 1)),
    "pyarrow maps": (
        pa.array([[(1, 2.0)], [(2, 1.0)], []], pa.map_(pa.int8(), pa.float64())),
        WrongType,
        rf"X holds the type map.*{FIELDS}",
    ),
    "lists of dicts": (STEPS, WrongType, rf"X\[0\] holds a dict: .*{FIELDS}"),
    "equal lists of dicts": ([row[:1] for row in STEPS], WrongType, rf"X\[0\] holds .*{FIELDS}"),
    "dict beside numbers": ([[1.0], [2.0, {}], [3.0]], WrongType, rf"X\[1\] holds .*{FIELDS}"),
    "dicts": ([row[0] for row in STEPS], WrongType, rf"X\[0\] is a dict: .*{FIELDS}"),
    "a dict": ({"a": [1.0], "b": [2.0]}, WrongType, f"X is a dict: .*{FIELDS}"),
    "tensors": (TENSORS, WrongType, SHAPE),
    "list of CSR rows": (ROWS_OF_CSR, WrongValue, OF_CSR),
    "object array of CSR rows": (objects(ROWS_OF_CSR), WrongValue, OF_CSR),
    "periods": (PERIODS, WrongValue, NO_NUMBER),
    "functions": ([[len], [1.0], [2.0]], WrongValue, NO_NUMBER),
    "views of a dict": ([dict(enumerate(row)).values() for row in TEXTS], WrongValue, NO_NUMBER),
    "two columns of lists": (pd.DataFrame({"a": STEPS, "b": STEPS}), WrongValue, COLUMN),
    "two columns of arrays": (
        pl.DataFrame({name: pl.Series([[1, 2]] * 3, dtype=pl.Array(pl.Int8, 2)) for name in "ab"}),
        WrongValue,
        COLUMN,
    ),
    "long table": (MACHINES, WrongType, OF_MACHINES),
    "column of strings": (
        [MACHINES.assign(label="worn")] * 3,
        WrongType,
        r"X\[0\] holds strings in columns \['machine', 'label'\]\..*to_numeric\.$",
    ),
    "channel of strings": (
        [MACHINES.to_numpy(object)] * 3,
        WrongType,
        r"X\[0\] holds strings in columns \[0\]\. Leave out names\..*to_numeric\.$",
    ),
    "column of dates": (
        [MACHINES.assign(machine=pd.Timestamp("2024"))] * 3,
        WrongType,
        r"dates, times .*\. This is column 'machine', which can be left out\.$",
    ),
    "groups": (
        pd.DataFrame({"g": [0, 1], "x": [1.0, 2.0]}).groupby("g"),
        WrongValue,
        "a name with its",
    ),
    "missing masked row": (
        np.ma.masked_array(objects([[1], [2], [3]]), [False, True, False]),
        WrongValue,
        r"X\[1\] is missing",
    ),
    "masked strings": (np.ma.masked_array([TEXTS], [[False, True, False]]), WrongType, PIPELINE),
    "null in polars arrays": (
        pl.Series([[1.0, 2.0], None, [3.0, 4.0]], dtype=pl.Array(pl.Float64, 2)),
        WrongValue,
        r"X\[1\] is missing",
    ),
    "an iterator": (
        iter([[1.0], [2.0], [3.0]]),
        WrongValue,
        r"list_iterator\..* list\(X\) of an it",
    ),
    "a data set of torch": (
        TensorDataset(torch.ones(3, 4), torch.tensor([0, 1, 0])),
        WrongValue,
        r"X\[0\] is a tuple\. .*X, y = zip\(\*X\)",
    ),
    "negative in CSR": (
        csr([[0, 0], [-2, 0], [1, 1]]),
        WrongValue,
        rf"^Negative .*X\[1\] .*{ID_RANGE}",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_x_is_refused_at_fit(name):
    X, error, message = WRONG[name]
    with pytest.raises(error, match=f"(?s){message}"):
        LSTMSequenceClassifier().fit(X, [0, 1, 0])


NEGATIVE, DECLARED = [[1, 2], [3, 4], [2, -1]], rf"X\[2\] holds -1.*{ID_RANGE}"
WRONG_IF_DECLARED = [
    *[("words", hold(NEGATIVE), WrongValue, DECLARED) for hold in (np.array, csr, list)],
    ("words", np.array([[1.0], [np.nan], [2.0]]), WrongValue, r"X\[1\] holds NaN"),
    ("words", np.array([[1.0], [np.inf], [2.0]]), WrongValue, r"X\[1\] holds inf"),
    ("words", np.ones((3, 2, 2)), WrongValue, "3-D X holds measurements"),
    ("words", [np.ones((2, 2), dtype=int)] * 3, WrongValue, r"X\[0\] has shape \(2, 2\)"),
    ("measurements", csr([[1], [2], [3]]), WrongType, r"X.toarray\(\)"),
]


@pytest.mark.parametrize(("input_type", "X", "error", "message"), WRONG_IF_DECLARED)
def test_an_x_of_another_kind_than_declared_is_refused(input_type, X, error, message):
    with pytest.raises(error, match=message):
        LSTMSequenceClassifier(input_type=input_type).fit(X, [0, 1, 0])


def test_a_long_table_without_groupby_is_told_how_to_become_a_list_of_frames():
    table = pd.DataFrame({"machine": [1, 1, 2, 2], "x": [0.5, 1.0, 2.0, 1.5]})
    with pytest.raises(ValueError, match=rf"(?s)\[4, 2\].*{LONG}"):
        LSTMSequenceClassifier().fit(table, ["fine", "worn"])
    series = [steps[["x"]] for _, steps in table.groupby("machine")]
    with pytest.raises(ValueError, match=rf"(?s)\[2, 4\].*{LONG}"):  # labels of all steps
        LSTMSequenceClassifier().fit(series, ["fine", "fine", "worn", "worn"])


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
    "tf-idf": ("ids", TfidfVectorizer().fit_transform(TEXTS), WrongType, NO_ORDER),
    "channels for ids": ("ids", np.ones((2, 3, 2)), WrongValue, "reads token ids"),
    "negative id": ("ids", [[2, 3], [-4]], WrongValue, rf"X\[1\] holds -4.*{ID_RANGE}"),
    "no rows": ("ids", np.ones((0, 4), int), WrongValue, r"0 sample\(s\)"),
    "columns": ("table", np.ones((2, 3)), WrongValue, "X has 3 features, but .* 4 features"),
    "channels for a table": ("table", np.ones((2, 4, 2)), WrongValue, "X has 2 channels.* 1 chan"),
    "CSR for a table": ("table", csr([[1, 2], [3, 4]]), WrongType, r"X.toarray\(\)"),
    "more channels": ("channels", np.ones((2, 4, 3)), WrongValue, "X has 3 channels.* 2 channels"),
    "table for channels": ("channels", np.ones((2, 4)), WrongValue, "has 1 channels.* 2 channels"),
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


def test_ids_may_come_in_any_number_of_columns(fitted):
    X = np.array([[3, 4, 5], [6, 0, 0]])
    wide = np.pad(X, ((0, 0), (0, 20)))
    proba = fitted["ids"].predict_proba(X)
    np.testing.assert_allclose(fitted["ids"].predict_proba(wide), proba, atol=1e-6)
