"""`Predictor`: a stored model that predicts with NumPy and SciPy alone."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import sklearn_lstm
from sklearn_lstm import ESTIMATORS
from sklearn_lstm.data.text_reader import TextReader
from sklearn_lstm.exceptions import ModelFileError, warn_user
from sklearn_lstm.members.network.numpy_network import NumpyNetwork
from sklearn_lstm.model import Fitted, check_tokens
from sklearn_lstm.pretrained.sentence_encoders import passed_models
from sklearn_lstm.storage.file import opened
from sklearn_lstm.storage.forms import Unpacker, other_version

# What stands in a file for the network of torch, and for parameters that no prediction reads.
INSTEAD: dict[str, Any] = {
    "Network": NumpyNetwork,
    "torch.Tensor": np.asarray,
    "torch.device": str,
    "estimator": ESTIMATORS.__getitem__,
}
STEPS = ["TextSequenceVectorizer", "LSTMSequenceClassifier"]


class Predictor:
    """A stored model that predicts, and does nothing else: without torch and scikit-learn.

    It imports NumPy and SciPy alone, which takes a tenth of the time. `Predictor.load` makes one.

    Parameters
    ----------
    reader : TextReader or None
        What the vectorizer of the model reads texts by, if it has one.
    fitted : Fitted
        What the classifier of the model has learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; of several labels, the indices of their columns.
    label_names_ : tuple of str or None
        The names of several labels, if the y of `fit` was a data frame.
    thresholds_ : ndarray of shape (n_labels,) or (1,)
        The threshold of each label, or that of ``classes_[1]``.

    See Also
    --------
    sklearn_lstm.io.save : Store a model.
    sklearn_lstm.io.load : Load the estimators themselves, which can go on learning.

    Notes
    -----
    The network is computed in float32, also where the classifier uses bfloat16: a probability then
    differs by a few thousandths. It does not depend on other samples, nor on padding, but for
    rounding (less than 1e-6).

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
    >>> from sklearn_lstm.io import save
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... )
    >>> texts = ["so good", "good fun", "so bad", "bad, boring", "fun!", "boring"]
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> save(model.fit(texts, ["pos", "pos", "neg", "neg", "pos", "neg"]), path)
    >>> Predictor.load(path).predict(["good fun!", "so boring"])
    array(['pos', 'neg'], dtype='<U3')
    """

    def __init__(self, reader: TextReader | None, fitted: Fitted | None = None) -> None:
        if fitted is None:
            raise TypeError(
                "Store a model, sklearn_lstm.io.save(model, path), then Predictor.load(path)."
            )
        if reader is not None:
            check_tokens(fitted.mark, reader.vocabulary)
        self._reader, self._fitted = reader, fitted
        self.classes_: NDArray[Any] = fitted.labels.classes
        self.label_names_: tuple[str, ...] | None = fitted.labels.names or None
        self.thresholds_: NDArray[np.float64] = fitted.thresholds

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, embeddings: object = None, encoder: object = None
    ) -> Self:
        """Load a model that `sklearn_lstm.io.save` stored; nothing in the file is run.

        Parameters
        ----------
        path : str or path
            The file of an LSTMSequenceClassifier, or of a Pipeline of a TextSequenceVectorizer and
            one.
        embeddings, encoder : default=None
            As for `sklearn_lstm.io.load`: what the file only names.

        Returns
        -------
        Predictor
            What makes the predictions of the model.

        Raises
        ------
        ModelFileError
            As in `sklearn_lstm.io.load`, and for a model with other steps, which that reads.
        TypeError, ValueError
            If what is passed is something else, or the vectorizer of the Pipeline was fitted again.
        ImportError
            If the package of the encoder that the file names is not installed.
        """
        with opened(path, passed_models(embeddings, encoder)) as (content, unpack):
            parts = read_model(content, unpack)
        return cls(*parts)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class, or the labels above their thresholds.

        Parameters
        ----------
        X : iterable of n_samples texts or sequences
            What the stored model takes.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The class of each sample, or an indicator of its labels.
        """
        return self._fitted.labels_of(self.predict_proba(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, or of each of several labels.

        Parameters
        ----------
        X : iterable of n_samples texts or sequences
            What the stored model takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of `classes_`.
        """
        fitted, reader = self._fitted, self._reader  # whose ids are those of the model
        sequences = fitted.input_format.read(reader.read(X)) if reader else fitted.read(X)
        return fitted.labels.proba(fitted.logits(sequences))

    def known_share(self, texts: Iterable[object]) -> NDArray[np.float64]:
        """Return how much of each text the vocabulary knows.

        Parameters
        ----------
        texts : iterable of n_samples texts
            What a model with a TextSequenceVectorizer takes.

        Returns
        -------
        ndarray of shape (n_samples,)
            As from `TextSequenceVectorizer.known_share`.

        Raises
        ------
        TypeError
            If the model reads no texts.
        """
        if self._reader is None:
            raise TypeError("known_share is of texts, but this model reads sequences.")
        return self._reader.known_share(texts)


def read_model(content: Mapping[str, Any], unpack: Unpacker) -> tuple[TextReader | None, Fitted]:
    """Return what an open file holds of a model, as `Predictor` takes it."""
    unpack.instead, steps = INSTEAD, [*_steps(content)]
    kinds = [step["class"] for step in steps]
    if kinds not in (STEPS, STEPS[1:]):
        raise ModelFileError(
            f"holds {', '.join(kinds)}, but Predictor reads a classifier, or a Pipeline of "
            "TextSequenceVectorizer and classifier. sklearn_lstm.io.load reads it."
        )
    *before, last = map(unpack.attributes, steps)
    reader = TextReader.of(before[0]) if before else None
    if reader is not None:
        reader.check()
    if (stored := other_version(content)) is not None:
        found = f"sklearn_lstm {stored} stored the model, and this is {sklearn_lstm.__version__}"
        warn_user(f"{found}: its predictions may differ.")
    return reader, last["_fitted"]


def _steps(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the tree of each step, also of Pipelines in Pipelines."""
    if content["class"] == "Pipeline":
        for _, step in content["steps"]:
            yield from _steps(step)
    elif content["class"] != "passthrough":
        yield content
