"""Token ids in the matrices that scikit-learn passes on, and back to tokens."""

from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_lstm.text.analysis import TokenBatch
from sklearn_lstm.text.spelling import Spelling
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN, UNKNOWN, CallIds, are_characters


class TokenIds(sp.csr_matrix):  # type: ignore[misc]
    """Token ids that know their tokens and texts, as do copies and selected rows.

    The entries of each row are in order.

    Attributes
    ----------
    spelling : Spelling
        The tokens that ids stand for. Products and sums have none.
    analyzer : {"word", "char"} or None
        That of the vectorizer. None: a function of the user finds the tokens.
    input_type : {"words", "characters", "auto"}
        "auto": the tokens of that function are no characters, so how often they recur has to tell.
    texts : ndarray of shape (n_texts,)
        The texts as they were written; None in place of one that was not read as a str.
    numbers : Numbers or None
        The columns beside the texts, if they came in a data frame.
    """

    spelling: Spelling
    texts: NDArray[np.object_]
    numbers: Any = None
    analyzer: Any = "word"
    _spellings: NDArray[np.int32]  # beside `data`: its ids, but -2 - k for the k-th unknown word

    @property
    def vocabulary(self) -> Mapping[Hashable, int]:
        """The id of each token."""
        return self.spelling.vocabulary

    @cached_property
    def input_type(self) -> str:
        """What most tokens of the vocabulary are. Found when it is read: predictions do not."""
        if self.analyzer == "char" or are_characters(self.vocabulary):
            return "characters"
        return "words" if self.analyzer else "auto"

    @property
    def spellings(self) -> NDArray[np.int32]:
        """The id of each entry, but -2 - k for the k-th unknown word.

        An unknown id that was written in place stands for no word.
        """
        if np.array_equal(np.maximum(self._spellings, UNKNOWN), self.data):
            return self._spellings
        is_unknown = (self.data == UNKNOWN) & (self._spellings <= FIRST_UNKNOWN)
        return np.where(is_unknown, self._spellings, self.data).astype(np.int32)

    @property
    def unknown_tokens(self) -> NDArray[np.object_]:
        """The tokens of the entries that hold the unknown id, in order; "" if it is not known.

        An empty text has the unknown id, and no token.
        """
        numbers = self.spellings[self.data == UNKNOWN].tolist()
        unknown = self.spelling.unknown_words
        words = (unknown[FIRST_UNKNOWN - number] if number < 0 else "" for number in numbers)
        return np.fromiter(words, np.object_, len(numbers))  # a token may be a tuple

    def __getitem__(self, key: object) -> Any:
        match key:
            case (slice(), list() | np.ndarray() as columns) if hasattr(self, "spelling"):
                kept = np.arange(self.shape[1])[columns]
                if not np.array_equal(kept, np.arange(len(kept))):  # as bagging selects all
                    raise TypeError(
                        "The columns of X are positions, not features: leave out what selects "
                        "them, such as SelectKBest or BaggingClassifier(max_features=0.5). "
                        "max_features of the vectorizer selects tokens."
                    )
        return self._told(super().__getitem__(key), key)

    def __setitem__(self, key: object, value: object) -> None:
        if hasattr(self, "spelling"):
            raise TypeError(
                "Token ids can't be assigned: the texts of the rows would not follow. Select rows, "
                "such as X[[1, 1, 2]], or change a csr_matrix(X), which knows of none."
            )
        super().__setitem__(key, value)

    def __sub__(self, other: object) -> Any:
        if hasattr(self, "spelling"):  # as SMOTE and ADASYN do, before they look for our class
            raise TypeError(
                "Differences of token ids mean nothing, so no texts can be made between others, as "
                "SMOTE does: use RandomOverSampler, or class_weight='balanced'. X != Y compares."
            )
        return super().__sub__(other)

    def copy(self) -> Any:
        """Return a copy."""
        return self._told(super().copy())

    def astype(self, dtype: object, casting: object = "unsafe", copy: bool = True) -> Any:  # noqa: FBT001, FBT002
        """Return the numbers in another type; if one changes, they are no ids."""
        cast = super().astype(dtype, casting, copy)
        return self._told(cast) if np.array_equal(cast.data, self.data) else cast

    def eliminate_zeros(self) -> None:
        """Remove, in place, the entries that are 0."""
        if hasattr(self, "spelling"):
            self._spellings = self._spellings[self.data != 0]
        super().eliminate_zeros()

    def _told(self, part: object, key: object = slice(None)) -> Any:
        """Return a part or a copy, told what is known of its tokens."""
        if isinstance(part, TokenIds) and hasattr(self, "spelling"):
            known = "spelling", "analyzer", "input_type"
            part.__dict__ |= {name: value for name, value in vars(self).items() if name in known}
            entries = self._spellings, self.indices, self.indptr
            spelled = sp.csr_matrix(entries, self.shape)[key]
            if not part.has_sorted_indices:  # what sorts it later would not sort the spellings
                part.sort_indices()
                spelled.sort_indices()
            part._spellings = spelled.data  # noqa: SLF001 - of this class
            rows: Any = key[0] if isinstance(key, tuple) else key
            texts = np.asarray(self.texts[rows], np.object_).ravel()
            are_rows = len(texts) == part.shape[0]  # not put together from several rows each
            part.texts = texts if are_rows else np.full(part.shape[0], None)
            if self.numbers is not None and are_rows:
                part.numbers = self.numbers[rows]
        return part


def to_csr(batches: Iterable[TokenBatch], ids: CallIds, width: int) -> TokenIds:
    """Return a row of ids for each text, from column 0 on.

    Parameters
    ----------
    batches : iterable of TokenBatch
        The ids of the tokens, and the numbers of unknown ones, at least one of each text.
    ids : CallIds
        It gave them.
    width : int
        The number of columns; more if a text is longer.
    """
    spellings, lengths = joined(batches)
    ends = np.zeros(len(lengths) + 1, np.int32)
    lengths.cumsum(out=ends[1:])
    shape = len(lengths), max(width, int(lengths.max(initial=0)))
    X = TokenIds((np.maximum(spellings, UNKNOWN), _positions(lengths), ends), shape)
    X.has_canonical_format = True
    X.spelling, X._spellings = Spelling(ids.vocabulary, [*ids.unknown]), spellings  # noqa: SLF001
    X.texts = np.empty(len(lengths), np.object_)
    return X


def joined(batches: Iterable[TokenBatch]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return all batches as one."""
    nothing = np.zeros(0, np.int32), np.zeros(0, np.int64)
    ids, lengths = map(np.concatenate, zip(nothing, *batches, strict=True))
    return ids.astype(np.int32, copy=False), lengths


def cut(batch: TokenBatch, max_length: float, truncation: str) -> TokenBatch:
    """Return at most `max_length` ids of each text."""
    ids, lengths = batch
    if lengths.max(initial=0) <= max_length:
        return batch
    n_first = {"pre": 0, "post": max_length, "middle": (max_length + 1) // 2}[truncation]
    excess = np.maximum(lengths - max_length, 0)
    positions = _positions(lengths)
    is_first = positions < n_first  # of those that are kept; the others are last
    ids = ids[is_first | (positions >= n_first + np.repeat(excess, lengths))]
    return ids, np.minimum(lengths, max_length)


def fill_empty(ids: NDArray[np.integer], lengths: NDArray[Any], filling: int) -> TokenBatch:
    """Put one id, which the type of the others can hold, into each sequence without an id."""
    if lengths.all():
        return ids, lengths
    return np.insert(ids, np.cumsum(lengths)[lengths == 0], filling), np.maximum(lengths, 1)


def to_dense(X: sp.csr_matrix, padding: str) -> NDArray[np.int32]:
    """Return the ids as an array, with 0 after each text, or before it if `padding` is "pre"."""
    is_step = np.arange(X.shape[1]) < np.diff(X.indptr)[:, np.newaxis]
    dense = np.zeros(X.shape, np.int32)
    dense[is_step[:, ::-1] if padding == "pre" else is_step] = X.data
    return dense


def names_of_steps(n_steps: int) -> list[str]:
    """Return the names of the columns of such an array, where it becomes a data frame."""
    return [f"position{step}" for step in range(n_steps)]


def to_onehot(X: sp.csr_matrix, n_channels: int) -> NDArray[np.float32]:
    """Return one channel per id, 1 for the id of the step; steps after a text are NaN."""
    onehot = np.full((*X.shape, n_channels), np.nan, np.float32)  # (n_texts, max_length, n_ids)
    steps = X.nonzero()
    onehot[steps] = 0
    onehot[*steps, X.data - 1] = 1
    return onehot


def look_up_rows(X: Any, tokens: NDArray[np.object_]) -> list[NDArray[np.object_]]:
    """Return the tokens of each row of any output of `transform`; `tokens[i]` has the id i."""
    if not sp.issparse(X):
        X = np.asarray(X)
        if X.ndim == 3:
            is_step = ~np.isnan(X).all(axis=2)
            X = np.where(is_step, np.nan_to_num(X).argmax(axis=2) + 1, 0)
    if X.ndim != 2 or not np.issubdtype(X.dtype, np.integer):
        raise ValueError(f"Expected what transform returns, found {X.dtype} of shape {X.shape}.")
    ids = sp.csr_matrix(X).sorted_indices()
    ids.eliminate_zeros()  # padding
    wrong = np.flatnonzero((ids.data < 0) | (ids.data >= len(tokens)))
    if len(wrong):
        row = np.searchsorted(ids.indptr, wrong[0], side="right") - 1
        raise ValueError(
            f"Row {row} of X holds the id {ids.data[wrong[0]]}, but those of this vectorizer are 1 "
            f"to {len(tokens) - 1}. Pass what its own transform returned."
        )
    found = tokens[ids.data]
    return [found[start:stop] for start, stop in pairwise(ids.indptr)]


def _positions(lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return 0, 1, ..., length - 1 of each text, laid end to end."""
    starts = (np.cumsum(lengths) - lengths).astype(np.int32)
    positions = np.arange(lengths.sum(), dtype=np.int32)
    positions -= np.repeat(starts, lengths)
    return positions
