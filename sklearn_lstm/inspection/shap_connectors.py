"""Explanations for the plots of SHAP (Lundberg and Lee 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.inspection.drawing import printable
from sklearn_lstm.inspection.explaining import Explanation


def as_shap_explanation(explanations: Explanation | Sequence[Explanation]) -> Any:
    """Return what `explain` returned as a ``shap.Explanation``, for SHAP's plots.

    Parameters
    ----------
    explanations : Explanation or list of Explanation

    Returns
    -------
    shap.Explanation
        With `values`, `base_values`, `data` (the tokens, each followed by a blank if some are
        longer than one character; the measurements of series of one channel) and `feature_names`.
        Beside an encoder, the text as a whole is one more feature, the last;
        of one explanation `output_names` too. ``shap.plots.waterfall`` draws one explanation,
        ``shap.plots.text`` one or several.

    Raises
    ------
    ImportError
        If SHAP is not installed.

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
    if isinstance(explanations, Explanation):
        found = shap.Explanation(
            _values(explanations),
            base_values=explanations.base_value,
            data=_shown(explanations),
            feature_names=_names(explanations),
        )
        found.output_names = printable(explanations.target)
        return found
    if not len(explanations):
        raise ValueError("There is no explanation: the list is empty.")
    return shap.Explanation(
        _ragged([_values(explanation) for explanation in explanations]),
        base_values=np.array([explanation.base_value for explanation in explanations]),
        data=_ragged([_shown(explanation) for explanation in explanations]),
        feature_names=[_names(explanation) for explanation in explanations],
    )


def _values(explanation: Explanation) -> NDArray[np.float64]:
    return np.append(explanation.values, [explanation.whole] * bool(explanation.whole))


def _names(explanation: Explanation) -> list[str]:
    if explanation.data.ndim == 2:
        return [f"step {step}" for step in range(len(explanation.data))]
    return [*map(printable, explanation.data)] + ["the whole text"] * bool(explanation.whole)


def _shown(explanation: Explanation) -> Any:
    """Return what a plot shows of each step: tokens with blanks, measurements of one channel."""
    if explanation.data.ndim == 2:
        return explanation.data[:, 0] if explanation.data.shape[1] == 1 else None
    names = _names(explanation)
    blank = "" if all(len(name) == 1 for name in names) else " "
    return np.array([name + blank for name in names], np.object_)


def _ragged(rows: list[Any]) -> Any:
    """Return an array of arrays of unequal length."""
    ragged = np.empty(len(rows), np.object_)
    ragged[:] = rows
    return ragged
