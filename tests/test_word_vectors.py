"""`WordVectors`: what scikit-learn expects, which words are near, and the formulas plainly."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Event

import joblib
import numpy as np
import pyarrow as pa
import pytest
from memory_taken import peak_bytes
from round_trips import ROUND_TRIPS
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import ParameterGrid
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_lstm import (
    LSTMSequenceClassifier,
    TextSequenceVectorizer,
    WordVectors,
    progress,
    word_vectors,
)
from sklearn_lstm.word_vectors import count_neighbours, factorize

TEXTS = ["a good film", "a great film", "a bad day", "a sad day"] * 5


class TextsOnDisk:
    """Texts that are read anew each time, and of which nobody knows how many there are."""

    def __init__(self, texts):
        self.texts = texts

    def __iter__(self):
        yield from self.texts


def small(**parameters):
    return WordVectors(**{"embedding_dim": 4} | parameters)


def assert_same(one, other):
    assert one.vocabulary_ == other.vocabulary_
    np.testing.assert_array_equal(one.vectors_, other.vectors_)


@pytest.fixture(scope="module")
def fitted(messages):
    return WordVectors(embedding_dim=50).fit(messages[0])


# --- Which words are near


def test_vectors_have_length_one_and_rows_by_frequency(fitted, messages):
    assert fitted.vectors_.dtype == np.float32
    assert fitted.vectors_.shape == (len(fitted.vocabulary_), 50)
    np.testing.assert_allclose(np.linalg.norm(fitted.vectors_, axis=1), 1, rtol=1e-6)
    frequent = TextSequenceVectorizer(min_df=2).fit(messages[0]).vocabulary_
    assert list(fitted.vocabulary_) == [word for word in frequent if word in fitted.vocabulary_]
    assert list(fitted.vocabulary_.values()) == list(range(len(fitted.vocabulary_)))
    assert len(fitted.vocabulary_) > 0.95 * len(frequent)


def test_words_that_stand_among_the_same_words_are_near(fitted, messages):
    texts, languages = messages
    words = {
        language: set(
            TextSequenceVectorizer(min_df=2).fit(texts[languages == language]).vocabulary_
        )
        for language in ("de", "nl")
    }
    german, dutch = words["de"] - words["nl"], words["nl"] - words["de"]
    (_, of_german), (_, of_dutch) = fitted.lookup(german), fitted.lookup(dutch)
    np.fill_diagonal(to_german := of_german @ of_german.T, -1)
    is_german = to_german.max(axis=1) > (of_german @ of_dutch.T).max(axis=1)
    assert is_german.mean() > 0.95


def test_a_token_is_what_the_vectorizer_says(messages):
    characters = small(vectorizer=TextSequenceVectorizer(analyzer="char")).fit(messages[0])
    assert {"e", " ", "ä"} <= set(characters.vocabulary_)
    events = [[3, 1, 4], [1, 5, "x"], [3, 1], [1, 4]]
    listed = small(vectorizer=TextSequenceVectorizer(analyzer=list, vocabulary=[1, 3, 4, 9]))
    listed.fit(events)
    assert list(listed.vocabulary_) == [1, 3, 4]  # 9 is nowhere, 5 and "x" are not asked for
    is_known, vectors = listed.lookup([4, "x", 9, 4])
    assert is_known.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(vectors, listed.vectors_[[2, 2]])


def test_fewer_words_than_dimensions_shorten_the_vectors():
    vectors = WordVectors().fit(TEXTS)
    assert vectors.vectors_.shape == (7, 7)


# --- Which texts are read


@pytest.mark.parametrize("container", [pa.array, TextsOnDisk])
def test_texts_of_any_container_give_the_same_vectors(container):
    assert_same(small().fit(container(TEXTS)), small().fit(TEXTS))


@pytest.mark.parametrize("iterator", [iter, lambda texts: (text for text in texts)])
def test_an_iterator_is_kept_as_it_is_read_twice(iterator):
    assert_same(small().fit(iterator(TEXTS)), small().fit(TEXTS))


def test_texts_that_are_gone_at_the_second_reading_are_refused():
    with pytest.raises(ValueError, match="The texts tell nothing about the words"):
        small().fit(TextsOnDisk(iter(TEXTS)))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["one text"], "max_df .* < documents than min_df.* in 2 to 1 of 1 texts"),
        (["each word", "stands once"], "After pruning, no terms remain. Try a lower min_df"),
        (["no", "no"], r"tell nothing about .*\['no'\]"),
    ],
)
def test_texts_that_tell_nothing_are_refused_and_change_nothing(texts, message):
    vectors = small().fit(TEXTS)
    before = joblib.hash(vars(vectors))
    with pytest.raises(ValueError, match=message):
        vectors.fit(texts)
    assert joblib.hash(vars(vectors)) == before


# --- What scikit-learn expects


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_the_checks_that_scikit_learn_runs_pass():
    check_estimator(WordVectors(), on_skip=None)


def test_a_clone_of_a_fitted_one_shares_what_was_learned():
    vectors = small(window=2)
    copied = clone(vectors)
    assert copied is not vectors
    assert copied.get_params() == vectors.get_params()
    with pytest.raises(NotFittedError):
        copied.lookup(["a"])
    assert clone(vectors.fit(TEXTS)).vectors_ is vectors.vectors_
    [given] = ParameterGrid({"embeddings": [vectors]})
    assert clone(LSTMSequenceClassifier(**given)).embeddings is vectors


def test_changes_of_a_clone_do_not_reach_a_fitted_one():
    vectors = small(vectorizer=TextSequenceVectorizer(min_df=2)).fit(TEXTS)
    changed = clone(vectors).set_params(window=1, vectorizer__min_df=6)
    assert (vectors.window, vectors.vectorizer.min_df) == (5, 2)
    changed.fit(TEXTS)
    assert (len(vectors.vocabulary_), len(changed.vocabulary_)) == (7, 3)


def test_one_bar_shows_part_after_part_and_ends_full(capsys, monkeypatch):
    small().fit(TEXTS)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "monotonic", partial(next, count(1)))  # all states are drawn
    for texts in (TEXTS, TextsOnDisk(TEXTS)):
        small(verbose=1).fit(texts)
        states = [text for text in re.split(r"[\r\n]", capsys.readouterr().err) if text.strip()]
        parts = [state.partition(":")[0].strip() for state in states]
        assert [*dict.fromkeys(parts)] == ["words", "neighbours", "vectors"]
        shares = re.findall(r"([a-z]+): +50%", "\n".join(states))
        assert shares == ["words", "neighbours"][isinstance(texts, TextsOnDisk) :]
        assert states[-1].startswith("vectors: 100%|")


# --- Storing


@pytest.mark.parametrize("name", ["pickle", "joblib memory-mapped", "deepcopy", "skops", "file"])
@pytest.mark.parametrize("vectorizer", [None, TextSequenceVectorizer(analyzer="char").fit(TEXTS)])
def test_stored_vectors_are_the_same(tmp_path, fitted, messages, name, vectorizer):
    vectors = fitted if vectorizer is None else small(vectorizer=vectorizer).fit(messages[0])
    restored = ROUND_TRIPS[name](vectors, tmp_path)
    assert_same(restored, vectors)
    assert repr(restored) == repr(vectors)
    if vectorizer is not None:
        assert restored.vectorizer.vocabulary_ == vectorizer.vocabulary_
    assert restored.vectors_.flags.writeable


N_WORDS = 40


def batches_of(texts, size=7):
    for start in range(0, len(texts), size):
        some = texts[start : start + size]
        yield np.concatenate(some).astype(np.int32), np.array(list(map(len, some)))


@pytest.fixture
def texts():
    """Texts of 0 to 39 words; a fifth of the words is not known."""
    rng = np.random.default_rng(0)
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
@pytest.mark.parametrize("batches_at_once", [64, 4, 1])
def test_all_pairs_within_the_window_are_counted(monkeypatch, texts, window, batches_at_once):
    monkeypatch.setattr(word_vectors, "BATCHES_AT_ONCE", batches_at_once)
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


def test_words_without_a_neighbour_have_no_vector():
    texts = [np.array([0, 1, 0, 2]), np.array([3]), np.array([4, 4])]
    has_vector, vectors = factorize(count_neighbours(batches_of(texts), 6, 1), 6)
    assert has_vector.tolist() == [True, True, True, False, True, False]
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-5)  # the same neighbours


@pytest.mark.thread_unsafe(reason="the number of BLAS threads is one for all threads")
def test_the_number_of_threads_changes_no_bit_and_is_left_alone():
    rng = np.random.default_rng(0)
    texts = [rng.zipf(1.3, 50) % 2000 for _ in range(1000)]
    counts = count_neighbours(batches_of(texts), 2000, 5)
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "blas"):
            before = threadpool_info()
            results.append(factorize(counts, 100)[1])
            assert threadpool_info() == before
    np.testing.assert_array_equal(*results)


def test_fits_that_overlap_use_one_thread_and_leave_the_number_alone(monkeypatch):
    rng = np.random.default_rng(0)
    decompose, has_begun, found = word_vectors.randomized_svd, Event(), []

    def decompose_slowly(*args, **options):
        has_begun.set()
        time.sleep(0.3)
        found.append(blas_threads())
        return decompose(*args, **options)

    monkeypatch.setattr(word_vectors, "randomized_svd", decompose_slowly)
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


def test_memory_does_not_grow_with_the_texts(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(word_vectors, "BATCHES_AT_ONCE", 1)

    def peak(n_batches):
        batches = ((rng.integers(0, 20, 10_000), np.full(1000, 10)) for _ in range(n_batches))
        return peak_bytes(lambda: count_neighbours(batches, 20, 5))

    peak(2)
    few, many = peak(2), peak(50)
    assert many < 1.2 * few
