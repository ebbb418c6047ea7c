"""Tables of characters and words: the values of the function, whatever was looked up before."""

import sys
from itertools import product

import numpy as np
import pytest

from sklearn_lstm.text.lookup import CharacterTable, WordLookup, Words
from sklearn_lstm.text.words import LOWERED_IN_CONTEXT


def counter():
    """Give numbers to words in the order of their coming, and note what was asked."""
    numbers, asked = {}, []

    def number(words):
        for word in words:
            asked.append(word)
            yield numbers.setdefault(word, len(numbers))

    return number, numbers, asked


def look_up(table, words, encoding):
    text = " ".join([*words, ""])
    code_points = np.frombuffer(text.encode(encoding), np.uint8 if encoding == "latin-1" else "<u4")
    stops = np.cumsum([len(word) + 1 for word in words]) - 1
    starts = stops - [len(word) for word in words]
    facts = {"lengths": None, "is_composed": True, "has_letters": encoding != "latin-1"}
    return table(Words(text, code_points, starts, stops, **facts)).tolist()


WORDS = ["a", "bc", "seven77", "eight888", "seven77", "a", "!", "!\0", "é", "ÿÿ", "bc"]
WIDE_WORDS = [*WORDS, "ā", "日本", "!\U0001f600", "a\u0100", "日本", "a"]


@pytest.mark.parametrize(
    ("words", "encoding"), [(WORDS, "latin-1"), (WORDS, "utf-32-le"), (WIDE_WORDS, "utf-32-le")]
)
def test_each_word_has_its_value(words, encoding):
    number, numbers, _ = counter()
    table = WordLookup(number)
    for _ in range(2):
        values = look_up(table, words, encoding)
        assert values == [numbers[word] for word in words]


def test_bytes_and_wide_characters_mean_the_same_words():
    number, numbers, asked = counter()
    table = WordLookup(number)
    look_up(table, WORDS, "latin-1")
    asked.clear()
    assert look_up(table, WIDE_WORDS, "utf-32-le") == [numbers[word] for word in WIDE_WORDS]
    assert not {"a", "bc", "seven77", "!", "é"} & set(asked)


def test_words_that_share_a_slot_keep_their_own_values():
    number, numbers, _ = counter()
    table = WordLookup(number)
    words = ["".join(letters) for letters in product("abcdefghijklmnopq", repeat=4)]
    assert len(words) > 1 << 16  # so many slots
    for _ in range(2):
        assert look_up(table, words, "latin-1") == [numbers[word] for word in words]
    assert len(set(numbers.values())) == len(words)


def test_a_short_word_is_asked_for_once():
    number, _, asked = counter()
    table = WordLookup(number)
    for _ in range(3):
        look_up(table, ["same", "same"], "latin-1")
    assert asked == ["same"]


def test_characters_are_asked_for_once_and_their_values_may_grow():
    asked = []

    def square(characters):
        for character in characters:
            asked.append(character)
            yield ord(character) ** 2

    table = CharacterTable(square)
    for text in ("ab", "abcab", "a日b", "", "ab日"):
        code_points = np.array([ord(character) for character in text], np.uint32)
        assert table(code_points).tolist() == [int(each) ** 2 for each in code_points]
    assert asked == ["a", "b", "c", "日"]


def test_all_characters_but_those_named_are_lowered_one_by_one():
    for character in map(chr, range(sys.maxunicode + 1)):
        if character in LOWERED_IN_CONTEXT or "\ud800" <= character <= "\udfff":
            continue
        lowered = character.lower()
        assert len(lowered) == 1
        assert ("a" + character).lower() == "a" + lowered
        assert lowered.lower() == lowered
