"""Each sample comes once per pass, beside others of like length."""

import numpy as np
import pytest

from sklearn_lstm.batches import STEPS_AT_ONCE, LengthBatches, SequenceDataset, pad, prediction_rows
from sklearn_lstm.encoding import ChannelScaling, TokenCodes
from sklearn_lstm.reading import read_sequences
from sklearn_lstm.sequences import Samples
from sklearn_lstm.vocabulary import PADDING, UNKNOWN


def dataset_of(lengths):
    """Sequences whose only id is 2 + their row, whose target is their row."""
    X = [np.full(length, row + 2) for row, length in enumerate(lengths)]
    sequences = read_sequences(X)
    rows = np.arange(len(X))
    return SequenceDataset(
        Samples(sequences, rows, rows / 2),
        TokenCodes().extended(sequences, np.empty(0, dtype=np.int64)),
    )


LENGTHS = np.random.default_rng(0).lognormal(3, 1, 1000).astype(int) + 1
SHUFFLED = np.random.default_rng(1)


@pytest.mark.parametrize("rng", [None, SHUFFLED], ids=["in order", "shuffled"])
@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000, 5000])
def test_each_sample_comes_exactly_once_per_pass(rng, batch_size):
    batches = LengthBatches(dataset_of(LENGTHS), batch_size, rng)
    for _ in range(2):
        rows = batches.rows()
        assert sorted(np.concatenate(rows)) == list(range(1000))
        assert len(rows) == len(batches) == -(-1000 // batch_size)
        assert sorted(map(len, rows), reverse=True)[:-1] == [batch_size] * (len(batches) - 1)


def test_batches_hold_the_steps_targets_and_weights_of_their_rows():
    seen = []
    for inputs, (targets, weights) in LengthBatches(dataset_of(LENGTHS), 64, SHUFFLED):
        np.testing.assert_array_equal(inputs["lengths"], LENGTHS[targets])
        np.testing.assert_array_equal(weights, targets / 2)
        real = np.arange(inputs["steps"].shape[1]) < LENGTHS[targets][:, np.newaxis]
        expected = np.where(real, targets[:, np.newaxis] + 2, 0)
        np.testing.assert_array_equal(inputs["steps"], expected)
        seen.extend(targets.tolist())
    assert sorted(seen) == list(range(1000))


@pytest.mark.parametrize("rng", [None, SHUFFLED], ids=["in order", "shuffled"])
def test_texts_of_like_length_share_a_batch(rng):
    """Padding is a small share of the cells, where batches by chance would waste half of them."""

    def padding(batches):
        cells = sum(len(rows) * LENGTHS[rows].max() for rows in batches)
        return 1 - LENGTHS.sum() / cells

    by_chance = np.array_split(np.random.default_rng(0).permutation(1000), 62)
    assert padding(by_chance) > 0.5
    assert padding(LengthBatches(dataset_of(LENGTHS), 16, rng).rows()) < 0.1


def test_batches_are_no_wider_than_their_longest_sequence():
    for inputs, _ in LengthBatches(dataset_of(LENGTHS), 16, SHUFFLED):
        assert inputs["steps"].shape[1] == inputs["lengths"].max()


def test_passes_differ_in_order_and_company_yet_not_between_equal_seeds():
    batches = LengthBatches(dataset_of(LENGTHS), 16, np.random.default_rng(0))
    first, second = batches.rows(), batches.rows()
    assert {frozenset(rows) for rows in first} != {frozenset(rows) for rows in second}
    again = LengthBatches(dataset_of(LENGTHS), 16, np.random.default_rng(0)).rows()
    assert [rows.tolist() for rows in first] == [rows.tolist() for rows in again]


def test_long_and_short_batches_are_mixed_over_the_pass():
    batches = LengthBatches(dataset_of(LENGTHS), 16, np.random.default_rng(0)).rows()
    widths = np.array([LENGTHS[rows].max() for rows in batches])
    assert abs(np.corrcoef(np.arange(len(widths)), widths)[0, 1]) < 0.5


def test_prediction_reads_each_sample_once_in_batches_of_bounded_size():
    lengths = np.append(LENGTHS, [100_000, 40_000])
    batches = list(prediction_rows(lengths))
    assert sorted(np.concatenate(batches)) == list(range(1002))
    cells = [len(rows) * lengths[rows].max() for rows in batches]
    assert max(cells) == 100_000  # the longest alone
    of_many = [cell for cell, rows in zip(cells, batches, strict=True) if len(rows) > 1]
    assert max(of_many) <= STEPS_AT_ONCE
    assert np.mean(of_many) > STEPS_AT_ONCE / 2


def test_padding_of_series_is_zero_after_scaling():
    X = [np.full((2, 3), 5.0), np.full((4, 3), 7.0)]
    sequences = read_sequences(X)
    scaling = ChannelScaling(3, np.full(3, 5.0), np.full(3, 2.0))
    batch = pad(sequences, np.array([1, 0]), scaling)
    assert batch["lengths"].tolist() == [4, 2]
    assert batch["steps"][:, :, 0].tolist() == [[1, 1, 1, 1], [0, 0, 0, 0]]


def test_a_subset_holds_its_rows_alone():
    whole = dataset_of(LENGTHS)
    part = whole.samples.subset(np.array([5, 2])).subset(np.array([1]))
    inputs, (targets, weights) = SequenceDataset(part, whole.encoding)[0]
    assert len(part) == 1
    assert targets.tolist() == [2]
    assert weights.tolist() == [1]
    assert set(inputs["steps"].flatten().tolist()) == {4}


def test_tokens_are_dropped_by_chance_and_those_seen_once_more_often():
    X = [[2, 3, 4 + row] for row in range(3000)] + [[2]]  # the third of each is seen once
    sequences = read_sequences(X)
    codes = TokenCodes().extended(sequences, np.empty(0, dtype=np.int64))
    dataset = SequenceDataset(Samples(sequences, np.zeros(3001), np.ones(3001)), codes, 0.1)
    (untouched, _), (dropped, _) = (
        next(iter(LengthBatches(dataset, 3001, rng))) for rng in (None, np.random.default_rng(0))
    )
    assert not (untouched["steps"] == UNKNOWN).any()
    assert (dropped["steps"] == PADDING).sum() == 2
    is_longest = dropped["lengths"] == 3
    shares = (dropped["steps"][is_longest] == UNKNOWN).float().mean(0)
    np.testing.assert_allclose(shares, [0.1, 0.1, 1 - 0.9**6], atol=0.04)
    at_all = SequenceDataset(dataset.samples, codes)
    assert not (at_all.batch(np.arange(3001), SHUFFLED)[0]["steps"] == UNKNOWN).any()
