"""Ids of words -> which words stand near each other, and how often -> vectors of words."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.text.analysis import TokenBatch

TOKENS_AT_ONCE = 1 << 20
SMALLEST = 1e-4  # singular value or length of a vector, by the largest one; less is rounding

Integers: TypeAlias = NDArray[np.int64]

# Held while BLAS is limited to one thread: else one fit could restore the limit of another.
_one_thread = ForkSafeLock()


def count_neighbours(batches: Iterable[TokenBatch], n_words: int, window: int) -> sp.csr_matrix:
    """Count how often two words stand within a window in the same text.

    Memory grows with the number of different pairs, not with that of texts.

    Parameters
    ----------
    batches : iterable of TokenBatch
        Words as 0, 1, ... Words below 0 are left out, as if they were not in the texts.
    n_words : int
    window : int
        The largest distance of two neighbours.

    Returns
    -------
    csr_matrix of shape (n_words, n_words)
        Symmetric.
    """
    pairs = sp.csr_matrix((n_words, n_words), dtype=np.int64)
    for words, texts in _in_blocks(batches):
        for distance in range(1, min(window + 1, len(words))):
            is_pair = texts[distance:] == texts[:-distance]
            places = words[:-distance][is_pair], words[distance:][is_pair]
            pairs += sp.csr_matrix((np.ones(len(places[0]), np.int64), places), pairs.shape)
    return pairs + pairs.T


def _in_blocks(batches: Iterable[TokenBatch]) -> Iterator[tuple[Integers, Integers]]:
    """Yield the known words of many texts, and the number of the text that each comes from."""
    n_read = 0

    def block_of(batch: TokenBatch) -> int:
        nonlocal n_read
        n_read += len(batch[0])
        return n_read // TOKENS_AT_ONCE

    for _, block in groupby(batches, block_of):
        words, lengths = map(np.concatenate, zip(*block, strict=True))
        texts = np.repeat(np.arange(len(lengths)), lengths)
        is_known = words >= 0
        yield words[is_known].astype(np.int64), texts[is_known]


def factorize(
    counts: sp.csr_matrix, n_dimensions: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which words have a vector, and their vectors of length 1, (n_vectors, n_dimensions).

    They are the left singular vectors, times the roots of the singular values, of the positive
    pointwise mutual information of words and contexts. So words of similar neighbours have similar
    vectors. A word without neighbours has none, and neither has one that the first `n_dimensions`
    singular vectors tell nothing about.
    """
    # OpenBLAS rounds by its number of threads, and that is the same for all threads of Python.
    with _one_thread.lock, threadpool_limits(1, "blas"):
        information = _positive_information(counts)
        left, values, _ = randomized_svd(information, n_dimensions, n_iter=5, random_state=0)
        values[values < SMALLEST * values.max()] = 0
        vectors = left * np.sqrt(values)
        norms = np.linalg.norm(vectors, axis=1)
    has_vector = norms > SMALLEST * norms.max()
    return has_vector, (vectors[has_vector] / norms[has_vector, np.newaxis]).astype(np.float32)


def _positive_information(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Return max(0, log(p(word, context) / (p(word) p(context)))), contexts being smoothed."""
    totals = np.asarray(counts.sum(axis=1), np.float64).ravel()
    smoothed = totals**0.75  # frequent contexts count a little less, rare ones a little more
    ratios = counts.data * smoothed.sum()
    ratios /= np.repeat(totals, np.diff(counts.indptr))
    ratios /= smoothed[counts.indices]
    information = counts.astype(np.float32)
    information.data = np.log(np.maximum(ratios, 1)).astype(np.float32)
    information.eliminate_zeros()
    return information
