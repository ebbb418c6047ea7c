"""A batch is read in micro-batches, whose gradients add up to that of the batch."""

import numpy as np
import pytest
import torch

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.compute import threads
from sklearn_lstm.data import batches
from sklearn_lstm.training.micro_batches import MicroBatchNet

PLAIN = {"hidden_size": 6, "max_epochs": 2, "batch_size": 20, "random_state": 0, "dropout": 0.0}
PLAIN |= {"token_dropout": 0.0, "weight_decay": 0.0, "precision": "float32"}


@pytest.fixture
def texts():
    rng = np.random.default_rng(0)
    X = [rng.integers(2, 400, length) for length in rng.integers(1, 30, 60)]
    return X, rng.integers(0, 3, 60)


@pytest.fixture
def seen(monkeypatch):
    """The rows of each micro-batch that is read, beside the lengths in its batch."""
    seen = []
    original = MicroBatchNet._micro_batches

    def spy(net, sequences):
        found = original(net, sequences)
        seen.append((found, sequences.lengths.numpy()))
        return found

    monkeypatch.setattr(MicroBatchNet, "_micro_batches", spy)
    return seen


def padded_steps(rows, lengths):
    return len(rows) * lengths[rows].max()


def weights_of(model):
    return model.module_.state_dict()


def assert_same(first, second, atol=1e-5):
    for name, weight in first.items():
        torch.testing.assert_close(weight, second[name], atol=atol, rtol=1e-4, msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_micro_batches_have_the_gradient_of_the_batch(monkeypatch, seen, texts, optimizer):
    options = PLAIN | {"optimizer": optimizer, "lr": 0.01}
    whole = LSTMSequenceClassifier(**options).fit(*texts)
    assert {len(found) for found, _ in seen} == {1}
    seen.clear()
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 40)
    parts = LSTMSequenceClassifier(**options).fit(*texts)
    assert len(seen) == 3 * 2  # 3 batches, 2 epochs
    assert sum(len(found) for found, _ in seen) > 3 * len(seen)
    for found, lengths in seen:
        assert sorted(np.concatenate(found)) == list(range(len(lengths)))
        assert all(padded_steps(rows, lengths) <= 40 or len(rows) == 1 for rows in found)
    assert_same(weights_of(whole), weights_of(parts))
    for one, other in zip(whole.history_, parts.history_, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)


@pytest.mark.parametrize("y", ["classes", "labels"])
def test_weights_of_samples_count_in_micro_batches_as_in_the_batch(monkeypatch, texts, y):
    X, targets = texts
    if y == "labels":
        targets = np.eye(3, dtype=int)[targets]
    weights = np.random.default_rng(1).uniform(0.1, 2, len(X))
    whole = LSTMSequenceClassifier(**PLAIN).fit(X, targets, weights)
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 40)
    parts = LSTMSequenceClassifier(**PLAIN).fit(X, targets, weights)
    assert_same(weights_of(whole), weights_of(parts))


def test_a_long_sequence_is_padded_with_no_other(monkeypatch, seen):
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 100)
    X = [np.full(3, 2)] * 19 + [np.full(5000, 3)]
    model = LSTMSequenceClassifier(**PLAIN).fit(X, [0, 1] * 10)
    for found, lengths in seen:
        [rows] = [rows for rows in found if lengths[rows].max() == 5000]
        assert len(rows) == 1
    assert [row["padding"] for row in model.history_] == [0, 0]


def test_the_validation_loss_is_that_of_the_batch(monkeypatch, texts):
    options = PLAIN | {"early_stopping": True, "validation_fraction": 0.5}
    whole = LSTMSequenceClassifier(**options).fit(*texts)
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 40)
    parts = LSTMSequenceClassifier(**options).fit(*texts)
    for one, other in zip(whole.history_, parts.history_, strict=True):
        assert one["valid_loss"] == pytest.approx(other["valid_loss"], rel=1e-4)


def test_the_work_of_one_thread_is_that_of_two_to_the_last_bit(monkeypatch, texts):
    both = LSTMSequenceClassifier(**PLAIN).fit(*texts)
    monkeypatch.setattr(threads, "LANES", 1)
    one = LSTMSequenceClassifier(**PLAIN).fit(*texts)
    for name, weight in weights_of(one).items():
        assert torch.equal(weight, weights_of(both)[name]), name
