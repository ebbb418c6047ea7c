"""Vectors that others learned, and the token ids and words that they belong to."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.containers import LARGEST_ID
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.pretrained import token_tables
from sklearn_lstm.pretrained.token_tables import Found, TokenVectors, VectorTable, shown
from sklearn_lstm.text.spelling import Spelling
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN


@dataclass(frozen=True)
class PretrainedVectors:
    """Vectors of token ids and of words.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        Those that have a vector, in ascending order.
    vectors : ndarray of shape (n_ids, width)
    scale : float
        What the values of the table are multiplied by. Those of WordVectors and static models get
        the mean square 1, as vectors that are drawn; others stay as the user gives them.
    largest : int
        Ids above it came later: their tokens are looked up, as those of unknown words.
    table : TokenVectors or None
        None: of an array, which knows no words.
    """

    ids: Annotated[NDArray[np.int64], "n_ids"]
    vectors: Annotated[NDArray[np.float32], "n_ids width"]
    scale: float
    largest: int
    table: TokenVectors | None

    def check(self) -> None:
        """Raise ValueError if a stored table gives vectors of another width."""
        if isinstance(self.table, VectorTable):
            token_tables.looked_up(self.table, [], self.width)

    @property
    def width(self) -> int:
        """The number of columns."""
        return int(self.vectors.shape[1])

    def __call__(self, spellings: NDArray[np.integer], spelling: Spelling | None) -> Found:
        """Look ids and words up.

        Parameters
        ----------
        spellings : ndarray of shape (n,)
            Token ids, and the numbers of unknown words; each once.
        spelling : Spelling or None
            The words that they stand for.

        Returns
        -------
        is_known : ndarray of bool of shape (n,)
            Whether they have a vector.
        vectors : ndarray of shape (n, width)
            0 for those that have none.
        """
        start, stop = (np.searchsorted(self.ids, spellings, side) for side in ("left", "right"))
        is_known, vectors = start < stop, np.zeros((len(spellings), self.width), np.float32)
        vectors[is_known] = self.vectors[start[is_known]]
        is_new = ~is_known & ((spellings <= FIRST_UNKNOWN) | (spellings > self.largest))
        if self.table is None or spelling is None or not is_new.any():
            return is_known, vectors
        tokens = spelling.tokens(spellings[is_new].tolist())
        words = [tokens.get(number) for number in spellings[is_new].tolist()]
        is_known[is_new], found = token_tables.looked_up(self.table, words, self.width)
        vectors[is_new & is_known] = self.scale * found
        return is_known, vectors

    def warn_of_missing_rows(self, sequences: Sequences) -> None:
        """Warn of an array that has no row for some ids of X, or belongs to another vocabulary.

        Warns
        -----
        UserWarning
        """
        vocabulary, n_rows = sequences.vocabulary, 1 + len(self.ids)
        largest = max(vocabulary.values()) if vocabulary else int(sequences.distinct_ids()[-1])
        if self.table is None and (largest >= n_rows or (vocabulary and largest + 1 < n_rows)):
            warn_user(
                f"embeddings has {n_rows} rows, but the ids of X go up to {largest}: row i is the "
                "vector of id i, row 0 that of padding, row 1 that of the unknown words of a "
                "TextSequenceVectorizer. Ids without a row begin with random vectors. A dict of "
                "words fits to each vocabulary: {word: vector}."
            )

    def describe(self) -> str:
        """Return what the vectors are, in a few words."""
        return (
            f"{self.width:,} columns of {self.table or 'an array'}, for {len(self.ids):,} known ids"
        )


def read_embeddings(
    embeddings: object,
    vocabulary: Mapping[Hashable, int] | None,
    new_ids: NDArray[np.int64] | None = None,
    own: PretrainedVectors | None = None,
) -> PretrainedVectors:
    """Return the ids that have a pretrained vector, and their vectors.

    Parameters
    ----------
    embeddings : as in `LSTMSequenceClassifier`
        Row i of an array is the vector of id i.
    vocabulary : mapping from token to id, or None
        Which id the vectorizer gave to which token.
    new_ids : ndarray of shape (n_ids,) or None
        Read these ids alone, of which none needs to have a vector. None: read and copy all.
    own : PretrainedVectors or None
        Those of the model, whose scales the new vectors get.

    Raises
    ------
    ValueError
        If a table of tokens meets an X that does not say which token an id stands for, if no
        token has a vector, or if the vectors are not finite or not of one length.
    """
    if isinstance(embeddings, list | tuple) or hasattr(embeddings, "__array__"):
        return _of_array(embeddings, new_ids)
    chosen = None if new_ids is None else set(new_ids.tolist())
    tokens = (vocabulary or {}).items()
    id_of = {token: id_ for token, id_ in tokens if chosen is None or id_ in chosen}
    table = token_tables.table_of(embeddings, None if chosen is None else id_of)
    if vocabulary is None and chosen != set():
        raise ValueError(
            "embeddings maps tokens to vectors, but X does not say which token an id stands for. "
            "Pass the CSR output of TextSequenceVectorizer, as a Pipeline does, or an array."
        )
    is_known, vectors = token_tables.looked_up(table, list(id_of))
    ids = np.array([*compress(id_of.values(), is_known)], np.int64)
    if chosen is None and not len(ids):
        raise ValueError(
            f"None of the tokens in X has a vector in {shown(embeddings)}. Do they differ in "
            "language, or in upper and lower case?"
        )
    order = np.argsort(ids, kind="stable")
    ids, vectors = ids[order], vectors[order]
    if own is not None and not len(ids):
        vectors = own.vectors[:0]  # of a mapping without a new token the width is unknown
    scale = own.scale if own and own.width == vectors.shape[1] else _scale(table, vectors)
    return PretrainedVectors(ids, vectors * scale, scale, max(id_of.values(), default=0), table)


def _of_array(embeddings: object, new_ids: NDArray[np.int64] | None) -> PretrainedVectors:
    found = shown(embeddings)
    if getattr(getattr(embeddings, "index", None), "dtype", np.dtype(int)).kind not in "iu":
        told = "embeddings is a data frame, whose index names the rows"
        raise ValueError(f"{told}: pass dict(zip(frame.index, frame.to_numpy())).")
    try:
        rows = np.asarray(embeddings)
        ids = np.arange(1, len(rows)) if new_ids is None else new_ids[new_ids < len(rows)]
        vectors = np.asarray(rows[ids], np.float32)  # a copy
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{token_tables.ACCEPTED}; found {found}.") from error
    if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
        raise ValueError(f"{token_tables.ACCEPTED}; found {found} of shape {rows.shape}.")
    token_tables.check_finite(vectors, ())
    return PretrainedVectors(ids.astype(np.int64), vectors, 1.0, LARGEST_ID, None)


def _scale(table: TokenVectors, vectors: NDArray[np.float32]) -> float:
    """Return what the values are multiplied by: 1 if those of the table have their own scale."""
    known = vectors[vectors.any(axis=1)]
    if getattr(table, "has_own_scale", True) or not len(known):
        return 1.0
    return 1 / float(np.sqrt(np.mean(np.square(known))))


def stored_embeddings(embeddings: object, own: PretrainedVectors | None) -> object:
    """Return what stands for the parameter: of a dict a table, that of the model if it is equal."""
    if type(embeddings) is not dict:
        return embeddings
    try:
        now = VectorTable.of(embeddings)
    except (OverflowError, TypeError, ValueError):
        return embeddings  # which `fit` refuses
    known = None if own is None else own.table
    if isinstance(known, VectorTable) and known.vocabulary == now.vocabulary:
        return known if np.array_equal(known.vectors, now.vectors) else now
    return now


def restored_embeddings(stored: object) -> object:
    """Return the parameter: a table that stands for it is a dict again."""
    if not isinstance(stored, VectorTable):
        return stored
    return dict(zip(stored.vocabulary, stored.vectors, strict=True))
