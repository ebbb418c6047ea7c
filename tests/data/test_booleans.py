"""Booleans are measurements, whatever holds them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_lstm.data.reading import read_sequences

ROWS = [[True, False, True], [False, False, True]]

HOLDERS = {
    "lists": ROWS,
    "array": np.array(ROWS),
    "objects": np.array(ROWS, dtype=object),
    "nullable": pd.DataFrame(ROWS, dtype="boolean"),
    "Arrow": pd.DataFrame(ROWS, dtype="bool[pyarrow]"),
    "polars": pl.DataFrame(ROWS, orient="row"),
    "objects of unequal length": [np.array(ROWS[0], object), np.array([False], object)],
    "column of lists": pd.Series(ROWS),
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


def test_integers_beside_booleans_are_measurements():
    sequences = read_sequences(pd.DataFrame({"count": [3, 4], "is_open": [True, False]}))
    assert sequences.n_channels == 1
