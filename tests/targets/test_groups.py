"""Groups mean the same in every container."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from sklearn_lstm.targets.weights_and_groups import read_groups

GROUPS = [7, 7, 3, 7, 3]


@pytest.mark.parametrize(
    "hold",
    [
        *(np.array, torch.tensor, pa.array, lambda a: pa.chunked_array([a]), pl.Series, pd.Series),
        lambda groups: [*torch.tensor(groups)],
        lambda groups: pa.array(groups).dictionary_encode(),
        lambda groups: [(group, "a") for group in groups],
        lambda groups: tuple((group, "a") for group in groups),
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
        np.ma.masked_array([7, 3], [False, True]),
        torch.tensor([7.0, torch.nan]),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_a_missing_group_is_named(missing):
    with pytest.raises(ValueError, match=r"groups\[1\] is missing"):
        read_groups(missing, 2)
