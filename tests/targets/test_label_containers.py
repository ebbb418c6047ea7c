"""Labels and groups keep their own values, whatever holds them."""

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
from sklearn_lstm.targets.label_reading import read_classes, read_groups, read_labels
from sklearn_lstm.targets.targets import Labels

LARGE = 2**53
INTEGERS, BOOLEANS, STRINGS = [LARGE, LARGE + 1, LARGE], [True, False, True], ["a", "b", "a"]


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize(
    ("y", "labels"),
    [
        *((pd.Series(INTEGERS, dtype=t), INTEGERS) for t in ("Int64", "int64[pyarrow]", "UInt64")),
        (pd.DataFrame({"label": INTEGERS}, dtype="Int64"), INTEGERS),
        *((pd.Series(BOOLEANS, dtype=t), BOOLEANS) for t in ("boolean", "bool[pyarrow]", object)),
        (pd.Categorical(BOOLEANS), BOOLEANS),
        ([np.array(1), np.array(0)], [1, 0]),
        (np.array(STRINGS, getattr(np.dtypes, "StringDType", lambda: "U1")()), STRINGS),
        (pl.Series(STRINGS, dtype=pl.Enum(["b", "a", "structure", "roadmap"])), STRINGS),
        (pd.Series(STRINGS, dtype="category"), STRINGS),
        (pa.array(STRINGS).dictionary_encode(), STRINGS),
        (list(pa.array(STRINGS)), STRINGS),
        *((hold([[7], [0], [3]]), [7, 0, 3]) for hold in (sparse.csc_array, sparse.lil_array)),
        (sparse.coo_matrix([[True], [False]]), [True, False]),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_labels_in_any_container_stay_what_they_are(y, labels):
    found = read_labels(y)
    assert found.tolist() == labels
    assert Labels.of(found).classes.tolist() == sorted(set(labels))
    assert found.dtype.kind in {bool: "b", int: "iu", str: "OUT"}[type(labels[0])]


@pytest.mark.parametrize("second", [[0, 0, 1], [False, False, True]])
def test_several_columns_of_labels_are_multilabel(second):
    frame = pd.DataFrame({"a": [1, 0, 1], "b": second})
    for y in (frame, frame.convert_dtypes(), pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        assert read_labels(y).tolist() == [[1, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("y", "place"),
    [
        *((pd.Series([1, None, 0], dtype=t), "1") for t in ("Int64", "boolean", "int64[pyarrow]")),
        (sparse.csr_matrix([[1], [np.nan], [0]]), "1, 0"),
        (np.array([[1, 0], [0, None]], object), "1, 1"),
        (pd.DataFrame([[1, 0], [0, None]], dtype="Int64"), "1, 1"),
        (pa.table({"a": [1, 0], "b": pa.array([1, None]).dictionary_encode()}), "1, 1"),
    ],
    ids=["Int64", "boolean", "Arrow", "sparse", "objects", "frame", "dictionary"],
)
def test_a_missing_label_is_refused_with_its_place(y, place):
    with pytest.raises(ValueError, match=rf"y\[{place}\] is missing.*one classifier for each"):
        read_labels(y)


def test_a_masked_array_has_to_be_filled():
    y = np.ma.masked_array([1, 0, 1], [False, True, False])
    with pytest.raises(TypeError, match=r"y is a masked array.*\.filled\(np\.nan\)"):
        read_labels(y)
    y.mask = False
    assert read_labels(y).tolist() == [1, 0, 1]


def test_labels_have_the_names_of_the_columns(tmp_path):
    X = TextSequenceVectorizer().fit_transform(["the match", "new goals", "a vote"] * 7)[:20]
    columns = {"sport": [1, 0] * 10, "news": [1, 1, 0, 0] * 5}
    y = pd.DataFrame(columns)
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
    swapped = y[["news", "sport"]]
    for learn in (
        lambda: continued.partial_fit(X, swapped),
        lambda: model.fit(X, y, X_val=X, y_val=swapped),
        lambda: model.score(X, pa.Table.from_pandas(swapped)),
    ):
        with pytest.raises(ValueError, match=r"'news', 'sport'"):
            learn()
    with pytest.raises(ValueError, match="tables with the same columns"):
        fit_batches(model, [(X, y), (X, swapped)])
    assert linear.fit(X, np.array([*columns.values()]).T).label_names_ is None
    assert linear.fit(X, pl.from_pandas(y)).label_names_ == ("sport", "news")
    assert linear.fit(X, y.set_axis([10, 20], axis=1)).label_names_ == ("10", "20")


@pytest.mark.parametrize(
    "y",
    [
        pl.Series([{"a": 1, "b": 0}, {"a": 0, "b": 1}]),
        torch.ones(3, requires_grad=True),
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(3).to_sparse(),
    ],
    ids=["structs", "gradient", "bfloat16", "sparse"],
)
def test_what_numpy_would_misread_or_does_not_take_is_refused(y):
    message = r"^Unknown label type: y\[0\] is .*dict|[tT]ensor|ScalarType"
    with pytest.raises((TypeError, RuntimeError, ValueError), match=message):
        read_labels(y)


@pytest.mark.parametrize("hold", [set, list, lambda classes: pd.Series(classes, dtype="Int64")])
def test_the_classes_of_partial_fit_may_be_in_any_container(hold):
    labels = Labels.of(read_classes(hold([LARGE + 1, LARGE])))
    assert labels.classes.tolist() == [LARGE, LARGE + 1]
    labels.check_same(read_classes(hold([LARGE, LARGE + 1])))
    with pytest.raises(ValueError, match="not the same as in the first call"):
        labels.check_same(read_classes(hold([LARGE])))


@pytest.mark.parametrize("classes", [[0, 1, np.nan], ["a", "b", None]])
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
    "y", [[["a", "b"], ["a"], []], pd.Series([["a"], ["b", "c"]]), [{"a", "b"}, {"c"}]]
)
def test_lists_of_labels_are_refused_with_a_recipe(y):
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
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
    "missing", [[7, None], pa.array([7, None]), pl.Series([7, None]), torch.tensor([7.0, np.nan])]
)
def test_a_missing_group_is_named(missing):
    with pytest.raises(ValueError, match=r"groups\[1\] is missing"):
        read_groups(missing, 2)
