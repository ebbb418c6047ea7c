"""N-grams of ids, anywhere or at their positions, and of the letters of words."""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.kinds import WORDS, Kind, effective_number_of_tokens
from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.members.features import hashing
from sklearn_lstm.members.features.hashing import Bag, Integers, TfIdfFeatures
from sklearn_lstm.members.member import Array, Contributions, Explained
from sklearn_lstm.text.spelling import Spelling

EXPECTED_BY_CHANCE = 1 / 64  # how often one n-gram may occur in a sequence of random characters

_told = set[int]()  # lengths


@dataclass(frozen=True)
class NgramFeatures(TfIdfFeatures):
    """The tf-idf of n-grams of ids.

    Words: n-grams of one or two. Characters: n-grams of five lengths, mostly one to five.

    Parameters
    ----------
    shortest, longest : int
        Lengths of the n-grams.
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its n-grams.
    n_steps : int, default=0
        If not 0, an n-gram is another one at each position, and sequences of another length have
        none. So read are sequences of which nearly all have one length, where a position may mean
        the same in each: windows around a place in DNA, aligned sequences, codes of a fixed form.
    """

    shortest: Annotated[int, range(1, 100)]
    longest: Annotated[int, range(1, 100)]
    has_borders: bool
    n_steps: Annotated[int, range(1 << 31)] = field(default=0, kw_only=True)

    @property
    def explained(self) -> Explained:  # type: ignore[override]
        """What contributions belong to."""
        return "steps at places" if self.n_steps else "steps"

    @property
    def lengths(self) -> range:
        """The lengths of the n-grams."""
        return range(self.shortest, self.longest + 1)

    def describe(self) -> str:
        """Return what the features are."""
        at_positions = " at their positions" * (self.n_steps > 0)
        return f"n-grams of {self.shortest}-{self.longest} ids{at_positions}"

    def bags(self, sequences: Sequences, rows: Rows) -> Bag:
        """Return which n-grams of ids some sequences hold."""
        ids, lengths = sequences.read(rows), sequences.lengths[rows]
        if self.has_borders:
            ids, lengths = _with_borders(ids, lengths)
        starts, hashes, _ = hashing.hash_ngrams(ids, lengths, self.lengths, self.n_steps)
        return hashing.bag_of(len(rows), np.arange(len(lengths)).repeat(lengths)[starts], hashes)

    def are_read(self, sequences: Sequences) -> NDArray[np.bool_]:
        """Return which sequences are read (n_samples, 1); if none is, this is logged once."""
        are_read = np.equal.outer(sequences.lengths, [self.n_steps]) | (self.n_steps == 0)
        if not are_read.any() and self.n_steps not in _told:
            _told.add(self.n_steps)
            logging.getLogger("sklearn_lstm").warning(
                "No sequence of X has %d steps, as nearly all in fit had: the linear model of "
                "positions does not read them.",
                self.n_steps,
            )
        return are_read

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each step adds, and the scores of n-grams of borders alone.

        An n-gram at k places of a sequence adds 1/k of its score at each, in equal parts to the
        steps there.
        """
        n_rows, lengths = len(sequences), sequences.lengths
        ids = sequences.read(np.arange(n_rows))
        n_all = len(ids)
        is_step = np.ones(n_all, np.bool_)
        if self.has_borders:
            ids, lengths = _with_borders(ids, lengths)
            is_step = ids != 0
        starts, hashes, sizes = hashing.hash_ngrams(ids, lengths, self.lengths, self.n_steps)
        n_steps_before = np.append(0, np.cumsum(is_step))  # without borders
        first = n_steps_before[starts]
        n_steps = n_steps_before[starts + np.repeat(self.lengths, sizes)] - first
        row = np.arange(n_rows).repeat(lengths)[starts]
        entry, n_places = hashing.entries_of(row, hashes)
        # N-grams of borders alone stand behind all steps, a place for each sequence.
        place, n_parts = np.where(n_steps > 0, first, n_all + row), np.maximum(n_steps, 1)
        ngram = np.arange(len(row)).repeat(n_parts)
        step = place[ngram] + np.arange(len(ngram)) - (np.cumsum(n_parts) - n_parts)[ngram]
        parts = (1 / (n_parts * n_places[entry]))[ngram], (step, entry[ngram])
        shares = csr_matrix(parts, (n_all + n_rows, len(n_places)))
        added = shares @ self.entry_scores(hashing.bag_of(n_rows, row, hashes), coef, directions)
        return added[:n_all], added[n_all:]


PAIRS = NgramFeatures(1, 2, has_borders=False)


def _with_borders(values: Integers, lengths: Integers) -> tuple[Integers, Integers]:
    """Put a border before and after each sequence: 0, which is no id."""
    bordered = np.zeros(len(values) + 2 * len(lengths), values.dtype)
    n_borders = np.repeat(2 * np.arange(len(lengths)) + 1, lengths)  # up to each value
    bordered[np.arange(len(values)) + n_borders] = values
    return bordered, lengths + 2


def choose_ngrams(sequences: Sequences, kind: Kind) -> NgramFeatures:
    """Choose the lengths of the n-grams.

    An n-gram that many sequences hold by chance says little: a gene of 1,200 bases holds most
    5-grams of bases. With an alphabet of effectively A characters and sequences of T steps, one of
    length L is expected T / A^L times by chance. The longest of the five lengths is the smallest L,
    but at least 5, for which this number is at most 1/64: L = 9 for A = 4 and T = 1,200.
    """
    (shortest, longest), shift = kind.ngram_lengths, 0
    if kind is not WORDS:
        alphabet = max(effective_number_of_tokens(sequences), 2)
        needed = math.log(sequences.lengths.mean() / EXPECTED_BY_CHANCE) / math.log(alphabet)
        shift = max(0, math.ceil(needed) - longest)
    return NgramFeatures(shortest + shift, longest + shift, kind.has_borders)


@dataclass(frozen=True)
class OnlineNgramFeatures(NgramFeatures):
    """N-grams of ids that were learned online: each of the n in a sequence has the value n^-1/2."""

    def _weighed(self, bags: Bag | csr_matrix) -> csr_matrix:
        known = super()._weighed(bags)
        shares = np.diff(known.indptr) / np.maximum(np.diff(bags.indptr), 1)
        known.data *= np.sqrt(shares).repeat(np.diff(known.indptr))
        return known


# --- Letters of words


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
