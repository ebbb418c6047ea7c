"""Vectors that others learned, and the token ids and words that they belong to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import PADDING_ID, Sequences
from sklearn_lstm.data.spelling import FIRST_UNKNOWN, Spelling
from sklearn_lstm.data.static_models import StaticModel, is_static_model

Found: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float32]]


class WordTable(Protocol):
    """A table of vectors that tokens are looked up in."""

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""


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
        A `WordTable`, or None for an array, which knows no words.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    widths: tuple[int, ...]
    scales: tuple[float, ...]
    tables: tuple[WordTable | None, ...]

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
        is_word = spellings >= FIRST_UNKNOWN
        if spelling is not None and is_word.any():
            numbers = spellings[is_word] - FIRST_UNKNOWN
            words = [spelling.unknown_words[number] for number in numbers.tolist()]
            is_known[is_word], vectors[is_word] = self._look_up(words)
        return is_known, vectors

    def _look_up(self, words: list[Any]) -> Found:
        """Return which words a table knows, and the vectors of all words."""
        known = np.zeros(len(words), bool)
        vectors = np.zeros((len(words), sum(self.widths)), np.float32)
        stops = np.cumsum(self.widths)
        starts = stops - self.widths
        for table, scale, start, stop in zip(self.tables, self.scales, starts, stops, strict=True):
            if table is not None:
                is_known, found = table.lookup(words)
                if is_known.any():
                    vectors[is_known, start:stop] = scale * found
                known |= is_known
        return known, vectors

    def coverage(self, sequences: Sequences) -> float:
        """Return the share of the steps of sequences whose token has a vector."""
        n_known = sum(np.isin(ids, self.ids).sum() for ids, _ in sequences.chunks())
        return float(n_known / sequences.lengths.sum())


@dataclass(frozen=True)
class KeyTable:
    """A mapping from tokens to vectors, or something of gensim or fastText that is like one."""

    embeddings: Any

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        is_known = np.array([token in self.embeddings for token in tokens], bool)
        vectors = [
            np.asarray(self.embeddings[token], dtype=np.float32)
            for token, known in zip(tokens, is_known.tolist(), strict=True)
            if known
        ]
        shapes = {vector.shape for vector in vectors}
        if len(shapes) > 1:
            raise ValueError(f"embeddings needs vectors of one length, found {sorted(shapes)}.")
        return is_known, np.stack(vectors) if vectors else np.empty((0, 0), np.float32)


def read_embeddings(embeddings: Any, vocabulary: Mapping[Any, int] | None) -> PretrainedVectors:
    """Return the ids that have a pretrained vector, and their vectors.

    Parameters
    ----------
    embeddings : as in `LSTMSequenceClassifier`
        Row i of an array is the vector of id i. A mapping has tokens as keys, or ids: integers
        are ids unless X names tokens that are integers.
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
    parts = [_read_one(one, vocabulary) for one in _side_by_side(embeddings)]
    ids = np.unique(np.concatenate([part.ids for part in parts]))
    widths = tuple(part.vectors.shape[1] for part in parts)
    vectors = np.zeros((len(ids), sum(widths)), np.float32)
    stops = np.cumsum(widths)
    for part, start, stop in zip(parts, stops - widths, stops, strict=True):
        vectors[np.searchsorted(ids, part.ids), start:stop] = part.vectors
    scales, tables = zip(*((part.scales[0], part.tables[0]) for part in parts), strict=True)
    return PretrainedVectors(ids, vectors, widths, scales, tables)


def _side_by_side(embeddings: Any) -> list[Any]:
    """Return the tables of a list of them, or the only one."""
    is_list = isinstance(embeddings, list | tuple) and any(map(_is_table, embeddings))
    return list(embeddings) if is_list else [embeddings]


def _is_table(embeddings: Any) -> bool:
    """Return whether this is a table by itself, not a row of numbers."""
    return (
        isinstance(embeddings, str | os.PathLike | Mapping)
        or any(hasattr(embeddings, name) for name in ("lookup", "key_to_index", "wv", "tokenizer"))
        or hasattr(embeddings, "get_word_vector")
        or np.ndim(embeddings) == 2
    )


def _read_one(embeddings: Any, vocabulary: Mapping[Any, int] | None) -> PretrainedVectors:
    table: WordTable | None = _table_of(embeddings)
    if table is None:
        matrix = np.asarray(embeddings, dtype=np.float32)
        ids = np.arange(len(matrix)) if matrix.ndim == 2 else np.arange(0)
    else:
        vocabulary = _ids_of_tokens(table, vocabulary)
        ids = np.array(list(vocabulary.values()), np.int64)
        is_known, matrix = table.lookup(list(vocabulary))
        if not is_known.any():
            raise ValueError("None of the tokens in X has a vector in embeddings.")
        ids = ids[is_known]
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"embeddings needs shape (n_ids, embedding_dim), found {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("embeddings holds NaN or infinite values.")
    order = np.argsort(ids, kind="stable")
    order = order[ids[order] != PADDING_ID]
    ids, matrix, scale = ids[order], matrix[order], 1.0
    if not (table is None or isinstance(table, KeyTable)):
        scale = 1 / float(np.sqrt(np.mean(np.square(matrix))))
        matrix = matrix * np.float32(scale)
    return PretrainedVectors(ids, matrix, matrix.shape[1:], (scale,), (table,))


def _table_of(embeddings: Any) -> WordTable | None:
    """Return the table of tokens; None for an array."""
    embeddings = getattr(embeddings, "wv", embeddings)  # of a model of gensim
    if isinstance(embeddings, str | os.PathLike):
        return StaticModel.installed(embeddings)
    if is_static_model(embeddings):
        return StaticModel.of(embeddings)
    if hasattr(embeddings, "lookup"):
        table: WordTable = embeddings
        return table
    is_mapping = isinstance(embeddings, Mapping) or hasattr(embeddings, "key_to_index")
    return KeyTable(embeddings) if is_mapping or hasattr(embeddings, "get_word_vector") else None


def _ids_of_tokens(
    table: WordTable, vocabulary: Mapping[Any, int] | None
) -> Mapping[Any, int]:
    """Return the ids of tokens to look up; the keys of a mapping may be ids themselves."""
    keys = table.embeddings if isinstance(table, KeyTable) else ()
    keys = getattr(keys, "key_to_index", keys)
    if isinstance(keys, Mapping) and keys and all(map(_is_integer, keys)):
        if not any(map(_is_integer, vocabulary or ())):
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
