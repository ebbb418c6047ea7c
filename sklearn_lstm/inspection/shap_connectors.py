"""Connections to SHAP (Lundberg and Lee 2017): its plots, and its explainers on texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm.inspection.explaining import Explanation
from sklearn_lstm.text.analysis import count_vectorizer_like
from sklearn_lstm.text.counting import UNKNOWN
from sklearn_lstm.text.offsets import find_offsets
from sklearn_lstm.vectorizer import TextSequenceVectorizer

# What stands for a hidden token: a character for private use, or letters that are no word.
MASKS = ("\ue000 ", "zzqxzzqx ", "qzzxqzzx ")


def as_shap_explanation(explanations: Explanation | Sequence[Explanation]) -> Any:
    """Return what `explain` returned as a ``shap.Explanation``, for SHAP's plots.

    Parameters
    ----------
    explanations : Explanation or list of Explanation

    Returns
    -------
    shap.Explanation
        With `values`, `base_values`, `data` (the tokens, each followed by a blank if some are
        longer than one character; the measurements of series of one channel) and `feature_names`;
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
    shap = _import_shap()
    if isinstance(explanations, Explanation):
        found = shap.Explanation(
            explanations.values,
            base_values=explanations.base_value,
            data=_shown(explanations),
            feature_names=_names(explanations),
        )
        found.output_names = str(explanations.target)
        return found
    if not len(explanations):
        raise ValueError("There is no explanation: the list is empty.")
    return shap.Explanation(
        _ragged([each.values for each in explanations]),
        base_values=np.array([each.base_value for each in explanations]),
        data=_ragged([_shown(each) for each in explanations]),
        feature_names=[_names(each) for each in explanations],
    )


def as_shap_masker(vectorizer: TextSequenceVectorizer) -> Any:
    """Return a masker with which SHAP's own explainers hide the tokens of raw texts.

    A hidden token is read as an unknown one. With ``analyzer="char"``, SHAP puts blanks around it.

    Parameters
    ----------
    vectorizer : TextSequenceVectorizer
        Fitted; that of the Pipeline which is explained.

    Returns
    -------
    shap.maskers.Text

    Raises
    ------
    ImportError
        If SHAP is not installed.
    TypeError, NotFittedError
        If `vectorizer` is not a fitted TextSequenceVectorizer.
    ValueError
        If its texts are files, or its tokenizer finds no token in place of a hidden one.

    Notes
    -----
    SHAP's Partition explainer needs texts of two tokens or more.

    Examples
    --------
    >>> import shap
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
    >>> from sklearn_lstm.inspection import as_shap_masker
    >>> model = make_pipeline(
    ...     TextSequenceVectorizer(),
    ...     LSTMSequenceClassifier(hidden_size=16, max_epochs=60, random_state=0),
    ... ).fit(["so good", "good fun", "so bad", "bad, boring"], ["pos", "pos", "neg", "neg"])
    >>> explainer = shap.Explainer(model.predict_proba, as_shap_masker(model[0]))
    >>> explainer(["Good fun!"], silent=True).values.shape  # texts, tokens, classes
    (1, 3, 2)
    """
    shap = _import_shap()
    if not isinstance(vectorizer, TextSequenceVectorizer):
        raise TypeError(
            "Expected the TextSequenceVectorizer of a Pipeline, model[0]; got "
            f"{type(vectorizer).__name__}."
        )
    check_is_fitted(vectorizer)
    if vectorizer.input != "content":
        raise ValueError(f"SHAP hides words of texts, not of files (input={vectorizer.input!r}).")
    analyze, known = vectorizer.build_analyzer(), vectorizer.vocabulary_
    for mask in MASKS:
        if [token in known for token in analyze(mask)] in ([False], [False, True], [False, False]):
            return shap.maskers.Text(
                TokenOffsets(vectorizer), mask_token=mask, collapse_mask_token=False
            )
    raise ValueError(
        "The tokenizer of this vectorizer leaves no token of a hidden word. Use the default words, "
        "or a token_pattern that finds words of letters."
    )


@dataclass(frozen=True)
class TokenOffsets:
    """A vectorizer as the function from a text to ids and offsets that SHAP asks for.

    Parameters
    ----------
    vectorizer : TextSequenceVectorizer
    """

    vectorizer: TextSequenceVectorizer

    def __call__(self, text: str, *, return_offsets_mapping: bool = True) -> dict[str, list[Any]]:
        """Return the ids of the tokens, and their places in the text."""
        vectorizer = self.vectorizer
        analysis = count_vectorizer_like(vectorizer)
        tokens = list(vectorizer.build_analyzer()(text))
        found: dict[str, list[Any]] = {
            "input_ids": [vectorizer.vocabulary_.get(token, UNKNOWN) for token in tokens]
        }
        if return_offsets_mapping:
            found["offset_mapping"] = find_offsets(
                text, tokens, analysis.build_preprocessor(), analyzer=str(vectorizer.analyzer)
            )
        return found


def _import_shap() -> Any:
    try:
        return import_module("shap")
    except ImportError as error:
        raise ImportError("SHAP is not installed: pip install shap") from error


def _names(explanation: Explanation) -> list[str]:
    if explanation.data.ndim == 2:
        return [f"step {step}" for step in range(len(explanation.data))]
    return [str(token) for token in explanation.data]


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
