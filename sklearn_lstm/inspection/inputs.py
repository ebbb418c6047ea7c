"""What the inspection functions look at: a fitted model, sequences, and what each step is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm.classifier import LSTMSequenceClassifier
from sklearn_lstm.data.encoding import UNKNOWN_CODE, TokenCodes
from sklearn_lstm.data.labels import Labels
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.fitting import read_as_at_fit
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.text.analysis import iterate_texts
from sklearn_lstm.text.counting import UNKNOWN
from sklearn_lstm.text.id_matrix import n_first_kept
from sklearn_lstm.vectorizer import UNKNOWN_TOKEN, TextSequenceVectorizer


@dataclass(frozen=True)
class OpenModel:
    """A fitted classifier and sequences for it.

    Parameters
    ----------
    classifier : LSTMSequenceClassifier
    model : SequenceModel
    labels : Labels
    sequences : Sequences
        What the classifier reads.
    vocabulary : dict or None
        Token to id, if it is known.
    vectorizer : TextSequenceVectorizer or None
        It made the sequences.
    texts : list
        Of these texts.
    """

    classifier: LSTMSequenceClassifier
    model: SequenceModel
    labels: Labels
    sequences: Sequences
    vocabulary: dict[Any, int] | None
    vectorizer: TextSequenceVectorizer | None
    texts: list[Any]

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[Sequences]:
        """Yield each sequence by itself."""
        return (self.sequences.subset(np.array([row])) for row in range(len(self)))

    @cached_property
    def tokens(self) -> list[NDArray[np.object_]] | None:
        """All tokens of each text, or None if there are no texts."""
        if self.vectorizer is None or self.vectorizer.input == "file":  # can't be read twice
            return None
        analyze = self.vectorizer.build_analyzer()
        return [np.fromiter(analyze(text), np.object_) for text in self.texts]

    @cached_property
    def data(self) -> list[NDArray[Any]]:
        """Of each sequence: its tokens, or ids, (n_steps,), or measurements (n_steps, n_channels).

        An empty text is one unknown token.
        """
        is_ids = self.sequences.n_channels is None
        steps = self.sequences.read_spellings(np.arange(len(self)))
        if is_ids:
            steps = _named(steps, self.vocabulary, self.sequences.spelling)
        rows = np.split(steps, np.cumsum(self.sequences.lengths)[:-1])
        if not is_ids or self.vectorizer is None or self.tokens is None:
            return rows
        n_first = n_first_kept(self.vectorizer.max_length_, self.vectorizer.truncation)
        data = []
        for tokens, names in zip(self.tokens, rows, strict=True):
            excess = max(len(tokens) - self.vectorizer.max_length_, 0)
            kept = np.delete(tokens, np.s_[n_first : n_first + excess])
            data.append(kept if len(kept) == len(names) else names)
        return data

    def left_out(self, row: int) -> dict[str, int]:
        """Return what the sequence of a row lacks or hides, as far as it is known."""
        networks = self.model.networks.networks
        if not isinstance(networks[0].encoding, TokenCodes):
            return {}
        counts = {}
        ids = self.sequences.read(np.array([row]))
        codes = [network.encoded(self.sequences, np.array([row]))[0][0] for network in networks]
        is_unknown = np.all([row_codes.cpu() == UNKNOWN_CODE for row_codes in codes], axis=0)
        if self.vocabulary is not None:  # words beyond the codes have a pretrained vector
            is_unknown |= (ids == UNKNOWN) & (codes[0].cpu().numpy() < len(networks[0].encoding))
        n_unknown = int(is_unknown.sum())
        if self.tokens is not None:
            n_tokens = len(self.tokens[row])
            counts["truncated tokens"] = max(0, n_tokens - len(ids))
            n_unknown = min(n_unknown, n_tokens)  # an empty text has none
        return {**counts, "unknown tokens": n_unknown}


def find_classifier(model: Any) -> tuple[list[Any], LSTMSequenceClassifier]:
    """Return the transformers of a model in order, and the classifier at its end.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one

    Raises
    ------
    TypeError
        If `model` is neither an LSTMSequenceClassifier nor a Pipeline or search that ends with one.
    NotFittedError
        If it is not fitted.
    """
    if isinstance(model, GridSearchCV | RandomizedSearchCV) or hasattr(model, "best_estimator_"):
        check_is_fitted(model)
        return find_classifier(model.best_estimator_)
    if isinstance(model, Pipeline):
        # A sampler of imbalanced-learn, which only takes part in fitting, has no transform.
        transformers = [step for _, step in model.steps[:-1] if hasattr(step, "transform")]
        nested_transformers, classifier = find_classifier(model.steps[-1][1])
        return [*transformers, *nested_transformers], classifier
    if not isinstance(model, LSTMSequenceClassifier):
        raise TypeError(
            "Expected an LSTMSequenceClassifier, or a Pipeline or a search that ends with one; got "
            f"{type(model).__name__}."
        )
    check_is_fitted(model)
    return [], model


def open_model(model: Any, X: Any) -> OpenModel:
    """Read X as a fitted model reads it; the errors are those of `find_classifier` and `predict`.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
    X : iterable
        What the model takes.
    """
    transformers, classifier = find_classifier(model)
    vectorizer, texts = None, []
    for step in transformers:
        if step is transformers[-1] and isinstance(step, TextSequenceVectorizer):
            vectorizer = step
            X = texts = list(iterate_texts(X))
        X = step.transform(X)
    return OpenModel(
        classifier,
        classifier._model,  # noqa: SLF001 - this module alone looks inside
        classifier._labels,  # noqa: SLF001
        read_as_at_fit(classifier, X),
        getattr(X, "vocabulary", None) if vectorizer is None else vectorizer.vocabulary_,
        vectorizer,
        texts,
    )


def open_one(model: Any, X: Any) -> OpenModel:
    """Read an X of one sequence.

    Raises
    ------
    ValueError
        If X holds another number of sequences.
    """
    opened = open_model(model, X)
    if len(opened) != 1:
        raise ValueError(f"X must hold one sequence, to be shown; found {len(opened)}. Pass X[:1].")
    return opened


def _named(
    spellings: NDArray[Any], vocabulary: dict[Any, int] | None, spelling: Spelling | None
) -> NDArray[np.object_]:
    """Return the tokens of spellings, or the ids without a vocabulary, as objects."""
    if vocabulary is None:
        return spellings.astype(np.object_)
    known = UNKNOWN_TOKEN, UNKNOWN_TOKEN, *vocabulary
    words = () if spelling is None else spelling.unknown_words
    unknown = (word or UNKNOWN_TOKEN for word in reversed(words))
    tokens = np.fromiter((*known, *unknown, UNKNOWN_TOKEN), np.object_)  # -1 is the last one
    return np.asarray(tokens[np.where(spellings < len(known), spellings, UNKNOWN)])
