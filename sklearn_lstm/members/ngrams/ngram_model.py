"""A linear model of n-grams of ids, and of the letters of words.

A recurrent network reads in order, and a bag of n-grams does not. They make different errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack

from sklearn_lstm.blending import ExpectedFactor, Logits
from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.data.sequences import Rows, Samples, Sequences, chunks_of_rows, row_numbers
from sklearn_lstm.exceptions import InputTypeWarning, LinearModelSkippedWarning, warn_user
from sklearn_lstm.members.member import Contributions, LinearMember
from sklearn_lstm.members.ngrams.bags import NgramReader, choose_reader
from sklearn_lstm.members.ngrams.hashing import LARGEST_COEF
from sklearn_lstm.members.ngrams.letters import LetterModel, Lexicon
from sklearn_lstm.members.ngrams.svm import MOST_SCALED, fit_svms
from sklearn_lstm.members.ngrams.tf_idf import TfIdf
from sklearn_lstm.members.ngrams.vector_model import MeanVectors, VectorModel
from sklearn_lstm.training.held_out import Split

if TYPE_CHECKING:  # a stored member computes without torch
    from sklearn_lstm.training.configuration import Configuration

Bags: TypeAlias = list[csr_matrix]  # of n-grams of ids, and perhaps of letters

# N-grams of all sequences together. The model learns from a sample if there are more.
MOST_ENTRIES, SAMPLED_ENTRIES = 55_000_000, 25_000_000
# If all n-grams need less than this part of it, those of one sequence alone are used too.
SHARE_OF_ALL_NGRAMS = 1 / 8


@dataclass(frozen=True)
class NgramModel(NgramReader, LinearMember):
    """Linear support vector machines (SVMs), one for each output, on the tf-idf of n-grams of ids.

    Words: n-grams of one or two. Characters: n-grams of five lengths, mostly one to five. The
    beginning and the end of a sequence count as characters, because the ends of names and of single
    words tell much. N-grams of letters too if it is known how words are spelled, those among
    characters included.

    Parameters
    ----------
    shortest, longest, has_borders
        Of `NgramReader`.
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

    kinds = TOKENS
    expected_factor = ExpectedFactor(2.0, 1.0)  # the margins of SVMs are too small

    hashes: Annotated[NDArray[np.int32], "n_features"]
    idf: Annotated[NDArray[np.float32], "n_features"]
    coef: Annotated[NDArray[np.float32], "n_features n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    letters: LetterModel | None = None
    vectors: VectorModel | None = None
    knows_words: bool = True

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:  # noqa: ARG003
        """Return the work of fitting, measured once: 1 unit for 25 steps of an SVM, 100 of many."""
        n_outputs = samples.targets.n_outputs
        steps_per_unit = 25 if n_outputs <= MOST_SCALED else 100
        return int(samples.sequences.lengths.sum()) * n_outputs // steps_per_unit

    @classmethod
    def fit_linear(
        cls, split: Split, configuration: Configuration
    ) -> tuple[NgramModel | None, Logits]:
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
        samples, held_out, not_seen = split.samples, split.drawn, row_numbers(0)
        reader = choose_reader(samples.sequences, configuration.kind)
        lexicon = Lexicon.of(samples.sequences)
        rows, bags = _read(reader, lexicon, split)
        if len(rows) < len(samples):
            samples, held_out, not_seen = samples.subset(rows), not_seen, held_out
        n_outputs = samples.targets.n_outputs
        fewest = _fewest_sequences(bags, n_outputs, has_borders=reader.has_borders)
        if fewest is None:
            return None, np.empty((0, n_outputs))
        average, means = None, np.empty((len(samples), 0), np.float32)
        if configuration.vectors is not None:
            average = MeanVectors.of(samples.sequences, configuration.vectors)
            means = average(samples.sequences)

        def fit(rows: Rows, bags: Bags) -> NgramModel:
            """Fit to the bags of these rows, and empty the list: the solver needs the memory."""
            weights = _weights(bags, fewest)
            features = [of(part) for of, part in zip(weights, bags, strict=True)]
            n_ngrams = sum(map(len, weights))
            together = hstack([*features, csr_matrix(means[rows])], format="csr")
            del features
            bags.clear()
            targets = samples.targets.subset(rows)
            coef, intercept = fit_svms(together, targets, seed=split.seed, n_scaled=n_ngrams)
            coef, letter_coef, vector_coef = np.split(coef, [len(weights[0]), n_ngrams])
            letters = None
            if lexicon is not None and len(letter_coef):
                letters = LetterModel(lexicon, **vars(weights[1]), coef=letter_coef)
            vectors = None if average is None else VectorModel(average, vector_coef)
            knows_words = samples.sequences.spelling is not None
            known = vars(reader) | vars(weights[0]) | {"knows_words": knows_words}
            return cls(**known, coef=coef, intercept=intercept, letters=letters, vectors=vectors)

        logits = np.empty((0, n_outputs))
        if len(held_out):  # first, so that the two models are never in memory at the same time
            learned = np.setdiff1d(np.arange(len(samples)), held_out)
            without = [matrix[learned] for matrix in bags]
            logits = fit(learned, without).logits_of([m[held_out] for m in bags], means[held_out])
        model = fit(np.arange(len(samples)), bags)
        if len(not_seen):
            logits = model.logits(split.samples.subset(not_seen).sequences)
        return model, logits

    def logits(self, sequences: Sequences) -> Logits:
        """Return the signed distances from the decision boundaries (n_samples, n_outputs).

        Warns
        -----
        InputTypeWarning
            If these sequences say which words their ids stand for, but those of fit did not.
        """
        if not self.knows_words and Lexicon.of(sequences) is not None:
            warn_user(
                "X says which words its ids stand for, but the X of fit did not, so the linear "
                "model knows nothing of their letters. Samplers that add rows, such as "
                "RandomOverSampler, and scipy.sparse.vstack drop the words that "
                "TextSequenceVectorizer has attached to its output. Instead of such a sampler pass "
                "class_weight='balanced', or take one that only removes rows (RandomUnderSampler). "
                "Instead of stacking ids, join the texts before the vectorizer.",
                InputTypeWarning,
            )
        lexicon, logits = None if self.letters is None else self.letters.lexicon, []
        for rows in chunks_of_rows(sequences.lengths):
            part = sequences.subset(rows)
            means = None if self.vectors is None else self.vectors.means(part)
            logits.append(self.logits_of(_bags(self, lexicon, part), means))
        return np.concatenate(logits)

    def logits_of(self, bags: Bags, means: NDArray[np.float32] | None) -> Logits:
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

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what each step of one sequence adds to the score ``logits @ direction``.

        The value of an n-gram is shared by the places where it occurs, and there by its steps. That
        of an n-gram of letters is shared by the words that hold it. The rest of the score is that
        of no n-gram.
        """

        def values_of(bag: csr_matrix) -> NDArray[np.float64]:
            features, values = self._weights(bag), np.zeros(bag.nnz)
            places = np.searchsorted(bag.indices, self.hashes[features.indices])
            values[places] = features.data * (self.coef[features.indices] @ direction)
            return values

        contributions, border_value = self.shared_by_steps(sequences, values_of)
        base = self.intercept @ direction + border_value
        if self.letters is not None:
            contributions += self.letters.contributions(sequences, direction)
        if self.vectors is not None:
            vector_contributions, vector_base = self.vectors.contributions(sequences, direction)
            contributions, base = contributions + vector_contributions, base + vector_base
        return contributions, float(base)

    @property
    def _weights(self) -> TfIdf:
        return TfIdf(self.hashes, self.idf)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        id_ngrams = f"{len(self.hashes):,} n-grams of {self.shortest}-{self.longest} ids"
        parts = [part.describe() for part in (self.letters, self.vectors) if part is not None]
        return " and ".join([id_ngrams, *parts])


def _bags(reader: NgramReader, lexicon: Lexicon | None, sequences: Sequences) -> Bags:
    """Return which n-grams of ids, and of letters if there is a lexicon, each sequence holds."""
    return [reader.bags(sequences), *([] if lexicon is None else [lexicon.bags(sequences)])]


def _read(reader: NgramReader, lexicon: Lexicon | None, split: Split) -> tuple[Rows, Bags]:
    """Return all rows and their bags; if these are large, some of the rows not held out."""
    sequences, rows = split.samples.sequences, row_numbers(len(split.samples))
    bags = _first_bags(reader, lexicon, sequences, rows, MOST_ENTRIES)
    if bags[0].shape[0] < len(rows):  # enough are left to leave out all held-out ones
        del bags
        rows = np.delete(rows, split.drawn)
        np.random.default_rng(split.seed).shuffle(rows)
        bags = _first_bags(reader, lexicon, sequences, rows, SAMPLED_ENTRIES)
        rows = rows[: bags[0].shape[0]].copy()  # the others are many
    return rows, bags


def _first_bags(
    reader: NgramReader, lexicon: Lexicon | None, sequences: Sequences, rows: Rows, most: int
) -> Bags:
    """Return the bags of the first of these rows, up to so many n-grams."""
    parts: list[Bags] = []
    n_entries = 0
    for chunk in chunks_of_rows(sequences.lengths[rows]):
        part = _bags(reader, lexicon, sequences.subset(rows[chunk]))
        n_entries += sum(bags.nnz for bags in part)
        if parts and n_entries > most:
            break
        parts.append(part)
    return [vstack(bags, format="csr") for bags in zip(*parts, strict=True)]


def _fewest_sequences(bags: Bags, n_outputs: int, *, has_borders: bool) -> int | None:
    """Return how many sequences hold an n-gram of ids at least, as few as memory allows.

    None if the coefficients would take too much memory; then it warns.
    """
    limits = {1: LARGEST_COEF * SHARE_OF_ALL_NGRAMS, 2: LARGEST_COEF}
    if has_borders and n_outputs <= MOST_SCALED:
        del limits[1]  # the ratio of an n-gram of characters that one sequence alone holds is noise
    for fewest, limit in limits.items():
        n_features = sum(map(len, _weights(bags, fewest)))
        if 4 * n_outputs * n_features <= limit:
            return fewest
    warn_user(
        f"The linear model was left out: {n_features:,} n-grams x {n_outputs:,} classes are "
        f"{4 * n_outputs * n_features / 2**30:.1f} GiB of coefficients, and the limit is "
        f"{LARGEST_COEF / 2**30:.1f} GiB. Set linear_model=False to fit the network alone without "
        "this warning.",
        LinearModelSkippedWarning,
    )
    return None


def _weights(bags: Bags, fewest: int) -> list[TfIdf]:
    """Return the n-grams of ids that so many sequences hold, and those of letters that two hold."""
    id_bags, *letter_bags = bags
    return [TfIdf.of(id_bags, fewest), *(TfIdf.of(matrix, 2) for matrix in letter_bags)]
