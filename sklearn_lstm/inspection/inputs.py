"""What the inspection functions look at: a fitted model, sequences, and what each step is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.fitted_classifier import FittedClassifier
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.text.analysis import iterate_texts
from sklearn_lstm.text.id_matrix import n_first_kept
from sklearn_lstm.vectorizer import UNKNOWN_TOKEN, TextSequenceVectorizer


@dataclass(frozen=True)
class OpenModel:
    """A fitted classifier and sequences for it.

    Parameters
    ----------
    classifier : LSTMSequenceClassifier
    model : SequenceModel
    device : torch.device
    X : object
        What the classifier takes.
    sequences : Sequences
        The same, read.
    data : list of ndarray
        Of each sequence: its tokens, or ids, of shape (n_steps,), or its measurements, of shape
        (n_steps, n_channels).
    n_truncated : list of int
        Tokens of each text that `X` lacks.
    is_multilabel : bool
    """

    classifier: FittedClassifier
    model: SequenceModel
    device: torch.device
    X: Any
    sequences: Sequences
    data: list[NDArray[Any]]
    n_truncated: list[int]
    is_multilabel: bool

    def __iter__(self) -> Iterator[Sequences]:
        """Yield each sequence by itself."""
        return (self.sequences.subset(np.array([row])) for row in range(len(self.data)))


def open_model(model: Any, X: Any) -> OpenModel:
    """Read X as a fitted model reads it.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
    X : iterable
        What the model takes.

    Raises
    ------
    TypeError
        If `model` is neither an LSTMSequenceClassifier nor a Pipeline or search that ends with one.
    NotFittedError
        If it is not fitted.
    """
    model = getattr(model, "best_estimator_", model)
    classifier, vectorizer = model, None
    if isinstance(model, Pipeline):
        classifier, vectorizer = model[-1], model[-2] if len(model) > 1 else None
    if not isinstance(classifier, FittedClassifier):
        raise TypeError(
            "Expected an LSTMSequenceClassifier, or a Pipeline that ends with one; got "
            f"{type(classifier).__name__}."
        )
    check_is_fitted(classifier)
    texts: list[Any] = []
    if isinstance(vectorizer, TextSequenceVectorizer):
        X = texts = list(iterate_texts(model[:-2].transform(X) if len(model) > 2 else X))
        X = vectorizer.transform(texts)
    elif vectorizer is not None:
        X = model[:-1].transform(X)
    sequences = classifier._read(X)  # noqa: SLF001 - this module alone looks inside
    data = [sequences.read(np.array([row])) for row in range(len(sequences))]
    n_truncated = [0] * len(data)
    if sequences.n_channels is None:
        data = _named(data, getattr(X, "vocabulary", None))
        # Open files can't be read twice.
        if isinstance(vectorizer, TextSequenceVectorizer) and vectorizer.input != "file":
            data, n_truncated = _tokens(vectorizer, texts, data)
    return OpenModel(
        classifier,
        classifier._model,  # noqa: SLF001
        classifier._device,  # noqa: SLF001
        X,
        sequences,
        data,
        n_truncated,
        classifier._is_multilabel(),  # noqa: SLF001
    )


def _named(rows: list[NDArray[Any]], vocabulary: dict[Any, int] | None) -> list[NDArray[Any]]:
    """Return the tokens of ids, or the ids without a vocabulary, as objects."""
    if vocabulary is None:
        return [ids.astype(np.object_) for ids in rows]
    tokens = np.fromiter((UNKNOWN_TOKEN, UNKNOWN_TOKEN, *vocabulary), np.object_)
    return [tokens[np.where(ids < len(tokens), np.maximum(ids, 0), 0)] for ids in rows]


def _tokens(
    vectorizer: TextSequenceVectorizer, texts: list[Any], named: list[NDArray[Any]]
) -> tuple[list[NDArray[Any]], list[int]]:
    """Return the tokens of texts, unknown ones too, and how many were cut off each text."""
    analyze, longest = vectorizer.build_analyzer(), vectorizer.max_length_
    n_first = n_first_kept(longest, vectorizer.truncation)
    data, n_truncated = [], []
    for text, names in zip(texts, named, strict=True):
        tokens = np.fromiter(analyze(text), np.object_)
        excess = max(len(tokens) - longest, 0)
        kept = np.delete(tokens, np.s_[n_first : n_first + excess])
        # A text without a known token is one unknown token.
        data.append(kept if len(kept) == len(names) else names)
        n_truncated.append(excess)
    return data, n_truncated
