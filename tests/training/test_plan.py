"""How long to train, and which samples are held out."""

import numpy as np
import pytest

from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.data.token_units import find_token_unit
from sklearn_lstm.training.plan import (
    Length,
    batch_size_for,
    hold_out,
    max_epochs_for,
    plan_length,
    work_of_epoch,
)


def test_auto_epochs_and_batches_suit_small_and_large_data():
    assert batch_size_for(1) == 1
    sizes = [batch_size_for(n) for n in (1, 10, 100, 1000, 10**6)]
    assert sizes == sorted(sizes)
    epochs = [
        max_epochs_for(n, 100 * n, batch_size_for(n), "word")
        for n in (100, 10**3, 10**4, 10**5, 10**7)
    ]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] <= 100
    assert epochs[-1] >= 4


def auto_epochs(X):
    sequences = read_sequences(X)
    token_unit = find_token_unit(X, sequences, "auto")
    return plan_length(sequences, "auto", "auto", token_unit).max_epochs


def test_small_alphabets_get_more_epochs_than_many_words():
    rng = np.random.default_rng(0)
    assert auto_epochs(rng.integers(2, 30, (9600, 10))) == 30
    assert auto_epochs(rng.integers(2, 20_000, (9600, 10))) == 12
    assert auto_epochs(rng.normal(size=(9600, 10))) == 12


@pytest.mark.parametrize("token_unit", ["word", "char", None])
def test_a_length_that_the_user_sets_is_kept(token_unit):
    sequences = read_sequences(np.ones((50, 3)))
    assert plan_length(sequences, 7, 9, token_unit) == Length(7, 9)
    assert plan_length(sequences, "auto", 9, token_unit) == Length(2, 9)
    assert plan_length(sequences, 7, "auto", token_unit).batch_size == 7


def test_a_measurement_is_twice_the_work_of_a_token():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    assert work_of_epoch(read_sequences(ids)) == 3
    assert work_of_epoch(read_sequences(ids.astype(float))) == 12


def test_held_out_samples_are_a_share_of_each_class():
    targets = np.repeat([0, 1, 2, 3], [100, 50, 10, 1])
    train, held_out = hold_out(targets, 0.2, np.random.default_rng(0))
    assert sorted([*train, *held_out]) == list(range(161))
    assert set(targets[train]) == {0, 1, 2, 3}
    np.testing.assert_allclose(np.bincount(targets[held_out]), [20, 10, 2], atol=1)
    other, _ = hold_out(targets, 0.2, np.random.default_rng(1))
    assert set(other) != set(train)
