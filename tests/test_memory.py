"""Memory does not grow with the data: no padded copy of the whole set, ever."""

import gc
import weakref
from functools import partial

import memory_taken
import numpy as np
import pytest
import small_models
from memory_taken import LargestTensor
from scipy import sparse

from sklearn_lstm.data import sequences
from sklearn_lstm.members.network import batches


def peak_bytes(work):
    """Measure the most that NumPy holds beside what was there, or the largest tensor."""
    with LargestTensor() as largest:
        most = memory_taken.peak_bytes(work)
    return max(most, largest.n_bytes)


@pytest.fixture(scope="module", autouse=True)
def _all_is_imported():
    small().fit([[2, 3], [4]], [0, 1]).predict([[2]])  # what torch imports at first use is not data


small = partial(small_models.small, hidden_size=1, embedding_dim=1, batch_size=16, max_epochs=1)


@pytest.mark.thread_unsafe(reason="memory is counted for all threads together")
@pytest.mark.parametrize("kind", ["csr", "ids", "series"])
def test_one_long_sequence_among_short_ones_does_not_widen_them_all(kind):
    n_short, longest = 2000, 2000
    lengths = np.append(np.full(n_short, 3), longest)
    steps = np.random.default_rng(0).integers(2, 9, lengths.sum())
    starts = np.append(0, np.cumsum(lengths))
    if kind == "csr":
        columns = np.arange(len(steps)) - np.repeat(starts[:-1], lengths)
        X = sparse.csr_matrix((steps, columns, starts), shape=(n_short + 1, longest))
    else:
        X = np.split(steps if kind == "ids" else steps.astype(float), starts[1:-1])
    model, y = small(), np.arange(n_short + 1) % 2
    padded_copy = (n_short + 1) * longest  # at one byte for each step
    assert peak_bytes(lambda: model.fit(X, y)) < padded_copy / 2
    assert peak_bytes(lambda: model.predict_proba(X)) < padded_copy / 2


@pytest.mark.filterwarnings("ignore:X holds whole numbers")
@pytest.mark.parametrize("shape", [(400,), (100, 4)], ids=["2-D", "3-D"])
@pytest.mark.parametrize("dtype", [int, float])
def test_a_large_array_is_read_a_piece_at_a_time(monkeypatch, shape, dtype):
    monkeypatch.setattr(sequences, "VALUES_PER_CHUNK", 1 << 13)
    monkeypatch.setitem(batches.STEPS_AT_ONCE, "cpu", 1 << 11)
    peaks, sizes = [], []
    for n_samples in (50, 400):
        X = np.random.default_rng(0).integers(1, 9, (n_samples, *shape)).astype(dtype)
        model, y = small(), np.arange(n_samples) % 2
        peaks.append(peak_bytes(lambda X=X, y=y, model=model: model.fit(X, y).predict(X)))
        sizes.append(X.nbytes)
    assert np.diff(peaks) < 0.2 * np.diff(sizes)


@pytest.mark.filterwarnings("ignore:X was read as")  # the labels are drawn
def test_the_linear_model_reads_new_sequences_a_piece_at_a_time(monkeypatch):
    monkeypatch.setattr(sequences, "VALUES_PER_CHUNK", 1 << 12)
    X = np.random.default_rng(0).integers(2, 500, (800, 100))
    model = small().set_params(max_epochs=0, linear_model=True).fit(X[:200], np.arange(200) % 2)
    few, many = (peak_bytes(lambda some=some: model.predict(some)) for some in (X[:200], X))
    assert many < 1.2 * few


@pytest.mark.parametrize("linear_model", [False, True])
def test_a_fit_leaves_no_sample_for_the_garbage_collector(linear_model):
    X = np.random.default_rng(0).normal(size=(60, 5, 2)).astype(np.float32)
    alive, model = weakref.ref(X), small(linear_model=linear_model)
    gc.disable()
    try:
        model.fit(X, [0, 1] * 30)
        del X
        assert alive() is None
    finally:
        gc.enable()
