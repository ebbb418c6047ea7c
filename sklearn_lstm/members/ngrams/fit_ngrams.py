"""How the linear model of n-grams is fitted."""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from sklearn_lstm.blending import ExpectedFactor, Logits
from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.data.sequences import Rows, Sequences, chunks_of_rows, row_numbers
from sklearn_lstm.exceptions import LinearModelSkippedWarning, warn_user
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.learner import Fit, Learner
from sklearn_lstm.members.ngrams.bags import (
    HASH_BITS,
    LARGEST_COEF,
    Lexicon,
    NgramReader,
    TfIdf,
    are_letters,
    bags_of,
    choose_reader,
)
from sklearn_lstm.members.ngrams.ngram_model import (
    MeanVectors,
    NgramModel,
    PositionModel,
    VectorModel,
)
from sklearn_lstm.members.ngrams.svm import MOST_SCALED, fit_svms
from sklearn_lstm.members.settings import FitSettings
from sklearn_lstm.pretrained.embeddings import PretrainedVectors
from sklearn_lstm.targets.targets import Samples

# N-grams of all sequences together. The model learns from a sample if there are more.
MOST_ENTRIES, SAMPLED_ENTRIES = 55_000_000, 25_000_000
# If all n-grams need less than this part of it, those of one sequence alone are used too.
SHARE_OF_ALL_NGRAMS = 1 / 8
AT_POSITIONS = NgramReader(1, 2, has_borders=False, has_positions=True)


def work_of_ngrams(samples: Samples, _: FitSettings) -> int:
    """Return the work of fitting, measured once: 1 unit for 25 steps of an SVM, 100 of many."""
    n_outputs = samples.targets.n_outputs
    steps_per_unit = 25 if n_outputs <= MOST_SCALED else 100
    return int(samples.sequences.lengths.sum()) * n_outputs // steps_per_unit


def fit_ngrams(split: Split, settings: FitSettings) -> Fit:
    """Fit SVMs to the n-grams of all sequences, or of as many as memory allows.

    Warns
    -----
    LinearModelSkippedWarning
        If there is no model: its coefficients would need more than `LARGEST_COEF` bytes.
    """
    sequences = split.samples.sequences
    reader = choose_reader(sequences, settings.kind)
    model, logits = _fit(split, NgramModel, reader, Lexicon.of(sequences), settings.vectors)
    if model is None:
        warn_user(
            "The linear model was left out: the coefficients of all n-grams and "
            f"{split.samples.targets.n_outputs:,} classes take more than "
            f"{LARGEST_COEF / 2**30:.1f} GiB. Set linear_model=False to fit the network alone "
            "without this warning.",
            LinearModelSkippedWarning,
        )
        return None, logits
    return replace(model, knows_words=sequences.spelling is not None), logits


def fit_positions(split: Split, _: FitSettings) -> Fit:
    """Fit SVMs to short n-grams at their positions, in the same way."""
    return _fit(split, PositionModel, AT_POSITIONS)


def _fit(
    split: Split,
    kind: type[NgramModel],
    reader: NgramReader,
    lexicon: Lexicon | None = None,
    vectors: PretrainedVectors | None = None,
) -> tuple[NgramModel | None, Logits]:
    """Fit a model of this kind; None if its coefficients would take too much memory."""
    samples, held_out, not_seen = split.samples, split.held_out_rows, row_numbers(0)
    rows, bags = _read(reader, lexicon, split)
    if len(rows) < len(samples):
        samples, held_out, not_seen = samples.subset(rows), not_seen, held_out
    n_outputs = samples.targets.n_outputs
    fewest = _fewest_sequences(bags, n_outputs, has_borders=reader.has_borders)
    if fewest is None:
        return None, np.empty((0, n_outputs))
    average, means = None, np.empty((len(samples), 0), np.float32)
    if vectors is not None:
        average = MeanVectors.of(samples.sequences, vectors)
        means = average(samples.sequences)

    def fit(rows: Rows, given: list[csr_matrix]) -> NgramModel:
        """Fit to the bags of these rows, and empty the list: the solver needs the memory."""
        bags = given.pop()
        weights = TfIdf.of(bags, fewest)
        parts = weights(bags)  # of ids and of letters, row by row
        parts = parts.data, parts.indices, parts.indptr[::2]
        features = csr_matrix(parts, (len(rows), len(weights)))
        together = hstack([features, csr_matrix(means[rows])], format="csr")
        del bags, parts, features
        targets = samples.targets.subset(rows)
        coef, intercept = fit_svms(together, targets, seed=split.seed, n_scaled=len(weights))
        coef, vector_coef = np.split(coef, [len(weights)])
        of_means = None if average is None else VectorModel(average, vector_coef)
        has_letters = are_letters(weights.hashes[-1:]).any()
        known = vars(reader) | vars(weights) | {"lexicon": lexicon if has_letters else None}
        return kind(**known, coef=coef, intercept=intercept, vectors=of_means)

    logits = np.empty((0, n_outputs))
    if len(held_out):  # first, so that the two models are never in memory at the same time
        learned, unseen = np.setdiff1d(np.arange(len(samples)), held_out), bags[_both(held_out)]
        logits = fit(learned, [bags[_both(learned)]]).logits_of(unseen, means[held_out])
    given = [bags]
    del bags
    model = fit(np.arange(len(samples)), given)
    if len(not_seen):
        logits = model.logits(split.samples.subset(not_seen).sequences)
    return model, logits


def _both(rows: Rows) -> Rows:
    """Return the rows of bags that hold the n-grams of ids, and of letters, of these sequences."""
    return np.add.outer(2 * rows, (0, 1)).ravel()


def _read(reader: NgramReader, lexicon: Lexicon | None, split: Split) -> tuple[Rows, csr_matrix]:
    """Return all rows and their bags; if these are large, some of the rows not held out."""
    sequences, rows = split.samples.sequences, row_numbers(len(split.samples))
    bags = _first_bags(reader, lexicon, sequences, rows, MOST_ENTRIES)
    if bags.shape[0] < 2 * len(rows):  # enough are left to leave out all held-out ones
        del bags
        rows = np.delete(rows, split.held_out_rows)
        np.random.default_rng(split.seed).shuffle(rows)
        bags = _first_bags(reader, lexicon, sequences, rows, SAMPLED_ENTRIES)
        rows = rows[: bags.shape[0] // 2].copy()  # the others are many
    return rows, bags


def _first_bags(
    reader: NgramReader, lexicon: Lexicon | None, sequences: Sequences, rows: Rows, most: int
) -> csr_matrix:
    """Return the bags of the first of these rows, up to so many n-grams."""
    parts: list[csr_matrix] = []
    n_entries = 0
    for chunk in chunks_of_rows(sequences.lengths[rows]):
        part = bags_of(reader, lexicon, sequences, rows[chunk])
        n_entries += len(part.data)
        if parts and n_entries > most:
            break
        parts.append(csr_matrix(part, (2 * len(chunk), 2 << HASH_BITS)))
    return vstack(parts, format="csr")


def _fewest_sequences(bags: csr_matrix, n_outputs: int, *, has_borders: bool) -> int | None:
    """Return how many sequences hold an n-gram of ids at least, as few as memory allows.

    None if the coefficients would take too much memory.
    """
    limits = {1: LARGEST_COEF * SHARE_OF_ALL_NGRAMS, 2: LARGEST_COEF}
    if has_borders and n_outputs <= MOST_SCALED:
        del limits[1]  # the ratio of an n-gram of characters that one sequence alone holds is noise
    for fewest, limit in limits.items():
        if 4 * n_outputs * len(TfIdf.of(bags, fewest)) <= limit:
            return fewest
    return None


NGRAMS = Learner(
    NgramModel,
    suits=lambda settings: settings.kind in TOKENS,
    work=work_of_ngrams,
    fit_member=fit_ngrams,
    expected_factor=ExpectedFactor(2.0, 1.0),  # the margins of SVMs are too small
)
POSITIONS = Learner(
    PositionModel,
    suits=lambda settings: settings.kind in TOKENS and settings.is_aligned,
    work=work_of_ngrams,
    fit_member=fit_positions,
    expected_factor=NGRAMS.expected_factor,
)
