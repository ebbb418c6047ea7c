"""A linear model over runs of ids, which sees at once what a network has to learn to notice.

A recurrent network reads in order and a bag of n-grams does not: they err in different places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.svm import LinearSVC

from sklearn_lstm.sequences import Rows, Samples, Sequences

LONGEST_OF_WORDS, LONGEST_OF_LETTERS = 2, 5  # ids in a run
_BORDER = 0  # no id
_BITS = 22  # of the number that stands for a run; runs that share one are taken for the same
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9], dtype=np.uint64)


@dataclass(frozen=True)
class NgramModel:
    """Linear support vector machines, one against the rest, on tf-idf of runs of ids.

    Those are runs of one or two words, or of one to five letters, with what is before the first and
    after the last of them: of names and of bare words the ends tell much.

    Each machine sees the features times their log ratio of a naive Bayes classifier, which lets it
    start from what the counts tell (after Wang and Manning 2012, with tf-idf in place of counts).

    Parameters
    ----------
    of_letters : bool
    runs : ndarray of shape (n_features,)
        The numbers of the runs that at least two sequences hold, in ascending order.
    idf : ndarray of shape (n_features,)
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    """

    of_letters: bool
    runs: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    intercept: NDArray[np.float64]

    @classmethod
    def of(cls, samples: Samples, *, n_outputs: int, seed: int) -> NgramModel:
        """Fit to sequences of ids."""
        sequences = samples.sequences
        of_letters = sequences.are_letters
        chunks = sequences.chunks()
        bags = vstack([_bags(*chunk, of_letters=of_letters) for chunk in chunks], format="csr")
        frequency = np.bincount(bags.indices, minlength=1 << _BITS)
        runs = np.flatnonzero(frequency > 1).astype(np.int32)
        idf = (np.log((1 + len(sequences)) / (1 + frequency[runs])) + 1).astype(np.float32)
        coef, intercept = np.zeros((len(runs), n_outputs), np.float32), np.zeros(n_outputs)
        model = cls(of_letters, runs, idf, coef, intercept)
        model._fit(model._weighed(bags), samples, seed)
        return model

    def _fit(self, features: csr_matrix, samples: Samples, seed: int) -> None:
        """Fit a machine for each output, on features times how much they speak for it."""
        if not len(self.runs):
            return
        n_outputs, weights = len(self.intercept), samples.weights
        targets = samples.targets(n_outputs)
        present = csr_matrix(
            (np.ones_like(features.data), features.indices, features.indptr), features.shape
        )
        is_mirrored = samples.codes.ndim == 1 and n_outputs == 2
        for output in range(n_outputs):
            target = targets[:, output]
            if is_mirrored and output == 1:
                self.coef[:, 1], self.intercept[1] = -self.coef[:, 0], -self.intercept[0]
            elif target.all() or not target.any():
                self.intercept[output] = 1.0 if target.all() else -1.0
            else:
                ratio = _log_ratio(present, target, weights)
                data = features.data * ratio[features.indices]
                scaled = csr_matrix((data, features.indices, features.indptr), features.shape)
                machine = LinearSVC(random_state=seed).fit(scaled, target, sample_weight=weights)
                half = 2 if is_mirrored else 1
                self.coef[:, output] = machine.coef_[0] * ratio / half
                self.intercept[output] = machine.intercept_[0] / half

    def logits(self, sequences: Sequences) -> NDArray[np.float64]:
        """Give the distance from each machine's border (n_samples, n_outputs)."""
        distances = [
            self._weighed(_bags(*chunk, of_letters=self.of_letters)) @ self.coef
            for chunk in sequences.chunks()
        ]
        return np.asarray(np.concatenate(distances) + self.intercept)

    @cached_property
    def _feature(self) -> NDArray[np.int32]:
        """The feature of each number, or -1."""
        feature = np.full(1 << _BITS, -1, np.int32)
        feature[self.runs] = np.arange(len(self.runs), dtype=np.int32)
        return feature

    def _weighed(self, bags: csr_matrix) -> csr_matrix:
        """Give the tf-idf (n, n_features) of the known runs among (n, 2**22), of length 1."""
        features = self._feature[bags.indices]
        known = features >= 0
        ends = np.append(0, np.cumsum(known))[bags.indptr]
        features = features[known]
        weighed = csr_matrix(
            (self.idf[features], features, ends), shape=(bags.shape[0], len(self.runs))
        )
        squares = weighed.multiply(weighed).sum(axis=1)
        lengths = np.sqrt(np.maximum(np.asarray(squares, np.float32).ravel(), 1e-12))
        weighed.data /= np.repeat(lengths, np.diff(weighed.indptr))
        return weighed


def _bags(ids: NDArray[Any], lengths: Rows, *, of_letters: bool) -> csr_matrix:
    """Note which runs of ids each sequence holds: ones (n_sequences, 2**22)."""
    longest = LONGEST_OF_LETTERS if of_letters else LONGEST_OF_WORDS
    if of_letters:
        ends = np.cumsum(lengths)
        ids = np.insert(ids, np.concatenate([ends - lengths, ends]), _BORDER)
        lengths = lengths + 2
    rows = np.repeat(np.arange(len(lengths)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(ids))  # ids up to the end
    state = np.ones(len(ids), np.uint64)  # not 0, to count a border that comes first
    found = []
    for length in range(1, longest + 1):
        n_runs = max(len(ids) - length + 1, 0)
        state = state[:n_runs] * _MULTIPLIERS[0] + ids[length - 1 :].astype(np.uint64)
        whole = left[:n_runs] >= length
        mixed = state[whole]
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _MULTIPLIERS[1]
        number = (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
        found.append((rows[:n_runs][whole] << _BITS) | number)
    keys = np.unique(np.concatenate(found))
    ends = np.searchsorted(keys, np.arange(len(lengths) + 1) << _BITS)
    numbers = (keys & ((1 << _BITS) - 1)).astype(np.int32)
    return csr_matrix(
        (np.ones(len(keys), np.float32), numbers, ends), shape=(len(lengths), 1 << _BITS)
    )


def _log_ratio(
    present: csr_matrix, target: NDArray[np.bool_], weights: NDArray[Any]
) -> NDArray[np.float32]:
    """Give the logarithm of how much more frequent each feature is within a class than outside."""
    inside, outside = (1 + present.T @ (weights * part) for part in (target, ~target))
    return np.asarray(
        np.log(inside / inside.sum()) - np.log(outside / outside.sum()), dtype=np.float32
    )
