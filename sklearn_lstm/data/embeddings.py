"""Pretrained vectors, and the token ids that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import PADDING_ID


@dataclass(frozen=True)
class PretrainedVectors:
    """Vectors (n, embedding_dim) for some token ids (n,)."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


def read_embeddings(embeddings: Any, vocabulary: Mapping[Any, int] | None) -> PretrainedVectors:
    """Return the ids that have a pretrained vector, and their vectors.

    Parameters
    ----------
    embeddings : array of shape (n_ids, embedding_dim), mapping or gensim KeyedVectors
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
        If a mapping from tokens meets an X that does not say which token an id stands for, if no
        token has a vector, or if the vectors are not finite or not of one length.
    """
    if hasattr(embeddings, "key_to_index") or isinstance(embeddings, Mapping):
        keys = getattr(embeddings, "key_to_index", embeddings)
        if all(map(_is_integer, keys)) and not any(map(_is_integer, vocabulary or ())):
            vocabulary = {key: int(key) for key in keys}
            if min(vocabulary.values(), default=0) < 0:
                raise ValueError(
                    f"embeddings has a vector for {min(vocabulary)}, but token ids are 0 or more."
                )
        elif vocabulary is None:
            raise ValueError(
                "embeddings maps tokens to vectors, but X does not say which token an id stands "
                "for. Pass the CSR output of TextSequenceVectorizer as it is (a Pipeline "
                "does), or embeddings as an array whose row i is the vector of id i."
            )
        ids = {token: id_ for token, id_ in vocabulary.items() if token in keys}
        if not ids:
            raise ValueError("None of the tokens in X has a vector in embeddings.")
        vectors = [np.asarray(embeddings[token], dtype=np.float32) for token in ids]
        shapes = {vector.shape for vector in vectors}
        if len(shapes) > 1:
            raise ValueError(f"embeddings needs vectors of one length, found {sorted(shapes)}.")
        rows, matrix = np.array(list(ids.values()), np.int64), np.stack(vectors)
    else:
        matrix = np.asarray(embeddings, dtype=np.float32)
        rows = np.arange(len(matrix))
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"embeddings needs shape (n_ids, embedding_dim), found {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("embeddings holds NaN or infinite values.")
    is_token = rows != PADDING_ID
    return PretrainedVectors(rows[is_token], matrix[is_token])


def _is_integer(key: Any) -> bool:
    return isinstance(key, int | np.integer)
