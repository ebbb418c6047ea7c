"""Which n-grams the samples of a fit hold, and which of these a model reads."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.data.sequences import Rows, Sequences, chunks_of_rows, row_numbers
from sklearn_lstm.members.features import ngrams
from sklearn_lstm.members.features.encoder import MeanVectorFeatures
from sklearn_lstm.members.features.hashing import TfIdfFeatures, matrix_of
from sklearn_lstm.members.member import LARGEST_COEF, LINEAR, Features
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.pretrained.embeddings import PretrainedVectors

# N-grams of all sequences together. The model learns from a sample if there are more.
MOST_ENTRIES, SAMPLED_ENTRIES = 55_000_000, 25_000_000
# If all n-grams need less than this part of it, those of one sequence alone are used too.
SHARE_OF_ALL_NGRAMS = 1 / 8
MOST_SCALED = 32  # outputs for which n-grams are scaled by what they tell about each


@dataclass
class NgramReader(Reader):
    """The bags of n-grams of samples, and the means of their vectors.

    Parameters
    ----------
    samples, held_out, features, seed
        Of `Reader`.
    found : dict of type to csr_matrix
        By the class of features: bags (n_samples, n_hashes), or means (n_samples, n_features).
    fewest : int
        Sequences that hold an n-gram of ids, at least.
    """

    found: dict[type[Features], csr_matrix]
    fewest: int

    def read(self, rows: Rows) -> tuple[list[Any], list[csr_matrix]]:
        """Return the features that these rows tell, and what they are in these rows.

        They are n-grams that enough of these rows hold. All rows come last, and what was read is
        forgotten then: the solver needs the memory.
        """
        features, matrices = list[Any](), list[csr_matrix]()
        for one in self.features:
            are_all = len(rows) == len(self.samples)
            matrix = self.found.pop(type(one)) if are_all else self.found[type(one)][rows]
            if isinstance(one, TfIdfFeatures):
                one = one.learned(matrix, self.fewest)  # noqa: PLW2901
                matrix = one.weighed(matrix)
            if one.n_features or not features:  # letters that tell nothing are not read
                features.append(one)
                matrices.append(matrix)
        return features, matrices


def read_ngrams(context: FitContext) -> NgramReader:
    """Read the n-grams of all sequences, or of as many as memory allows."""
    sequences = context.split.samples.sequences
    features: list[Any] = [ngrams.choose_ngrams(sequences, context.settings.kind)]
    if (lexicon := ngrams.Lexicon.of(sequences)) is not None:
        features.append(ngrams.LetterFeatures(lexicon))
    return _read(context, features, context.settings.vectors)


def read_positions(context: FitContext) -> NgramReader:
    """Read the n-grams at positions of sequences that have the length of nearly all."""
    features = replace(ngrams.PAIRS, n_steps=context.settings.n_steps)
    features.are_read(context.split.samples.sequences)  # it tells how many are not
    return _read(context, [features])


def _read(
    context: FitContext, features: list[Any], vectors: PretrainedVectors | None = None
) -> NgramReader:
    """Return what samples hold."""
    split = context.split
    samples, rows, held_out = split.samples, row_numbers(len(split.samples)), split.held_out_rows
    bags = _first_bags(features, samples.sequences, rows, MOST_ENTRIES)
    if bags[0].shape[0] < len(rows):  # enough are left to leave out all held-out ones
        del bags
        rows = np.delete(rows, held_out)
        np.random.default_rng(split.seed).shuffle(rows)
        bags = _first_bags(features, samples.sequences, rows, SAMPLED_ENTRIES)
        samples, held_out = samples.subset(rows[: bags[0].shape[0]].copy()), held_out[:0]
    fewest = _fewest_sequences(features, bags, samples.targets.n_outputs)
    found = dict(zip(map(type, features), bags, strict=True))
    if vectors is not None:
        features.append(average := MeanVectorFeatures.of(samples.sequences, vectors))
        found[MeanVectorFeatures] = csr_matrix(average.means(samples.sequences))
    return NgramReader(samples, held_out, features, split.seed, found, fewest)


def _first_bags(
    features: list[Any], sequences: Sequences, rows: Rows, most: int
) -> list[csr_matrix]:
    """Return the bags of the first of these rows, up to so many n-grams."""
    parts: list[list[csr_matrix]] = []
    n_entries = 0
    for chunk in chunks_of_rows(sequences.lengths[rows]):
        bags = [one.bags(sequences, rows[chunk]) for one in features]
        n_entries += sum(len(bag.data) for bag in bags)
        if parts and n_entries > most:
            break
        parts.append([*map(matrix_of, bags)])
    return [vstack(of_features, format="csr") for of_features in zip(*parts, strict=True)]


def _fewest_sequences(features: list[Any], bags: list[csr_matrix], n_outputs: int) -> int:
    """Return how many sequences hold an n-gram at least, as few as memory allows."""
    # The ratio of an n-gram of characters that one sequence alone holds is noise.
    fewest = 2 if features[0].has_borders and n_outputs <= MOST_SCALED else 1
    frequencies = [np.bincount(bag.indices) for bag in bags]
    while True:
        pairs = zip(features, frequencies, strict=True)
        n_kept = sum(len(one.kept(frequency, fewest)) for one, frequency in pairs)
        if 4 * n_outputs * n_kept <= LARGEST_COEF * (SHARE_OF_ALL_NGRAMS if fewest == 1 else 1):
            return fewest
        fewest *= 2


NGRAMS = Recipe(
    LINEAR,
    suits=lambda settings: settings.linear_model and settings.kind in TOKENS,
    read=read_ngrams,
    solver="svm",
    stored=(ngrams.NgramFeatures, ngrams.LetterFeatures, ngrams.Lexicon, MeanVectorFeatures),
)
POSITIONS = replace(
    NGRAMS,
    name="positions",
    suits=lambda settings: NGRAMS.suits(settings) and settings.n_steps > 0,
    read=read_positions,
)
