"""Integers that are no ids, however large and whatever holds them, are refused by row."""

import numpy as np
import pytest

from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.exceptions import InvalidSequencesError


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
    with pytest.raises(InvalidSequencesError, match=rf"X\[1\] holds {large}.*numeric"):
        read_sequences(hold(large))


def test_large_floats_are_measurements():
    assert read_sequences([[1.0, 2.0], [3.0, 1e20]]).n_channels == 1
    assert read_sequences([[1.0, 2.0, 3.0], [3.0, 1e20]]).n_channels == 1


def test_large_integers_are_measurements_if_the_user_says_so():
    for X in ([[1, 2], [3, 2**70]], [[1, 2, 3], [3, 2**70]]):
        sequences = read_sequences(X, "numeric")
        assert sequences.read(np.array([1])).ravel().tolist() == [3, 2.0**70]
