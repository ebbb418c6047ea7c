"""`save`, `load` and `describe`: one safetensors file for each model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.data.sentence_encoders import SentenceEncoder
from sklearn_lstm.io.array_file import StoredArrays, n_rows, opened
from sklearn_lstm.io.sklearn_steps import from_archive, import_extra, to_archive
from sklearn_lstm.storing.envelope import (
    pack_estimator,
    sealed,
    unpack_estimator,
    warn_of_other_version,
)
from sklearn_lstm.storing.replacing import replacing
from sklearn_lstm.storing.stored_form import PASSED, Packer, Unpacker, is_json, new_estimator

OF_PIPELINE = ("verbose", "transform_input")


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Store a fitted model in one safetensors file, which can be loaded without running code.

    The model is written to a temporary file in the same folder, which is renamed once it is
    complete. If the program ends before, or the disk is full, an older file stays as it was.

    Parameters
    ----------
    model : LSTMSequenceClassifier, TextSequenceVectorizer, WordVectors or Pipeline
        A fitted model. The other steps of a Pipeline are estimators of scikit-learn, which skops
        stores.
    path : str or path
        The name of the file, usually with the suffix ".safetensors".

    Raises
    ------
    TypeError
        If the model is of another class, or contains an object that is not plain data: a function,
        a class, a callback, a `RandomState`, or vectors of another package; or if a step of
        scikit-learn is not safe to load (trees, `SVC`). The message names it.
    NotFittedError
        If it is not fitted.
    ImportError
        If safetensors or skops is not installed.

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
    check_is_fitted(model)
    arrays: dict[str, NDArray[Any]] = {}
    token = PASSED.set(())
    try:
        metadata = sealed(_pack(model, "", arrays))
    finally:
        PASSED.reset(token)
    data = import_extra("safetensors.numpy").save(arrays, metadata)
    for name, array in arrays.items():
        if n_rows(array.shape) > len(data):
            raise TypeError(
                f"save can't store {name}, an empty array of shape {array.shape}: load refuses "
                "arrays with more rows than the file has bytes."
            )
    with replacing(path) as file:
        file.write(data)


def load(path: str | os.PathLike[str], *, embeddings: Any = None) -> Any:
    """Load a model that `save` stored.

    Nothing in the file is run or unpickled, no module outside a fixed list is imported, and no
    folder that the file names is opened.

    Parameters
    ----------
    path : str or path
        The name of a file that `save` wrote.
    embeddings : Path, object, or list of them, default=None
        The `embeddings` that the classifier was fitted with, if they include a static model in a
        folder, or an encoder. The file only names these, and `load` opens no folder that a file
        names.

    Returns
    -------
    LSTMSequenceClassifier, TextSequenceVectorizer, WordVectors or Pipeline
        The fitted model. It makes the same predictions, and continues learning in the same way.

    Raises
    ------
    ModelFileError
        If the file is not a stored model, is damaged, or has a newer format; or if the model was
        fitted with a static model in a folder, or an encoder, and `embeddings` has other vectors.
    ImportError
        If a Pipeline has a step of scikit-learn, and skops is not installed; or if the package of
        the static model that it was fitted with is not installed.

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
    passed = () if embeddings is None else SentenceEncoder.passed(embeddings)
    with opened(path, passed) as (content, arrays):
        unpack = Unpacker(arrays)
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
    with opened(path) as (content, arrays):
        return _describe(content, arrays)


# --- Models to trees


def _pack(model: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the tree of a model or step; its arrays are added to the table."""
    kind = type(model)
    if model is None or kind is str:
        empty: dict[str, Any] = {"parameters": {}, "classes": None, "sizes": {}}
        return {"class": "passthrough", **empty, "n_samples": None}
    if kind is Pipeline:
        return _pack_pipeline(model, prefix, arrays)
    if ESTIMATORS.get(kind.__name__) != kind.__module__:
        return _pack_foreign(model, prefix, arrays)
    content, its_arrays, objects = pack_estimator(model, prefix)
    for place in objects:
        name = place.removeprefix(prefix).partition(".")[0]
        parameter, value = name, vars(model)[name]
        if name == "_fitted":
            parameter, value = "embeddings", objects[place]  # which the model has kept
        raise TypeError(
            f"save can't store {prefix}{parameter}={value!r:.200}, because a file that is safe to "
            f"load holds plain data only. {_what_else(model, parameter)} Otherwise store the model "
            "with joblib; whoever loads that file has to trust you."
        )
    arrays.update(its_arrays)
    return content


def _pack_pipeline(model: Pipeline, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    if model.memory is not None:
        raise TypeError(
            f"save can't store {prefix}memory={model.memory!r}, a folder of this machine. Set it "
            "to None with set_params."
        )
    steps = [[name, _pack(step, f"{prefix}{name}__", arrays)] for name, step in model.steps]
    parameters = {name: Packer()(getattr(model, name), name) for name in OF_PIPELINE}
    return {"class": "Pipeline", "parameters": parameters, "steps": steps}


def _pack_foreign(model: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the tree of an estimator of scikit-learn, which is an archive of skops."""
    name, step = f"{type(model).__module__}.{type(model).__name__}", prefix[:-2]
    if not prefix or not name.startswith("sklearn."):
        raise TypeError(
            "save takes an LSTMSequenceClassifier, a TextSequenceVectorizer, WordVectors, or a "
            "Pipeline of these and estimators of scikit-learn, found "
            f"{name}{f' as the step {step!r}' * bool(step)}. From a search, save the "
            "best_estimator_. Otherwise store the model with joblib; whoever loads that file has "
            "to trust you."
        )
    archive, unsafe = to_archive(model)
    if unsafe:
        raise TypeError(
            f"save can't store the step {step!r}: a file with {unsafe} is not safe to load. "
            "Store the model with joblib; whoever loads that file has to trust you."
        )
    pack = Packer(arrays)
    parameters = {
        key: value if is_json(value) else repr(value)
        for key, value in model.get_params(deep=False).items()
    }
    return {
        "class": "skops",
        "archive": pack(archive, f"{prefix}archive"),
        "parameters": parameters,
        "classes": pack(getattr(model, "classes_", None), f"{prefix}classes_"),
        "sizes": {"n_bytes": len(archive)},
        "n_samples": None,
    }


def _what_else(model: Any, name: str) -> str:
    """Return what to do about an attribute of a model that is no plain data."""
    if name == "_metadata_request":
        return (
            "It says what set_fit_request and the like were given. Predictions do not need it: "
            f"del model.{name}, and request it again after loading."
        )
    if name not in model.get_params(deep=False):
        return f"It is no parameter: del model.{name}, and set it again after loading."
    if name in ("analyzer", "preprocessor", "tokenizer"):
        return (
            "Call the function before the vectorizer, and fit that with analyzer=list to lists of "
            "tokens: list, tuple and str.split can be stored."
        )
    if name in ("stop_words", "vocabulary"):
        return "Pass a list or a dict."
    if name == "embeddings":
        return (
            "Fit with an array, a dict, WordVectors, an encoder, or the name or path of a static "
            "model."
        )
    return (
        "Predictions do not need it: set another value with set_params (None, or a string such as "
        "'adamw'; an integer as random_state)."
    )


# --- Trees to models


def _unpack(content: Mapping[str, Any], unpack: Unpacker) -> Any:
    kind = content["class"]
    if kind == "passthrough":
        return kind
    if kind == "Pipeline":
        parameters = {name: unpack(content["parameters"][name]) for name in OF_PIPELINE}
        steps = [(name, _unpack(step, unpack)) for name, step in content["steps"]]
        return Pipeline(steps, **parameters)
    if kind == "skops":
        unpack(content["classes"])  # what `describe` reads
        return from_archive(unpack(content["archive"]))
    estimator = new_estimator(kind, content["parameters"], content["fitted"])
    unpack_estimator(estimator, content, unpack)
    return estimator


def _describe(content: Mapping[str, Any], arrays: StoredArrays) -> dict[str, Any]:
    shared = {name: content[name] for name in ("format", "versions")}
    if "steps" in content:
        steps = {name: _describe({**shared, **step}, arrays) for name, step in content["steps"]}
        return {**shared, "steps": steps}
    trees = content["parameters"].items()
    classes = Unpacker(arrays)(content["classes"])
    return {
        **shared,
        "parameters": {name: _describe_value(tree, arrays) for name, tree in trees},
        "classes": classes if classes is None else classes.tolist(),
        "sizes": content["sizes"],
        "n_samples": content["n_samples"],
    }


def _describe_value(tree: Any, arrays: StoredArrays) -> Any:
    """Return a value; of an array its type and shape, of an estimator its class and parameters."""
    ((form, content),) = tree.items() if isinstance(tree, dict) else [("", tree)]
    if form == "array":
        return arrays.describe(content[0])
    if form == "SentenceEncoder":
        names, values = content
        return Unpacker(arrays)(values[names.index("source")])
    if form == "tuple" and isinstance(content, list):
        return tuple(_describe_value(content, arrays))
    if form == "estimator":
        kind, parameters, _ = content
        names, values = parameters["dict"]
        described = (_describe_value(value, arrays) for value in values)
        names = Unpacker(arrays)(names)
        return {"class": kind, "parameters": dict(zip(names, described, strict=True))}
    if isinstance(tree, list):
        return [_describe_value(item, arrays) for item in tree]
    return Unpacker(arrays)(tree)
