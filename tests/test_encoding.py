"""Ids become codes, channels come to one scale, pretrained vectors find their ids."""

import numpy as np
import pytest
from gensim.models import KeyedVectors

from sklearn_lstm import sequences
from sklearn_lstm.encoding import ChannelScaling, TokenCodes, align_embeddings
from sklearn_lstm.reading import read_sequences
from sklearn_lstm.vocabulary import PADDING, UNKNOWN

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
VOCABULARY = {"good": 2, "bad": 3, "day": 5}


def codes_of(X):
    return TokenCodes().extended(read_sequences(X), np.empty(0, dtype=np.int64))


def test_only_ids_that_were_seen_have_a_code():
    codes = codes_of([[2_000_000_000, 7], [7, 40]])
    assert len(codes) == 5
    assert codes.ids.tolist() == [PADDING, UNKNOWN, 7, 40, 2_000_000_000]
    assert codes(np.array([40, 7, 2_000_000_000, 7])).tolist() == [3, 2, 4, 2]


def test_ids_that_were_not_seen_are_unknown():
    unseen = np.array([1, 3, 8, 41, 2**31 - 1])
    assert codes_of([[7, 40]])(unseen).tolist() == [UNKNOWN] * 5
    assert TokenCodes()(unseen).tolist() == [UNKNOWN] * 5


def test_ids_far_apart_have_the_codes_that_near_ones_have():
    near, far = codes_of([[3, 5, 9]]), codes_of([[3, 5, 2_000_000_000]])
    ids = np.array([9, 3, 4, 5, 1, 10, 2**31 - 1, 3])
    expected = [4, 2, UNKNOWN, 3, UNKNOWN, UNKNOWN, UNKNOWN, 2]
    assert near(ids).tolist() == expected
    assert far(np.where(ids == 9, 2_000_000_000, ids)).tolist() == expected


def test_codes_stay_when_new_ids_come():
    first = codes_of([[7, 40]])
    more = first.extended(read_sequences([[3, 50, 7]]), np.array([20, 40]))
    assert more.ids.tolist() == [*first.ids, 3, 20, 50]
    assert more(np.array([7, 40])).tolist() == first(np.array([7, 40])).tolist()


def inputs_of(X, *, normalize=True):
    sequences = read_sequences(X)
    scaling = ChannelScaling.of(sequences, normalize=normalize)
    return scaling(sequences.read(np.arange(len(sequences))), sequences.lengths)


def test_channels_and_their_changes_come_to_mean_zero_and_deviation_one(monkeypatch):
    rng = np.random.default_rng(0)
    X = [rng.normal([5, -1e4, 0], [2, 1, 1e-6], (length, 3)) for length in rng.integers(1, 9, 50)]
    changes = [np.diff(series, axis=0, prepend=series[:1]) for series in X]
    steps = np.hstack([np.concatenate(X), np.concatenate(changes)])
    expected = (steps - steps.mean(axis=0)) / steps.std(axis=0)
    for cells in (1 << 20, 10):  # in one chunk, and in many
        monkeypatch.setattr(sequences, "CELLS_PER_CHUNK", cells)
        inputs = inputs_of(X)
        assert inputs.dtype == np.float32
        np.testing.assert_allclose(inputs, expected, atol=1e-4)


def test_changes_do_not_reach_over_to_the_sequence_before():
    alone = ChannelScaling(1, np.zeros(2), np.ones(2))
    both = alone(np.array([[1.0], [4.0], [9.0], [7.0]]), np.array([2, 2]))
    assert both[:, 1].tolist() == [0, 3, 0, -2]


def test_a_constant_channel_is_not_blown_up():
    X = np.full((4, 5, 2), 0.1)
    X[:, :, 0] += np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_allclose(inputs_of(X)[:, [1, 3]], 0, atol=1e-6)


def test_without_normalising_measurements_stay_as_they_are():
    X = np.random.default_rng(0).normal(5, 3, (4, 5, 2)).astype(np.float32)
    np.testing.assert_array_equal(inputs_of(X, normalize=False), X.reshape(-1, 2))


def test_large_values_keep_their_differences():
    X = 1e9 + np.random.default_rng(0).normal(size=(20, 8))
    expected = (X.ravel() - X.mean()) / X.std()
    np.testing.assert_allclose(inputs_of(X)[:, 0], expected, atol=1e-5)


def test_row_i_of_a_matrix_is_the_vector_of_id_i():
    ids, vectors = align_embeddings(VECTORS, None)
    assert ids.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(vectors, VECTORS)


def test_a_mapping_gives_vectors_to_the_tokens_of_the_vocabulary():
    mapping = {"day": VECTORS[0], "good": VECTORS[1].tolist(), "unrelated": VECTORS[2]}
    ids, vectors = align_embeddings(mapping, VOCABULARY)
    assert ids.tolist() == [2, 5]
    np.testing.assert_array_equal(vectors, VECTORS[[1, 0]])


def test_keyed_vectors_are_read_as_a_mapping():
    keyed = KeyedVectors(3)
    keyed.add_vectors(["day", "good", "unrelated"], VECTORS[:3])
    ids, vectors = align_embeddings(keyed, VOCABULARY)
    assert ids.tolist() == [2, 5]
    np.testing.assert_array_equal(vectors, VECTORS[[1, 0]])


def test_a_mapping_from_ids_needs_no_vocabulary():
    ids, vectors = align_embeddings({9: VECTORS[0], np.int64(4): VECTORS[1]}, None)
    assert ids.tolist() == [9, 4]
    np.testing.assert_array_equal(vectors, VECTORS[:2])


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        ({"good": VECTORS[0]}, "X does not say which token an id stands for"),
        (VECTORS[0], r"shape \(n_ids, embedding_dim\), found \(3,\)"),
        (VECTORS[:0], r"found \(0, 3\)"),
        (np.where(VECTORS == 5, np.nan, VECTORS), "NaN or infinite"),
    ],
)
def test_embeddings_that_fit_no_id_are_refused(embeddings, message):
    with pytest.raises(ValueError, match=message):
        align_embeddings(embeddings, None)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        ({"tree": VECTORS[0]}, "None of the tokens in X has a vector"),
        ({"good": [1.0, 2.0], "bad": [1.0]}, r"one length, found \[\(1,\), \(2,\)\]"),
    ],
)
def test_mappings_that_fit_no_token_are_refused(embeddings, message):
    with pytest.raises(ValueError, match=message):
        align_embeddings(embeddings, VOCABULARY)


def test_codes_tell_how_often_they_were_seen_in_all_calls():
    first = codes_of([[5, 5, 9], [5]])
    assert dict(zip(first.ids[2:].tolist(), first.counts[2:].tolist(), strict=True)) == {5: 3, 9: 1}
    more = first.extended(read_sequences([[9, 7]]), np.array([8]))
    counts = dict(zip(more.ids[2:].tolist(), more.counts[2:].tolist(), strict=True))
    assert counts == {5: 3, 9: 2, 7: 1, 8: 0}
    assert first.counts.tolist() == [0, 0, 3, 1]
