"""The letters of words: runs of two to five within a word, its borders included.

They tell what unknown and rare words are made of (Bojanowski et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.linear.runs import RunFeatures, bags_of, hash_runs

RUN_LENGTHS = range(2, 6)


@dataclass(frozen=True)
class WordSpelling:
    """How the words that were seen at fit are spelled.

    Parameters
    ----------
    ids : ndarray of shape (n_words,)
    words : tuple of str
    """

    ids: NDArray[np.int64]
    words: tuple[str, ...]

    @classmethod
    def of(cls, sequences: Sequences) -> WordSpelling | None:
        """Return the words of sequences, or None if it is not known how they are spelled."""
        if sequences.spelling is None:
            return None
        ids = np.unique(np.concatenate([np.unique(ids) for ids, _ in sequences.chunks()]))
        words = sequences.spelling.words(ids.tolist())
        if not words:  # tokens that are no strings
            return None
        return cls(np.array(sorted(words), np.int64), tuple(words[id_] for id_ in sorted(words)))

    @cached_property
    def _known(self) -> dict[int, str]:
        return dict(zip(self.ids.tolist(), self.words, strict=True))

    def bags(self, sequences: Sequences) -> csr_matrix:
        """Return which runs of letters each sequence holds (n_sequences, 2**HASH_BITS)."""
        parts = []
        for words, runs in self.words_and_runs(sequences):
            bag = words @ runs
            bag.sort_indices()
            parts.append(bags_of(bag.indices, bag.indptr))
        return vstack(parts, format="csr")

    def words_and_runs(self, sequences: Sequences) -> Iterator[tuple[csr_matrix, csr_matrix]]:
        """Yield of some sequences at a time which words they hold, and which runs the words hold.

        The first matrix has a one for each step, (n_sequences, n_words), in their order.
        """
        spelling = sequences.spelling
        for rows in chunks_of_rows(sequences.lengths):
            read = sequences.read if spelling is None else spelling.read
            numbers, places = np.unique(read(rows), return_inverse=True)
            missing = [number for number in numbers.tolist() if number not in self._known]
            more = {} if spelling is None else spelling.words(missing)
            known: Mapping[int, str] = self._known
            words = [known.get(number) or more.get(number, "") for number in numbers.tolist()]
            letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
            lengths = np.fromiter(map(len, words), np.intp, len(words))
            ends = np.append(0, np.cumsum(sequences.lengths[rows]))
            shape = (len(rows), len(words))
            steps = csr_matrix((np.ones(len(places), np.bool_), places, ends), shape)
            yield steps, hash_runs(letters, lengths, RUN_LENGTHS, has_borders=True)


@dataclass(frozen=True)
class LetterModel:
    """The part of a linear model that sees the letters of words.

    Parameters
    ----------
    spelling : WordSpelling
    runs : ndarray of shape (n_features,)
        Hashes of the runs that at least two sequences hold, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    """

    spelling: WordSpelling
    runs: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]

    def logits_of_bags(self, bags: csr_matrix) -> NDArray[np.float64]:
        """Return what the runs of sequences add to their logits (n_samples, n_outputs)."""
        return np.asarray(RunFeatures(self.runs, self.idf)(bags) @ self.coef)

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each word of one sequence adds to the score ``logits @ direction``.

        The value of a run is shared by the words that hold it.
        """
        ((words, runs),) = self.spelling.words_and_runs(sequences)
        features = RunFeatures(self.runs, self.idf)(self.spelling.bags(sequences))
        contributions, of_steps = np.zeros(words.nnz), runs[words.indices]
        if features.nnz:
            known = self.runs[features.indices]
            place = np.minimum(np.searchsorted(known, of_steps.indices), len(known) - 1)
            is_known = known[place] == of_steps.indices
            step = np.repeat(np.arange(words.nnz), np.diff(of_steps.indptr))
            values = features.data * (self.coef[features.indices] @ direction)
            shares = values / np.bincount(place[is_known])
            np.add.at(contributions, step[is_known], shares[place[is_known]])
        return contributions

    def describe(self) -> str:
        """Return what this part consists of, in a few words."""
        return f"{len(self.runs):,} runs of {RUN_LENGTHS[0]}-{RUN_LENGTHS[-1]} letters"
