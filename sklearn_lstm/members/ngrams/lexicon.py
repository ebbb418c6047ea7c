"""What words are made of: n-grams of two to five letters, the borders of the word included.

They tell what unknown and rare words are like (Bojanowski et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Lengths, Sequences, gather
from sklearn_lstm.members.ngrams.hashing import Integers, bags_of, distinct, hash_ngrams

NGRAM_LENGTHS = range(2, 6)


def hash_letters(words: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the distinct n-grams of letters of each word, word after word; "" has none.

    Returns
    -------
    hashes : ndarray of shape (n_ngrams,)
    ends : ndarray of shape (n_words + 1,)
        Where those of each word begin and end.
    """
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, words), np.intp, len(words))
    rows, hashes = hash_ngrams(letters, lengths, NGRAM_LENGTHS, has_borders=True)
    is_of_word = lengths[rows] > 0  # not the borders alone
    return distinct(rows[is_of_word], hashes[is_of_word], len(words))


def bags_of_steps(lengths: Lengths, hashes: Integers, n_ngrams: Integers) -> csr_matrix:
    """Join the n-grams of letters of steps to those of their sequences (n_sequences, 2**HASH_BITS).

    They count by the root of the share of steps that are words. Else the few Latin words of a
    Chinese text would count as much as all of its characters.

    Parameters
    ----------
    lengths : ndarray of shape (n_sequences,)
    hashes : ndarray of shape (n_hashes,)
        Of all steps, laid end to end.
    n_ngrams : ndarray of shape (n_steps,)
    """
    rows = np.repeat(np.arange(len(lengths)), lengths)
    bags = bags_of(np.repeat(rows, n_ngrams), hashes, len(lengths))
    share = np.bincount(rows, n_ngrams > 0, len(lengths)) / np.maximum(lengths, 1)
    bags.data = np.repeat(np.sqrt(share, dtype=np.float32), np.diff(bags.indptr))
    return bags


@dataclass(frozen=True)
class Lexicon:
    """How the ids of words are spelled.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
    words : tuple of str
        "" for an id that stands for no word.
    """

    ids: Annotated[NDArray[np.int64], "n_ids"]
    words: Annotated[tuple[str, ...], "n_ids"]

    @classmethod
    def of(cls, sequences: Sequences) -> Lexicon | None:
        """Return the words of sequences, or None if it is not known how they are spelled."""
        if sequences.spelling is None:
            return None
        ids = sequences.distinct_ids()
        words = sequences.spelling.words(ids.tolist())
        return cls(ids, tuple(words.get(id_, "") for id_ in ids.tolist())) if words else None

    @cached_property
    def _known(self) -> dict[int, str]:
        return dict(zip(self.ids.tolist(), self.words, strict=True))

    def bags(self, sequences: Sequences) -> csr_matrix:
        """Return which n-grams of letters each sequence holds (n_sequences, 2**HASH_BITS)."""
        return bags_of_steps(sequences.lengths, *self.ngrams_of_steps(sequences))

    def ngrams_of_steps(self, sequences: Sequences) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return the n-grams of letters of each step.

        Returns
        -------
        hashes : ndarray of shape (n_hashes,)
            Of all steps, laid end to end.
        n_ngrams : ndarray of shape (n_steps,)
        """
        numbers = sequences.read_spellings(np.arange(len(sequences)))
        spellings, places = np.unique(numbers, return_inverse=True)
        words = {spelling: self._known.get(spelling) for spelling in spellings.tolist()}
        if sequences.spelling is not None:
            missing = [spelling for spelling, word in words.items() if word is None]
            words |= sequences.spelling.words(missing)
        hashes, ends = hash_letters([word or "" for word in words.values()])
        n_ngrams = np.diff(ends)[places]
        return gather(hashes, ends[places], n_ngrams), n_ngrams
