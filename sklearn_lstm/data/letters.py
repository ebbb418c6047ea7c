"""What words are made of: n-grams of two to five letters, the borders of the word included.

They tell what unknown and rare words are like (Bojanowski et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.hashing import bags_of, hash_ngrams
from sklearn_lstm.data.sequences import Lengths, Sequences, chunks_of_rows

NGRAM_LENGTHS = range(2, 6)


def hash_letters(words: Sequence[str]) -> csr_matrix:
    """Return which n-grams of letters each word holds (n_words, 2**HASH_BITS); "" holds none."""
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, words), np.intp, len(words))
    ngrams = hash_ngrams(letters, lengths, NGRAM_LENGTHS, has_borders=True)
    ngrams.data[:] = np.repeat(lengths > 0, np.diff(ngrams.indptr))  # not the borders alone
    ngrams.eliminate_zeros()
    return ngrams


def bags_of_steps(lengths: Lengths, ngrams: csr_matrix) -> csr_matrix:
    """Join the n-grams of letters of steps to those of their sequences (n_sequences, 2**HASH_BITS).

    They count by the root of the share of steps that are words. Else the few Latin words of a
    Chinese text would count as much as all of its characters.
    """
    rows, n_ngrams = np.repeat(np.arange(len(lengths)), lengths), np.diff(ngrams.indptr)
    bags = bags_of(np.repeat(rows, n_ngrams), ngrams.indices, len(lengths))
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

    ids: NDArray[np.int64]
    words: tuple[str, ...]

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
        parts = [bags_of_steps(*some) for some in self.ngrams_of_steps(sequences)]
        return vstack(parts, format="csr")

    def ngrams_of_steps(self, sequences: Sequences) -> Iterator[tuple[Lengths, csr_matrix]]:
        """Yield the lengths of some sequences, and the n-grams of letters of each of their steps.

        The n-grams are a matrix of ones (n_steps, 2**HASH_BITS).
        """
        for rows in chunks_of_rows(sequences.lengths):
            spellings, places = np.unique(sequences.read_spellings(rows), return_inverse=True)
            words = {spelling: self._known.get(spelling) for spelling in spellings.tolist()}
            if sequences.spelling is not None:
                missing = [spelling for spelling, word in words.items() if word is None]
                words |= sequences.spelling.words(missing)
            ngrams = hash_letters([word or "" for word in words.values()])
            yield sequences.lengths[rows], ngrams[places]
