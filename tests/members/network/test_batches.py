"""Each sample comes once per epoch, beside others of similar length."""

import numpy as np
import pytest
import torch
from as_read import read_sequences
from skorch.callbacks import Callback
from small_models import PLAIN

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.data.sequences import ROWS_AT_ONCE, rows_of_similar_length
from sklearn_lstm.encoding.token_codes import PADDING_CODE, UNKNOWN_CODE, TokenCodes
from sklearn_lstm.members.network import batches
from sklearn_lstm.members.network.batches import LengthBatches, SequenceDataset, steps_at_once
from sklearn_lstm.targets.targets import Labels, Samples, Targets

LENGTHS = np.random.default_rng(0).lognormal(3, 1, 1000).astype(int) + 1
NO_IDS = np.empty(0, dtype=np.int64)


def dataset_of(lengths):
    """Sequences whose only code is 2 + their row, whose target is their row."""
    X = [np.full(length, row + 1) for row, length in enumerate(lengths)]
    sequences = read_sequences(X)
    rows = np.arange(len(X))
    samples = Samples(sequences, Targets(rows, rows / 2, Labels(rows)))
    return SequenceDataset(samples, TokenCodes(NO_IDS).extended(sequences, NO_IDS))


def batches_of(lengths, batch_size, *, is_shuffled=True):
    rng = np.random.default_rng(1) if is_shuffled else None
    return LengthBatches(dataset_of(lengths), batch_size, rng)


def padding(batches, lengths):
    n_padded_steps = sum(len(rows) * lengths[rows].max() for rows in batches)
    return 1 - lengths.sum() / n_padded_steps


@pytest.mark.parametrize("is_shuffled", [False, True], ids=["in order", "shuffled"])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000, 5000])
def test_each_sample_comes_exactly_once_per_epoch(is_shuffled, batch_size):
    batches = batches_of(LENGTHS, batch_size, is_shuffled=is_shuffled)
    for _ in range(2):
        rows = batches.rows()
        order = np.concatenate(rows).tolist()
        assert (sorted(order) if is_shuffled else order) == list(range(1000))
        assert len(rows) == len(batches) == -(-1000 // batch_size)
        assert sorted(map(len, rows), reverse=True)[:-1] == [batch_size] * (len(batches) - 1)


def test_batches_hold_the_steps_targets_and_weights_of_their_rows():
    seen = []
    for batch, found in batches_of(LENGTHS, 64):
        targets = found.numpy()
        lengths = LENGTHS[targets]
        assert len(batch) == len(targets)
        np.testing.assert_array_equal(batch.lengths, lengths)
        np.testing.assert_array_equal(batch.weights, targets / 2)
        np.testing.assert_array_equal(batch.steps, np.repeat(targets + 2, lengths))
        seen.extend(targets.tolist())
    assert sorted(seen) == list(range(1000))


def test_sequences_of_similar_length_share_a_batch():
    """Padding would be a small share of the steps, and half of them in random batches."""
    random = np.array_split(np.random.default_rng(0).permutation(1000), 62)
    assert padding(random, LENGTHS) > 0.5
    assert padding(batches_of(LENGTHS, 16).rows(), LENGTHS) < 0.1


def test_epochs_differ_in_order_and_batches_but_not_between_equal_seeds():
    batches = batches_of(LENGTHS, 16)
    first, second = batches.rows(), batches.rows()
    assert {frozenset(rows) for rows in first} != {frozenset(rows) for rows in second}
    again = batches_of(LENGTHS, 16).rows()
    assert [rows.tolist() for rows in first] == [rows.tolist() for rows in again]


def test_long_and_short_batches_are_mixed_over_the_epoch():
    batches = batches_of(LENGTHS, 16).rows()
    longest = np.array([LENGTHS[rows].max() for rows in batches])
    assert abs(np.corrcoef(np.arange(len(longest)), longest)[0, 1]) < 0.5


def test_prediction_reads_each_sample_once_in_batches_of_bounded_size():
    limit = steps_at_once(torch.device("cpu"))
    lengths = np.append(LENGTHS, [100_000, 40_000])
    batches = list(rows_of_similar_length(lengths, limit))
    assert sorted(np.concatenate(batches)) == list(range(1002))
    n_padded_steps = [len(rows) * lengths[rows].max() for rows in batches]
    assert max(n_padded_steps) == 100_000  # the longest alone
    of_many = [n for n, rows in zip(n_padded_steps, batches, strict=True) if len(rows) > 1]
    assert max(of_many) <= limit
    assert np.mean(of_many) > limit / 2
    assert padding(batches, lengths) < 0.1


def test_prediction_reads_no_more_than_so_many_rows_at_once():
    sizes = [len(rows) for rows in rows_of_similar_length(np.ones(1000, int), 1 << 12)]
    assert sizes == [ROWS_AT_ONCE] * 3 + [1000 - 3 * ROWS_AT_ONCE]


def test_tokens_are_dropped_at_random():
    X = [[2, 3, 4 + row] for row in range(3000)] + [[2]]
    sequences = read_sequences(X)
    codes = TokenCodes(NO_IDS).extended(sequences, NO_IDS)
    targets = Targets(np.zeros(3001, int), np.ones(3001), Labels(np.arange(2)))
    dataset = SequenceDataset(Samples(sequences, targets), codes, 0.1)
    (untouched, _), (dropped, _) = (
        next(iter(LengthBatches(dataset, 3001, rng))) for rng in (None, np.random.default_rng(0))
    )
    assert not (untouched.steps == UNKNOWN_CODE).any()
    assert not (dropped.steps == PADDING_CODE).any()
    starts = (dropped.lengths.cumsum(0) - dropped.lengths)[dropped.lengths == 3]
    triples = dropped.steps[starts[:, None] + torch.arange(3)]
    shares = (triples == UNKNOWN_CODE).float().mean(0)
    np.testing.assert_allclose(shares, [0.1] * 3, atol=0.02)
    without = SequenceDataset(dataset.samples, codes)
    batch, _ = without.batch(np.arange(3001), np.random.default_rng(1))
    assert not (batch.steps == UNKNOWN_CODE).any()


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
    monkeypatch.setattr(batches, "STEPS_OF_LONG", 90)  # of those of more than 40 / 4 steps
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
        targets = 1 - np.eye(3, dtype=int)[targets]
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
