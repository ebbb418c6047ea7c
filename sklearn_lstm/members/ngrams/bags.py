"""Sequences of ids as bags of n-grams, for linear models."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import WORDS, Kind, effective_number_of_tokens
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.members.ngrams.hashing import Bag, Integers, bag_of, hash_ngrams, with_borders

EXPECTED_BY_CHANCE = 1 / 64  # how often one n-gram may occur in a sequence of random characters


@dataclass(frozen=True)
class NgramReader:
    """Sequences to bags: which n-grams of ids each sequence holds.

    Parameters
    ----------
    shortest, longest : int
        Lengths of the n-grams.
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its n-grams.
    """

    shortest: Annotated[int, range(1, 100)]
    longest: Annotated[int, range(1, 100)]
    has_borders: bool

    @property
    def lengths(self) -> range:
        """The lengths of the n-grams."""
        return range(self.shortest, self.longest + 1)

    def ngrams(self, ids: Integers, lengths: Integers) -> tuple[Integers, Integers]:
        """Return the n-grams of sequences laid end to end: the sequence of each, and its hash."""
        if self.has_borders:
            ids, lengths = with_borders(ids, lengths)
        starts, hashes = hash_ngrams(ids, lengths, self.lengths)
        return np.arange(len(lengths)).repeat(lengths)[starts], hashes

    def shared_by_steps(
        self, sequences: Sequences, values_of: Callable[[Bag], NDArray[np.float64]]
    ) -> Contributions:
        """Return what the n-grams of ids add to each step of a sequence.

        An n-gram at k places adds 1/k of its value at each, in equal parts to the steps there.

        Parameters
        ----------
        sequences : Sequences
            One.
        values_of : callable
            From its bag to the values of the n-grams in it.

        Returns
        -------
        contributions : ndarray of shape (n_steps,)
        border_value : float
            The value of n-grams of borders alone.
        """
        ((ids, lengths),) = sequences.chunks()
        first, last = 0, len(ids)
        if self.has_borders:
            ids, lengths = with_borders(ids, lengths)
            first, last = 1, last + 1
        starts, hashes = hash_ngrams(ids, lengths, self.lengths)
        sizes = [max(len(ids) - length + 1, 0) for length in self.lengths]
        hashes, kind, n_places = np.unique(hashes, return_inverse=True, return_counts=True)
        stops = starts + np.repeat(self.lengths, sizes)
        starts, stops = np.maximum(starts, first), np.minimum(stops, last)  # without borders
        n_steps = np.maximum(stops - starts, 0)
        values = (values_of(bag_of(1, (np.zeros_like(hashes), hashes))) / n_places)[kind]
        shares = np.divide(values, n_steps, out=np.zeros_like(values), where=n_steps > 0)
        changes = np.bincount(starts, shares, last + 1) - np.bincount(stops, shares, last + 1)
        return np.cumsum(changes)[first:last], float(values[n_steps == 0].sum())


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
