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
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows

RUN_LENGTHS = range(2, 6)
N_RANDOM_VECTORS = 1 << 14  # of runs of letters


def hash_letters(words: Sequence[str]) -> csr_matrix:
    """Return which runs of letters each word holds (n_words, 2**HASH_BITS)."""
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, words), np.intp, len(words))
    return hash_runs(letters, lengths, RUN_LENGTHS, has_borders=True)


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
    return np.asarray(folded @ of_runs / np.sqrt(np.diff(runs.indptr))[:, np.newaxis], np.float32)


@dataclass(frozen=True)
class Lexicon:
    """The words that were seen at fit.

    Parameters
    ----------
    ids : ndarray of shape (n_words,)
    words : tuple of str
    """

    ids: NDArray[np.int64]
    words: tuple[str, ...]

    @classmethod
    def of(cls, sequences: Sequences) -> Lexicon | None:
        """Return the words of sequences, or None if it is not known how they are spelled."""
        if sequences.spelling is None:
            return None
        ids = np.unique(np.concatenate([np.unique(ids) for ids, _ in sequences.chunks()]))
        words = sequences.spelling.words(ids.tolist())
        if not words:  # tokens that are no strings
            return None
        known = sorted(words)
        return cls(np.array(known, np.int64), tuple(words[id_] for id_ in known))

    @cached_property
    def _known(self) -> dict[int, str]:
        return dict(zip(self.ids.tolist(), self.words, strict=True))

    def bags(self, sequences: Sequences) -> csr_matrix:
        """Return which runs of letters each sequence holds (n_sequences, 2**HASH_BITS)."""
        parts = []
        for steps, runs in self.runs_of_steps(sequences):
            bag = steps @ runs
            bag.sort_indices()
            parts.append(bags_of(bag.indices, bag.indptr))
        return vstack(parts, format="csr")

    def runs_of_steps(self, sequences: Sequences) -> Iterator[tuple[csr_matrix, csr_matrix]]:
        """Yield of some sequences at a time which words they hold, and which runs the words hold.

        Two matrices of ones, (n_sequences, n_words) and (n_words, 2**HASH_BITS). The first has one
        for each step, in their order.
        """
        spelling = sequences.spelling
        read = sequences.read if spelling is None else spelling.read
        for rows in chunks_of_rows(sequences.lengths):
            numbers, places = np.unique(read(rows), return_inverse=True)
            words = [self._known.get(number, "") for number in numbers.tolist()]
            if spelling is not None and "" in words:
                more = spelling.words(numbers.tolist())
                words = [
                    word or more.get(number, "")
                    for word, number in zip(words, numbers.tolist(), strict=True)
                ]
            ends = np.append(0, np.cumsum(sequences.lengths[rows]))
            shape = (len(rows), len(words))
            ones = np.ones(len(places), np.bool_)
            yield csr_matrix((ones, places, ends), shape), hash_letters(words)
