"""Labels and groups keep their own values, whatever holds them."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
import torch
from scipy import sparse
from sklearn.base import clone

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.streaming import fit_batches
from sklearn_lstm.targets.label_reading import read_classes, read_labels
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.weights_and_groups import read_groups

LARGE = 2**53
INTEGERS, BOOLEANS, STRINGS = [LARGE, LARGE + 1, LARGE], [True, False, True], ["a", "b", "a"]
NULLABLE = [partial(pd.DataFrame, dtype=dtype) for dtype in ("Int64", "boolean")]


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize(
    ("y", "labels"),
    [
        *((pd.Series(INTEGERS, dtype=t), INTEGERS) for t in ("Int64", "int64[pyarrow]", "UInt64")),
        (pd.DataFrame({"label": INTEGERS}, dtype="Int64"), INTEGERS),
        *((pd.Series(BOOLEANS, dtype=t), BOOLEANS) for t in ("boolean", "bool[pyarrow]")),
        (pd.Categorical(BOOLEANS), BOOLEANS),
        ([np.array(1), np.array(0)], [1, 0]),
        (np.array(STRINGS, getattr(np.dtypes, "StringDType", lambda: "U1")()), STRINGS),
        (pl.Series(STRINGS, dtype=pl.Enum(["b", "a", "structure", "roadmap"])), STRINGS),
        (pd.Series(STRINGS, dtype="category"), STRINGS),
        (pa.array(STRINGS).dictionary_encode(), STRINGS),
        (list(pa.array(STRINGS)), STRINGS),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_labels_in_any_container_stay_what_they_are(y, labels):
    found = read_labels(y)
    assert found.tolist() == labels
    assert Labels.of(found).classes.tolist() == sorted(set(labels))
    assert found.dtype.kind in {bool: "b", int: "iu", str: "OUT"}[type(labels[0])]


@pytest.mark.parametrize("frame", [pd.DataFrame, *NULLABLE, pl.DataFrame, pa.table])
@pytest.mark.parametrize("second", [[0, 0, 1], [False, False, True]])
def test_several_columns_of_labels_are_multilabel(frame, second):
    assert read_labels(frame({"a": [1, 0, 1], "b": second})).tolist() == [[1, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    "y",
    [
        *(pd.Series([1, None, 0], dtype=dtype) for dtype in ("Int64", "boolean", "int64[pyarrow]")),
        sparse.csr_matrix([[1], [np.nan], [0]]),
    ],
    ids=["Int64", "boolean", "Arrow", "sparse"],
)
def test_a_missing_label_is_refused(y):
    with pytest.raises(ValueError, match=r"y\[1(, 0)?\] is missing"):
        read_labels(y)


def test_a_masked_array_has_to_be_filled():
    y = np.ma.masked_array([1, 0, 1], [False, True, False])
    with pytest.raises(
        TypeError, match=r"y is a masked array.*y\.astype\(float\)\.filled\(np\.nan\)"
    ):
        read_labels(y)
    y.mask = False
    assert read_labels(y).tolist() == [1, 0, 1]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_labels_have_the_names_of_the_columns(frame, tmp_path):
    X = TextSequenceVectorizer().fit_transform(["the match", "new goals", "a vote"] * 7)[:20]
    columns = {"sport": [1, 0] * 10, "news": [1, 1, 0, 0] * 5}
    y = frame(columns)
    linear = small_models.small(linear_model=True, max_epochs=0)
    model = clone(linear).fit(X, y)
    save(model, tmp_path / "model")
    continued = small_models.small().partial_fit(X, y)
    for named in (model, load(tmp_path / "model"), fit_batches(model, [(X, y)]), continued):
        assert named.label_names_ == ("sport", "news")
        assert named.classes_.tolist() == [0, 1]
        assert explain(named, X[:1], "news")[0].target == "news"
        assert explain(named, X[:1], 0)[0].target == "sport"
    with pytest.raises(ValueError, match=r"'other' is not a class .*'sport', 'news'"):
        explain(model, X, "other")
    swapped = frame({name: columns[name] for name in ("news", "sport")})
    for learn in (
        lambda: continued.partial_fit(X, swapped),
        lambda: model.fit(X, y, X_val=X, y_val=swapped),
        lambda: model.score(X, swapped),
    ):
        with pytest.raises(ValueError, match=r"'news', 'sport'"):
            learn()
    with pytest.raises(ValueError, match="tables with the same columns"):
        fit_batches(model, [(X, y), (X, swapped)])
    assert linear.fit(X, np.array([*columns.values()]).T).label_names_ is None


def test_columns_named_by_numbers_have_names_too():
    X = np.random.default_rng(0).normal(size=(20, 6))
    y = pd.DataFrame({10: [1, 0] * 10, 20: [1, 1, 0, 0] * 5})
    model = small_models.small().fit(X, y)
    assert model.label_names_ == ("10", "20")
    assert explain(model, X[:1], "20")[0].target == "20"
    with pytest.raises(ValueError, match=r"'20', '10'"):
        model.score(X, y[[20, 10]])


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("labels", [[7, 0, 3], [1, 0, 1], [True, False, True]])
def test_a_sparse_column_is_read_as_a_dense_one(labels):
    column = np.array(labels)[:, np.newaxis]
    for hold in (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix, sparse.lil_array):
        y = read_labels(hold(column))
        assert y.tolist() == read_labels(column).tolist() == labels
        assert y.dtype == column.dtype


def test_a_sparse_y_of_one_dimension_is_one_label_each():
    y = sparse.coo_array(np.array([7, 0, 3]))
    assert y.ndim == 2 or read_labels(y).tolist() == [7, 0, 3]  # SciPy 1.11 makes a row of it


@pytest.mark.parametrize(
    "y",
    [
        pl.Series([{"a": 1, "b": 0}, {"a": 0, "b": 1}]),
        pl.Series([{"a": 1}, {"a": 2}]),
        torch.ones(3, requires_grad=True),
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(3).to_sparse(),
    ],
    ids=["structs", "struct", "gradient", "bfloat16", "sparse"],
)
def test_what_numpy_would_misread_or_does_not_take_is_refused(y):
    message = r"^Unknown label type: y\[0\] is .* a dict|[tT]ensor|ScalarType"
    with pytest.raises((TypeError, RuntimeError, ValueError), match=message):
        read_labels(y)


@pytest.mark.parametrize("hold", [set, list, lambda classes: pd.Series(classes, dtype="Int64")])
def test_the_classes_of_partial_fit_may_be_in_any_container(hold):
    labels = Labels.of(read_classes(hold([LARGE + 1, LARGE])))
    assert labels.classes.tolist() == [LARGE, LARGE + 1]
    labels.check_same(read_classes(hold([LARGE, LARGE + 1])))
    with pytest.raises(ValueError, match="not the same as in the first call"):
        labels.check_same(read_classes(hold([LARGE])))


@pytest.mark.parametrize("classes", [[0, 1, np.nan], ["a", "b", None], ["a", "b", np.nan]])
def test_a_class_of_partial_fit_is_not_missing(classes):
    with pytest.raises(ValueError, match=r"classes\[2\] is missing"):
        read_classes(classes)


def test_classes_are_not_named_for_several_labels():
    labels = Labels.of(np.eye(2, dtype=int))
    for classes in (None, [0, 1], {0, 1}):
        labels.check_same(read_classes(classes))
    with pytest.raises(ValueError, match=r"\['a', 'b'\].*numbers of the columns of a multilabel y"):
        labels.check_same(read_classes(["a", "b"]))


@pytest.mark.parametrize(
    "y",
    [
        [["a", "b"], ["a"], []],
        [["a", "b"], ["a", "c"]],
        pd.Series([["a"], ["b", "c"]]),
        [("a", "b"), ("c",)],
    ],
)
def test_lists_of_labels_are_refused_with_a_recipe(y):
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        read_labels(y)


@pytest.mark.parametrize(
    "y",
    [
        np.array([[1, 0], [0, np.nan]]),
        np.array([[1, 0], [0, None]], object),
        pd.DataFrame([[1, 0], [0, None]], dtype="Int64"),
        pa.table({"a": [1, 0], "b": pa.array([1, None]).dictionary_encode()}),
        sparse.csr_matrix([[1, 0], [0, np.nan]]),
    ],
    ids=["floats", "objects", "Int64", "dictionary", "sparse"],
)
def test_a_label_that_is_not_known_is_refused_with_a_recipe(y):
    with pytest.raises(ValueError, match=r"y\[1, 1\] is missing.*one classifier for each"):
        read_labels(y)


GROUPS = [7, 7, 3, 7, 3]


@pytest.mark.parametrize(
    "hold",
    [
        *(np.array, torch.tensor, pa.array, lambda a: pa.chunked_array([a]), pl.Series, pd.Series),
        lambda groups: [*torch.tensor(groups)],
        lambda groups: pa.array(groups).dictionary_encode(),
        lambda groups: [(group, "a") for group in groups],
        lambda groups: pd.Series([{7: ("day", 1), 3: b"b"}[group] for group in groups], groups),
        iter,
    ],
)
def test_groups_are_the_same_in_every_container(hold):
    assert read_groups(hold(GROUPS), 5).tolist() == [0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "missing",
    [
        [7, None],
        pa.array([7, None]),
        pa.chunked_array([["a"], [None]]),
        pl.Series([7, None]),
        pd.array([7, None], dtype="Int64"),
        torch.tensor([7.0, torch.nan]),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_a_missing_group_is_named(missing):
    with pytest.raises(ValueError, match=r"groups\[1\] is missing"):
        read_groups(missing, 2)
