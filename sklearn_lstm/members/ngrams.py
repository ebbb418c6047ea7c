"""A linear model of n-grams of ids, and of the letters of words.

A recurrent network reads in order, and a bag of n-grams does not. They make different errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack

from sklearn_lstm.data.hashing import bags_of, hash_ngrams, ngrams_of, with_borders
from sklearn_lstm.data.letters import Lexicon
from sklearn_lstm.data.sequences import Rows, Samples, Sequences, chunks_of_rows, row_numbers
from sklearn_lstm.data.token_units import effective_number_of_tokens
from sklearn_lstm.exceptions import InputTypeWarning, LinearModelSkippedWarning, warn_user
from sklearn_lstm.linear.svm import MOST_SCALED, fit_svms
from sklearn_lstm.linear.tf_idf import TfIdf
from sklearn_lstm.members.letters import LetterModel
from sklearn_lstm.members.member import FitTask, LinearMember
from sklearn_lstm.members.vectors import MeanVectors, VectorModel

LONGEST_OF_WORDS = 2
LONGEST_OF_CHARACTERS = 5  # or more, where the alphabet is small and the sequences are long
N_LENGTHS_OF_CHARACTERS = 5
EXPECTED_BY_CHANCE = 1 / 64  # how often one n-gram may occur in a sequence of random characters
# N-grams of all sequences together. The model learns from a sample if there are more.
MOST_ENTRIES, SAMPLED_ENTRIES = 55_000_000, 25_000_000
LARGEST_COEF = 1 << 30  # bytes of the coefficients: features x outputs x 4
# If all n-grams need less than this part of it, those of one sequence alone are used too.
SHARE_OF_ALL_NGRAMS = 1 / 8


@dataclass(frozen=True)
class NgramModel(LinearMember):
    """Linear support vector machines (SVMs), one for each output, on the tf-idf of n-grams of ids.

    Words: n-grams of one or two. Characters: n-grams of five lengths, mostly one to five. The
    beginning and the end of a sequence count as characters, because the ends of names and of single
    words tell much. N-grams of letters too if it is known how words are spelled, those among
    characters included.

    Parameters
    ----------
    shortest, longest : int
        Lengths of the n-grams.
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its n-grams.
    hashes : ndarray of shape (n_features,)
        Of the n-grams, in ascending order.
    idf : ndarray of shape (n_features,)
        Inverse document frequency.
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    letters : LetterModel or None
    knows_words : bool
        Whether the X of fit said which words the ids stand for.
    """

    reads_ids = True
    fewest_samples = 100
    epochs = 0.25

    shortest: int
    longest: int
    has_borders: bool
    hashes: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    intercept: NDArray[np.float64]
    letters: LetterModel | None = None
    vectors: VectorModel | None = None
    knows_words: bool = True

    @classmethod
    def fit_linear(
        cls, task: FitTask, held_out: Rows
    ) -> tuple[NgramModel | None, NDArray[np.float64]]:
        """Fit to all samples.

        Returns
        -------
        model : NgramModel or None
            None if its coefficients would need more than `LARGEST_COEF` bytes.
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out samples, by a model fitted to the others; no rows without a model.

        Warns
        -----
        LinearModelSkippedWarning
            If there is no model.
        """
        samples, not_seen = task.samples, row_numbers(0)
        reader = BagReader.of(samples.sequences, task.parameters["token_unit"])
        bags = reader.read(samples.sequences)
        if bags is None:  # enough are left to leave out all held-out ones
            rows = np.delete(row_numbers(len(samples)), held_out)
            np.random.default_rng(task.seed).shuffle(rows)
            bags, rows = reader.read_some(samples.sequences, rows)
            samples = samples.subset(rows)
            not_seen, held_out = held_out, not_seen
        n_outputs = samples.targets.n_outputs
        chosen = _choose_ngrams(bags, n_outputs, has_borders=reader.has_borders)
        if chosen is None:
            return None, np.empty((0, n_outputs))
        bags, fewest = chosen
        average = MeanVectors.of(samples.sequences)
        means = np.empty((len(samples), 0), np.float32)
        if average is not None:
            means = average(samples.sequences)
        fitting = NgramFit(samples, reader, fewest, average, means, task.seed)
        logits = np.empty((0, n_outputs))
        if len(held_out):  # first, so that the two models are never in memory at the same time
            others = np.setdiff1d(np.arange(len(samples)), held_out)
            without = fitting.fit(others, [some[others] for some in bags])
            logits = without.logits_of([some[held_out] for some in bags], means[held_out])
            del without
        model = fitting.fit(np.arange(len(samples)), bags)
        if len(not_seen):
            logits = model.logits(task.samples.subset(not_seen).sequences)
        return model, logits

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return the signed distances from the decision boundaries (n_samples, n_outputs).

        Warns
        -----
        InputTypeWarning
            If these sequences say which words their ids stand for, but those of fit did not.
        """
        if not self.knows_words and Lexicon.of(sequences) is not None:
            warn_user(
                "X says which words its ids stand for, but the X of fit did not, so that the "
                "linear model knows nothing of their letters. Samplers that add rows, such as "
                "RandomOverSampler, and scipy.sparse.vstack lose the words that "
                "TextSequenceVectorizer names. In place of such a sampler pass "
                "class_weight='balanced', or take one that removes rows (RandomUnderSampler). Put "
                "texts together before the vectorizer.",
                InputTypeWarning,
            )
        lexicon = self.letters.lexicon if self.letters else None
        reader = BagReader(self._lengths, lexicon, self.has_borders)
        logits = []
        for rows in chunks_of_rows(sequences.lengths):
            part = sequences.subset(rows)
            bags = reader(part)
            means = None if self.vectors is None else self.vectors.means(part)
            logits.append(self.logits_of(bags, means))
        return np.concatenate(logits)

    def logits_of(
        self, bags: list[csr_matrix], means: NDArray[np.float32] | None
    ) -> NDArray[np.float64]:
        """Return the logits of sequences.

        Parameters
        ----------
        bags : list of csr_matrix
            Which n-grams of ids, and of letters, they hold.
        means : ndarray of shape (n_sequences, embedding_dim) or None
            Of their vectors.
        """
        logits = self._weights(bags[0]) @ self.coef + self.intercept
        if self.letters is not None:
            logits += self.letters.logits_of_bags(bags[1])
        if self.vectors is not None and means is not None:
            logits += means.astype(np.float64) @ self.vectors.coef
        return np.asarray(logits)

    def contributions(
        self, sequences: Sequences, direction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        The value of an n-gram is shared by the places where it occurs, and there by its steps. That
        of an n-gram of letters is shared by the words that hold it. The rest of the score is that
        of no n-gram.
        """
        reader = BagReader(self._lengths, None, self.has_borders)

        def values_of(hashes: NDArray[np.int64]) -> NDArray[np.float64]:
            features = self._weights(bags_of(np.zeros_like(hashes), hashes, 1))
            values = np.zeros(len(hashes))
            values[np.searchsorted(hashes, self.hashes[features.indices])] = features.data * (
                self.coef[features.indices] @ direction
            )
            return values

        contributions, rest = reader.shared_by_steps(sequences, values_of)
        base = self.intercept @ direction + rest
        if self.letters is not None:
            contributions += self.letters.contributions(sequences, direction)
        if self.vectors is not None:
            of_vectors, rest = self.vectors.contributions(sequences, direction)
            contributions, base = contributions + of_vectors, base + rest
        return contributions, float(base)

    @property
    def _lengths(self) -> range:
        return range(self.shortest, self.longest + 1)

    @property
    def _weights(self) -> TfIdf:
        return TfIdf(self.hashes, self.idf)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        of_ids = f"{len(self.hashes):,} n-grams of {self.shortest}-{self.longest} ids"
        parts = [part.describe() for part in (self.letters, self.vectors) if part is not None]
        return " and ".join([of_ids, *parts])


@dataclass(frozen=True)
class NgramFit:
    """What the fits to some samples, and to all of them, have in common.

    Parameters
    ----------
    samples : Samples
    reader : BagReader
    fewest : int
        N-grams of ids that fewer samples hold are left out.
    average : MeanVectors or None
    means : ndarray of shape (n_samples, embedding_dim)
    seed : int
    """

    samples: Samples
    reader: BagReader
    fewest: int
    average: MeanVectors | None
    means: NDArray[np.float32]
    seed: int

    def fit(self, rows: Rows, bags: list[csr_matrix]) -> NgramModel:
        """Fit to the bags of these rows, and empty the list: the solver needs the memory."""
        weights = _weights(bags, self.fewest)
        features = [of(part) for of, part in zip(weights, bags, strict=True)]
        n_ngrams = sum(map(len, weights))
        together = hstack([*features, csr_matrix(self.means[rows])], format="csr")
        del features
        bags.clear()
        targets = self.samples.targets.subset(rows)
        coef, intercept = fit_svms(together, targets, seed=self.seed, n_scaled=n_ngrams)
        of_ids, lexicon, letters = weights[0], self.reader.lexicon, None
        if lexicon is not None and len(weights) > 1 and len(weights[1]):
            of_letters = weights[1]
            letters = LetterModel(
                lexicon, of_letters.hashes, of_letters.idf, coef[len(of_ids) : n_ngrams]
            )
        return NgramModel(
            self.reader.lengths[0],
            self.reader.lengths[-1],
            self.reader.has_borders,
            of_ids.hashes,
            of_ids.idf,
            coef[: len(of_ids)],
            intercept,
            letters,
            None if self.average is None else VectorModel(self.average, coef[n_ngrams:]),
            self.samples.sequences.spelling is not None,
        )


def _choose_ngrams(
    bags: list[csr_matrix], n_outputs: int, *, has_borders: bool
) -> tuple[list[csr_matrix], int] | None:
    """Return the bags that the model reads, and how many samples hold an n-gram of ids at least.

    None if the coefficients would take too much memory; then it warns.
    """
    # The ratio of an n-gram of characters that one sequence alone holds is noise.
    is_noise = has_borders and n_outputs <= MOST_SCALED
    for some, fewest, limit in (
        (bags, 2 if is_noise else 1, LARGEST_COEF * SHARE_OF_ALL_NGRAMS),
        (bags, 2, LARGEST_COEF),
        (bags[:1], 2, LARGEST_COEF),  # the letters are left out before the whole model
    ):
        n_features = sum(map(len, _weights(some, fewest)))
        if 4 * n_outputs * n_features <= limit:
            return some, fewest
    _warn_of_no_model(n_features, n_outputs)
    return None


def choose_lengths(sequences: Sequences, token_unit: str) -> range:
    """Return the lengths of the n-grams.

    An n-gram that many sequences hold by chance says little: a gene of 1,200 bases holds most
    5-grams of bases. With an alphabet of effectively A characters and sequences of T steps, one of
    length L is expected T / A^L times by chance. The longest of the five lengths is the smallest L,
    but at least 5, for which this number is at most 1/64: L = 9 for A = 4 and T = 1,200.
    """
    if token_unit == "word":
        return range(1, LONGEST_OF_WORDS + 1)
    alphabet = max(effective_number_of_tokens(sequences), 2)
    needed = math.log(sequences.lengths.mean() / EXPECTED_BY_CHANCE) / math.log(alphabet)
    longest = max(LONGEST_OF_CHARACTERS, math.ceil(needed))
    return range(longest - N_LENGTHS_OF_CHARACTERS + 1, longest + 1)


def _warn_of_no_model(n_features: int, n_outputs: int) -> None:
    warn_user(
        f"The linear model was left out: {n_features:,} n-grams x {n_outputs:,} classes are "
        f"{4 * n_outputs * n_features / 2**30:.1f} GiB of coefficients, and the limit is "
        f"{LARGEST_COEF / 2**30:.1f} GiB. Set linear_branch=False to fit the network alone without "
        "this warning.",
        LinearModelSkippedWarning,
    )


@dataclass(frozen=True)
class BagReader:
    """Sequences to bags: which n-grams of ids, and of letters, each sequence holds.

    Parameters
    ----------
    lengths : range
        Of the n-grams of ids.
    lexicon : Lexicon or None
        None: no letters.
    has_borders : bool
    """

    lengths: range
    lexicon: Lexicon | None
    has_borders: bool

    @classmethod
    def of(cls, sequences: Sequences, token_unit: str) -> BagReader:
        """Return what reads these sequences, and others like them."""
        lengths = choose_lengths(sequences, token_unit)
        return cls(lengths, Lexicon.of(sequences), token_unit == "char")

    def __call__(self, sequences: Sequences) -> list[csr_matrix]:
        """Return the bags of all sequences."""
        ids, lengths = sequences.read(np.arange(len(sequences))), sequences.lengths
        hashed = hash_ngrams(ids, lengths, self.lengths, has_borders=self.has_borders)
        of_ids = bags_of(*hashed, len(sequences))
        return [of_ids] if self.lexicon is None else [of_ids, self.lexicon.bags(sequences)]

    def shared_by_steps(
        self, sequences: Sequences, values_of: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], float]:
        """Share the value of each n-gram of ids by its places, and there by its steps.

        Parameters
        ----------
        sequences : Sequences
            One.
        values_of : callable
            From the distinct hashes of its n-grams, in ascending order, to their values.

        Returns
        -------
        contributions : ndarray of shape (n_steps,)
        rest : float
            The value of n-grams of borders alone.
        """
        ((ids, lengths),) = sequences.chunks()
        first, last = 0, len(ids)
        if self.has_borders:
            ids, lengths = with_borders(ids, lengths)
            first, last = 1, last + 1
        ngrams = list(ngrams_of(ids, lengths, self.lengths))
        starts = np.concatenate([starts for _, starts, _ in ngrams])
        stops = np.concatenate([starts + length for length, starts, _ in ngrams])
        hashes, kind, n_places = np.unique(
            np.concatenate([hashes for _, _, hashes in ngrams]),
            return_inverse=True,
            return_counts=True,
        )
        starts, stops = np.maximum(starts, first), np.minimum(stops, last)  # without borders
        n_steps = np.maximum(stops - starts, 0)
        of_places = (values_of(hashes) / n_places)[kind]
        of_steps = np.divide(of_places, n_steps, out=np.zeros_like(of_places), where=n_steps > 0)
        changes = np.bincount(starts, of_steps, last + 1) - np.bincount(stops, of_steps, last + 1)
        return np.cumsum(changes)[first:last], float(of_places[n_steps == 0].sum())

    def read(self, sequences: Sequences) -> list[csr_matrix] | None:
        """Return the bags of all sequences; None if they hold too many n-grams."""
        parts = self._first(sequences, row_numbers(len(sequences)), MOST_ENTRIES)
        return _stacked(parts) if sum(map(_n_rows, parts)) == len(sequences) else None

    def read_some(self, sequences: Sequences, rows: Rows) -> tuple[list[csr_matrix], Rows]:
        """Return the bags of the first of these rows, as many as a sample has, and these rows."""
        parts = self._first(sequences, rows, SAMPLED_ENTRIES)
        return _stacked(parts), rows[: sum(map(_n_rows, parts))].copy()  # the others are many

    def _first(self, sequences: Sequences, rows: Rows, most: int) -> list[list[csr_matrix]]:
        """Return the bags of the first of these rows, up to so many n-grams, part by part."""
        parts: list[list[csr_matrix]] = []
        n_entries = 0
        for chunk in chunks_of_rows(sequences.lengths[rows]):
            part = self(sequences.subset(rows[chunk]))
            n_entries += sum(bags.nnz for bags in part)
            if parts and n_entries > most:
                break
            parts.append(part)
        return parts


def _n_rows(part: list[csr_matrix]) -> int:
    return int(part[0].shape[0])


def _stacked(parts: list[list[csr_matrix]]) -> list[csr_matrix]:
    """Put parts of bags one below the other."""
    return [vstack(bags, format="csr") for bags in zip(*parts, strict=True)]


def _weights(bags: list[csr_matrix], fewest: int) -> list[TfIdf]:
    """Return the n-grams of ids that so many sequences hold, and those of letters that two hold."""
    of_ids, *of_letters = bags
    return [TfIdf.of(of_ids, fewest), *(TfIdf.of(some, 2) for some in of_letters)]
