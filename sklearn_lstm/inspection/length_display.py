"""How early a sequence can be classified: a picture of accuracy over the part that was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length

from sklearn_lstm.inspection.drawing import Display
from sklearn_lstm.inspection.inputs import WithoutSpan, open_model

SHARES = tuple(tenths / 10 for tenths in range(1, 11))


class LengthAccuracyDisplay(Display):
    """Draw the accuracy over the part of each sequence that was read.

    The band is one standard error above and below the accuracy.

    Parameters
    ----------
    accuracy : array-like of shape (n_parts,)
        The accuracy of predictions from each part.
    parts : array-like of shape (n_parts,)
        Shares of the steps (floats up to 1), or numbers of steps (integers).
    n_samples : int
        The number of sequences.
    most_frequent : float or None, default=None
        The accuracy of always predicting the most frequent label.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the curve.
    figure_ : matplotlib Figure
        The figure of the axes.
    line_ : matplotlib Line2D
        The curve.

    See Also
    --------
    explain : Return what each step adds to a prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lstm import LSTMSequenceClassifier
    >>> from sklearn_lstm.inspection import LengthAccuracyDisplay
    >>> X, y = np.random.default_rng(0).normal(size=(40, 9)), np.arange(40) % 2
    >>> model = LSTMSequenceClassifier(hidden_size=4, max_epochs=3, random_state=0).fit(X, y)
    >>> display = LengthAccuracyDisplay.from_estimator(model, X, y, lengths=[3, 6, 9])
    >>> bool(display.accuracy[-1] == model.score(X, y))
    True
    """

    line_: Any

    def __init__(
        self,
        accuracy: ArrayLike,
        parts: ArrayLike,
        n_samples: int,
        most_frequent: float | None = None,
    ) -> None:
        self.accuracy: NDArray[np.float64] = np.asarray(accuracy, dtype=float)
        self.parts: NDArray[np.generic] = np.asarray(parts)
        self.n_samples = n_samples
        self.most_frequent = most_frequent

    @classmethod
    def from_estimator(
        cls,
        model: object,
        X: object,
        y: ArrayLike,
        *,
        shares: ArrayLike = SHARES,
        lengths: ArrayLike | None = None,
        ax: object = None,
    ) -> Self:
        """Draw the accuracy of a fitted model that reads only the first steps.

        All members of the model read the same steps. Texts are cut after the vectorizer.

        Parameters
        ----------
        model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
            A fitted model.
        X : iterable of n_samples sequences
            Inputs of the model.
        y : array-like of shape (n_samples,), or array-like or sparse matrix (n_samples, n_labels)
            The labels. A multilabel prediction is correct if all labels of a sequence are.
        shares : array-like of floats in (0, 1], default=(0.1, 0.2, ..., 1.0)
            The shares of the steps of each sequence that are read, rounded up to whole steps.
        lengths : array-like of int or None, default=None
            Numbers of steps to read, instead of shares. A shorter sequence is read whole.
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        LengthAccuracyDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If a share is not above 0 and at most 1, a length is below 1, or X and y differ in
            length.
        """
        parts = _check_parts(shares, lengths)
        opened = open_model(model, X)
        check_consistent_length(opened.sequences, y)
        whole = opened.sequences.lengths
        is_share = parts.dtype.kind == "f"
        predictions = []
        for part in parts:
            # 0.3 of 10 steps are 3 steps, although 0.3 * 10 is not exact.
            n_steps = np.ceil(np.round(part * whole, 9)) if is_share else part
            unread = np.column_stack([np.clip(n_steps, 1, whole), whole]).astype(np.intp)
            logits = opened.model.blended_logits(WithoutSpan(opened.sequences, unread))
            predictions.append(opened.labels.predict(logits, opened.model.thresholds))
        return cls.from_predictions(y, predictions, parts, ax=ax)

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_preds: Sequence[ArrayLike], parts: ArrayLike, *, ax: object = None
    ) -> Self:
        """Draw the accuracy of predictions that any model made from parts of the sequences.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_labels)
            The labels.
        y_preds : sequence of n_parts array-likes of the same shape
            The predictions from each part.
        parts : array-like of shape (n_parts,)
            Shares of the steps (floats up to 1), or numbers of steps (integers).
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        LengthAccuracyDisplay
            The display, drawn.
        """
        y_true, *y_preds = map(_dense, (y_true, *y_preds))
        check_consistent_length(y_preds, parts)
        check_consistent_length(y_true, *y_preds)
        rows = y_true.reshape(len(y_true), -1)
        accuracy = [np.mean((y_pred.reshape(rows.shape) == rows).all(axis=1)) for y_pred in y_preds]
        _, counts = np.unique(rows.astype(np.str_), axis=0, return_counts=True)
        return cls(accuracy, parts, len(rows), float(counts.max() / len(rows))).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        LengthAccuracyDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._begin(ax, (6.4, 4.0))
        is_share = self.parts.dtype.kind == "f"
        x = 100 * self.parts if is_share else self.parts
        error = np.sqrt(self.accuracy * (1 - self.accuracy) / self.n_samples)
        (self.line_,) = ax.plot(x, self.accuracy, marker="o", label="first steps alone")
        ax.fill_between(x, self.accuracy - error, self.accuracy + error, alpha=0.2)
        if self.most_frequent is not None:
            ax.axhline(self.most_frequent, color="0.5", linestyle="--", label="most frequent label")
        ax.set(xlabel="steps read, in %" if is_share else "steps read", ylabel="accuracy")
        ax.set_xlim(left=0)
        ax.legend(title=f"{self.n_samples:,} sequences")
        return self


def _dense(labels: Any) -> NDArray[np.generic]:
    return np.asarray(labels.toarray() if issparse(labels) else labels)


def _check_parts(shares: ArrayLike, lengths: ArrayLike | None) -> NDArray[np.generic]:
    parts = np.atleast_1d(np.asarray(shares, float) if lengths is None else lengths)
    if lengths is None:
        is_right, wanted = (parts > 0) & (parts <= 1), "shares must be above 0 and at most 1"
    else:
        is_right = (parts >= 1) & (parts.dtype.kind in "iu")
        wanted = "lengths must be integers from 1 on"
    if parts.ndim > 1 or not len(parts) or not is_right.all():
        raise ValueError(f"{wanted}; found {parts.tolist()}.")
    return parts
