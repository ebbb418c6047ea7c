"""Explanations for the plots of SHAP (Lundberg and Lee 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.inspection.drawing import is_measured, printable
from sklearn_lstm.inspection.explaining import Explanation


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
    if is_measured(data):
        known = np.full(len(beside), np.nan)
        shown = np.append(data[:, 0], known) if data.shape[1] == 1 else None
        return [f"step {step}" for step in range(len(data))] + beside, shown, values
    names = [*map(printable, data)]
    blank = "" if all(len(name) == 1 for name in names) else " "
    tokens = [name + blank for name in names] + [f" {name}" for name in beside]
    return names + beside, np.array(tokens, np.object_), values
