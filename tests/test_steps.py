"""One step of training: parts of a batch, rows of a table, directions on two threads."""

from contextlib import nullcontext
from itertools import pairwise
from threading import Event

import numpy as np
import pytest
import torch

from sklearn_lstm import LSTMSequenceClassifier, steps
from sklearn_lstm.parallel import in_pairs, shared_directions, stop_if_abandoned, together


@pytest.fixture
def texts():
    rng = np.random.default_rng(0)
    X = [rng.integers(2, 400, length) for length in rng.integers(1, 30, 60)]
    return X, rng.integers(0, 3, 60)


@pytest.fixture
def _two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


PLAIN = {"hidden_size": 6, "max_epochs": 2, "batch_size": 20, "random_state": 0, "dropout": 0.0}
PLAIN |= {"token_dropout": 0.0, "weight_decay": 0.0, "precision": "float32"}


def weights_of(model):
    return model.module_.state_dict()


def assert_same(first, second, atol=1e-5):
    for name, weight in first.items():
        torch.testing.assert_close(weight, second[name], atol=atol, rtol=1e-4, msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_parts_of_a_batch_give_the_gradient_of_the_batch(monkeypatch, texts, optimizer):
    options = PLAIN | {"optimizer": optimizer, "lr": 0.01}
    whole = LSTMSequenceClassifier(**options).fit(*texts)
    monkeypatch.setattr(steps, "STEPS_AT_ONCE", 40)
    cut = []
    original = steps._parts
    monkeypatch.setattr(
        steps, "_parts", lambda batch: [cut.append(p) or p for p in original(batch)]
    )
    parts = LSTMSequenceClassifier(**options).fit(*texts)
    assert len(cut) > 3 * 2 * 3  # 3 batches, 2 epochs
    assert all(part["steps"].numel() <= 40 or len(part["steps"]) == 1 for (part, _), _ in cut)
    assert_same(weights_of(whole), weights_of(parts))
    for one, other in zip(whole.history_, parts.history_, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)


def test_rows_of_the_batch_alone_are_what_plain_descent_changes(monkeypatch, texts):
    """Without momentum the rows that a batch does not read have no gradient."""
    options = PLAIN | {"optimizer": "sgd", "lr": 0.1, "gradient_clip": None}
    narrow = LSTMSequenceClassifier(**options).fit(*texts)
    monkeypatch.setattr(steps.RowUpdates, "on_batch_begin", lambda *_, **__: None)
    monkeypatch.setattr(steps.RowUpdates, "_widen", lambda *_: None)
    assert_same(weights_of(LSTMSequenceClassifier(**options).fit(*texts)), weights_of(narrow))


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "nadam", "rmsprop", "sgd"])
def test_after_training_the_table_and_all_about_it_are_whole(texts, optimizer):
    model = LSTMSequenceClassifier(**(PLAIN | {"optimizer": optimizer})).fit(*texts)
    table = model.module_.embedding.weight
    assert len(table) == len(np.unique(np.concatenate(texts[0]))) + 2
    gathered = model.net_.optimizer_.state[table]
    assert all(len(value) == len(table) for value in gathered.values() if value.ndim)
    assert sum(w is table for g in model.net_.optimizer_.param_groups for w in g["params"]) == 1


def test_a_step_reads_only_the_rows_of_its_batch(texts):
    """A table of a million rows costs a batch of 20 texts nothing."""
    seen = []

    class Watch(steps.Callback):
        def on_grad_computed(self, net, **_):
            seen.append(len(net.module_.embedding.weight))

    model = LSTMSequenceClassifier(**PLAIN, callbacks=[Watch()]).fit(*texts)
    assert max(seen) < len(model.module_.embedding.weight)
    assert len(seen) == 6


def test_frozen_vectors_stay(texts):
    vectors = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    model = LSTMSequenceClassifier(**PLAIN, embeddings=vectors, freeze_embeddings=True).fit(*texts)
    ids = np.unique(np.concatenate(texts[0]))
    codes = model._model.encoding(ids)
    assert np.array_equal(model.module_.embedding.weight[codes].detach(), vectors[ids])


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2}, {"pooling": "attention"}, {"cell": "gru"}]
)
def test_two_threads_compute_what_one_does(texts, options):
    both = LSTMSequenceClassifier(**PLAIN, **options).fit(*texts)
    torch.set_num_threads(1)
    one = LSTMSequenceClassifier(**PLAIN, **options).fit(*texts)
    assert_same(weights_of(one), weights_of(both))
    torch.set_num_threads(2)
    assert np.array_equal(
        LSTMSequenceClassifier(**PLAIN, **options).fit(*texts).predict_proba(texts[0]),
        both.predict_proba(texts[0]),
    )
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_networks_that_learn_at_the_same_time_are_the_same_each_time(precision):
    rng = np.random.default_rng(0)
    X = [rng.integers(2, 30, length) for length in rng.integers(1, 9, 120)]
    y = rng.integers(0, 2, 120)
    fitted = []
    for n_threads in (2, 2, 1):
        torch.set_num_threads(n_threads)
        model = LSTMSequenceClassifier(hidden_size=8, random_state=0, precision=precision)
        fitted.append(model.set_params(max_epochs=5).fit(X, y)._model)
    for one, other in pairwise(fitted):
        for part, same in ((one, other), (one.trial, other.trial)):
            weights, again = part.network.state_dict(), same.network.state_dict()
            assert all(torch.equal(weights[name], again[name]) for name in weights)


@pytest.mark.usefixtures("_two_threads")
def test_values_are_mapped_in_their_order():
    assert in_pairs("cpu", lambda value: 2 * value, range(5)) == [0, 2, 4, 6, 8]
    assert in_pairs("cpu", lambda value: 2 * value, []) == []


@pytest.mark.usefixtures("_two_threads")
def test_an_interruption_ends_what_the_helper_thread_does():
    has_begun, ended = Event(), Event()

    def work(value):
        if value == "main":
            assert has_begun.wait(10)
            raise KeyboardInterrupt
        has_begun.set()
        try:
            while True:
                stop_if_abandoned()
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        in_pairs("cpu", work, ["main", "helper"])
    assert ended.wait(10)
    stop_if_abandoned()  # nobody is waited for here


@pytest.mark.usefixtures("_two_threads")
def test_the_number_of_threads_is_restored_after_an_error(texts):
    X, y = texts
    model = LSTMSequenceClassifier(hidden_size=4, max_epochs=2, criterion=Broken)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y)
    assert torch.get_num_threads() == 2


class Broken(torch.nn.Module):
    def __init__(self, reduction):  # noqa: ARG002
        super().__init__()

    def forward(self, *_):
        return 1 / 0


@pytest.mark.usefixtures("_two_threads")
def test_an_error_on_the_helper_thread_is_raised():
    class Fails(torch.nn.Module):
        def forward(self, _x):
            raise ZeroDivisionError

    with shared_directions("cpu", 2), pytest.raises(ZeroDivisionError):
        together([torch.nn.Identity(), Fails()], torch.zeros(1, requires_grad=True))


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("reads_gradient", [False, True])
def test_gradients_flow_through_both_modules(reads_gradient):
    torch.manual_seed(0)
    pair = [torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)]
    x = torch.randn(4, 3, requires_grad=reads_gradient)
    found = []
    for context in (shared_directions("cpu", 2), nullcontext()):
        with context:
            torch.cat(together(pair, x), 1).square().sum().backward()
        found.append([w.grad for m in pair for w in m.parameters()] + [x.grad])
        x.grad = None
        for module in pair:
            module.zero_grad()
    for one, other in pairwise(found):
        for grad, expected in zip(one, other, strict=True):
            assert (grad is None) == (expected is None)
            if grad is not None:
                torch.testing.assert_close(grad, expected)


def test_dropout_drops_a_feature_in_all_steps_of_a_sequence():
    X = np.random.default_rng(0).normal(size=(6, 9))
    net = (
        LSTMSequenceClassifier(hidden_size=3, max_epochs=1, dropout=0.5).fit(X, [0, 1] * 3).module_
    )
    dropped = net.train().drop_steps(torch.ones(9, 6, 40))
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert 0.3 < (dropped == 0).float().mean() < 0.7
