"""How long to train, and which samples are held out."""

import numpy as np
import pytest
from as_read import read_sequences

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import MEASUREMENTS, WORDS
from sklearn_lstm.members.network.network_settings import read_settings
from sklearn_lstm.members.settings import (
    batch_size_for,
    max_epochs_for,
    n_to_hold_out,
    plan_training,
    steps_per_frame,
    work_of_epoch,
)
from sklearn_lstm.targets.targets import Labels, Samples, Targets


def test_auto_epochs_and_batches_suit_small_and_large_data():
    sizes = [batch_size_for(n, 20) for n in (1, 10, 100, 1000, 10**6)]
    assert sizes == [4, 4, 4, 20, 64]
    assert [batch_size_for(10**6, length) for length in (100, 1000, 10**5)] == [64, 8, 4]
    epochs = [
        max_epochs_for(n, 100 * n, batch_size_for(n, 100), WORDS)
        for n in (100, 10**3, 10**4, 10**5, 10**7)
    ]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 2 * 800 * 4 / 100
    assert epochs[-1] == 8


def plan(X, *, y=None, has_linear_model=True, has_validation=False, **parameters):
    defaults = LSTMSequenceClassifier(**parameters).get_params()
    input_format, sequences = InputFormat.found_in(X, defaults["input_type"])
    y = np.arange(len(sequences)) % 2 if y is None else y
    labels = Labels.of(y)
    samples = Samples(sequences, Targets(y, np.ones(len(y)), labels))
    validation = samples if has_validation else None
    settings = read_settings(defaults, input_format.kind, labels)
    return plan_training(samples, validation, settings, has_linear_model=has_linear_model)


def test_small_alphabets_get_more_epochs_than_many_words():
    rng = np.random.default_rng(0)
    assert plan(rng.integers(2, 30, (9600, 10))).max_epochs == 30
    assert plan(rng.integers(2, 20_000, (9600, 10))).max_epochs == 12
    assert plan(rng.normal(size=(9600, 10))).max_epochs == 12


IDS = np.arange(150).reshape(50, 3)


@pytest.mark.parametrize("input_type", ["words", "characters"])
def test_a_length_that_the_user_sets_is_kept(input_type):
    found = plan(IDS, input_type=input_type, batch_size=7, max_epochs=9)
    assert (found.batch_size, found.max_epochs, found.follows_loss) == (7, 9, False)
    assert plan(IDS, input_type=input_type, max_epochs=9).batch_size == 4
    auto = plan(IDS, input_type=input_type, batch_size=7)
    assert auto.batch_size == 7
    assert auto.follows_loss


def test_a_network_may_train_as_long_whether_or_not_a_held_out_loss_tells_when_to_stop():
    ids = np.arange(300).reshape(100, 3)
    told = plan(ids)
    assert told.follows_loss
    for untold in (
        plan(ids, has_linear_model=False),
        plan(ids, y=np.arange(100)),  # none can be held out
        plan(ids, early_stopping=True),
        plan(ids, early_stopping=False),
    ):
        assert untold.max_epochs == told.max_epochs == 64
        assert not untold.follows_loss


@pytest.mark.parametrize(
    ("X", "input_type"),
    [
        (np.arange(400).reshape(200, 2), "words"),
        (np.arange(400).reshape(200, 2), "characters"),
        (np.ones((200, 2)), "measurements"),
    ],
)
def test_few_samples_that_no_held_out_loss_judges_get_no_more_epochs_than_a_hundred(X, input_type):
    def epochs(n, **parameters):
        return plan(X[:n], input_type=input_type, **parameters).max_epochs

    few, hundred, many = (epochs(n, has_linear_model=False) for n in (6, 100, 200))
    assert few == hundred > many
    assert epochs(6) > few


def test_samples_are_held_out_to_judge_a_network_or_to_stop_it_early():
    assert plan(IDS).n_held_out == 15
    assert plan(IDS, early_stopping=False).n_held_out == 15
    for reason in ({"has_linear_model": False}, {"y": np.arange(50)}):
        assert plan(IDS, **reason).n_held_out == 0
    assert plan(IDS, early_stopping=True).n_held_out == 5
    assert plan(IDS, has_validation=True).n_held_out == 0


@pytest.mark.parametrize(("n_steps", "expected"), [(9, 1), (399, 1), (400, 2), (10_000, 50)])
def test_long_series_are_read_in_about_200_frames(n_steps, expected):
    sequences = read_sequences(np.zeros((3, n_steps)))
    assert steps_per_frame(sequences, MEASUREMENTS) == expected
    assert work_of_epoch(sequences, MEASUREMENTS) == 6 * n_steps // expected
    assert steps_per_frame(read_sequences(np.ones((3, n_steps), int)), WORDS) == 1


@pytest.mark.parametrize(
    ("n_samples", "expected"), [(20, 6), (100, 30), (1000, 200), (5000, 500), (10**6, 1000)]
)
def test_small_data_hold_out_a_larger_share(n_samples, expected):
    assert n_to_hold_out(n_samples) == expected
