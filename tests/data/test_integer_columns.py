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

# Frames of single numbers are told, which is not what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:Each row of X is read as")

small = partial(small_models.small, max_epochs=1)


@pytest.mark.parametrize("make", [partial(pd.DataFrame, dtype="Int64"), pl.DataFrame, pa.table])
def test_a_missing_id_is_an_error_that_names_the_row(make):  # for containers, see tests/fuzzing
    model, X = small(), make({"a": [3, 4], "b": [5, None]})
    with pytest.raises(ValueError, match=r"X\[1\].*missing"):
        model.fit(X, [0, 1])
    assert not hasattr(model, "classes_")
    model.fit(make({"a": [3, 4], "b": [5, 6]}), [0, 1])
    with pytest.raises(ValueError, match=r"X\[1\].*missing"):
        model.predict(X)


@pytest.mark.parametrize("dtype", [">i4", pd.SparseDtype("int32", 0)], ids=str)
def test_integers_of_other_forms_beside_unsigned_ones_are_ids(dtype):
    frame = pd.DataFrame({"a": [3, 4], "b": [5, 6]}).astype({"a": dtype, "b": np.uint64})
    assert read_sequences(frame).n_channels is None  # NumPy would make floats of them


# --- Integers that are no ids


@pytest.mark.parametrize("large", [2**31, 2**63, 10**30])
def test_an_integer_that_is_no_id_is_refused_by_row(large):
    equal, unequal = [[1, 2], [3, large]], [[1, 2, 3], [3, large]]
    objects = [np.array(row, object) for row in unequal]
    for X in (equal, unequal, np.array(equal, object), objects):
        with pytest.raises(InvalidSequencesError, match=rf"X\[1\] holds {large}.*measurements"):
            read_sequences(X)


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
    "Arrow": pd.DataFrame(BOOLEANS, dtype="bool[pyarrow]"),
    "objects of unequal length": [np.array(BOOLEANS[0], object), np.array([False], object)],
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
