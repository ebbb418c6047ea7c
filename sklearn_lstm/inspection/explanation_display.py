"""The display of what each step adds to a prediction."""

from __future__ import annotations

from typing import Any, Self

from sklearn_lstm.inspection import drawing
from sklearn_lstm.inspection.explaining import explain_opened
from sklearn_lstm.inspection.explanation import Explanation
from sklearn_lstm.inspection.inputs import open_model


class ExplanationDisplay(drawing.Display, drawing.Html):
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
        cls, model: object, X: object, target: object = None, *, n_steps: int = 30, ax: Any = None
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
            raise ValueError(
                f"X must hold one sequence, to be shown; found {len(opened)}. Pass X[:1]."
            )
        (explanation,) = explain_opened(opened, target)
        return cls(explanation).plot(ax, n_steps=n_steps)

    def plot(self, ax: drawing.Axes | None = None, *, n_steps: int = 30) -> Self:
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
