"""Integers in any container are token ids, of which none may be missing; booleans are not."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import small_models
from as_read import read_sequences

from sklearn_lstm.exceptions import InvalidSequencesError

IDS = [[3, 4, 0], [4, 5, 3], [3, 0, 0], [7, 7, 5], [5, 4, 3], [7, 3, 0], [4, 4, 4], [5, 7, 0]]
NAMES = ["first", "second", "third"]
LABELS = [0, 1] * 4


small = partial(small_models.small, max_epochs=1)


def object_array(rows):
    array = np.empty(len(rows), object)
    for index, row in enumerate(rows):
        array[index] = row
    return array


def columns_of(ids):
    return dict(zip(NAMES, np.array(ids).T.tolist(), strict=True))


def arrow_list_column(rows, **options):
    return pd.Series(pa.array(rows), dtype=pd.ArrowDtype(pa.list_(pa.int64())), **options)


def with_gap(ids, row=5, column=1):
    """Return the ids as columns of lists, one of which holds None."""
    columns = columns_of(ids)
    columns[NAMES[column]][row] = None
    return columns


def object_table_with_gap(gap):
    array = np.array(IDS, object)
    array[5, 1] = gap
    return array


TABLES_WITH_A_GAP = {
    "pandas Int64": lambda: pd.DataFrame(with_gap(IDS), dtype="Int64"),
    "pandas Int64, shuffled index": lambda: pd.DataFrame(
        with_gap(IDS), dtype="Int64", index=list("hgfedcba")
    ),
    "pandas Int64 and int64": lambda: pd.DataFrame(with_gap(IDS), dtype="Int64").astype(
        {"first": "int64"}
    ),
    "pandas Arrow": lambda: pd.DataFrame(with_gap(IDS), dtype="int64[pyarrow]"),
    "pandas object": lambda: pd.DataFrame(with_gap(IDS), dtype="object"),
    "object array, None": lambda: object_table_with_gap(None),
    "object array, NA": lambda: object_table_with_gap(pd.NA),
    "polars": lambda: pl.DataFrame(with_gap(IDS)),
    "pyarrow table": lambda: pa.table(with_gap(IDS)),
    "dictionary": lambda: pa.table(
        {name: pa.array(column).dictionary_encode() for name, column in with_gap(IDS).items()}
    ),
    "masked objects": lambda: np.ma.masked_equal(object_table_with_gap(99), 99),
}
tables_with_a_gap = pytest.mark.parametrize(
    "make", TABLES_WITH_A_GAP.values(), ids=TABLES_WITH_A_GAP
)


@tables_with_a_gap
@pytest.mark.parametrize("input_type", ["auto", "words"])
def test_a_missing_id_is_an_error_that_names_the_row(make, input_type):
    model = small(input_type=input_type)
    with pytest.raises(ValueError, match=r"X\[5\].*missing"):
        model.fit(make(), LABELS)
    assert not hasattr(model, "classes_")


@tables_with_a_gap
def test_a_missing_id_is_the_same_error_in_predict(make):
    X = make()
    model = small().fit(pd.DataFrame(IDS, columns=NAMES), LABELS)
    if isinstance(X, np.ndarray):
        model = small().fit(np.array(IDS), LABELS)
    with pytest.raises(ValueError, match=r"X\[5\].*missing"):
        model.predict(X)


ROWS_WITH_A_GAP = [[3, 4], [4], [5, None, 4], [3], [4, 5], [5], [3, 3], [4, 4]]
ROWS_WITHOUT_ONE = [[3, 4], [4], None, [3], [4, 5], [5], [3, 3], [4, 4]]


@pytest.mark.parametrize("rows", [ROWS_WITH_A_GAP, ROWS_WITHOUT_ONE], ids=["id", "row"])
@pytest.mark.parametrize(
    "make",
    [
        pl.Series,
        lambda rows: pl.DataFrame({"ids": rows}),
        pa.array,
        arrow_list_column,
        object_array,
        pd.Series,
        lambda rows: [None if row is None else pd.Series(row, dtype="Int64") for row in rows],
        lambda rows: [None if row is None else pd.array(row, dtype="Int64") for row in rows],
        lambda rows: [None if row is None else pd.array(row, "int64[pyarrow]") for row in rows],
        lambda rows: [None if row is None else pa.array(row).dictionary_encode() for row in rows],
        lambda rows: [*pa.array(rows)],
    ],
    ids=[
        *("polars", "polars frame", "pyarrow", "pandas Arrow", "object array", "pandas"),
        *("Int64 columns", "Int64 arrays", "Arrow arrays", "dictionaries", "scalars"),
    ],
)
def test_null_in_a_column_of_lists_is_an_error_that_names_the_row(make, rows):
    with pytest.raises(ValueError, match=r"X\[2\].*missing"):
        small().fit(make(rows), LABELS)
    model = small().fit(make([[3, 4], [5]]), [0, 1])
    with pytest.raises(ValueError, match=r"X\[2\].*missing"):
        model.predict(make(rows))


@pytest.mark.parametrize("dtype", [">i4", pd.SparseDtype("int32", 0)], ids=str)
def test_integers_of_other_forms_beside_unsigned_ones_are_ids(dtype):
    frame = pd.DataFrame({"a": [3, 4], "b": [5, 6]}).astype({"a": dtype, "b": np.uint64})
    assert read_sequences(frame).n_channels is None  # NumPy would make floats of them


# --- Integers that are no ids


@pytest.mark.parametrize("large", [2**31, 2**63, 2**64, 10**30])
@pytest.mark.parametrize(
    "hold",
    [
        lambda large: [[1, 2], [3, large]],
        lambda large: [[1, 2, 3], [3, large]],
        lambda large: np.array([[1, 2], [3, large]], object),
        lambda large: [np.array([1, 2, 3], object), np.array([3, large], object)],
    ],
    ids=["lists", "unequal lists", "objects", "unequal objects"],
)
def test_an_integer_that_is_no_id_is_refused_by_row(hold, large):
    with pytest.raises(InvalidSequencesError, match=rf"X\[1\] holds {large}.*measurements"):
        read_sequences(hold(large))


def test_large_floats_are_measurements():
    assert read_sequences([[1.0, 2.0], [3.0, 1e20]]).n_channels == 1
    assert read_sequences([[1.0, 2.0, 3.0], [3.0, 1e20]]).n_channels == 1


def test_large_integers_are_measurements_if_the_user_says_so():
    for X in ([[1, 2], [3, 2**70]], [[1, 2, 3], [3, 2**70]]):
        sequences = read_sequences(X, "measurements")
        assert sequences.read(np.array([1])).ravel().tolist() == [3, 2.0**70]


# --- Booleans are measurements


BOOLEANS = [[True, False, True], [False, False, True]]

HOLDERS = {
    "lists": BOOLEANS,
    "array": np.array(BOOLEANS),
    "objects": np.array(BOOLEANS, dtype=object),
    "nullable": pd.DataFrame(BOOLEANS, dtype="boolean"),
    "Arrow": pd.DataFrame(BOOLEANS, dtype="bool[pyarrow]"),
    "polars": pl.DataFrame(BOOLEANS, orient="row"),
    "objects of unequal length": [np.array(BOOLEANS[0], object), np.array([False], object)],
    "column of lists": pd.Series(BOOLEANS),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_booleans_are_measurements(holder):
    sequences = read_sequences(HOLDERS[holder])
    assert sequences.n_channels == 1
    assert sequences.read(np.array([0])).ravel().tolist() == [1, 0, 1]


def test_a_missing_boolean_is_a_missing_value():
    sequences = read_sequences(pd.DataFrame([[True, None], [False, True]], dtype="boolean"))
    assert sequences.n_channels == 1
    assert sequences.lengths.tolist() == [1, 2]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_integers_beside_booleans_are_measurements(make):
    sequences = read_sequences(make({"count": [3, 4], "is_open": [True, False]}))
    assert sequences.n_channels == 1
    assert sequences.read(np.arange(2)).ravel().tolist() == [3, 1, 4, 0]


@pytest.mark.parametrize("make", [partial(pd.DataFrame, dtype=object), pl.DataFrame, pa.table])
def test_a_column_of_nulls_beside_ids_is_missing(make):
    with pytest.raises(InvalidSequencesError, match=r"X\[0\] holds a missing value"):
        read_sequences(make({"first": [3, 4], "second": [None, None]}))
