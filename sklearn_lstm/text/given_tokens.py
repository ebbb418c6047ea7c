"""The parameters that `CountVectorizer` has too, checked as there; the tokens of `vocabulary`."""

from collections import Counter
from collections.abc import Hashable, Mapping
from unicodedata import normalize

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_lstm.parameters import SHARED, plain_parameters
from sklearn_lstm.text.analysis import Analysis, refuse_nan
from sklearn_lstm.text.words import words_of


def check_as_count_vectorizer(estimator: BaseEstimator) -> list[Hashable]:
    """Warn and raise as ``CountVectorizer`` does in ``fit``, with the same parameters.

    Returns
    -------
    list
        The tokens of the parameter `vocabulary`, in order.
    """
    given = [""] if estimator.vocabulary is None else estimator.vocabulary
    parameters = plain_parameters(estimator)
    vectorizer = CountVectorizer(**{name: parameters[name] for name in SHARED})
    vectorizer.tokenizer = Analysis.of(parameters | {"_english": ()}).tokenizer
    if isinstance(given, set | frozenset):
        given = sorted(given)  # their own order differs from process to process
    elif not isinstance(given, Mapping):
        given = given.to_pylist() if hasattr(given, "to_pylist") else list(given)  # pyarrow's
        _check_distinct(given)  # CountVectorizer's own error fails for tuples
    vectorizer.set_params(vocabulary=given)
    if not all(isinstance(token, str) for token in given):
        vectorizer.lowercase = False  # it would look for upper case in other tokens too
    indices = vectorizer.fit([]).vocabulary_
    tokens = sorted(indices, key=indices.get) if estimator.vocabulary is not None else []
    # Strings of an array are NumPy scalars. Dates of Python are other tokens than those of NumPy.
    tokens = [
        token.item() if isinstance(token, np.generic) and token.dtype.kind not in "mM" else token
        for token in tokens
    ]
    refuse_nan(tokens)
    if vectorizer.tokenizer is words_of:  # whose tokens have this form
        tokens = [normalize("NFC", token) if isinstance(token, str) else token for token in tokens]
        _check_distinct(tokens)
    return tokens


def _check_distinct(tokens: list[Hashable]) -> None:
    for token, times in Counter(tokens).most_common(1):
        if times > 1:
            raise ValueError(f"Duplicate term in vocabulary: {token!r}")
