"""Counts of neighbours and vectors of words, compared with the formulas, computed plainly."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from memory_taken import peak_bytes
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_lstm.text import cooccurrence
from sklearn_lstm.text.cooccurrence import count_neighbours, factorize

N_WORDS = 40


def batches_of(texts, size=7):
    for start in range(0, len(texts), size):
        some = texts[start : start + size]
        yield np.concatenate(some).astype(np.int32), np.array(list(map(len, some)))


@pytest.fixture
def texts(rng):
    """Texts of 0 to 39 words; a fifth of the words is not known."""
    lengths = rng.integers(0, 40, 100)
    return [np.maximum(rng.zipf(1.5, n) % 50 - 10, -1) for n in lengths]


def counted_plainly(texts, window):
    counts = np.zeros((N_WORDS, N_WORDS), int)
    for text in texts:
        words = text[text >= 0]
        for place, word in enumerate(words):
            for other in words[place + 1 : place + 1 + window]:
                counts[word, other] += 1
                counts[other, word] += 1
    return counts


@pytest.mark.parametrize("window", [1, 5, 100])
@pytest.mark.parametrize("tokens_at_once", [1 << 20, 50, 7])
def test_all_pairs_within_the_window_are_counted(monkeypatch, texts, window, tokens_at_once):
    monkeypatch.setattr(cooccurrence, "TOKENS_AT_ONCE", tokens_at_once)
    counts = count_neighbours(batches_of(texts), N_WORDS, window)
    np.testing.assert_array_equal(counts.toarray(), counted_plainly(texts, window))


def test_vectors_are_the_singular_vectors_of_the_information(texts):
    counts = counted_plainly(texts, 5)
    total, smoothed = counts.sum(axis=1), counts.sum(axis=1) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = counts / total[:, None] / (smoothed / smoothed.sum())
    information = np.log(np.maximum(np.nan_to_num(shares), 1))
    has_vector, vectors = factorize(count_neighbours(batches_of(texts), N_WORDS, 5), N_WORDS)
    np.testing.assert_array_equal(has_vector, information.any(axis=1))
    left, values, _ = np.linalg.svd(information[has_vector])
    rows = left * np.sqrt(values)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, rows @ rows.T, atol=1e-5)


def test_words_that_the_first_dimensions_say_nothing_about_have_no_vector():
    texts = [np.array([0, 1] * 50), np.array([2, 3, 2])]  # no word is in both
    has_vector, vectors = factorize(count_neighbours(batches_of(texts), 4, 1), 2)
    assert has_vector.tolist() == [False, False, True, True]
    assert vectors.shape == (2, 2)


def test_words_without_a_neighbour_have_no_vector():
    texts = [np.array([0, 1, 0, 2]), np.array([3]), np.array([4, 4])]
    has_vector, vectors = factorize(count_neighbours(batches_of(texts), 6, 1), 6)
    assert has_vector.tolist() == [True, True, True, False, True, False]
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-5)  # the same neighbours


def test_the_number_of_threads_changes_no_bit_and_is_left_alone(rng):
    texts = [rng.zipf(1.3, 50) % 2000 for _ in range(1000)]
    counts = count_neighbours(batches_of(texts), 2000, 5)
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            before = threadpool_info()
            results.append(factorize(counts, 100)[1])
            assert threadpool_info() == before
    np.testing.assert_array_equal(*results)


def test_fits_that_overlap_use_one_thread_and_leave_the_number_alone(monkeypatch, rng):
    decompose, has_begun, found = cooccurrence.randomized_svd, Event(), []

    def decompose_slowly(*args, **options):
        has_begun.set()
        time.sleep(0.3)
        found.append(blas_threads())
        return decompose(*args, **options)

    monkeypatch.setattr(cooccurrence, "randomized_svd", decompose_slowly)
    counts = count_neighbours(batches_of([rng.integers(0, N_WORDS, 500)]), N_WORDS, 5)
    before = blas_threads()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(factorize, counts, 5)
        has_begun.wait()
        pool.submit(factorize, counts, 5).result()
        first.result()
    assert found == [{1}, {1}]
    assert blas_threads() == before


def blas_threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_memory_does_not_grow_with_the_texts(monkeypatch, rng):
    monkeypatch.setattr(cooccurrence, "TOKENS_AT_ONCE", 10_000)

    def peak(n_batches):
        batches = ((rng.integers(0, 20, 10_000), np.full(1000, 10)) for _ in range(n_batches))
        return peak_bytes(lambda: count_neighbours(batches, 20, 5))

    peak(2)
    few, many = peak(2), peak(50)
    assert many < 1.2 * few
