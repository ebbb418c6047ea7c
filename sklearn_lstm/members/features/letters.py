"""The letters of words: what unknown and rare words are made of, and like."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.members.features import hashing
from sklearn_lstm.members.features.hashing import Bag, TfIdfFeatures
from sklearn_lstm.members.linear_model import Array
from sklearn_lstm.members.member import Contributions

LETTER_LENGTHS = range(2, 6)  # of n-grams of letters


@dataclass(frozen=True)
class Lexicon:
    """How the ids of words are spelled, and so which n-grams of letters they have.

    N-grams have two to five letters, borders included (Bojanowski et al. 2017).

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
    words : tuple of str
        "" for an id that stands for no word.
    """

    ids: Annotated[NDArray[np.int64], "n_ids"]
    words: Annotated[tuple[str, ...], "n_ids"]

    @classmethod
    def of(cls, sequences: Sequences) -> Self | None:
        """Return the words of sequences, or None if it is not known how they are spelled."""
        if sequences.spelling is None:
            return None
        ids = sequences.distinct_ids()
        words = sequences.spelling.words(ids.tolist())
        return cls(ids, tuple(words.get(id_, "") for id_ in ids.tolist())) if words else None

    @cached_property
    def _known(self) -> dict[int, str]:
        return dict(zip(self.ids.tolist(), self.words, strict=True))

    @cached_property
    def _ngrams(self) -> dict[int, NDArray[np.int32]]:
        """The n-grams of letters of the ids that were read so far."""
        return {}

    def ngrams_of_steps(
        self, spellings: NDArray[np.integer], spelling: Spelling | None
    ) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return the n-grams of letters of each step.

        Parameters
        ----------
        spellings : ndarray of shape (n_steps,)
        spelling : Spelling or None
            What they stand for, where the lexicon does not say it.

        Returns
        -------
        hashes : ndarray of shape (n_hashes,)
            Of all steps, laid end to end.
        n_ngrams : ndarray of shape (n_steps,)
        """
        steps, known, new = spellings.tolist(), self._ngrams, dict[int, NDArray[np.int32]]()
        if missing := [*dict.fromkeys(n for n in steps if n not in known)]:
            words = {n: self._known.get(n) for n in missing}
            if spelling is not None:
                words |= spelling.words([n for n in missing if words[n] is None])
            new |= zip(missing, _ngrams_of_letters(words.values()), strict=True)
            known.update((n, new[n]) for n in missing if n in self._known)
        parts = [known[n] if n in known else new[n] for n in steps]
        return np.concatenate(parts), np.fromiter(map(len, parts), np.intp, len(parts))


def _ngrams_of_letters(words: Iterable[str | None]) -> list[NDArray[np.int32]]:
    """Return the n-grams of letters of each word; what is no word has none."""
    bordered = [f"\0{word}\0" if word else "" for word in words]
    letters = np.frombuffer("".join(bordered).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, bordered), np.intp, len(bordered))
    starts, hashes, _ = hashing.hash_ngrams(letters, lengths, LETTER_LENGTHS)
    bag = hashing.bag_of(len(bordered), np.arange(len(bordered)).repeat(lengths)[starts], hashes)
    return np.split(bag.indices, bag.indptr[1:-1])


@dataclass(frozen=True)
class LetterFeatures(TfIdfFeatures):
    """The tf-idf of n-grams of the letters of words.

    Parameters
    ----------
    hashes, idf
        Of `TfIdfFeatures`.
    lexicon : Lexicon
    """

    least = 2
    lexicon: Lexicon

    def bags(self, sequences: Sequences, rows: Rows) -> Bag:
        """Return which n-grams of letters some sequences hold.

        They count by the root of the share of steps that are words. Else the few Latin words of a
        Chinese text would count as much as all of its characters.
        """
        n_rows, lengths, steps = len(rows), sequences.lengths[rows], sequences.read_spellings(rows)
        letters, n_ngrams = self.lexicon.ngrams_of_steps(steps, sequences.spelling)
        row = np.arange(n_rows).repeat(lengths)
        _, hashes, ends = hashing.bag_of(n_rows, row.repeat(n_ngrams), letters)
        share = np.bincount(row, n_ngrams > 0, n_rows) / lengths
        return Bag(np.sqrt(share, dtype=np.float32).repeat(ends[1:] - ends[:-1]), hashes, ends)

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each step adds: the words that hold an n-gram of letters share its score."""
        rows = np.arange(len(sequences))
        scores = self.entry_scores(self.bags(sequences, rows), coef, directions)
        steps = sequences.read_spellings(rows)
        letters, n_ngrams = self.lexicon.ngrams_of_steps(steps, sequences.spelling)
        row = rows.repeat(sequences.lengths)
        entry, n_words = hashing.entries_of(row.repeat(n_ngrams), letters)
        parts = 1 / n_words[entry], entry, np.append(0, np.cumsum(n_ngrams))
        added = csr_matrix(parts, (len(n_ngrams), len(n_words))) @ scores
        return added, np.zeros((len(rows), directions.shape[1]))

    def describe(self) -> str:
        """Return what the features are."""
        return f"n-grams of {LETTER_LENGTHS[0]}-{LETTER_LENGTHS[-1]} letters"
