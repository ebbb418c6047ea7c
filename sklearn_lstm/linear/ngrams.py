"""A linear model of n-grams: runs of ids, whose presence tells much about the class.

A recurrent network reads in order, and a bag of n-grams does not. They make different errors.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.sequences import Lengths, Rows, Samples, Sequences
from sklearn_lstm.data.token_units import effective_number_of_tokens
from sklearn_lstm.exceptions import LinearModelSkippedWarning
from sklearn_lstm.linear.machines import fit_machines

LONGEST_RUN_OF_WORDS = 2
LONGEST_RUN_OF_CHARACTERS = 5  # or more, where the alphabet is small and the sequences are long
N_LENGTHS_OF_CHARACTERS = 5
CHANCE_RUNS = 1 / 64  # of one kind, expected in a sequence of random characters
UNITS_WITH_BORDERS = ("char",)
BORDER = 0  # no id
HASH_BITS = 22  # two runs with the same hash are taken for the same
MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)
LARGEST_COEF = 1 << 30  # bytes of the coefficients: features x outputs x 4


@dataclass(frozen=True)
class NgramModel:
    """Linear support vector machines, one for each output, on the tf-idf of runs of ids.

    Words: runs of one or two. Characters: runs of five lengths, mostly one to five. The beginning
    and the end of a sequence count as characters, because the ends of names and of single words
    tell much.

    Parameters
    ----------
    shortest_run, longest_run : int
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its runs.
    runs : ndarray of shape (n_features,)
        Hashes of the runs that at least two sequences hold, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    """

    shortest_run: int
    longest_run: int
    has_borders: bool
    runs: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    intercept: NDArray[np.float64]

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the signed distances from the decision boundaries (n_samples, n_outputs)."""
        parts = [
            _logits(self, _hash_runs(*chunk, self._lengths, has_borders=self.has_borders))
            for chunk in sequences.chunks()
        ]
        return np.concatenate(parts)

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        The value of a run is shared by the places where it occurs, and there by its steps.

        Parameters
        ----------
        sequences : Sequences
            One.
        direction : ndarray of shape (n_outputs,)

        Returns
        -------
        contributions : ndarray of shape (n_steps,)
        base : float
            The rest of the score, which is that of no run.
        """
        ((ids, lengths),) = sequences.chunks()
        first, last = 0, len(ids)
        if self.has_borders:
            ids, lengths = _with_borders(ids, lengths)
            first, last = 1, last + 1
        runs = list(_runs(ids, lengths, self._lengths))
        starts = np.concatenate([starts for _, starts, _ in runs])
        stops = np.concatenate([starts + length for length, starts, _ in runs])
        hashes, kind, n_places = np.unique(
            np.concatenate([hashes for _, _, hashes in runs]),
            return_inverse=True,
            return_counts=True,
        )
        shape = (1, 1 << HASH_BITS)
        bag = csr_matrix((np.ones(len(hashes), np.bool_), hashes, [0, len(hashes)]), shape)
        features = _tf_idf(bag, self.runs, self.idf)
        values = np.zeros(len(hashes))
        values[np.searchsorted(hashes, self.runs[features.indices])] = features.data * (
            self.coef[features.indices] @ direction
        )
        starts, stops = np.maximum(starts, first), np.minimum(stops, last)  # without borders
        n_steps = np.maximum(stops - starts, 0)
        of_places = (values / n_places)[kind]
        of_steps = np.divide(of_places, n_steps, out=np.zeros_like(of_places), where=n_steps > 0)
        changes = np.bincount(starts, of_steps, last + 1) - np.bincount(stops, of_steps, last + 1)
        base = self.intercept @ direction + of_places[n_steps == 0].sum()
        return np.cumsum(changes)[first:last], float(base)

    @property
    def _lengths(self) -> range:
        return range(self.shortest_run, self.longest_run + 1)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"{len(self.runs):,} runs of {self.shortest_run}-{self.longest_run} ids"


def fit_ngrams(
    samples: Samples, held_out: Rows, *, n_outputs: int, token_unit: str, seed: int
) -> tuple[NgramModel | None, NDArray[np.float64]]:
    """Fit n-grams to sequences of ids.

    Parameters
    ----------
    samples : Samples
    held_out : ndarray of int
        Rows of the samples whose logits are wanted from a model that has not seen them.
    n_outputs : int
        Classes or labels.
    token_unit : {"word", "char"}
    seed : int

    Returns
    -------
    model : NgramModel or None
        Fitted to all samples. None if its coefficients would need more than `LARGEST_COEF` bytes.
    logits : ndarray of shape (n_held_out, n_outputs)
        Of the held-out samples, by a model fitted to the others; no rows without a model.

    Warns
    -----
    LinearModelSkippedWarning
        If there is no model.
    """
    run_lengths = choose_run_lengths(samples.sequences, token_unit)
    has_borders = token_unit in UNITS_WITH_BORDERS
    chunks = samples.sequences.chunks()
    parts = [_hash_runs(*chunk, run_lengths, has_borders=has_borders) for chunk in chunks]
    bags = vstack(parts, format="csr")
    del parts
    runs, _ = _features_of(bags)
    n_bytes = 4 * len(runs) * n_outputs
    if n_bytes > LARGEST_COEF:
        warnings.warn(
            f"The linear model was left out: {len(runs):,} n-grams x {n_outputs:,} classes are "
            f"{n_bytes / 2**30:.1f} GiB of coefficients, and the limit is "
            f"{LARGEST_COEF / 2**30:.1f} GiB. Set linear_branch=False to fit the network alone "
            "without this warning.",
            LinearModelSkippedWarning,
            stacklevel=2,
        )
        return None, np.empty((0, n_outputs))

    def fit(bags: csr_matrix, samples: Samples) -> NgramModel:
        runs, idf = _features_of(bags)
        features = _tf_idf(bags, runs, idf)
        coef, intercept = fit_machines(features, samples, n_outputs=n_outputs, seed=seed)
        shortest, longest = run_lengths[0], run_lengths[-1]
        return NgramModel(shortest, longest, has_borders, runs, idf, coef, intercept)

    logits = np.empty((0, n_outputs))
    if len(held_out):  # first, so that the two models are never in memory at the same time
        others = np.setdiff1d(np.arange(len(samples)), held_out)
        logits = _logits(fit(bags[others], samples.subset(others)), bags[held_out])
    return fit(bags, samples), logits


def choose_run_lengths(sequences: Sequences, token_unit: str) -> range:
    """Return the lengths of the runs.

    A run that many sequences hold by chance says little: a gene of 1,200 bases holds most runs of
    five bases. With an alphabet of effectively A characters and sequences of T steps, a run of
    length L is expected T / A^L times by chance. The longest of the five lengths is the smallest L,
    but at least 5, for which this number is at most 1/64: L = 9 for A = 4 and T = 1,200.
    """
    if token_unit == "word":
        return range(1, LONGEST_RUN_OF_WORDS + 1)
    alphabet = max(effective_number_of_tokens(sequences), 2)
    needed = math.log(sequences.lengths.mean() / CHANCE_RUNS) / math.log(alphabet)
    longest = max(LONGEST_RUN_OF_CHARACTERS, math.ceil(needed))
    return range(longest - N_LENGTHS_OF_CHARACTERS + 1, longest + 1)


def _logits(model: NgramModel, bags: csr_matrix) -> NDArray[np.float64]:
    return np.asarray(_tf_idf(bags, model.runs, model.idf) @ model.coef + model.intercept)


def _hash_runs(
    ids: NDArray[Any], lengths: Lengths, run_lengths: range, *, has_borders: bool
) -> csr_matrix:
    """Return which runs each sequence holds: a matrix of ones (n_sequences, 2**HASH_BITS)."""
    if has_borders:
        ids, lengths = _with_borders(ids, lengths)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    keys = [
        (rows[starts] << HASH_BITS) | hashes
        for _, starts, hashes in _runs(ids, lengths, run_lengths)
    ]
    ordered = np.sort(np.concatenate(keys))  # np.unique hashes first, which takes four times longer
    is_new = np.ones(len(ordered), np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    ordered = ordered[is_new]
    ends = np.searchsorted(ordered, np.arange(len(lengths) + 1) << HASH_BITS)
    hashes = (ordered & ((1 << HASH_BITS) - 1)).astype(np.int32)
    shape = (len(lengths), 1 << HASH_BITS)
    return csr_matrix((np.ones(len(hashes), np.bool_), hashes, ends), shape)


def _with_borders(ids: NDArray[Any], lengths: Lengths) -> tuple[NDArray[Any], Lengths]:
    """Put a border before and after each sequence."""
    ends = np.cumsum(lengths)
    return np.insert(ids, np.concatenate([ends - lengths, ends]), BORDER), lengths + 2


def _runs(
    ids: NDArray[Any], lengths: Lengths, run_lengths: range
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
    """Yield the runs of each length: where they start among all ids, and their hashes."""
    ids = ids.astype(np.uint64)  # -1, a step without an id, becomes the largest number
    n_left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(ids))  # up to the end
    state = np.ones(len(ids), np.uint64)  # not 0: a border that comes first has to count
    for length in range(1, run_lengths[-1] + 1):
        n_runs = max(len(ids) - length + 1, 0)
        state = state[:n_runs] * MULTIPLIERS[0] + ids[length - 1 :]
        if length not in run_lengths:
            continue
        starts = np.flatnonzero(n_left[:n_runs] >= length)
        mixed = state[starts]
        mixed = (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[1]
        yield length, starts, (mixed >> np.uint64(64 - HASH_BITS)).astype(np.int64)


def _features_of(bags: csr_matrix) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the hashes of the runs that at least two sequences hold, and their idf."""
    frequency = np.bincount(bags.indices, minlength=1 << HASH_BITS)
    runs = np.flatnonzero(frequency > 1).astype(np.int32)
    idf = np.log((1 + bags.shape[0]) / (1 + frequency[runs])) + 1
    return runs, idf.astype(np.float32)


def _tf_idf(bags: csr_matrix, runs: NDArray[np.int32], idf: NDArray[np.float32]) -> csr_matrix:
    """Return the features (n_sequences, n_features) of bags, each row of Euclidean length 1."""
    if not len(runs):
        return csr_matrix((bags.shape[0], 0), dtype=np.float32)
    features = np.minimum(np.searchsorted(runs, bags.indices), len(runs) - 1)
    is_known = runs[features] == bags.indices
    ends = np.append(0, np.cumsum(is_known))[bags.indptr]
    features = features[is_known].astype(np.int32)
    weighed = csr_matrix((idf[features], features, ends), shape=(bags.shape[0], len(runs)))
    squares = np.asarray(weighed.multiply(weighed).sum(axis=1), np.float32).ravel()
    weighed.data /= np.repeat(np.sqrt(np.maximum(squares, 1e-12)), np.diff(weighed.indptr))
    return weighed
