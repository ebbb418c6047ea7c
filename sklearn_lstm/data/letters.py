"""What words are made of: runs of two to five letters, the borders of the word included.

They tell what unknown and rare words are like (Bojanowski et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.runs import bags_of, hash_runs
from sklearn_lstm.data.sequences import Lengths, Sequences, chunks_of_rows

RUN_LENGTHS = range(2, 6)
N_RANDOM_VECTORS = 1 << 14  # of runs of letters


def hash_letters(words: Sequence[str]) -> csr_matrix:
    """Return which runs of letters each word holds (n_words, 2**HASH_BITS); "" holds none."""
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, words), np.intp, len(words))
    runs = hash_runs(letters, lengths, RUN_LENGTHS, has_borders=True)
    runs.data[:] = np.repeat(lengths > 0, np.diff(runs.indptr))  # not the borders alone
    runs.eliminate_zeros()
    return runs


def letter_vectors(words: Sequence[str], length: int) -> NDArray[np.float32]:
    """Return a vector (length,) for each word, N(0, 1); words that are spelled alike are alike.

    It is the sum of random vectors of the word's runs of letters. They are always the same.
    """
    runs = hash_letters(words)
    rng = np.random.default_rng(0)
    of_runs = rng.standard_normal((N_RANDOM_VECTORS, length), np.float32)
    shape = (len(words), N_RANDOM_VECTORS)
    ones = np.ones(runs.nnz, np.float32)
    folded = csr_matrix((ones, runs.indices % N_RANDOM_VECTORS, runs.indptr), shape)
    n_runs = np.maximum(np.diff(runs.indptr), 1)
    return np.asarray(folded @ of_runs / np.sqrt(n_runs)[:, np.newaxis], np.float32)


def bags_of_steps(lengths: Lengths, runs: csr_matrix) -> csr_matrix:
    """Join the runs of letters of steps to those of their sequences (n_sequences, 2**HASH_BITS).

    They count by the root of the share of steps that are words. Else the few Latin words of a
    Chinese text would count as much as all of its characters.
    """
    rows, n_runs = np.repeat(np.arange(len(lengths)), lengths), np.diff(runs.indptr)
    bags = bags_of(np.repeat(rows, n_runs), runs.indices, len(lengths))
    share = np.bincount(rows, n_runs > 0, len(lengths)) / np.maximum(lengths, 1)
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
        """Return which runs of letters each sequence holds (n_sequences, 2**HASH_BITS)."""
        parts = [bags_of_steps(*some) for some in self.runs_of_steps(sequences)]
        return vstack(parts, format="csr")

    def runs_of_steps(self, sequences: Sequences) -> Iterator[tuple[Lengths, csr_matrix]]:
        """Yield the lengths of some sequences, and the runs of letters of each of their steps.

        The runs are a matrix of ones (n_steps, 2**HASH_BITS).
        """
        spelling = sequences.spelling
        read = sequences.read if spelling is None else spelling.read
        for rows in chunks_of_rows(sequences.lengths):
            numbers, places = np.unique(read(rows), return_inverse=True)
            words = {number: self._known.get(number) for number in numbers.tolist()}
            if spelling is not None:
                words |= spelling.words([number for number, word in words.items() if word is None])
            runs = hash_letters([word or "" for word in words.values()])
            yield sequences.lengths[rows], runs[places]
