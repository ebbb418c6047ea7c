"""N-grams of ids and of letters, hashed; sequences as bags of them, and what each tells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.kinds import WORDS, Kind, effective_number_of_tokens
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, Rows, Sequences, chunks_of_rows
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN, UNKNOWN

EXPECTED_BY_CHANCE = 1 / 64  # how often one n-gram may occur in a sequence of random characters
HASH_BITS = 22  # two n-grams with the same hash are taken for the same
LARGEST_COEF = 1 << 30  # bytes of the coefficients of a model: n-grams x outputs x 4
Integers: TypeAlias = NDArray[np.integer]
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)
LETTER_LENGTHS = range(2, 6)  # of n-grams of letters


class Bag(NamedTuple):
    """Which hashes each sequence has, in order, and how much they count: arrays of a CSR matrix.

    Even rows hold the n-grams of ids of a sequence, odd rows those of letters. SciPy checks a
    matrix, which takes as long as to find the n-grams of a short text.
    """

    data: NDArray[np.bool_ | np.floating]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]


def bag_of(n_sequences: int, *ngrams: tuple[Integers, Integers]) -> Bag:
    """Return each hash of a sequence once; each counts 1.

    The n-grams are the sequence of each, and its hash.
    """
    n_bits = HASH_BITS + 1  # the first one for `are_letters`
    parts = [(rows.astype(np.int64, copy=False) << n_bits) | hashes for rows, hashes in ngrams]
    keys = np.concatenate(parts)
    keys.sort(kind="stable")  # half the time: those of a word are in order already
    # np.unique hashes first, which takes four times longer.
    is_last = np.ones(len(keys), np.bool_)
    is_last[:-1] = keys[1:] != keys[:-1]
    keys = keys[is_last]
    borders = np.arange(2 * n_sequences + 1, dtype=np.int64) << HASH_BITS
    ends = keys.searchsorted(borders).astype(np.int32)
    return Bag(np.ones(len(keys), np.bool_), (keys & ((1 << n_bits) - 1)).astype(np.int32), ends)


def are_letters(hashes: Integers) -> Integers:
    """Return 1 for n-grams of letters, which stand behind those of ids, 0 for these."""
    return hashes >> HASH_BITS


def with_borders(values: Integers, lengths: Integers) -> tuple[Integers, Integers]:
    """Put a border before and after each sequence: 0, which is no id and no character."""
    bordered = np.zeros(len(values) + 2 * len(lengths), values.dtype)
    n_borders = np.repeat(2 * np.arange(len(lengths)) + 1, lengths)  # up to each value
    bordered[np.arange(len(values)) + n_borders] = values
    return bordered, lengths + 2


def hash_ngrams(
    values: Integers, lengths: Integers, ngram_lengths: range, *, has_positions: bool = False
) -> tuple[Integers, Integers]:
    """Return the n-grams of one length after the other, those of all sequences.

    That is where they start among all values, and their hashes. With positions, counted from the
    end, equal values at two positions are two n-grams.
    """
    values = values.astype(np.uint64)  # -1, a step without an id, becomes the largest number
    n_left = lengths.cumsum().repeat(lengths) - np.arange(len(values))  # up to the end
    # Not 0: a border that comes first has to count.
    state = n_left.astype(np.uint64) if has_positions else np.ones(len(values), np.uint64)
    starts, states = [np.zeros(0, np.intp)], [state[:0]]  # for an empty range, in a forged file
    for length in range(1, ngram_lengths.stop):
        n_ngrams = max(len(values) - length + 1, 0)
        state = state[:n_ngrams] * MULTIPLIERS[0] + values[length - 1 :]
        if length in ngram_lengths:
            starts.append((n_left[:n_ngrams] >= length).nonzero()[0])
            states.append(state[starts[-1]])
    mixed = np.concatenate(states)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[1]
    return np.concatenate(starts), (mixed >> np.uint64(64 - HASH_BITS)).astype(np.int64)


@dataclass(frozen=True)
class NgramReader:
    """Sequences to bags: which n-grams of ids each sequence holds.

    Parameters
    ----------
    shortest, longest : int
        Lengths of the n-grams.
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its n-grams.
    has_positions : bool, default=False
        Whether an n-gram is another one at each position.
    """

    shortest: Annotated[int, range(1, 100)]
    longest: Annotated[int, range(1, 100)]
    has_borders: bool
    has_positions: bool = field(default=False, kw_only=True)

    @property
    def lengths(self) -> range:
        """The lengths of the n-grams."""
        return range(self.shortest, self.longest + 1)

    def _hashed(self, ids: Integers, lengths: Integers) -> tuple[Integers, Integers]:
        """Return where the n-grams start, and their hashes."""
        return hash_ngrams(ids, lengths, self.lengths, has_positions=self.has_positions)

    def ngrams(self, ids: Integers, lengths: Integers) -> tuple[Integers, Integers]:
        """Return the n-grams of sequences laid end to end: the sequence of each, and its hash."""
        if self.has_borders:
            ids, lengths = with_borders(ids, lengths)
        starts, hashes = self._hashed(ids, lengths)
        return np.arange(len(lengths)).repeat(lengths)[starts], hashes

    def shared_by_steps(
        self, sequences: Sequences, values_of: Callable[[Bag], NDArray[np.float64]]
    ) -> Contributions:
        """Return what the n-grams of ids add to each step of sequences.

        An n-gram at k places of a sequence adds 1/k of its value at each, in equal parts to the
        steps there.

        Parameters
        ----------
        sequences : Sequences
        values_of : callable
            From their bags to the values of the n-grams in them, (n_entries, n_scores).

        Returns
        -------
        contributions : ndarray of shape (n_steps, n_scores)
        border_values : ndarray of shape (n_samples, n_scores)
            The values of n-grams of borders alone.
        """
        n_rows, lengths = len(sequences), sequences.lengths
        ids = sequences.read(np.arange(n_rows))
        n_all = len(ids)
        is_step = np.ones(n_all, np.bool_)
        if self.has_borders:
            ids, lengths = with_borders(ids, lengths)
            is_step = ids != 0
        starts, hashes = self._hashed(ids, lengths)
        sizes = [np.maximum(lengths - length + 1, 0).sum() for length in self.lengths]
        n_steps_before = np.append(0, np.cumsum(is_step))  # without borders
        first = n_steps_before[starts]
        n_steps = n_steps_before[starts + np.repeat(self.lengths, sizes)] - first
        row = np.arange(n_rows).repeat(lengths)[starts]
        entry, n_places = entries_of(row, hashes)
        # N-grams of borders alone stand behind all steps, a place for each sequence.
        place, n_parts = np.where(n_steps > 0, first, n_all + row), np.maximum(n_steps, 1)
        ngram = np.arange(len(row)).repeat(n_parts)
        step = place[ngram] + np.arange(len(ngram)) - (np.cumsum(n_parts) - n_parts)[ngram]
        parts = (1 / (n_parts * n_places[entry]))[ngram], (step, entry[ngram])
        shares = csr_matrix(parts, (n_all + n_rows, len(n_places)))
        added = shares @ values_of(bag_of(n_rows, (row, hashes)))
        return added[:n_all], added[n_all:]


def entries_of(rows: Integers, hashes: Integers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which entry of its bag each n-gram is, and at how many places each entry stands."""
    keys = rows.astype(np.int64) << (HASH_BITS + 1) | hashes
    _, entry, n_places = np.unique(keys, return_inverse=True, return_counts=True)
    return entry, n_places


def choose_reader(sequences: Sequences, kind: Kind) -> NgramReader:
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
    return NgramReader(shortest + shift, longest + shift, kind.has_borders)


@dataclass(frozen=True)
class TfIdf:
    """The tf-idf of n-grams.

    Parameters
    ----------
    hashes : ndarray of shape (n_features,)
        Of the n-grams, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    """

    hashes: NDArray[np.int32]
    idf: NDArray[np.float32]

    @classmethod
    def of(cls, bags: csr_matrix, fewest: int) -> TfIdf:
        """Return the weights of n-grams of ids that so many sequences hold, of letters that two."""
        frequency = np.bincount(bags.indices)
        hashes = np.flatnonzero(frequency)
        hashes = hashes[frequency[hashes] >= np.where(are_letters(hashes), 2, fewest)]
        idf = np.log((1 + bags.shape[0] // 2) / (1 + frequency[hashes])) + 1
        return cls(hashes.astype(np.int32), idf.astype(np.float32))

    def __len__(self) -> int:
        return len(self.hashes)

    def __call__(self, bags: Bag | csr_matrix) -> csr_matrix:
        """Return the features of bags (2 * n_sequences, n_features).

        The Euclidean length of a row is the value that all its entries have in the bag: 1 for
        n-grams of ids, the root of the share of words for n-grams of letters.
        """
        if not len(self):
            return csr_matrix((len(bags.indptr) - 1, 0), dtype=np.float32)
        if len(bags.data) <= VALUES_PER_CHUNK:
            return self._weighed(bags)
        whole = csr_matrix(bags)  # of which rows can be selected
        parts = [self._weighed(whole[rows]) for rows in chunks_of_rows(np.diff(bags.indptr))]
        return vstack(parts, format="csr")

    def known(self, bags: Bag | csr_matrix) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the feature of each entry of bags, and which entries have one."""
        features = self.hashes.searchsorted(bags.indices)
        return features, self.hashes.take(features, mode="clip") == bags.indices

    def _weighed(self, bags: Bag | csr_matrix) -> csr_matrix:
        features, is_known = self.known(bags)
        features = features[is_known].astype(np.int32)
        data, n_rows = self.idf[features], len(bags.indptr) - 1
        rows = np.arange(n_rows).repeat(bags.indptr[1:] - bags.indptr[:-1])[is_known]
        data /= np.sqrt(np.bincount(rows, np.square(data), n_rows))[rows]
        data *= bags.data[is_known]
        ends = rows.searchsorted(np.arange(n_rows + 1)).astype(np.int32)
        return csr_matrix((data, features, ends), (n_rows, len(self)))


@dataclass(frozen=True)
class Lexicon:
    """How the ids of words are spelled, and so which n-grams of letters they have.

    N-grams have two to five letters, borders included. They tell what unknown and rare words are
    made of, and like (Bojanowski et al. 2017).

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
    starts, hashes = hash_ngrams(letters, lengths, LETTER_LENGTHS)
    bag = bag_of(len(bordered), (np.arange(len(bordered)).repeat(lengths)[starts], hashes))
    return np.split(bag.indices + (1 << HASH_BITS), bag.indptr[2:-1:2])


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
