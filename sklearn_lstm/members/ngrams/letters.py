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

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.members.ngrams.bags import Bag, NgramReader, as_letters, bag_of, hash_ngrams
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN, UNKNOWN

NGRAM_LENGTHS = range(2, 6)


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
    starts, hashes = hash_ngrams(letters, lengths, NGRAM_LENGTHS)
    bag = bag_of(len(bordered), (np.arange(len(bordered)).repeat(lengths)[starts], hashes))
    return np.split(as_letters(bag.indices), bag.indptr[2:-1:2])


def bags_of(reader: NgramReader, lexicon: Lexicon | None, sequences: Sequences, rows: Rows) -> Bag:
    """Return which n-grams of ids, and of letters if there is a lexicon, some sequences hold.

    Those of letters count by the root of the share of steps that are words. Else the few Latin
    words of a Chinese text would count as much as all of its characters.
    """
    n_rows, lengths, spellings = len(rows), sequences.lengths[rows], sequences.read_spellings(rows)
    ids = reader.ngrams(np.where(spellings <= FIRST_UNKNOWN, UNKNOWN, spellings), lengths)
    if lexicon is None:
        return bag_of(n_rows, ids)
    letters, n_ngrams = lexicon.ngrams_of_steps(spellings, sequences.spelling)
    steps = np.arange(n_rows).repeat(lengths)
    _, hashes, ends = bag_of(n_rows, ids, (steps.repeat(n_ngrams), letters))
    values = np.ones(2 * n_rows, np.float32)
    share = np.bincount(steps, n_ngrams > 0, n_rows) / lengths
    values[1::2] = np.sqrt(share, dtype=np.float32)
    return Bag(values.repeat(ends[1:] - ends[:-1]), hashes, ends)
