"""Displays, as scikit-learn has them: of a training, and of one explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_lstm.inspection.drawing import Axes, axes_for, number_places
from sklearn_lstm.inspection.explaining import explain_opened
from sklearn_lstm.inspection.explanation import Explanation, Html
from sklearn_lstm.inspection.inputs import find_classifier, open_model

if TYPE_CHECKING:
    import matplotlib.figure


class Display:
    """A picture of a fitted model, which can be drawn again in other axes."""

    ax_: Axes
    figure_: matplotlib.figure.FigureBase

    def _show(self, ax: Axes) -> Self:
        """Keep the axes that were drawn in."""
        self.ax_, self.figure_ = ax, ax.figure
        return self


class TrainingDisplay(Display):
    """Draw the losses and the learning rate of each epoch.

    The training loss is that of the network while it learns, with dropout. The held-out loss is
    that of the whole model (with ``early_stopping=True`` of the network, which has the weights of
    its best epoch). So only how each changes can be compared, not their levels.

    Parameters
    ----------
    train_loss : array-like of shape (n_epochs,)
        The loss of the network for the training samples in each epoch.
    lr : array-like of shape (n_epochs,)
        The learning rate at the end of each epoch.
    valid_loss : array-like of shape (n_epochs,) or None, default=None
        The loss of held-out samples, NaN where it was not computed.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the losses.
    lr_ax_ : matplotlib Axes
        The axes with the learning rate.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    LSTMSequenceClassifier : Record these numbers in its attribute `history_`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lstm import LSTMSequenceClassifier
    >>> from sklearn_lstm.inspection import TrainingDisplay
    >>> X, y = np.random.default_rng(0).normal(size=(40, 9)), np.arange(40) % 2
    >>> model = LSTMSequenceClassifier(hidden_size=4, max_epochs=3, random_state=0).fit(X, y)
    >>> display = TrainingDisplay.from_estimator(model)
    >>> display.train_loss.shape
    (3,)
    """

    lr_ax_: Axes

    def __init__(
        self, train_loss: ArrayLike, lr: ArrayLike, valid_loss: ArrayLike | None = None
    ) -> None:
        self.train_loss: NDArray[np.float64] = np.asarray(train_loss, dtype=float)
        self.lr: NDArray[np.float64] = np.asarray(lr, dtype=float)
        self.valid_loss: NDArray[np.float64] | None
        self.valid_loss = None if valid_loss is None else np.asarray(valid_loss, dtype=float)

    @classmethod
    def from_estimator(cls, model: object, *, ax: Axes | None = None) -> Self:
        """Draw the training of a fitted model.

        Parameters
        ----------
        model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
            A fitted model.
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        TrainingDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If no network was trained.
        """
        _, classifier = find_classifier(model)
        rows = classifier.history_
        if not rows:
            raise ValueError("There is no epoch to show: no network was trained.")
        names = "train_loss", "lr", "valid_loss"
        train_loss, lr, losses = np.array([[row[name] for name in names] for row in rows], float).T
        return cls(train_loss, lr, None if np.isnan(losses).all() else losses).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.

        Returns
        -------
        TrainingDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, (6.4, 4.0))
        epochs = np.arange(1, len(self.train_loss) + 1)
        self.lr_ax_ = lr_ax = ax.twinx()
        (lr_line,) = lr_ax.plot(epochs, self.lr, color="0.6", linestyle=":", label="learning rate")
        label = "training loss of the network"
        lines = ax.plot(epochs, self.train_loss, marker=".", label=label)
        if self.valid_loss is not None:
            is_known = ~np.isnan(self.valid_loss)
            known = epochs[is_known], self.valid_loss[is_known]  # joined across the others
            lines += ax.plot(*known, marker=".", label="held-out loss")
        ax.set(xlabel="epoch", ylabel="loss per sequence")
        number_places(ax.xaxis)
        lr_ax.set(ylabel="learning rate", ylim=(0, None))
        legend = ax.legend(handles=[*lines, lr_line], loc="lower center", ncols=2, frameon=False)
        legend.set_bbox_to_anchor((0.5, 1.0), ax.transAxes)
        return self._show(ax)


class ExplanationDisplay(Display, Html):
    """Draw what each token or step adds to the score of a class.

    The picture shows bars, which tell the parts of the linear model and of the network apart. In a
    notebook, the object is shown as the coloured text. Only the picture needs matplotlib.

    Parameters
    ----------
    explanation : Explanation
        An element of the list that `explain` returns.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the bars.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    explain : Compute explanations.
    as_shap_explanation : Convert explanations for the plots of SHAP.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import ExplanationDisplay
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], ["pos", "pos", "neg", "neg"])
    >>> display = ExplanationDisplay.from_estimator(model, ["such good fun"])
    >>> print(display.explanation.target)
    pos
    """

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    @classmethod
    def from_estimator(
        cls,
        model: object,
        X: object,
        target: object = None,
        *,
        n_steps: int = 30,
        ax: Axes | None = None,
    ) -> Self:
        """Explain and draw the prediction for one sequence.

        Parameters
        ----------
        model : LSTMSequenceClassifier, or a Pipeline or a search that ends with one
            A fitted model.
        X : iterable of one sequence
            An input of the model.
        target : class or None, default=None
            The class whose score is explained. None: the predicted class.
        n_steps : int, default=30
            As in `plot`.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        ExplanationDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If X does not hold exactly one sequence.
        """
        opened = open_model(model, X)
        if len(opened) != 1:
            raise ValueError(f"X must hold one sequence; found {len(opened)}. Pass X[:1].")
        (explanation,) = explain_opened(opened, target)
        return cls(explanation).plot(ax, n_steps=n_steps)

    def plot(self, ax: Axes | None = None, *, n_steps: int = 30) -> Self:
        """Draw bars, as `Explanation.plot` does.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.
        n_steps : int, default=30
            How many tokens to show.

        Returns
        -------
        ExplanationDisplay
            The display, drawn.
        """
        return self._show(self.explanation.plot(ax, n_steps=n_steps))

    def _repr_html_(self) -> str:
        return self.explanation._repr_html_()
