"""Vectors that others learned, and the token ids and words that they belong to."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sentence_encoders import is_encoder
from sklearn_lstm.data.spelling import PADDING_ID, Spelling
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
class PretrainedVectors:
    """Vectors of token ids, those of several tables side by side.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        Those that a table knows, in ascending order.
    vectors : ndarray of shape (n_ids, embedding_dim)
        0 in the columns of a table that does not know the id.
    widths : tuple of int
        Columns of each table.
    scales : tuple of float
        What the values of each table are multiplied by. Those of WordVectors and static models get
        the mean square 1, as vectors that are drawn; others stay as the user gives them.
    tables : tuple
        VectorTable, KeyTable or StaticModel, or None for an array, which knows no words.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    widths: tuple[int, ...]
    scales: tuple[float, ...]
    tables: tuple[LookupTable | None, ...]

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
        vectors : ndarray of shape (n, embedding_dim)
            0 where nothing is known.
        """
        place = np.minimum(np.searchsorted(self.ids, spellings), len(self.ids) - 1)
        is_known = self.ids[place] == spellings
        vectors = np.where(is_known[:, np.newaxis], self.vectors[place], np.float32(0))
        is_word = spellings <= FIRST_UNKNOWN
        if spelling is not None and is_word.any():
            places = FIRST_UNKNOWN - spellings[is_word]
            words = [spelling.unknown_words[place] for place in places.tolist()]
            is_known[is_word], vectors[is_word] = self._look_up(words)
        return is_known, vectors

    def _look_up(self, words: list[Any]) -> Found:
        """Return which words a table knows, and the vectors of all words."""
        known = np.zeros(len(words), bool)
        vectors = np.zeros((len(words), sum(self.widths)), np.float32)
        columns = np.split(vectors, np.cumsum(self.widths)[:-1], axis=1)
        for table, scale, part in zip(self.tables, self.scales, columns, strict=True):
            if table is None:
                continue
            is_known, found = table.lookup(words)
            if is_known.any():  # else the width may be unknown
                _check_vectors(found, part.shape[1], [*compress(words, is_known)])
                part[is_known] = np.float32(scale) * found
                known |= is_known
        return known, vectors

    def describe(self) -> str:
        """Return what the vectors are, in a few words."""
        names = ["an array" if table is None else table.describe() for table in self.tables]
        return " and ".join(
            f"{width:,} columns of {name}" for width, name in zip(self.widths, names, strict=True)
        )


@dataclass(frozen=True)
class VectorTable:
    """The words and vectors of `WordVectors`, which may be fitted again.

    Parameters
    ----------
    vocabulary : mapping
        Word to row.
    vectors : ndarray of shape (n_words, embedding_dim)
    """

    vocabulary: Mapping[Any, int]
    vectors: NDArray[np.float32]

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        rows = np.array([self.vocabulary.get(token, -1) for token in tokens], np.intp)
        return rows >= 0, self.vectors[rows[rows >= 0]]

    def describe(self) -> str:
        """Return what the table is, in a few words."""
        n_megabytes = self.vectors.nbytes / 1e6
        return f"WordVectors ({len(self.vectors):,} words, {n_megabytes:,.1f} MB)"


@dataclass(frozen=True)
class KeyTable:
    """A mapping from tokens to vectors, or something of gensim or fastText that is like one."""

    embeddings: Any

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        found = [self._find(token) for token in tokens]
        is_known = np.array([vector is not None for vector in found], bool)
        vectors = [np.asarray(vector, np.float32) for vector in found if vector is not None]
        if len({vector.shape for vector in vectors}) > 1:
            known = compress(tokens, is_known)
            shapes = {v.shape: word for word, v in zip(known, vectors, strict=True)}
            raise ValueError(
                f"embeddings needs vectors of one length, found {sorted(shapes)}, such as those of "
                f"{[shapes[shape] for shape in sorted(shapes)]}."
            )
        return is_known, np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    def in_memory(self) -> Iterator[tuple[Sequence[Any], NDArray[np.float32]]]:
        """Yield words with their vectors, but not if each is loaded only when it is asked for."""
        table = self.embeddings
        if hasattr(table, "key_to_index"):
            for start in range(0, len(table.vectors), WORDS_AT_ONCE):
                rows = slice(start, start + WORDS_AT_ONCE)
                yield table.index_to_key[rows], table.vectors[rows]
        elif getattr(type(table), "__getitem__", None) is dict.__getitem__:
            keys = iter(table)
            while words := [*islice(keys, WORDS_AT_ONCE)]:
                is_known, vectors = self.lookup(words)
                yield [*compress(words, is_known)], vectors

    def _find(self, token: Any) -> Any:
        """Return the vector of a token, or None.

        FastText composes vectors of all words, also in gensim. One of which it knows no part is 0.
        """
        table = self.embeddings
        read = getattr(table, "get_word_vector", None)
        has_parts = read is not None or hasattr(table, "vectors_ngrams")
        if has_parts and not isinstance(token, str):
            return None
        if read is None and token not in table:
            return None
        vector = (read or table.__getitem__)(token)
        return None if has_parts and not np.any(vector) else vector

    def describe(self) -> str:
        """Return what the table is, in a few words."""
        return f"a {type(self.embeddings).__name__}"


LookupTable: TypeAlias = VectorTable | KeyTable | StaticModel


def find_encoder(embeddings: Any) -> Any:
    """Return the encoder among embeddings, or its folder; None if there is none.

    Raises
    ------
    ValueError
        If there are several.
    """
    encoders = [one for one in _side_by_side(embeddings) if is_encoder(one)]
    if len(encoders) > 1:
        raise ValueError(f"embeddings takes one encoder at most, found {len(encoders)}.")
    return encoders[0] if encoders else None


def replaced(embeddings: Any, part: Any, new: Any) -> Any:
    """Return embeddings with another object in place of one, alone or in a list."""
    if isinstance(embeddings, list | tuple):
        return [new if one is part else one for one in embeddings]
    return new if embeddings is part else embeddings


def read_embeddings(
    embeddings: Any, vocabulary: Mapping[Any, int] | None
) -> PretrainedVectors | None:
    """Return the ids that have a pretrained vector, and their vectors; None without a table.

    Parameters
    ----------
    embeddings : as in `LSTMSequenceClassifier`
        An encoder is no table. Row i of an array is the vector of id i. A mapping has tokens as
        keys, or ids: integers are ids unless X names tokens that are integers.
    vocabulary : mapping from token to id, or None
        Which id the vectorizer gave to which token.

    Returns
    -------
    PretrainedVectors

    Raises
    ------
    ValueError
        If a table of tokens meets an X that does not say which token an id stands for, if no
        token has a vector, or if the vectors are not finite or not of one length.
    """
    parts = [_read_one(one, vocabulary) for one in _side_by_side(embeddings) if not is_encoder(one)]
    if not parts:
        return None
    ids_of_parts, vectors_of_parts, scales, tables = zip(*parts, strict=True)
    ids = np.unique(np.concatenate(ids_of_parts))
    widths = tuple(part.shape[1] for part in vectors_of_parts)
    vectors = np.zeros((len(ids), sum(widths)), np.float32)
    columns = np.split(vectors, np.cumsum(widths)[:-1], axis=1)
    for part, part_ids, part_vectors in zip(columns, ids_of_parts, vectors_of_parts, strict=True):
        part[np.searchsorted(ids, part_ids)] = part_vectors
    return PretrainedVectors(ids, vectors, widths, scales, tables)


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
    embeddings: Any, vocabulary: Mapping[Any, int] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], float, LookupTable | None]:
    """Return the ids that a table knows, in ascending order, their vectors, its scale, and it."""
    table = _table_of(embeddings)
    if table is None:
        try:
            vectors = np.asarray(embeddings, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{ACCEPTED}; found {_shown(embeddings)}.") from error
        ids, words = np.arange(len(np.atleast_1d(vectors))), []
    else:
        vocabulary = _ids_of_tokens(table, vocabulary)
        is_known, vectors = table.lookup(list(vocabulary))
        words = [*compress(vocabulary, is_known)]
        ids = np.array([*compress(vocabulary.values(), is_known)], np.int64)
        if not words:
            raise ValueError(
                f"None of the tokens in X has a vector in {_shown(embeddings)}. Do they differ in "
                "language, or in upper and lower case?"
            )
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise ValueError(f"{ACCEPTED}; found {_shown(embeddings)} of shape {vectors.shape}.")
    _check_vectors(vectors, vectors.shape[1], words)
    if isinstance(table, KeyTable):
        for unread_words, unread_vectors in table.in_memory():
            _check_vectors(unread_vectors, vectors.shape[1], unread_words)
    order = np.argsort(ids, kind="stable")
    order = order[ids[order] != PADDING_ID]
    if not len(order):
        raise ValueError(
            "embeddings has a vector for id 0 alone, which is padding: row i of an array is the "
            "vector of id i."
        )
    ids, vectors, scale = ids[order], vectors[order], 1.0
    if isinstance(table, VectorTable | StaticModel):
        scale = 1 / float(np.sqrt(np.mean(np.square(vectors))))
        vectors = vectors * np.float32(scale)
    return ids, vectors, scale, table


def _table_of(embeddings: Any) -> LookupTable | None:
    """Return the table of tokens; None for an array."""
    embeddings = getattr(embeddings, "wv", embeddings)  # of a model of gensim
    if (model := StaticModel.of(embeddings)) is not None:
        return model
    if hasattr(embeddings, "lookup"):
        if not hasattr(embeddings, "vectors_"):
            raise ValueError("embeddings: WordVectors is not fitted. Call its fit(texts) before.")
        return VectorTable(embeddings.vocabulary_, embeddings.vectors_)
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


def _ids_of_tokens(table: LookupTable, vocabulary: Mapping[Any, int] | None) -> Mapping[Any, int]:
    """Return the ids of tokens to look up; the keys of a mapping may be ids themselves."""
    keys = table.embeddings if isinstance(table, KeyTable) else ()
    keys = getattr(keys, "key_to_index", keys)
    are_ids = isinstance(keys, Mapping) and len(keys) > 0 and all(map(_is_integer, keys))
    if are_ids and not any(map(_is_integer, vocabulary or ())):
        vocabulary = {key: int(key) for key in keys}
        if min(vocabulary.values()) < 0:
            raise ValueError(
                f"embeddings has a vector for {min(vocabulary)}, but token ids are 0 or more."
            )
    if vocabulary is None:
        raise ValueError(
            "embeddings maps tokens to vectors, but X does not say which token an id stands "
            "for. Pass the CSR output of TextSequenceVectorizer as it is (a Pipeline "
            "does), or embeddings as an array whose row i is the vector of id i."
        )
    return vocabulary


def _is_integer(key: Any) -> bool:
    return isinstance(key, int | np.integer)
