"""Words or characters: what ids are taken for where nobody says it."""

import numpy as np
import pytest

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import CHARACTERS, WORDS

RANKS = np.arange(5_000)
ZIPF = 1 / (RANKS + 3)  # how often words occur


def kind_of(X):
    return InputFormat.found_in(X)[0].kind


def draw(n_texts, probabilities, length=20):
    rng = np.random.default_rng(0)
    size, p = (n_texts, length), probabilities / probabilities.sum()
    return rng.choice(len(p), size, p=p)


def words(n_texts):
    return [[f"word{number}" for number in text] for text in draw(n_texts, ZIPF)]


@pytest.mark.parametrize("analyzer", [list, lambda events: map(str.upper, events)])
def test_names_of_few_events_are_characters(analyzer):
    events = [[f"event{number}" for number in text] for text in draw(30, ZIPF[:200] ** 1.5)]
    vectorizer = TextSequenceVectorizer(analyzer=analyzer)
    assert kind_of(vectorizer.fit_transform(events)) is CHARACTERS
    joined = [" ".join(text) for text in events]
    assert kind_of(TextSequenceVectorizer().fit_transform(joined)) is WORDS


@pytest.mark.parametrize("max_features", [None, 500, 50, 5])
@pytest.mark.parametrize("n_texts", [30, 1_000])
def test_lists_of_words_are_words_in_a_vocabulary_of_any_size(n_texts, max_features):
    vectorizer = TextSequenceVectorizer(analyzer=list, max_features=max_features)
    assert kind_of(vectorizer.fit_transform(words(n_texts))) is WORDS


def test_ids_of_a_thousand_words_are_words():
    ids = draw(3_000, ZIPF) + 2
    assert kind_of(np.where(ids < 1_000, ids, 1)) is WORDS


def test_bytes_are_characters():
    letters = np.exp(-np.arange(256) / 12)
    texts, packed = draw(300, letters, 100), draw(300, np.ones(256), 100)
    is_packed = np.random.default_rng(1).random((300, 1)) < 0.4
    assert kind_of(np.where(is_packed, packed, texts) + 1) is CHARACTERS


@pytest.mark.parametrize("X", [np.ones((9, 3), int), np.arange(1, 7).reshape(2, 3)])
def test_a_guess_from_hardly_anything_is_no_error(X):
    assert kind_of(X) in (CHARACTERS, WORDS)


def test_ids_are_guessed_where_the_vectorizer_says_nothing():
    X = TextSequenceVectorizer().fit_transform(["a bc", "bc def"])
    assert kind_of(X) is WORDS
    assert kind_of(X * 1) is CHARACTERS  # three ids
