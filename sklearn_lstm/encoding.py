"""Steps as they come -> what the network reads: ids to codes, channels and changes to one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.sequences import Rows, Sequences
from sklearn_lstm.vocabulary import PADDING, UNKNOWN

SPARSEST = 16  # times as many ids as have a code are looked up in a table
LARGEST_INPUT = 1e6  # every gate is saturated long before, and larger sums could overflow


@dataclass(frozen=True)
class TokenCodes:
    """Codes 0..n_codes - 1 for the ids that were seen: no row of a table for those that were not.

    Parameters
    ----------
    ids : ndarray of shape (n_codes,)
        The id of each code; padding and unknown first, then in the order of their coming.
    counts : ndarray of shape (n_codes,)
        How often each was seen.
    """

    ids: NDArray[np.int64] = field(default_factory=lambda: np.array([PADDING, UNKNOWN]))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))

    def extended(self, sequences: Sequences, more: NDArray[np.int64]) -> TokenCodes:
        """Give codes to the ids in sequences and `more` that have none; the others keep theirs."""
        found = [np.unique(ids, return_counts=True) for ids, _ in sequences.chunks()]
        new = np.setdiff1d(np.concatenate([*(ids for ids, _ in found), more]), self.ids)
        counts = np.pad(self.counts, (0, len(new)))
        extended = TokenCodes(np.concatenate([self.ids, new.astype(np.int64)]), counts)
        for ids, times in found:
            counts[extended(ids)] += times
        return extended

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids)

    @cached_property
    def _table(self) -> NDArray[np.int64] | None:
        """The code of each id up to the largest and one more, if they are not far apart."""
        if self.ids.max() > SPARSEST * len(self):
            return None
        table = np.full(self.ids.max() + 2, UNKNOWN)
        table[self.ids] = np.arange(len(self))
        return table

    def __call__(self, steps: NDArray[Any], _lengths: Rows | None = None) -> NDArray[np.int64]:
        """Ids (n_steps,) -> codes (n_steps,); ids without a code are unknown."""
        if self._table is not None:
            return self._table.take(steps, mode="clip")
        at = np.searchsorted(self.ids, steps, sorter=self._order)
        codes = self._order[np.minimum(at, len(self) - 1)]
        return np.where(self.ids[codes] == steps, codes, UNKNOWN)


@dataclass(frozen=True)
class ChannelScaling:
    """Measurements, and how much each changes from step to step, on one scale.

    Smooth series differ in their changes more than in their values, which a network of gates that
    saturate would have to subtract by itself.

    Parameters
    ----------
    n_channels : int
    mean, scale : ndarray of shape (n_inputs,)
        Taken off, and divided by; n_inputs is `n_channels` if the values stay as they are, and
        twice that if they are normalised and followed by their changes.
    """

    n_channels: int
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, sequences: Sequences, *, normalize: bool) -> ChannelScaling:
        """Measure mean and deviation over all steps (Chan et al. 1983), unless not `normalize`."""
        n_channels = sequences.n_channels or 1
        if not normalize:
            return cls(n_channels, np.zeros(n_channels), np.ones(n_channels))
        n_steps, mean, squares = 0, np.zeros(2 * n_channels), np.zeros(2 * n_channels)
        for chunk, lengths in sequences.chunks():
            steps = _with_changes(chunk, lengths)
            gap, total = steps.mean(axis=0) - mean, n_steps + len(steps)
            within = steps.var(axis=0) * len(steps)
            squares = squares + within + gap**2 * n_steps * len(steps) / total
            mean = mean + gap * len(steps) / total
            n_steps = total
        deviation = np.sqrt(squares / n_steps)
        noise = 10 * np.finfo(np.float64).eps * np.abs(mean)  # a constant channel is not stretched
        return cls(n_channels, mean, np.where(deviation > noise, deviation, 1.0))

    def __len__(self) -> int:
        return len(self.mean)

    def __call__(self, steps: NDArray[Any], lengths: Rows) -> NDArray[np.float32]:
        """Measurements (n_steps, n_channels) of sequences -> inputs (n_steps, n_inputs)."""
        inputs = _with_changes(steps, lengths) if len(self) > self.n_channels else steps
        scaled = np.clip((inputs - self.mean) / self.scale, -LARGEST_INPUT, LARGEST_INPUT)
        return np.asarray(scaled, dtype=np.float32)


def _with_changes(steps: NDArray[Any], lengths: Rows) -> NDArray[np.float64]:
    """Put beside each step its difference from the step before; 0 for the first of a sequence."""
    steps = steps.astype(np.float64)
    changes = np.diff(steps, axis=0, prepend=steps[:1])
    changes[np.cumsum(lengths) - lengths] = 0
    return np.hstack([steps, changes])


Encoding: TypeAlias = TokenCodes | ChannelScaling


def align_embeddings(
    embeddings: Any, vocabulary: Mapping[str, int] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Give the ids that have a pretrained vector, and their vectors.

    Parameters
    ----------
    embeddings : array of shape (n_ids, embedding_dim), mapping or gensim KeyedVectors
        Row i of an array is the vector of id i. A mapping leads from tokens (or ids) to vectors.
    vocabulary : mapping from token to id, or None
        What the vectorizer says about the ids of X.

    Raises
    ------
    ValueError
        If a mapping from tokens meets an X that does not say which token an id stands for, if no
        token has a vector, or if the vectors are not finite or not of one length.
    """
    if hasattr(embeddings, "key_to_index") or isinstance(embeddings, Mapping):
        keys = getattr(embeddings, "key_to_index", embeddings)
        if all(isinstance(key, int | np.integer) for key in keys):
            vocabulary = {key: int(key) for key in keys}
            if min(vocabulary.values(), default=0) < 0:
                raise ValueError(
                    f"embeddings has a vector for {min(vocabulary)}, but token ids are 0 or more."
                )
        elif vocabulary is None:
            raise ValueError(
                "embeddings leads from tokens to vectors, but X does not say which token an id "
                "stands for. Pass the CSR output of TextSequenceVectorizer as it is (a Pipeline "
                "does), or embeddings as an array whose row i is the vector of id i."
            )
        ids = {token: id_ for token, id_ in vocabulary.items() if token in keys}
        if not ids:
            raise ValueError("None of the tokens in X has a vector in embeddings.")
        vectors = [np.asarray(embeddings[token], dtype=np.float32) for token in ids]
        shapes = {vector.shape for vector in vectors}
        if len(shapes) > 1:
            raise ValueError(f"embeddings needs vectors of one length, found {sorted(shapes)}.")
        rows, matrix = np.array(list(ids.values())), np.stack(vectors)
    else:
        matrix = np.asarray(embeddings, dtype=np.float32)
        rows = np.arange(len(matrix))
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"embeddings needs shape (n_ids, embedding_dim), found {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("embeddings holds NaN or infinite values.")
    return rows, matrix
