"""One vectorizer in many threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from sklearn_lstm.data.text_reader import TextReader
from sklearn_lstm.text.words import CharacterTable
from sklearn_lstm.vectorizer import TextSequenceVectorizer

N_THREADS = 8


@pytest.fixture
def _threads_take_turns_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(work):
    """Return what each of eight threads returns that start at the same time."""
    barrier = Barrier(N_THREADS)

    def start(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(start, range(N_THREADS)))


def test_a_table_of_characters_may_be_replaced_by_another_thread_at_once(monkeypatch):
    table = CharacterTable(lambda characters: map(ord, characters))
    other = CharacterTable(list)._values
    monkeypatch.setattr(
        CharacterTable, "_values", property(lambda _: other, lambda *_: None), raising=False
    )
    assert table(np.array([65, 66], np.uint32)).tolist() == [65, 66]


@pytest.mark.usefixtures("_threads_take_turns_often")
@pytest.mark.parametrize("analyzer", ["word", "char"])
def test_threads_transform_alike(analyzer):
    # Characters of ever higher code points, which no other test has shown to the tables.
    texts = [
        " ".join(f"w{chr(code)}{chr(code).upper()}, it's" for code in range(start, start + 40))
        for start in range(*(0x10000, 0x18000) if analyzer == "word" else (0x18000, 0x20000), 100)
    ]
    vectorizer = TextSequenceVectorizer(analyzer=analyzer).fit(["it's a w, w", *texts[:20]])

    def transform(number):
        turned = [*texts[40 * number :], *texts[: 40 * number]]
        rows = [vectorizer.transform([text]).data.tolist() for text in turned]
        return [*rows[-40 * number :], *rows[: -40 * number]] if number else rows

    results = in_threads(transform)
    expected = vectorizer.transform(texts)
    for result in results:
        assert result == [row.data.tolist() for row in expected]


def test_texts_are_read_by_what_was_fitted_before_partial_fit_or_after_it():
    class Attributes(dict):
        def get(self, name):
            """Get an attribute; another thread commits a `partial_fit` at once."""
            found = self[name]
            self.update(later)
            return found

    vectorizer = TextSequenceVectorizer().fit(["a b"])
    before, earlier = TextReader.of(vars(vectorizer)), vars(vectorizer).copy()
    later = vars(vectorizer.partial_fit(["c d e f"]))
    assert TextReader.of(Attributes(earlier)) == before


def test_threads_fit_alike(few_messages):
    texts, _ = few_messages
    expected = TextSequenceVectorizer().fit(texts).vocabulary_
    for vocabulary in in_threads(lambda _: TextSequenceVectorizer().fit(texts).vocabulary_):
        assert vocabulary == expected
