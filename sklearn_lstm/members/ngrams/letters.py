"""The letters of words, as a linear model sees them: n-grams of two to five, borders included.

They tell what unknown and rare words are made of, and like (Bojanowski et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Sequences, gather
from sklearn_lstm.members.ngrams.hashing import Bag, Integers, bag_of, bag_of_ngrams
from sklearn_lstm.members.ngrams.tf_idf import TfIdf

NGRAM_LENGTHS = range(2, 6)


def bag_of_letters(words: Iterable[str | None]) -> Bag:
    """Return the n-grams of letters of words; what is no word has none."""
    bordered = [f"\0{word}\0" if word else "" for word in words]
    letters = np.frombuffer("".join(bordered).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, bordered), np.intp, len(bordered))
    return bag_of_ngrams(letters, lengths, NGRAM_LENGTHS)


def bag_of_steps(lengths: Lengths, hashes: Integers, n_ngrams: Integers) -> Bag:
    """Join the n-grams of letters of steps to those of their sequences.

    They count by the root of the share of steps that are words. Else the few Latin words of a
    Chinese text would count as much as all of its characters.

    Parameters
    ----------
    lengths : ndarray of shape (n_sequences,)
    hashes : ndarray of shape (n_hashes,)
        Of all steps, laid end to end.
    n_ngrams : ndarray of shape (n_steps,)
    """
    rows = np.arange(len(lengths)).repeat(lengths)
    _, indices, ends = bag_of(rows.repeat(n_ngrams), hashes, len(lengths))
    share = np.bincount(rows, n_ngrams > 0, len(lengths)) / lengths
    return Bag(np.sqrt(share, dtype=np.float32).repeat(ends[1:] - ends[:-1]), indices, ends)


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

    def bags(self, sequences: Sequences) -> Bag:
        """Return which n-grams of letters each sequence holds."""
        return bag_of_steps(sequences.lengths, *self.ngrams_of_steps(sequences))

    def ngrams_of_steps(self, sequences: Sequences) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
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
        _, hashes, ends = bag_of_letters(words.values())
        n_ngrams = (ends[1:] - ends[:-1])[places]
        return gather(hashes, ends[places], n_ngrams), n_ngrams


@dataclass(frozen=True)
class LetterModel:
    """The part of a linear model that sees the letters of words.

    Parameters
    ----------
    lexicon : Lexicon
    hashes : ndarray of shape (n_features,)
        Of the n-grams that at least two sequences hold, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    """

    lexicon: Lexicon
    hashes: Annotated[NDArray[np.int32], "n_features"]
    idf: Annotated[NDArray[np.float32], "n_features"]
    coef: Annotated[NDArray[np.float32], "n_features n_outputs"]

    def logits_of_bags(self, bags: Bag) -> NDArray[np.float64]:
        """Return what the n-grams of sequences add to their logits (n_samples, n_outputs)."""
        return np.asarray(TfIdf(self.hashes, self.idf)(bags) @ self.coef)

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each word of one sequence adds to the score ``logits @ direction``.

        The value of an n-gram is shared by the words that hold it.
        """
        hashes, n_ngrams = self.lexicon.ngrams_of_steps(sequences)
        contributions = np.zeros(len(n_ngrams))
        bags = bag_of_steps(sequences.lengths, hashes, n_ngrams)
        features = TfIdf(self.hashes, self.idf)(bags)
        if features.nnz:
            known = self.hashes[features.indices]
            place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            is_known = known[place] == hashes
            step = np.repeat(np.arange(len(contributions)), n_ngrams)
            values = features.data * (self.coef[features.indices] @ direction)
            shares = values / np.bincount(place[is_known])
            np.add.at(contributions, step[is_known], shares[place[is_known]])
        return contributions

    def describe(self) -> str:
        """Return what this part consists of, in a few words."""
        return f"{len(self.hashes):,} n-grams of {NGRAM_LENGTHS[0]}-{NGRAM_LENGTHS[-1]} letters"
