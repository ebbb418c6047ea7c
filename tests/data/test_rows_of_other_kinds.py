"""Rows that are tensors, data frames, sets or masked arrays are read, or refused by row."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from as_read import read_sequences

from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError


@pytest.mark.parametrize("step", [[1.0, 2.0], np.ones(2), {"x": 1.0}, "x"])
@pytest.mark.parametrize("time", [0.0, np.datetime64("2024-01-01")], ids=["numbers", "dates"])
def test_a_channel_of_other_things_than_numbers_is_refused(time, step):
    frame = pd.DataFrame({"time": [time] * 3, "steps": pd.Series([step] * 3, dtype=object)})
    with pytest.raises(
        (InvalidSequencesError, InvalidSequencesTypeError), match=r"X\[1\](: column .*)? holds"
    ):
        read_sequences([frame[["time"]].assign(steps=1.0), frame], time_channel="time")


def test_a_channel_of_arrays_of_polars_is_refused():
    arrays = pl.Series([[1.0, 2.0]] * 3, dtype=pl.Array(pl.Float64, 2))
    for columns in ({"a": arrays}, {"a": arrays, "b": [1.0, 2.0, 3.0]}):
        with pytest.raises(InvalidSequencesError, match=r"X\[0\] holds sequences in place of num"):
            read_sequences([pl.DataFrame(columns)])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(3, 2, requires_grad=True),
        torch.ones(3, 2, dtype=torch.bfloat16),
        torch.ones(3, 2).to_sparse(),
    ],
    ids=["gradient", "bfloat16", "sparse"],
)
def test_a_tensor_that_numpy_does_not_take_is_refused_with_the_remedy(tensor):
    for X, where in ((tensor, "X"), ([torch.ones(2, 2), tensor], r"X\[1\]")):
        with pytest.raises(InvalidSequencesTypeError, match=rf"^{where} .*detach\(\).*float\(\)"):
            read_sequences(X)


@pytest.mark.parametrize("row", [{1, 2}, frozenset({1, 2}), {1: 0}.keys()])
def test_a_set_is_refused_because_it_has_no_order(row):
    for rows in ([[3, 1], row], pd.Series([[3, 1, 2], row])):
        with pytest.raises(InvalidSequencesError, match=r"X\[1\] is a .*order.*list"):
            read_sequences(rows)
    with pytest.raises(InvalidSequencesError, match=r"X is a .*order.*list"):
        read_sequences(row)


def test_masked_integers_are_refused():
    X = np.ma.masked_array([[1, 2, 3], [4, 5, 6]], [[False] * 3, [False, True, False]])
    for rows in (X, [[1, 2], X[1]]):
        with pytest.raises(InvalidSequencesError, match=r"X\[1\] holds a missing value"):
            read_sequences(rows)
    X.mask = False
    assert read_sequences(X).n_channels is None
