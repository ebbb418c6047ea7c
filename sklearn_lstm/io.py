"""Fitted models as files that are safe to load: one safetensors file for each model."""

import os
from collections.abc import Collection, Mapping
from reprlib import repr as shortened
from typing import Any

import numpy as np
from safetensors.numpy import save as to_bytes
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.pretrained.sentence_encoders import passed_models
from sklearn_lstm.pretrained.token_tables import NamedModel
from sklearn_lstm.storage import forms
from sklearn_lstm.storage.estimators import PLAIN, Packer, sealed, warn_of_other_version
from sklearn_lstm.storage.file import MARK, opened, replacing

__all__ = ["ModelFileError", "describe", "load", "save"]

WHAT_ELSE = {  # to do about an attribute of a model that is no plain data
    **dict.fromkeys(
        ("analyzer", "tokenizer"),
        "Call the function before the vectorizer, and fit that with analyzer=list to lists of "
        "tokens: list, tuple and str.split can be stored.",
    ),
    **dict.fromkeys(("preprocessor", "strip_accents"), "Call the function on the texts before."),
    **dict.fromkeys(("stop_words", "vocabulary"), "Pass a list or a dict."),
    "embeddings": "Fit with an array, a dict, WordVectors, or what static_model returns.",
}


def save(model: object, path: str | os.PathLike[str]) -> None:
    """Store a fitted model in one safetensors file, which can be loaded without running code.

    The model is written to a temporary file in the same folder, which is renamed once it is
    complete. If the program ends before, or the disk is full, an older file stays as it was.

    Parameters
    ----------
    model : LSTMSequenceClassifier, TextSequenceVectorizer, WordVectors or Pipeline
        A fitted model. The steps of a Pipeline are such estimators too, or "passthrough".
    path : str or path
        The name of the file, usually with the suffix ".safetensors".

    Raises
    ------
    TypeError
        If the model or a step is of another class, or contains an object that is not plain data:
        a function, a class, a callback, a `RandomState`, or vectors of another package. The message
        names it.
    NotFittedError
        If it is not fitted.
    OSError
        If the path leads to a folder, a device or a pipe, to a file that is no model, which is not
        replaced, or to where no file can be written.

    See Also
    --------
    load : Load a stored model.
    describe : Describe a stored model without loading its weights.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_lstm import TextSequenceVectorizer
    >>> from sklearn_lstm.io import load, save
    >>> vectorizer = TextSequenceVectorizer(output="dense").fit(["so good", "so bad"])
    >>> path = tempfile.mkdtemp() + "/vectorizer.safetensors"
    >>> save(vectorizer, path)
    >>> load(path).transform(["so so"])
    array([[2, 2]], dtype=int32)
    """
    if isinstance(model, str | os.PathLike):
        raise TypeError(f"The model comes first: save(model, {os.fspath(model)!r}).")
    pack = Packer(is_file=True)
    seal = " ".join(sealed(_pack(model, "", pack), pack).values())
    data = to_bytes(pack.table, {MARK: seal})  # of several names, the order would be a random one
    with replacing(path) as file:
        file.write(data)


def load(path: str | os.PathLike[str], *, embeddings: object = None, encoder: object = None) -> Any:
    """Load a model that `save` stored.

    Nothing in the file is run or unpickled, no module outside a fixed list is imported, and no
    folder that the file names is opened.

    Parameters
    ----------
    path : str or path
        The name of a file that `save` wrote.
    embeddings : object, default=None
        What `sklearn_lstm.vectors.static_model` returns, if the classifier was fitted with a static
        model; the file only names it.
    encoder : object with encode, path or None, default=None
        What the classifier was fitted with; the file only names it. It becomes its `encoder`.

    Returns
    -------
    LSTMSequenceClassifier, TextSequenceVectorizer, WordVectors or Pipeline
        The fitted model. It makes the same predictions, and continues learning in the same way.

    Raises
    ------
    ModelFileError
        If the file is not a stored model, is damaged, or has a newer format; or if a static model
        or an encoder was not passed, or has other vectors.
    TypeError, ValueError
        If what is passed is something else.
    ImportError
        If the package of the encoder that the file names is not installed.

    See Also
    --------
    save : Store a model.
    describe : Describe a stored model without loading its weights.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_lstm import LSTMSequenceClassifier
    >>> from sklearn_lstm.io import load, save
    >>> rising, falling = [[0.0, 1.0, 2.0], [1.0, 3.0]], [[2.0, 1.0], [4.0, 2.0, 1.0]]
    >>> model = LSTMSequenceClassifier(hidden_size=4, max_epochs=1, random_state=0)
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> save(model.fit(rising + falling, [1, 1, 0, 0]), path)
    >>> bool((load(path).predict_proba(rising) == model.predict_proba(rising)).all())
    True
    """
    with opened(path, passed_models(embeddings, encoder)) as (content, unpack):
        model = _unpack(content, unpack)
        warn_of_other_version(content, content["class"])
        return model


def describe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Describe a stored model without loading its weights.

    Parameters
    ----------
    path : str or path
        The name of a file that `save` wrote.

    Returns
    -------
    dict
        What the file says of itself, which nothing checks: `format`, `versions` of the libraries
        that stored it, `parameters` (numbers and strings as they are, others in a few words),
        `classes` (None if it has none), `sizes`, and `n_samples`, the number of samples that it has
        learned from (None if unknown). For a Pipeline `format`, `versions` and `steps`, which maps
        the name of each step to what is said of it.

    Raises
    ------
    ModelFileError
        As in `load`; damage to the arrays is not detected.

    See Also
    --------
    save : Store a model.
    load : Load a stored model.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_lstm import TextSequenceVectorizer
    >>> from sklearn_lstm.io import describe, save
    >>> path = tempfile.mkdtemp() + "/vectorizer.safetensors"
    >>> save(TextSequenceVectorizer().fit(["so good", "so bad", "so"]), path)
    >>> described = describe(path)
    >>> described["n_samples"], described["sizes"]["n_tokens"]
    (3, 3)
    """
    with opened(path) as (content, _):
        return {name: content[name] for name in ("format", "versions")} | _told(content)


# --- Models to trees


def _pack(model: Any, place: str, pack: Packer) -> dict[str, forms.Tree]:
    """Return the tree of a model or step; its arrays are added to the table."""
    kind = type(model)
    if model is None or kind is str:
        return {"class": "passthrough", "told": {}}
    if kind is Pipeline:
        if model.memory is not None:
            found = f"{place}memory={model.memory!r}"
            raise TypeError(f"save can't store {found}: set it to None before.")
        steps = [[name, _pack(step, f"{place}{name}__", pack)] for name, step in model.steps]
        own = {"verbose": bool(model.verbose), "transform_input": model.transform_input}
        return {"class": "Pipeline", "steps": steps, **own}
    if ESTIMATORS.get(kind.__name__) != kind.__module__:
        step = f" as the step {place[:-2]!r}" if place else ""
        raise TypeError(
            "save takes an LSTMSequenceClassifier, a TextSequenceVectorizer, WordVectors, or a "
            f"Pipeline of these, found {kind.__module__}.{kind.__name__}{step}. From a search, "
            "save the best_estimator_. skops.io.dump stores Pipelines with other steps."
        )
    check_is_fitted(model)
    try:
        return {**pack.attributes(model, place), "told": _to_tell(model)}
    except forms.NotPlainError as error:
        raise TypeError(_refusal(model, place, error)) from error


def _to_tell(model: Any) -> dict[str, forms.Tree]:
    """Return what `describe` says of an estimator."""
    attributes, numbers = model._stored_attributes(), model._stored_numbers()  # noqa: SLF001
    parameters = {name: _short(attributes[name]) for name in model.get_params(deep=False)}
    classes = getattr(model, "classes_", None)
    names = None if classes is None else [*map(_short, classes.tolist())]
    return {"parameters": parameters, "classes": names, **numbers}


def _short(value: Any) -> forms.Tree:
    """Return a value as `describe` shows it: a plain one as it is, others in a few words."""
    value = value.source if isinstance(value, NamedModel) else value
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    return shortened(value) if isinstance(value, Collection) else f"{value!s:.100}"


def _refusal(model: Any, place: str, error: forms.NotPlainError) -> str:
    """Return what can't be stored of an estimator, and what to do."""
    name = error.place.removeprefix(place).partition(".")[0]
    value = vars(model)[name]
    if name == "_fitted":
        name, value = "embeddings", error.value  # which the model has kept
    remedy = (
        "Predictions do not need it: give a parameter another value with set_params (None, or a "
        "string such as 'adamw'; an integer as random_state), or delete the attribute."
    )
    return (
        f"save can't store {place}{name}={value!r:.200}, because a file that is safe to load "
        f"holds plain data only. {WHAT_ELSE.get(name, remedy)} Otherwise store the model with "
        "joblib, which takes no lambda; whoever loads that file has to trust you."
    )


# --- Trees to models


def _unpack(content: Mapping[str, forms.Tree], unpack: forms.Unpacker) -> Any:
    kind = content["class"]
    if kind == "passthrough":
        return kind
    if kind == "Pipeline":
        steps = [(name, _unpack(step, unpack)) for name, step in content["steps"]]
        own = {name: content[name] for name in ("verbose", "transform_input")}
        return Pipeline(steps, **own)
    check_is_fitted(model := unpack.estimator(content))
    return model


def _told(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tree says of its model."""
    if "steps" in content:
        return {"steps": {name: _told(step) for name, step in content["steps"]}}
    return dict(content["told"])
