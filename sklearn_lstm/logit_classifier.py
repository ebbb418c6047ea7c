"""What every classifier that computes logits can do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin


def labels_of(
    logits: NDArray[np.float64], classes: NDArray[Any], *, is_multilabel: bool
) -> NDArray[Any]:
    """Return the class of the largest logit, (n_samples,), or each label whose logit is above 0."""
    if is_multilabel:
        return (logits > 0).astype(np.int64)
    return np.asarray(classes[logits.argmax(axis=1)])


class LogitClassifierMixin(ClassifierMixin):  # type: ignore[misc]
    """Predict from the logits of a classifier.

    The class has `classes_`, and the methods `_logits`, from X to logits (n_samples, n_classes),
    and `_is_multilabel`.
    """

    classes_: NDArray[Any]

    def _logits(self, X: Any) -> NDArray[np.float64]:
        raise NotImplementedError

    def _is_multilabel(self) -> bool:
        raise NotImplementedError

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the logits.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes: the logit of the second minus that of the first.
        """
        logits = self._logits(X)
        if len(self.classes_) == 2 and not self._is_multilabel():
            return np.asarray(logits[:, 1] - logits[:, 0])
        return logits

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class; of each label by itself if y is multilabel.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        logits = self._logits(X)
        return np.asarray(expit(logits) if self._is_multilabel() else softmax(logits, axis=1))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of `predict_proba`, exact for small probabilities too.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        logits = self._logits(X)
        return np.asarray(
            log_expit(logits) if self._is_multilabel() else log_softmax(logits, axis=1)
        )

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable label; each label with probability above 1/2 if multilabel.

        Parameters
        ----------
        X : {sparse matrix, array-like} of n_samples sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        return labels_of(self._logits(X), self.classes_, is_multilabel=self._is_multilabel())
