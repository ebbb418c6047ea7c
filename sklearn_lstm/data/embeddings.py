"""Vectors that others learned, and the token ids and words that they belong to."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sentence_encoders import is_encoder
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.data.spelling import LARGEST_ID, PADDING_ID, Spelling
from sklearn_lstm.data.static_models import StaticModel
from sklearn_lstm.text.counting import FIRST_UNKNOWN

ACCEPTED = (
    "embeddings takes an array of shape (n_ids, embedding_dim), a mapping from tokens to vectors, "
    "a model of gensim or fastText, a fitted WordVectors, a static model ('wordllama', the "
    "pathlib.Path of a folder of model2vec, or an object of these packages), an encoder (an object "
    "with encode, or the pathlib.Path of a folder of sentence-transformers), or a list of these"
)

WORDS_AT_ONCE = 10_000

Found: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float32]]


@dataclass(frozen=True)
class TableVectors:
    """Vectors of token ids and of words, by one table.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        Those that the table knows, in ascending order.
    vectors : ndarray of shape (n_ids, width)
    largest : int
        Ids above it came later: their tokens are looked up, as those of unknown words.
    scale : float
        What the values of the table are multiplied by. Those of WordVectors and static models get
        the mean square 1, as vectors that are drawn; others stay as the user gives them.
    table : VectorTable, KeyTable, StaticModel or None
        None: of an array, which knows no words.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    largest: int
    scale: float
    table: LookupTable | None

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.vectors.T)

    def __call__(self, spellings: NDArray[Any], spelling: Spelling | None) -> Found:
        """Look ids and words up, as `PretrainedVectors` does."""
        start, stop = (np.searchsorted(self.ids, spellings, side) for side in ("left", "right"))
        is_known, vectors = start < stop, np.zeros((len(spellings), self.width), np.float32)
        vectors[is_known] = self.vectors[start[is_known]]
        is_new = ~is_known & ((spellings <= FIRST_UNKNOWN) | (spellings > self.largest))
        if self.table is None or spelling is None or not is_new.any():
            return is_known, vectors
        tokens = spelling.tokens(spellings[is_new].tolist())
        words = [tokens.get(number) for number in spellings[is_new].tolist()]
        has_vector, found = self.table.lookup(words)
        if has_vector.any():  # else the width may be unknown
            _check_vectors(found, self.width, [*compress(words, has_vector)])
            is_known[is_new] = has_vector
            vectors[np.flatnonzero(is_new)[has_vector]] = np.float32(self.scale) * found
        return is_known, vectors

    def describe(self) -> str:
        """Return what the vectors are, in a few words."""
        table = "an array" if self.table is None else self.table.describe()
        return f"{self.width:,} columns of {table}"


@dataclass(frozen=True)
class PretrainedVectors:
    """Vectors of token ids and of words, those of several tables side by side."""

    parts: tuple[TableVectors, ...]

    def __call__(self, spellings: NDArray[Any], spelling: Spelling | None) -> Found:
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
            Whether any table knows them.
        vectors : ndarray of shape (n, embedding_dim)
            0 in the columns of tables that do not.
        """
        known, vectors = zip(*(part(spellings, spelling) for part in self.parts), strict=True)
        return np.any(known, axis=0), np.hstack(vectors)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Those that a table knows, in ascending order."""
        return np.unique(np.concatenate([part.ids for part in self.parts]))

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of columns of each table."""
        return tuple(part.width for part in self.parts)

    def coverage(self, sequences: Sequences) -> float:
        """Return the share of the steps whose token has a vector."""
        n_known = 0
        for rows in chunks_of_rows(sequences.lengths):
            spellings, counts = np.unique(sequences.read_spellings(rows), return_counts=True)
            n_known += counts[self(spellings, sequences.spelling)[0]].sum()
        return float(n_known / sequences.lengths.sum())

    def describe(self) -> str:
        """Return what the vectors are, in a few words."""
        return " and ".join(part.describe() for part in self.parts)


@dataclass(frozen=True)
class VectorTable:
    """The words and vectors of `WordVectors` or of a dict, as they are at fit.

    Parameters
    ----------
    name : str
        What it was taken from.
    vocabulary : mapping
        Word to row.
    vectors : ndarray of shape (n_words, embedding_dim)
        They become read-only, since models share those of `WordVectors`.
    """

    name: str
    vocabulary: Mapping[Any, int]
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        self.vectors.flags.writeable = False

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        rows = np.array([self.vocabulary.get(token, -1) for token in tokens], np.intp)
        return rows >= 0, self.vectors[rows[rows >= 0]]

    def describe(self) -> str:
        """Return what the table is, in a few words."""
        return f"{self.name} ({len(self.vectors):,} words, {self.vectors.nbytes / 1e6:,.1f} MB)"


@dataclass(frozen=True)
class KeyTable:
    """A mapping from tokens to vectors, or something of gensim or fastText that is like one."""

    embeddings: Any

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        found = [self._find(token) for token in tokens]
        is_known = np.array([vector is not None for vector in found], bool)
        vectors = [np.asarray(vector, np.float32) for vector in found if vector is not None]
        known = compress(tokens, is_known)
        shapes = {v.shape: word for word, v in zip(known, vectors, strict=True)}
        if len(shapes) > 1:
            raise ValueError(
                f"embeddings needs vectors of one length, found {sorted(shapes)}, such as those of "
                f"{[shapes[shape] for shape in sorted(shapes)]}."
            )
        return is_known, np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    def kept(self, length: int) -> VectorTable | KeyTable:
        """Return a copy of a dict, and another table itself; what is in memory is checked."""
        table = self.embeddings
        if getattr(type(table), "__getitem__", None) is dict.__getitem__:
            is_known, vectors = self.lookup([*table])
            words = [*compress(table, is_known)]
            _check_vectors(vectors, length, words)
            vocabulary = {word: row for row, word in enumerate(words)}
            return VectorTable(self.describe(), vocabulary, vectors)
        if hasattr(table, "key_to_index"):
            for start in range(0, len(table.vectors), WORDS_AT_ONCE):
                rows = slice(start, start + WORDS_AT_ONCE)
                _check_vectors(table.vectors[rows], length, table.index_to_key[rows])
        return self

    def _find(self, token: Any) -> Any:
        """Return the vector of a token, or None.

        FastText composes vectors of all words, also in gensim. One of which it knows no part is 0.
        """
        table = self.embeddings
        read = getattr(table, "get_word_vector", None)
        has_parts = read is not None or hasattr(table, "vectors_ngrams")
        is_odd = has_parts and not isinstance(token, str)
        if is_odd or (read is None and token not in table):
            return None
        vector = (read or table.__getitem__)(token)
        return None if has_parts and not np.any(vector) else vector

    def describe(self) -> str:
        """Return what the table is, in a few words."""
        return f"a {type(self.embeddings).__name__}"


LookupTable: TypeAlias = VectorTable | KeyTable | StaticModel


def find_encoder(embeddings: Any) -> Any:
    """Return the encoder among embeddings, or its folder, or None; several are an error."""
    encoders = [one for one in _side_by_side(embeddings) if is_encoder(one)]
    if len(encoders) > 1:
        raise ValueError(f"embeddings takes one encoder at most, found {len(encoders)}.")
    return encoders[0] if encoders else None


def read_embeddings(
    embeddings: Any,
    vocabulary: Mapping[Any, int] | None,
    new_ids: NDArray[np.int64] | None = None,
    own: PretrainedVectors | None = None,
) -> PretrainedVectors | None:
    """Return the ids that have a pretrained vector, and their vectors; None without a table.

    Parameters
    ----------
    embeddings : as in `LSTMSequenceClassifier`
        An encoder is no table. Row i of an array is the vector of id i. A mapping has tokens as
        keys, or ids: integers are ids unless X names tokens that are integers.
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
    tables = [one for one in _side_by_side(embeddings) if not is_encoder(one)]
    known: Sequence[TableVectors | None] = () if own is None or new_ids is None else own.parts
    if len(known) != len(tables):
        known = [None] * len(tables)
    pairs = zip(tables, known, strict=True)
    parts = (_read_one(table, part, vocabulary, new_ids) for table, part in pairs)
    return PretrainedVectors(tuple(parts)) if tables else None


def _side_by_side(embeddings: Any) -> list[Any]:
    """Return the tables of a list of them, or the only one."""
    is_list = isinstance(embeddings, list | tuple) and any(map(_is_table, embeddings))
    return list(embeddings) if is_list else [embeddings]


def _is_table(embeddings: Any) -> bool:
    """Return whether this is a table by itself, not a row of numbers."""
    marks = ("lookup", "wv", "key_to_index", "get_word_vector", "tokenizer")
    return (
        isinstance(embeddings, str | os.PathLike | Mapping)
        or any(hasattr(embeddings, mark) for mark in marks)
        or getattr(embeddings, "ndim", 0) == 2
        or is_encoder(embeddings)
    )


def _read_one(
    embeddings: Any,
    own: TableVectors | None,
    vocabulary: Mapping[Any, int] | None,
    new_ids: NDArray[np.int64] | None,
) -> TableVectors:
    """Return what a table says, as `read_embeddings` does."""
    table, words, largest = _table_of(embeddings, own), [], LARGEST_ID
    ids_of_tokens = vocabulary
    if table is None:
        try:
            rows = np.asarray(embeddings)
            ids = np.arange(len(np.atleast_1d(rows)))
            if new_ids is not None:
                ids = new_ids[new_ids < len(ids)]
                rows = rows[ids]
            vectors = np.asarray(rows, np.float32)
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(f"{ACCEPTED}; found {_shown(embeddings)}.") from error
    else:
        vocabulary = _ids_of_tokens(table, vocabulary, new_ids)
        is_known, vectors = table.lookup(list(vocabulary))
        words = [*compress(vocabulary, is_known)]
        ids = np.array([*compress(vocabulary.values(), is_known)], np.int64)
        largest = max(vocabulary.values(), default=0)
        if own is not None and vectors.shape == (0, 0):  # it is not known how long they are
            vectors = own.vectors[:0]
    if new_ids is None and table is not None and not words:
        raise ValueError(
            f"None of the tokens in X has a vector in {_shown(embeddings)}. Do they differ in "
            "language, or in upper and lower case?"
        )
    if vectors.ndim != 2 or (new_ids is None and 0 in vectors.shape):
        raise ValueError(f"{ACCEPTED}; found {_shown(embeddings)} of shape {vectors.shape}.")
    _check_vectors(vectors, vectors.shape[1], words)
    if isinstance(table, KeyTable) and new_ids is None:  # of ids, all vectors are read
        table = table.kept(vectors.shape[1]) if vocabulary is ids_of_tokens else None
    order = np.argsort(ids, kind="stable")
    order = order[ids[order] != PADDING_ID]
    if not len(order) and new_ids is None:
        raise ValueError(
            "embeddings has a vector for id 0 alone, which is padding: row i of an array is the "
            "vector of id i."
        )
    ids, vectors, scale = ids[order], vectors[order], 1.0
    if len(ids) and (hasattr(embeddings, "lookup") or isinstance(table, StaticModel)):
        scale = 1 / float(np.sqrt(np.mean(np.square(vectors)))) if own is None else own.scale
        vectors = vectors * np.float32(scale)
    return TableVectors(ids, vectors, largest, scale, table)


def _table_of(embeddings: Any, own: TableVectors | None) -> LookupTable | None:
    """Return the table of tokens; None for an array. A folder is opened once."""
    known = None if own is None else own.table
    is_named = isinstance(embeddings, str | os.PathLike)
    if is_named and isinstance(known, StaticModel) and known.source == embeddings:
        return known
    embeddings = getattr(embeddings, "wv", embeddings)  # of a model of gensim
    if (model := StaticModel.of(embeddings)) is not None:
        return model
    if hasattr(embeddings, "lookup"):
        if not hasattr(embeddings, "vectors_"):
            raise ValueError("embeddings: WordVectors is not fitted. Call its fit(texts) before.")
        return VectorTable("WordVectors", dict(embeddings.vocabulary_), embeddings.vectors_)
    is_mapping = isinstance(embeddings, Mapping) or hasattr(embeddings, "key_to_index")
    return KeyTable(embeddings) if is_mapping or hasattr(embeddings, "get_word_vector") else None


def _check_vectors(vectors: NDArray[np.float32], length: int, words: Sequence[Any] = ()) -> None:
    """Raise an error for vectors of another length, and for values that are not finite."""
    if len(vectors) and vectors.shape[1:] != (length,):
        raise ValueError(
            f"embeddings needs vectors of length {length}, found {vectors.shape[1:]}, such as that "
            f"of {words[0]!r}."
        )
    is_finite = np.isfinite(vectors).all(axis=1)
    if not is_finite.all():
        word = f" in the vector of {words[int(is_finite.argmin())]!r}" if len(words) else ""
        raise ValueError(f"embeddings holds NaN or infinite values{word}.")


def _shown(embeddings: Any) -> str:
    """Return the value of the parameter, shortened, and its type."""
    return f"{reprlib.repr(embeddings)} ({type(embeddings).__name__})"


def _ids_of_tokens(
    table: LookupTable, vocabulary: Mapping[Any, int] | None, new_ids: NDArray[np.int64] | None
) -> Mapping[Any, int]:
    """Return the ids of tokens to look up; the keys of a mapping may be ids themselves."""
    keys = table.embeddings if isinstance(table, KeyTable) else ()
    keys = getattr(keys, "key_to_index", keys)
    are_ids = isinstance(keys, Mapping) and len(keys) > 0
    are_ids = are_ids and all(isinstance(key, Integral) for key in keys)
    if are_ids and not any(isinstance(token, Integral) for token in vocabulary or ()):
        vocabulary = {key: int(key) for key in keys}
        if min(vocabulary.values()) < 0:
            raise ValueError(
                f"embeddings has a vector for {min(vocabulary)}, but token ids are 0 or more."
            )
    elif new_ids is not None and not len(new_ids):
        vocabulary = {}
    if vocabulary is None:
        raise ValueError(
            "embeddings maps tokens to vectors, but X does not say which token an id stands "
            "for. Pass the CSR output of TextSequenceVectorizer as it is (a Pipeline "
            "does), or embeddings as an array whose row i is the vector of id i."
        )
    if new_ids is None:
        return vocabulary
    chosen = set(new_ids.tolist())
    return {token: id_ for token, id_ in vocabulary.items() if id_ in chosen}
