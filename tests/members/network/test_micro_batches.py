"""A batch is read in micro-batches, whose gradients add up to that of the batch."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from small_models import PLAIN

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.network import batches, micro_batches


class Watch(Callback):
    """Note the shapes of what the network reads for each batch, in a list that copies share."""

    def __init__(self, seen):
        self.seen = seen

    def __deepcopy__(self, memory):
        return self

    def on_train_begin(self, net, **_):
        net.module_.register_forward_hook(
            lambda _module, _arguments, inputs, _output: self.seen[-1].append(
                tuple(next(iter(inputs.values())).shape[:2])
            ),
            with_kwargs=True,
        )

    def on_batch_begin(self, *_, **__):
        self.seen.append([])


def weights_of(model):
    return model.module_.state_dict()


def assert_same(first, second, atol=1e-5):
    for name, weight in first.items():
        torch.testing.assert_close(weight, second[name], atol=atol, rtol=1e-4, msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_micro_batches_have_the_gradient_of_the_batch(monkeypatch, texts, optimizer):
    seen = []
    options = PLAIN | {"optimizer": optimizer, "lr": 0.01, "callbacks": [Watch(seen)]}
    whole = LSTMSequenceClassifier(**options).fit(*texts)
    assert {len(shapes) for shapes in seen} == {1}
    seen.clear()
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 40)
    monkeypatch.setattr(micro_batches, "STEPS_OF_LONG", 90)  # of those of more than 40 / 4 steps
    parts = LSTMSequenceClassifier(**options).fit(*texts)
    assert len(seen) == 3 * 2  # 3 batches, 2 epochs
    assert sum(map(len, seen)) > 3 * len(seen)
    for shapes in seen:
        assert sum(n_rows for n_rows, _ in shapes) == 20
        for n_rows, n_steps in shapes:
            assert n_rows * n_steps <= 40 or (n_steps > 10 and n_rows <= min(4, 90 / n_steps))
    assert any(n_rows == 4 and n_steps > 10 for shapes in seen for n_rows, n_steps in shapes)
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


def test_a_long_sequence_is_padded_with_no_other(monkeypatch):
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 100)
    X, seen = [np.full(3, 2)] * 19 + [np.full(5000, 3)], []
    model = LSTMSequenceClassifier(**PLAIN, callbacks=[Watch(seen)]).fit(X, [0, 1] * 10)
    assert len(seen) == 2
    for shapes in seen:
        assert [n_rows for n_rows, n_steps in shapes if n_steps > 3] == [1]
    assert [row["padding"] for row in model.history_] == [0, 0]


def test_the_validation_loss_is_that_of_the_batch(monkeypatch, texts):
    options = PLAIN | {"early_stopping": True, "validation_fraction": 0.5}
    whole = LSTMSequenceClassifier(**options).fit(*texts)
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 40)
    parts = LSTMSequenceClassifier(**options).fit(*texts)
    for one, other in zip(whole.history_, parts.history_, strict=True):
        assert one["valid_loss"] == pytest.approx(other["valid_loss"], rel=1e-4)
