"""Token ids in the matrices that scikit-learn passes on, and back to tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_lstm.text.analysis import TokenRuns
from sklearn_lstm.text.counting import UNKNOWN
from sklearn_lstm.text.vocabulary import TokenNumbers


class TokenIds(sp.csr_matrix):  # type: ignore[misc]
    """Token ids, and what is known of the tokens; copies and selected rows know it too.

    Attributes
    ----------
    vocabulary : mapping
        Token to id.
    token_unit : {"word", "char"}
    unknown_vocabulary : ndarray of object
        Each unknown token once, after "", which is the token of an empty text.
    unknown_places : csr_matrix
        The place of an unknown token in `unknown_vocabulary`, at its row and column. So ids that
        are selected, sorted, removed or changed in place are not named after another token.
    """

    vocabulary: Mapping[Any, int]
    token_unit: str
    unknown_vocabulary: NDArray[np.object_]
    unknown_places: sp.csr_matrix

    @property
    def unknown_tokens(self) -> NDArray[np.object_]:
        """The tokens of the entries that hold the unknown id, in order; "" if it is not known."""
        ids = self if self.has_canonical_format else self.copy()  # comparing would sort it
        is_unknown: Any = ids == UNKNOWN
        places = sp.csr_matrix(self.unknown_places[is_unknown.nonzero()]).toarray()[0]
        return np.asarray(self.unknown_vocabulary[places])

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, TokenIds) and hasattr(self, "unknown_places"):
            self._tell(part, self.unknown_places[key])
        return part

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(self.shape[0]))

    def getrow(self, i: int) -> Any:
        """Return a row."""
        return self[int(i)]

    def resize(self, *shape: Any) -> None:
        """Cut or extend rows and columns in place."""
        super().resize(*shape)
        if hasattr(self, "unknown_places"):
            self.unknown_places = self.unknown_places.copy()  # other matrices may share it
            self.unknown_places.resize(*shape)

    def _with_data(self, data: NDArray[Any], copy: bool = True) -> Any:  # noqa: FBT001, FBT002
        """Return the same entries with these data; SciPy copies and casts with it."""
        part = super()._with_data(data, copy)
        if hasattr(self, "unknown_places") and np.array_equal(data, self.data):
            self._tell(part, self.unknown_places)
        return part

    def _tell(self, part: TokenIds, unknown_places: sp.csr_matrix) -> None:
        part.unknown_places = unknown_places
        for name in ("vocabulary", "token_unit", "unknown_vocabulary"):
            if hasattr(self, name):
                setattr(part, name, getattr(self, name))


def to_csr(
    batches: Iterable[TokenRuns], numbers: TokenNumbers, max_length: int, truncation: str
) -> TokenIds:
    """Return a row of ids for each text, from column 0 on, at most `max_length` of them.

    The batches hold the numbers of their tokens.
    """
    parts = [_truncate(*_fill_empty(*batch), max_length, truncation) for batch in batches]
    lengths = np.concatenate([np.zeros(0, np.int64), *(part_lengths for _, part_lengths in parts)])
    ends = np.append(0, np.cumsum(lengths))
    # One block of memory is allocated faster than several.
    ids, columns = np.empty((2, ends[-1]), np.int32)
    stop = 0
    for part_ids, part_lengths in parts:
        start, stop = stop, stop + len(part_ids)
        ids[start:stop] = part_ids
        columns[start:stop] = _positions(part_lengths)
    at, places, unknown_vocabulary = numbers.take_unknown(ids)
    shape = len(lengths), max_length
    X = TokenIds((ids, columns, ends), shape)
    X.has_canonical_format = True
    X.unknown_places = sp.csr_matrix((places, columns[at], np.searchsorted(at, ends)), shape)
    X.unknown_vocabulary = unknown_vocabulary
    return X


def to_dense(X: sp.csr_matrix, padding: str) -> NDArray[np.int32]:
    """Return the ids as an array, with 0 after each text, or before it if `padding` is "pre"."""
    lengths = np.diff(X.indptr)
    dense = np.zeros(X.shape, np.int32)
    shifts = X.shape[1] - lengths if padding == "pre" else np.zeros_like(lengths)
    dense[np.repeat(np.arange(X.shape[0]), lengths), X.indices + np.repeat(shifts, lengths)] = (
        X.data
    )
    return dense


def to_onehot(X: sp.csr_matrix, n_tokens: int) -> NDArray[np.float32]:
    """Return one channel per id, 1 for the id of the step; steps after a text are NaN."""
    onehot = np.full((*X.shape, n_tokens), np.nan, np.float32)  # (n_texts, max_length, n_tokens)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    onehot[rows, X.indices] = 0
    onehot[rows, X.indices, X.data - 1] = 1
    return onehot


def look_up_rows(X: Any, tokens: NDArray[np.object_]) -> list[NDArray[np.object_]]:
    """Return the tokens of each row; `tokens[i]` has the id i."""
    rows = []
    for row, ids in enumerate(_ids_of_rows(X)):
        if len(ids) and not 0 < ids.min() <= ids.max() < len(tokens):
            wrong = ids[(ids < 1) | (ids >= len(tokens))][0]
            raise ValueError(
                f"Row {row} of X holds the id {wrong}, but the ids of this vectorizer are 1 to "
                f"{len(tokens) - 1}; pass what its own transform returned."
            )
        rows.append(tokens[ids])
    return rows


def n_first_kept(max_length: int, truncation: str) -> int:
    """Return how many of the tokens that a long text keeps are its first; the others are last."""
    return {"pre": 0, "post": max_length, "middle": (max_length + 1) // 2}[truncation]


def _ids_of_rows(X: Any) -> Iterator[NDArray[np.integer[Any]]]:
    """Return the ids of each row of any output of `transform`, without padding."""
    if sp.issparse(X):
        X = sp.csr_matrix(X).sorted_indices()
        rows = (X.data[start:stop] for start, stop in pairwise(X.indptr))
    else:
        X = np.asarray(X)
        if X.ndim == 3:
            is_step = ~np.isnan(X).all(axis=2)
            X = np.where(is_step, np.nan_to_num(X).argmax(axis=2) + 1, 0)
        rows = iter(X)
    if X.ndim != 2 or not np.issubdtype(X.dtype, np.integer):
        raise ValueError(
            f"Expected what transform returns, integers of shape (n_texts, max_length) or one-hot "
            f"floats of 3 axes; got {X.dtype} of shape {X.shape}."
        )
    return (row[row != 0] for row in rows)


def _positions(lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return 0, 1, ..., length - 1 of each text, laid end to end."""
    starts = (np.cumsum(lengths) - lengths).astype(np.int32)
    positions = np.arange(lengths.sum(), dtype=np.int32)
    positions -= np.repeat(starts, lengths)
    return positions


def _fill_empty(ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> TokenRuns:
    """Put one unknown token into each text without a token."""
    is_empty = lengths == 0
    if not is_empty.any():
        return ids, lengths
    return np.insert(ids, np.cumsum(lengths)[is_empty], UNKNOWN), np.maximum(lengths, 1)


def _truncate(
    ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64], max_length: int, truncation: str
) -> TokenRuns:
    """Remove tokens at the start, at the end or in the middle of texts that are too long."""
    excess = np.maximum(lengths - max_length, 0)
    if not excess.any():
        return ids, lengths
    n_first = n_first_kept(max_length, truncation)
    positions = _positions(lengths)
    is_kept = (positions < n_first) | (positions >= n_first + np.repeat(excess, lengths))
    return ids[is_kept], lengths - excess
