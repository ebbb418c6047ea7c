"""What each step adds to a prediction: as bars, as coloured text, and for the plots of SHAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import imported
from sklearn_lstm.inspection import drawing
from sklearn_lstm.inspection.drawing import printable

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


class Html:
    """What a notebook shows, also as a file."""

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def to_html(self) -> str:
        """Return the HTML that a notebook shows, to be written to a file.

        Returns
        -------
        str
            Of ASCII characters alone, which every browser reads.
        """
        return self._repr_html_().encode("ascii", "xmlcharrefreplace").decode()


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Html):
    """Store what each step of one sequence adds to the score of a class.

    The score is the logit of the class, as in `decision_function`; for two classes it is the logit
    of this class minus that of the other one.

    Parameters
    ----------
    data : ndarray of shape (n_steps,) or (n_steps, n_channels)
        The tokens (ids, if no vocabulary is known), or the measurements.
    linear : ndarray of shape (n_steps,)
        The contribution of each step to the logits of the linear models.
    network : ndarray of shape (n_steps,)
        The contribution of each step to the logits of the network.
    base_value : float
        The score of the baseline, including the logit adjustment. The baseline is a linear model
        that finds none of its n-grams, and a network that reads unknown tokens only. For
        measurements it is the mean score of the training series, by the convolutions, and a network
        that reads a series that is the mean throughout (0 with ``normalize=False``).
    target : object
        The class; the name of a label, if the y of `fit` was a data frame of several.
    whole : float, default=0.0
        The contribution of the text as a whole: that of members without steps, such as an encoder.
    numbers : dict of str to float
        The contribution of each column beside the sequences, by its name.

    See Also
    --------
    explain : Compute explanations.
    ExplanationDisplay : Explain and draw one sequence.

    Notes
    -----
    Everything is computed in float32; the scores of a classifier that predicts in bfloat16 differ
    by a few thousandths. Contributions describe the model, not the world. If the meaning of one
    token depends on another, the two share the contribution: see `explain_phrases`.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import explain
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], ["pos", "pos", "neg", "neg"])
    >>> (explanation,) = explain(model, ["such good fun"])
    >>> print(explanation.target)
    pos
    >>> explanation.data[explanation.values.argmax()]
    'good'
    """

    data: NDArray[Any]
    linear: NDArray[np.float64]
    network: NDArray[np.float64]
    base_value: float
    target: object
    whole: float = 0.0
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def values(self) -> NDArray[np.float64]:
        """Return the sum of both contributions of each step, (n_steps,)."""
        return self.linear + self.network

    def __repr__(self) -> str:
        largest = np.argsort(-np.abs(self.values), kind="stable")[:5].tolist()
        names = self.data if self.data.ndim == 1 else [f"step {at}" for at in range(len(self.data))]
        parts = [f"{printable(names[at])} {self.values[at]:+.2f}" for at in largest]
        if len(self.data) > len(largest):
            parts.append("...")
        parts += [f"{name} {value:+.2f}" for name, value in self.beside.items()]
        parts += [f"base value {self.base_value:+.2f}"]
        # Of NumPy's own scalars, `repr` says the type.
        target = repr(str(self.target)) if isinstance(self.target, str) else str(self.target)
        return f"<Explanation of {target}: score {self.score:+.2f}: {', '.join(parts)}>"

    @property
    def beside(self) -> dict[str, float]:
        """Return the contributions that belong to no step, by what they are of."""
        return {"the whole text": self.whole} | self.numbers if self.whole else self.numbers

    @property
    def score(self) -> float:
        """Return the score: the sum of `base_value` and all contributions."""
        return float(self.base_value + self.values.sum() + sum(self.beside.values()))

    def plot(self, ax: drawing.Axes | None = None, *, n_steps: int = 30) -> drawing.Axes:
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
        matplotlib Axes
            The axes with the bars.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if n_steps < 1:
            raise ValueError(f"n_steps must be at least 1; got {n_steps}.")
        n_all, is_series = len(self.data), drawing.is_measured(self.data)
        by_strength = np.argsort(-np.abs(self.values), kind="stable")
        shown = np.arange(n_all) if is_series else np.sort(by_strength[:n_steps])
        numbers = {} if is_series else self.numbers  # of a linear model too
        linear = np.append(self.linear[shown], [*numbers.values()])
        network = np.append(self.network[shown], np.zeros(len(numbers)))
        # Parts of one sign are put one behind the other, parts of two signs on both sides of 0.
        starts, places = np.where(linear * network > 0, linear, 0.0), np.arange(len(linear))
        height = float(np.clip(1.4 + 0.22 * len(places), 2.4, 12))
        ax = drawing.axes_for(ax, (8.0, 4.0) if is_series else (6.4, height))
        ax.use_sticky_edges = False  # else the longest bar may end at the frame
        draw, thickness = (ax.bar, 1.0) if is_series else (ax.barh, 0.8)
        draw(places, linear, thickness, label="linear models")
        if network.any():
            draw(places, network, thickness, starts, label="network")
        if is_series:
            ax.plot(places, linear + network, "k.", markersize=3, label="sum")
            drawing.hatch_missing(ax, self.data)
        else:
            ax.plot(linear + network, places, "k.", label="sum")
            ax.margins(y=0.02)
            ax.invert_yaxis()  # the first token is at the top
        (ax.axhline if is_series else ax.axvline)(0, color="0.5", linewidth=0.8)
        steps = self.data[shown]
        steps = np.append(steps, np.array([*numbers], np.object_)) if numbers else steps
        drawing.label_steps(ax.xaxis if is_series else ax.yaxis, steps)
        set_label = ax.set_ylabel if is_series else ax.set_xlabel
        set_label(f"adds to the score of {printable(self.target)}", parse_math=False)
        ax.legend()
        beside = self.beside.items()
        notes = [f"{name} {value:+.2f}" for name, value in beside if name not in numbers]
        if len(shown) < n_all:
            notes.append(f"{len(shown)} of {n_all} tokens")
        ax.set_title(printable("; ".join(notes)), fontsize="medium", parse_math=False)
        return ax

    def _repr_html_(self) -> str:
        """Return the text, each token on a background that shows what it adds."""
        data, space, blank = self.data, "0.15em", " "
        if drawing.is_measured(data):
            gaps = drawing.has_no_value(data).tolist()
            names = [f"{step} missing" if gap else str(step) for step, gap in enumerate(gaps)]
        elif all(len(str(token)) == 1 for token in data):
            names, space, blank = [*map(printable, data)], "0", ""  # with the white space
        else:
            names = drawing.token_names(data)
        pairs = zip(self.linear, self.network, strict=True)
        titles = [f"linear model {one:+.3f}, network {other:+.3f}" for one, other in pairs]
        names += [f" {name}" for name in self.numbers]
        titles += [""] * len(self.numbers)
        contributions = np.append(self.values, [*self.numbers.values()])
        shares = contributions / (float(np.abs(contributions).max(initial=0)) or 1.0)
        parts = zip(map(escape, names), shares, titles, strict=True)
        target = escape(printable(self.target))
        beside = [f" {value:+.2f} ({escape(name)})" for name, value in self.beside.items()]
        return TEXT.format(
            head=f"score of <b>{target}</b>: {self.score:+.2f} = {self.base_value:+.2f} "
            f"(baseline) {self.linear.sum():+.2f} (linear model) "
            f"{self.network.sum():+.2f} (network){''.join(beside)}",
            body=blank.join(coloured(*part, space) for part in parts),
            foot=f"{coloured(f'for {target}', 1)} {coloured(f'against {target}', -1)}",
        )


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
    shap = imported("shap", "as_shap_explanation")
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
