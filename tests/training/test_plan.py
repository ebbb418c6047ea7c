"""How long to train, and which samples are held out."""

import numpy as np
import pytest

from sklearn_lstm.data.reading import read_sequences
from sklearn_lstm.data.token_units import find_token_unit
from sklearn_lstm.training.plan import (
    Length,
    batch_size_for,
    max_epochs_for,
    n_to_hold_out,
    plan_length,
    work_of_epoch,
)


def test_auto_epochs_and_batches_suit_small_and_large_data():
    sizes = [batch_size_for(n, 20) for n in (1, 10, 100, 1000, 10**6)]
    assert sizes == [4, 4, 4, 20, 64]
    assert [batch_size_for(10**6, length) for length in (100, 1000, 10**5)] == [64, 8, 4]
    epochs = [
        max_epochs_for(n, 100 * n, batch_size_for(n, 100), "word")
        for n in (100, 10**3, 10**4, 10**5, 10**7)
    ]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 800 * 4 / 100
    assert epochs[-1] == 4


def auto_epochs(X):
    sequences = read_sequences(X)
    token_unit = find_token_unit(X, sequences, "auto")
    return plan_length(sequences, "auto", "auto", token_unit, follows_loss=True).max_epochs


def test_small_alphabets_get_more_epochs_than_many_words():
    rng = np.random.default_rng(0)
    assert auto_epochs(rng.integers(2, 30, (9600, 10))) == 15
    assert auto_epochs(rng.integers(2, 20_000, (9600, 10))) == 6
    assert auto_epochs(rng.normal(size=(9600, 10))) == 6


@pytest.mark.parametrize("token_unit", ["word", "char", None])
def test_a_length_that_the_user_sets_is_kept(token_unit):
    sequences = read_sequences(np.ones((50, 3)))
    assert plan_length(sequences, 7, 9, token_unit, follows_loss=True) == Length(7, 9)
    assert plan_length(sequences, "auto", 9, token_unit, follows_loss=True) == Length(4, 9)
    auto = plan_length(sequences, 7, "auto", token_unit, follows_loss=True)
    assert auto.batch_size == 7
    assert auto.follows_loss


def test_a_network_that_no_held_out_loss_tells_when_to_stop_gets_twice_the_epochs():
    sequences = read_sequences(np.ones((50, 3)))
    told, untold = (
        plan_length(sequences, "auto", "auto", None, follows_loss=follows)
        for follows in (True, False)
    )
    assert untold.max_epochs == 2 * told.max_epochs
    assert not untold.follows_loss


def test_a_measurement_is_twice_the_work_of_a_token():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    assert work_of_epoch(read_sequences(ids)) == 3
    assert work_of_epoch(read_sequences(ids.astype(float))) == 12


@pytest.mark.parametrize(
    ("n_samples", "expected"), [(20, 4), (100, 20), (1000, 200), (5000, 500), (10**6, 1000)]
)
def test_small_data_hold_out_a_larger_share(n_samples, expected):
    assert n_to_hold_out(n_samples) == expected
