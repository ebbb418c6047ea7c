"""A linear model of n-grams: runs of ids, whose presence tells much about the class.

A recurrent network reads in order, and a bag of n-grams does not. They make different errors.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack

from sklearn_lstm.data.letters import Lexicon
from sklearn_lstm.data.runs import bags_of, hash_runs, runs_of, with_borders
from sklearn_lstm.data.sequences import Rows, Samples, Sequences, chunks_of_rows
from sklearn_lstm.data.token_units import effective_number_of_tokens
from sklearn_lstm.exceptions import LinearModelSkippedWarning
from sklearn_lstm.linear.letters import LetterModel
from sklearn_lstm.linear.machines import MOST_SCALED, fit_machines
from sklearn_lstm.linear.tf_idf import RunFeatures

LONGEST_RUN_OF_WORDS = 2
LONGEST_RUN_OF_CHARACTERS = 5  # or more, where the alphabet is small and the sequences are long
N_LENGTHS_OF_CHARACTERS = 5
CHANCE_RUNS = 1 / 64  # of one kind, expected in a sequence of random characters
LARGEST_COEF = 1 << 30  # bytes of the coefficients: features x outputs x 4
SHARE_OF_ALL_RUNS = 1 / 8  # of these bytes, with the runs that one sequence alone holds


@dataclass(frozen=True)
class NgramModel:
    """Linear support vector machines, one for each output, on the tf-idf of runs of ids.

    Words: runs of one or two. Characters: runs of five lengths, mostly one to five. The beginning
    and the end of a sequence count as characters, because the ends of names and of single words
    tell much. Runs of letters too if it is known how words are spelled, those among characters
    included.

    Parameters
    ----------
    shortest_run, longest_run : int
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its runs.
    runs : ndarray of shape (n_features,)
        Hashes of the runs, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    letters : LetterModel or None
    """

    shortest_run: int
    longest_run: int
    has_borders: bool
    runs: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    intercept: NDArray[np.float64]
    letters: LetterModel | None = None

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the signed distances from the decision boundaries (n_samples, n_outputs)."""
        lexicon = self.letters.lexicon if self.letters else None
        parts = [sequences.subset(rows) for rows in chunks_of_rows(sequences.lengths)]
        bags = (_bags(part, self._lengths, lexicon, has_borders=self.has_borders) for part in parts)
        return np.concatenate([self.logits_of_bags(some) for some in bags])

    def logits_of_bags(self, bags: list[csr_matrix]) -> NDArray[np.float64]:
        """Return the logits of sequences that hold these runs of ids, and of letters."""
        logits = self._features(bags[0]) @ self.coef + self.intercept
        if self.letters is not None:
            logits += self.letters.logits_of_bags(bags[1])
        return np.asarray(logits)

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        The value of a run is shared by the places where it occurs, and there by its steps. That of
        a run of letters is shared by the words that hold it.

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
            ids, lengths = with_borders(ids, lengths)
            first, last = 1, last + 1
        runs = list(runs_of(ids, lengths, self._lengths))
        starts = np.concatenate([starts for _, starts, _ in runs])
        stops = np.concatenate([starts + length for length, starts, _ in runs])
        hashes, kind, n_places = np.unique(
            np.concatenate([hashes for _, _, hashes in runs]),
            return_inverse=True,
            return_counts=True,
        )
        features = self._features(bags_of(np.zeros_like(hashes), hashes, 1))
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
        contributions = np.cumsum(changes)[first:last]
        if self.letters is not None:
            contributions += self.letters.contributions(sequences, direction)
        return contributions, float(base)

    @property
    def _lengths(self) -> range:
        return range(self.shortest_run, self.longest_run + 1)

    @property
    def _features(self) -> RunFeatures:
        return RunFeatures(self.runs, self.idf)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        of_ids = f"{len(self.runs):,} runs of {self.shortest_run}-{self.longest_run} ids"
        return of_ids if self.letters is None else f"{of_ids} and {self.letters.describe()}"


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
    sequences = samples.sequences
    run_lengths = choose_run_lengths(sequences, token_unit)
    has_borders = token_unit == "char"
    lexicon = Lexicon.of(sequences)
    all_bags = _bags(sequences, run_lengths, lexicon, has_borders=has_borders)
    # The ratio of a run of characters that one sequence alone holds is noise.
    is_noise = has_borders and n_outputs <= MOST_SCALED
    for bags, fewest, limit in (
        (all_bags, 2 if is_noise else 1, LARGEST_COEF * SHARE_OF_ALL_RUNS),
        (all_bags, 2, LARGEST_COEF),
        (all_bags[:1], 2, LARGEST_COEF),  # the letters are left out before the whole model
    ):
        n_bytes = 4 * n_outputs * sum(map(len, _features(bags, fewest)))
        if n_bytes <= limit:
            break
    else:
        warnings.warn(
            f"The linear model was left out: {n_bytes // (4 * n_outputs):,} n-grams x "
            f"{n_outputs:,} classes are {n_bytes / 2**30:.1f} GiB of coefficients, and the limit "
            f"is {LARGEST_COEF / 2**30:.1f} GiB. Set linear_branch=False to fit the network alone "
            "without this warning.",
            LinearModelSkippedWarning,
            stacklevel=2,
        )
        return None, np.empty((0, n_outputs))

    def fit(rows: Rows) -> NgramModel:
        parts = [some[rows] for some in bags]
        features = _features(parts, fewest)
        coef, intercept = fit_machines(
            hstack([of(part) for of, part in zip(features, parts, strict=True)], format="csr"),
            samples.subset(rows),
            n_outputs=n_outputs,
            seed=seed,
        )
        of_ids, letters = features[0], None
        if lexicon is not None and len(features) > 1 and len(features[1]):
            letters = LetterModel(lexicon, features[1].runs, features[1].idf, coef[len(of_ids) :])
        return NgramModel(
            run_lengths[0],
            run_lengths[-1],
            has_borders,
            of_ids.runs,
            of_ids.idf,
            coef[: len(of_ids)],
            intercept,
            letters,
        )

    logits = np.empty((0, n_outputs))
    if len(held_out):  # first, so that the two models are never in memory at the same time
        others = np.setdiff1d(np.arange(len(samples)), held_out)
        logits = fit(others).logits_of_bags([some[held_out] for some in bags])
    return fit(np.arange(len(samples))), logits


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


def _bags(
    sequences: Sequences, run_lengths: range, lexicon: Lexicon | None, *, has_borders: bool
) -> list[csr_matrix]:
    """Return which runs of ids, and of letters, each sequence holds."""
    parts = [hash_runs(*some, run_lengths, has_borders=has_borders) for some in sequences.chunks()]
    of_ids = vstack(parts, format="csr")
    return [of_ids] if lexicon is None else [of_ids, lexicon.bags(sequences)]


def _features(bags: list[csr_matrix], fewest: int) -> list[RunFeatures]:
    """Return the runs of ids that so many sequences hold, and those of letters that two hold."""
    of_ids, *of_letters = bags
    return [RunFeatures.of(of_ids, fewest), *(RunFeatures.of(some, 2) for some in of_letters)]
