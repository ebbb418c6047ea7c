"""What each step adds to a prediction: as bars, as coloured text, and for the plots of SHAP."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import import_module
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.inspection import drawing
from sklearn_lstm.inspection.drawing import printable
from sklearn_lstm.inspection.explaining import Explanation, explain_opened
from sklearn_lstm.inspection.inputs import open_model

# Background colours, as red, green, blue: black and white letters can be read on 55 % of them.
FOR, AGAINST = "0, 120, 215", "225, 100, 0"

TEXT = (
    '<div style="font: 1em sans-serif; line-height: 1.9; max-width: 60em">'
    '<div style="font-size: 0.9em">{head}</div>'
    '<div dir="auto" style="white-space: pre-wrap; overflow-wrap: anywhere">{body}</div>'
    '<div style="font-size: 0.9em; opacity: 0.75">{foot}</div></div>'
)
TOKEN = (
    '<span style="background: rgba({colour}); border-radius: 0.2em; '
    'padding: 0.1em {space}" title="{title}">{token}</span>'
)


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
        """Draw bars: horizontal ones of tokens, vertical ones of measurements.

        The dot is the sum of both parts.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None: in a new figure.
        n_steps : int, default=30
            How many tokens to show: those with the largest contributions, in the order of the text.
            All steps of measurements are shown, and all numbers beside tokens, below them.

        Returns
        -------
        ExplanationDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if n_steps < 1:
            raise ValueError(f"n_steps must be at least 1; got {n_steps}.")
        explanation, n_all = self.explanation, len(self.explanation.data)
        is_series = drawing.is_measured(explanation.data)
        by_strength = np.argsort(-np.abs(explanation.values), kind="stable")
        shown = np.arange(n_all) if is_series else np.sort(by_strength[:n_steps])
        linear, network = explanation.linear[shown], explanation.network[shown]
        # Parts of one sign are put one behind the other, parts of two signs on both sides of 0.
        starts = np.where(linear * network > 0, linear, 0.0)
        places, numbers = np.arange(len(shown)), {} if is_series else explanation.numbers
        height = float(np.clip(1.4 + 0.22 * (len(shown) + len(numbers)), 2.4, 12))
        ax = self._begin(ax, (8.0, 4.0) if is_series else (6.4, height))
        draw, thickness = (ax.bar, 1.0) if is_series else (ax.barh, 0.8)
        draw(places, linear, thickness, label="linear model")
        draw(places, network, thickness, starts, label="network")
        if numbers:
            below = range(len(shown), len(shown) + len(numbers))
            draw(below, [*numbers.values()], thickness, label="numbers")
        if is_series:
            ax.plot(places, explanation.values[shown], "k.", markersize=3, label="sum")
            drawing.hatch_missing(ax, explanation.data)
        else:
            ax.plot(explanation.values[shown], places, "k.", label="sum")
            ax.margins(y=0.02)
            ax.invert_yaxis()  # the first token is at the top
        (ax.axhline if is_series else ax.axvline)(0, color="0.5", linewidth=0.8)
        steps = explanation.data[shown]
        steps = np.append(steps, np.array([*numbers], np.object_)) if numbers else steps
        drawing.label_steps(ax.xaxis if is_series else ax.yaxis, steps)
        set_label = ax.set_ylabel if is_series else ax.set_xlabel
        set_label(f"adds to the score of {printable(explanation.target)}", parse_math=False)
        ax.legend()
        notes = [f"{len(shown)} of {n_all} tokens"] * (len(shown) < n_all) + self._left_out()
        beside = explanation.beside.items()
        notes += [f"{name} {value:+.2f}" for name, value in beside if name not in numbers]
        ax.set_title(printable("; ".join(notes)), fontsize="small", color="0.4", parse_math=False)
        return self

    def _left_out(self) -> list[str]:
        """Return how many tokens were truncated, and how many are unknown."""
        found = self.explanation.left_out.items()
        return [f"{n:,} {name if n > 1 else name.removesuffix('s')}" for name, n in found if n]

    def _repr_html_(self) -> str:
        """Return the text, each token on a background that shows what it adds."""
        explanation, data = self.explanation, self.explanation.data
        space, blank = "0.15em", " "
        if drawing.is_measured(data):
            gaps = drawing.has_no_value(data).tolist()
            names = [f"{step}{' missing' * is_gap}" for step, is_gap in enumerate(gaps)]
        else:
            names = drawing.token_names(data)
            if all(len(name) == 1 for name in names):
                names = [*map(printable, data)]  # with the white space of the text
                space, blank = "0", ""
        numbers = explanation.numbers
        contributions = np.append(explanation.values, [*numbers.values()])
        shares = contributions / (float(np.abs(contributions).max(initial=0)) or 1.0)
        tokens = []
        steps = shares[: len(names)]
        parts = zip(names, steps, explanation.linear, explanation.network, strict=True)
        for name, share, linear, network in parts:
            title = f"linear model {linear:+.3f}, network {network:+.3f}"
            tokens.append(coloured(escape(name), share, title, space))
        target = escape(printable(explanation.target))
        beside = [f" {value:+.2f} ({escape(name)})" for name, value in explanation.beside.items()]
        head = (
            f"score of <b>{target}</b>: {explanation.score:+.2f} = {explanation.base_value:+.2f} "
            f"(baseline) {explanation.linear.sum():+.2f} (linear model) "
            f"{explanation.network.sum():+.2f} (network){''.join(beside)}"
        )
        key = f"{coloured(f'for {target}', 1)} {coloured(f'against {target}', -1)}"
        pairs = zip(numbers, shares[len(names) :], strict=True)
        of_numbers = [coloured(escape(name), share) for name, share in pairs]
        foot = "; ".join([key, *map(escape, self._left_out()), *of_numbers])
        return TEXT.format(head=head, body=blank.join(tokens), foot=foot)


def coloured(token: str, share: float, title: str = "", space: str = "0.15em") -> str:
    """Return a token on the background of its share of the largest contribution."""
    colour = f"{FOR if share > 0 else AGAINST}, {0.55 * abs(share):.2f}"
    return TOKEN.format(colour=colour, title=title, token=token, space=space)


# --- SHAP


def as_shap_explanation(explanations: Explanation | Sequence[Explanation]) -> Any:
    """Convert explanations to a ``shap.Explanation``, for SHAP's plots.

    Parameters
    ----------
    explanations : Explanation or list of Explanation
        The list that `explain` returns, or an element of it.

    Returns
    -------
    shap.Explanation
        It has `values`, `base_values`, `data` (the tokens, each followed by a blank if some are
        longer than one character; the measurements of series of one channel) and `feature_names`;
        for a single explanation also `output_names`. The text as a whole, which an encoder reads,
        and the columns beside it are the last features. ``shap.plots.waterfall`` draws one
        explanation, ``shap.plots.text`` one or several.

    Raises
    ------
    ImportError
        If SHAP is not installed.

    See Also
    --------
    explain : Compute explanations.
    ExplanationDisplay : Draw one of them without SHAP.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import as_shap_explanation, explain
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], ["pos", "pos", "neg", "neg"])
    >>> shap_explanation = as_shap_explanation(explain(model, ["good fun"])[0])
    >>> shap_explanation.feature_names
    ['good', 'fun']
    """
    try:
        shap: Any = import_module("shap")
    except ImportError as error:
        raise ImportError("SHAP is not installed: pip install shap") from error
    rows = [explanations] if isinstance(explanations, Explanation) else explanations
    if not len(rows):
        raise ValueError("explanations is empty: pass at least one explanation.")
    names, data, values = zip(*map(_features, rows), strict=True)
    base_values = np.array([explanation.base_value for explanation in rows])
    if rows is explanations:
        ragged = [np.fromiter(column, np.object_) for column in (values, data)]
        return shap.Explanation(ragged[0], base_values, ragged[1], feature_names=list(names))
    found = shap.Explanation(values[0], base_values[0], data[0], feature_names=names[0])
    found.output_names = printable(rows[0].target)
    return found


def _features(explanation: Explanation) -> tuple[list[str], Any, NDArray[np.float64]]:
    """Return names, what a plot shows of them (the token, or the one channel), and values."""
    data, beside = explanation.data, [*map(printable, explanation.beside)]
    values = np.append(explanation.values, [*explanation.beside.values()])
    if drawing.is_measured(data):
        known = np.full(len(beside), np.nan)
        shown = np.append(data[:, 0], known) if data.shape[1] == 1 else None
        return [f"step {step}" for step in range(len(data))] + beside, shown, values
    names = [*map(printable, data)]
    blank = "" if all(len(name) == 1 for name in names) else " "
    tokens = [name + blank for name in names] + [f" {name}" for name in beside]
    return names + beside, np.array(tokens, np.object_), values
