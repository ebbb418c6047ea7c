"""Whether tokens are words, or characters of a small alphabet: letters, bases, notes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_lstm.data.sequences import Sequences

FEWEST_WORDS = 50  # effective number of tokens, the most frequent one set aside


def find_token_unit(X: Any, sequences: Sequences, token_unit: str) -> str | None:
    """Return "word" or "char"; None for measurements.

    "auto" is what the vectorizer says about X, else a guess from the ids.
    """
    if sequences.n_channels is not None:
        return None
    if token_unit != "auto":
        return token_unit
    said = getattr(X, "token_unit", None)
    return said if said in {"word", "char"} else guess_token_unit(sequences)


def guess_token_unit(sequences: Sequences) -> str:
    """Guess from how often two steps drawn at random hold the same id.

    The effective number of tokens is 3 for bases, 20 to 45 for letters of one or many languages,
    and 65 to 220 for words. The most frequent id is left out, because it may be
    the unknown token.
    """
    n_tokens = effective_number_of_tokens(sequences, n_set_aside=1)
    return "char" if n_tokens < FEWEST_WORDS else "word"


def effective_number_of_tokens(sequences: Sequences, n_set_aside: int = 0) -> float:
    """Return how many equally frequent ids would recur as often as those of the sequences.

    It is the inverse of the probability that two steps drawn at random hold the same id (Simpson
    1949). Its estimate does not grow with the amount of data. The most frequent ids can be set
    aside.
    """
    ids = sequences.distinct_ids()
    counts = np.zeros(len(ids))
    for chunk, _ in sequences.chunks():
        counts += np.bincount(np.searchsorted(ids, chunk), minlength=len(ids))
    frequency = np.sort(counts)
    frequency = frequency[: len(frequency) - n_set_aside]
    n_pairs = frequency.sum() * (frequency.sum() - 1)
    n_equal_pairs = (frequency * (frequency - 1)).sum()
    return float(n_pairs / n_equal_pairs) if n_equal_pairs else np.inf
