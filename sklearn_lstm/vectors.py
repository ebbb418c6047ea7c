"""Vectors of tokens that others learned, for `LSTMSequenceClassifier(embeddings=...)`."""

from sklearn_lstm.pretrained.token_tables import GensimVectors, StaticModel, shown

__all__ = ["from_gensim", "static_model"]


def static_model(model: object) -> StaticModel:
    """Return the vectors of a static model: a word gets the mean of the vectors of its pieces.

    Parameters
    ----------
    model : object or path
        A ``StaticModel`` of model2vec, the path (`pathlib.Path`) of a folder that its
        ``save_pretrained`` wrote, or what ``WordLlama.load`` of wordllama returns. Nothing is
        downloaded.

    Returns
    -------
    object
        Its ``lookup(tokens)`` returns which tokens have a vector, and the vectors of these.

    Raises
    ------
    TypeError
        If it is something else.
    ImportError, FileNotFoundError
        If model2vec or the folder is missing.

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
