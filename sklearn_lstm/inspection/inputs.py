"""What the inspection functions look at: a fitted model, sequences, and what each step is."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm.classifier import LSTMSequenceClassifier
from sklearn_lstm.data.sequences import Rows, SelectedRows, Sequences, Steps, starts_of
from sklearn_lstm.fitting import read_as_at_fit, what_was_fitted
from sklearn_lstm.members.network.network_member import Encoding
from sklearn_lstm.model import SequenceModel
from sklearn_lstm.targets.targets import Labels
from sklearn_lstm.vectorizer import UNKNOWN_TOKEN, TextSequenceVectorizer

Data: TypeAlias = NDArray[np.generic]  # what the steps of a sequence are, as `Explanation` says
Single: TypeAlias = tuple[Sequences, Data]  # a sequence by itself, and what its steps are


@dataclass(frozen=True)
class OpenModel:
    """A fitted classifier and sequences for it.

    Parameters
    ----------
    model : SequenceModel
    labels : Labels
    sequences : Sequences
        What the classifier reads.
    """

    model: SequenceModel
    labels: Labels
    sequences: Sequences

    @property
    def classes(self) -> list[Any]:
        """The classes, or the names of several labels; Python has no dates in nanoseconds."""
        shown = self.labels.shown
        return [*shown] if shown.dtype.kind in "mM" else shown.tolist()

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[Single]:
        """Yield each sequence by itself, and what its steps are.

        These are tokens, or ids, (n_steps,), or measurements (n_steps, n_channels). An empty text
        is one unknown token.
        """
        steps = self.sequences.read_spellings(np.arange(len(self)))
        if self.sequences.n_channels is None:
            steps = self.named(steps)
        for row, data in enumerate(np.split(steps, np.cumsum(self.sequences.lengths)[:-1])):
            yield self.sequences.subset(np.array([row])), data

    def named(self, spellings: NDArray[Any]) -> NDArray[np.object_]:
        """Return the tokens of spellings, or the ids without a vocabulary, as objects."""
        if self.sequences.spelling is None:
            return spellings.astype(np.object_)
        numbers = spellings.tolist()
        tokens = dict.fromkeys(numbers, UNKNOWN_TOKEN)
        found = self.sequences.spelling.tokens(tokens).items()
        tokens |= {number: token for number, token in found if number > 0 or token != ""}
        return np.fromiter(map(tokens.__getitem__, numbers), np.object_, len(numbers))


class WithoutSpan(SelectedRows):
    """Copies of one sequence, each without some neighbouring steps.

    Parameters
    ----------
    source : Sequences
        A single one.
    spans : array-like of shape (n_samples, 2)
        The first of these steps, and the step after the last one.
    encoding : TokenCodes, ChannelScaling or None
        Nothing is known of the steps, as this encoding says. None: they are deleted.
    """

    def __init__(
        self, source: Sequences, spans: ArrayLike, encoding: Encoding | None = None
    ) -> None:
        self.spans, self.encoding = np.asarray(spans, np.intp), encoding
        super().__init__(source, np.zeros(len(self.spans), np.intp))
        if encoding is None:
            self.lengths = self.lengths - np.diff(self.spans).ravel()

    def read_spellings(self, rows: Rows) -> Steps:
        """Return steps without those of the spans, or with nothing known in their place."""
        steps, lengths = super().read_spellings(rows), self.source.lengths[self.rows[rows]]
        step = np.arange(len(steps)) - np.repeat(starts_of(lengths), lengths)
        start, stop = np.repeat(self.spans[rows], lengths, axis=0).T
        is_inside = (start <= step) & (step < stop)
        if self.encoding is None:
            return np.asarray(steps[~is_inside])
        nothing = self.encoding.uninformed(steps)
        derived = steps.astype(nothing.dtype)
        derived[is_inside] = nothing[is_inside]
        return derived

    def written(self, rows: Rows) -> list[str | None]:
        """Return the texts of rows without the tokens, None where the tokens are not all of it."""
        texts, lengths = super().written(rows), self.source.lengths[self.rows[rows]]
        if self.spelling is None:
            return texts
        tokens = self.spelling.tokens_of_texts(super().read_spellings(rows), lengths)
        return [
            text and _cut_out(text, named, *span)
            for text, named, span in zip(texts, tokens, self.spans[rows].tolist(), strict=True)
        ]


def _cut_out(text: str, tokens: list[str], start: int, stop: int) -> str | None:
    """Return a text without some of its tokens; None if the tokens and blanks are not all of it."""
    folded, end, kept = text.lower(), 0, ""
    for place, token in enumerate(map(str.lower, tokens)):
        first = folded.find(token, end)
        if first < 0 or folded[end:first].strip():
            return None
        kept += text[end:first]
        end = first + len(token)
        kept += "" if start <= place < stop else text[first:end]
    is_whole = len(folded) == len(text) and not folded[end:].strip()
    return kept + text[end:] if is_whole else None


def find_classifier(model: object) -> tuple[list[Any], LSTMSequenceClassifier]:
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
    # Of a search; of SelfTrainingClassifier, or of one that sets a threshold.
    for name in ("best_estimator_", "estimator_"):
        if hasattr(model, name):
            return find_classifier(getattr(model, name))
    if isinstance(model, Pipeline):
        # A sampler of imbalanced-learn, which only takes part in fitting, has no transform.
        transformers = [step for _, step in model.steps[:-1] if hasattr(step, "transform")]
        nested_transformers, classifier = find_classifier(model.steps[-1][1])
        return [*transformers, *nested_transformers], classifier
    if not isinstance(model, LSTMSequenceClassifier):
        raise TypeError(
            "Expected an LSTMSequenceClassifier, or a Pipeline or a fitted search that ends with "
            f"one; got {type(model).__name__}."
        )
    check_is_fitted(model)
    return [], model


def open_model(model: object, X: object) -> OpenModel:
    """Read X as a fitted model reads it; the errors are those of `find_classifier` and `predict`.

    Parameters
    ----------
    model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
    X : iterable
        What the model takes.
    """
    transformers, classifier = find_classifier(model)
    for step in transformers:
        # CSR of the same length means the same as dense output, and names unknown tokens too.
        if isinstance(step, TextSequenceVectorizer) and step.output == "dense":
            step = copy(step).set_params(output="sparse", max_length=step.max_length_)  # noqa: PLW2901
        X = step.transform(X)
    fitted = what_was_fitted(classifier)
    return OpenModel(fitted.model, fitted.labels, read_as_at_fit(classifier, X))
