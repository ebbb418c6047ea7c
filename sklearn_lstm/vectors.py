"""Vectors of tokens that others learned, for `LSTMSequenceClassifier(embeddings=...)`."""

from sklearn_lstm.pretrained.named_models import shown
from sklearn_lstm.pretrained.token_tables import (
    GensimVectors,
    SideBySide,
    StaticModel,
    is_array,
    parts_of,
    table_of,
)

__all__ = ["from_gensim", "side_by_side", "static_model"]


def static_model(model: object) -> StaticModel:
    """Return the vectors of a static model: a word gets the mean of the vectors of its pieces.

    Parameters
    ----------
    model : str, path or object
        "wordllama", the package; the path (`pathlib.Path`) of a folder that ``save_pretrained`` of
        a model2vec ``StaticModel`` wrote; or an object of either. Nothing is downloaded.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or has vectors of bits.
    ImportError, FileNotFoundError
        If the package or the folder is missing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from sklearn_lstm.vectors import static_model
    >>> model = SimpleNamespace(  # in place of a StaticModel of model2vec
    ...     tokenizer=None, embedding=np.eye(2), embed=lambda words: np.eye(2)[: len(words)]
    ... )
    >>> is_known, vectors = static_model(model).lookup(["good", 3])
    >>> is_known.tolist(), vectors.tolist()
    ([True, False], [[1.0, 0.0]])
    """
    return StaticModel.opened(model)


def from_gensim(model: object) -> GensimVectors:
    """Return the vectors of a model of gensim or fastText.

    Parameters
    ----------
    model : object
        A ``KeyedVectors`` of gensim, a model that holds one, such as ``Word2Vec``, or a model that
        the package fasttext has loaded. It is shared, not copied.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    TypeError
        If it is something else.

    Examples
    --------
    >>> from gensim.models import KeyedVectors
    >>> from sklearn_lstm.vectors import from_gensim
    >>> keyed_vectors = KeyedVectors(vector_size=2)
    >>> keyed_vectors.add_vectors(["good", "bad"], [[1.0, 0.0], [0.0, 1.0]])
    >>> is_known, vectors = from_gensim(keyed_vectors).lookup(["bad", "unheard-of"])
    >>> is_known.tolist(), vectors.tolist()
    ([True, False], [[0.0, 1.0]])
    """
    model = getattr(model, "wv", model)
    if not (hasattr(model, "key_to_index") or hasattr(model, "get_word_vector")):
        raise TypeError(f"from_gensim takes a model of gensim or fastText; found {shown(model)}.")
    return GensimVectors(model)


def side_by_side(*tables: object) -> SideBySide:
    """Return the vectors of several tables, joined: a token has one if any table knows it.

    The classifier scales each table by itself, and each counts by itself in the linear model. The
    columns of a table that does not know a token are 0.

    Parameters
    ----------
    *tables : mappings, or objects with lookup
        As for `embeddings`, but no arrays. Mappings and the words of `WordVectors` are copied.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    ValueError
        If there is no table, or one is something else.

    Examples
    --------
    >>> from sklearn_lstm.vectors import side_by_side
    >>> table = side_by_side({"good": [1.0, 0.0], "bad": [0.0, 1.0]}, {"good": [5.0]})
    >>> is_known, vectors = table.lookup(["good", "bad", "unheard-of"])
    >>> is_known.tolist(), vectors.tolist()
    ([True, True, False], [[1.0, 0.0, 5.0], [0.0, 1.0, 0.0]])
    """
    if not tables or any(map(is_array, tables)):
        raise ValueError(
            "side_by_side takes one table of tokens or more, but no array, whose rows belong to "
            "ids: join arrays with numpy.hstack."
        )
    return SideBySide(tuple(part for table in tables for part in parts_of(table_of(table))))
