"""Fitted models as files that are safe to load: one safetensors file for each model."""

import os
from collections.abc import Mapping
from typing import Any

from safetensors.numpy import save as to_bytes
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.pretrained.sentence_encoders import passed_models
from sklearn_lstm.storage import forms
from sklearn_lstm.storage.estimators import pack_estimator, sealed, warn_of_other_version
from sklearn_lstm.storage.file import opened, replacing
from sklearn_lstm.storage.pack import Packer
from sklearn_lstm.storage.unpack import Unpacker

__all__ = ["ModelFileError", "describe", "load", "save"]

OF_PIPELINE = ("verbose", "transform_input")
TOLD = ("source", "tables", "vectors")  # by `describe`, of embeddings and encoder
WHAT_ELSE = {  # to do about an attribute of a model that is no plain data
    **dict.fromkeys(
        ("analyzer", "preprocessor", "tokenizer"),
        "Call the function before the vectorizer, and fit that with analyzer=list to lists of "
        "tokens: list, tuple and str.split can be stored.",
    ),
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
        If the path leads to a folder, a device or a pipe, or no file can be written there.

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
    check_is_fitted(model)
    pack = Packer(is_file=True)
    metadata = sealed(_pack(model, "", pack.table), pack)
    data = to_bytes(pack.table, metadata)
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
        unpack.check_all_used()
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
        `format`, `versions` of the libraries that stored it, `parameters` (arrays as their type and
        shape, estimators as their class and parameters), `classes` (None if it has none), `sizes`,
        and `n_samples`, the number of samples that it has learned from (None if unknown). For a
        Pipeline `format`, `versions` and `steps`, which maps the name of each step to such a dict.

    Raises
    ------
    ModelFileError
        As in `load`; damage to the weights is not detected.

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
    with opened(path) as (content, unpack):
        return _described(content, unpack)


# --- Models to trees


def _pack(model: Any, place: str, arrays: forms.Table) -> dict[str, forms.Tree]:
    """Return the tree of a model or step; its arrays are added to the table."""
    kind = type(model)
    if model is None or kind is str:
        empty: dict[str, forms.Tree] = {"parameters": {}, "classes": None, "sizes": {}}
        return {"class": "passthrough", **empty, "n_samples": None}
    if kind is Pipeline:
        if model.memory is not None:
            found = f"{place}memory={model.memory!r}"
            raise TypeError(f"save can't store {found}: set it to None before.")
        steps = [[name, _pack(step, f"{place}{name}__", arrays)] for name, step in model.steps]
        pack = Packer(is_file=True)
        parameters = {name: pack(getattr(model, name), name) for name in OF_PIPELINE}
        return {"class": "Pipeline", "parameters": parameters, "steps": steps}
    if ESTIMATORS.get(kind.__name__) != kind.__module__:
        step = f" as the step {place[:-2]!r}" if place else ""
        raise TypeError(
            "save takes an LSTMSequenceClassifier, a TextSequenceVectorizer, WordVectors, or a "
            f"Pipeline of these, found {kind.__module__}.{kind.__name__}{step}. From a search, "
            "save the best_estimator_. skops.io.dump stores Pipelines with other steps."
        )
    pack = Packer(is_file=True)
    try:
        content = pack_estimator(model, pack, place)
    except forms.NotPlainError as error:
        raise TypeError(_refusal(model, place, error)) from error
    arrays.update(pack.table)
    return content


def _refusal(model: Any, place: str, error: forms.NotPlainError) -> str:
    """Return what can't be stored of an estimator, and what to do."""
    name = error.place.removeprefix(place).partition(".")[0]
    value = vars(model)[name]
    if name == "_fitted":
        name, value = "embeddings", error.value  # which the model has kept
    remedy = (
        "Predictions do not need it: give a parameter another value with set_params (None, or a "
        f"string such as 'adamw'; an integer as random_state); else del model.{name}."
    )
    return (
        f"save can't store {place}{name}={value!r:.200}, because a file that is safe to load "
        f"holds plain data only. {WHAT_ELSE.get(name, remedy)} Otherwise store the model with "
        "joblib; whoever loads that file has to trust you."
    )


# --- Trees to models


def _unpack(content: Mapping[str, forms.Tree], unpack: Unpacker) -> Any:
    kind = content["class"]
    if kind == "passthrough":
        return kind
    if kind == "Pipeline":
        parameters = {name: unpack(content["parameters"][name]) for name in OF_PIPELINE}
        steps = [(name, _unpack(step, unpack)) for name, step in content["steps"]]
        return Pipeline(steps, **parameters)
    check_is_fitted(model := unpack.estimator(content))
    return model


class Describer(Unpacker):
    """Trees -> what `describe` says of their values; arrays of numbers are not read."""

    def _value(self, form: str, content: forms.Tree) -> Any:
        if form == "array" and len(content) == 2:
            array = self.table[content[0]]
            return f"{array.dtype} array of shape {array.shape}"
        if form in forms.PARTS:
            (told,) = (tree for name, tree in content.items() if name in TOLD)
            return self(told)
        return super()._value(form, content)

    def estimator(self, content: Mapping[str, forms.Tree], _: object = None) -> Any:
        """Return the class and the parameters of an estimator."""
        parameters = {name: self(tree) for name, tree in content["parameters"].items()}
        return {"class": content["class"], "parameters": parameters}


def _described(content: Mapping[str, forms.Tree], unpack: Unpacker) -> dict[str, Any]:
    """Return the description of the model in an open file."""
    shared = {name: content[name] for name in ("format", "versions")}
    if "steps" in content:
        steps = {name: _described({**shared, **step}, unpack) for name, step in content["steps"]}
        return {**shared, "steps": steps}
    unpack.shared = {}
    classes = unpack(content["classes"])
    describer = Describer(unpack.table, unpack.passed, unpack.n_bytes_left)
    parameters = describer.estimator(content)["parameters"]
    unpack.n_bytes_left = describer.n_bytes_left  # for the next step
    return {
        **shared,
        "parameters": parameters,
        "classes": classes if classes is None else classes.tolist(),
        **{name: content[name] for name in ("sizes", "n_samples")},
    }
