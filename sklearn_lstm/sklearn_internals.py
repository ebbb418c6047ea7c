"""What each parameter may be, and all else that needs private names of scikit-learn."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints
from sklearn.utils.validation import _get_feature_names

from sklearn_lstm.exceptions import warn_user

try:
    from sklearn import callback
except ImportError:  # before scikit-learn 1.9 no estimator has `set_callbacks`
    callback = None

Method = TypeVar("Method", bound=Callable[..., object])
NoCallbacks = type("NoCallbacks", (), {})
CallbackSupportMixin: Any = getattr(callback, "CallbackSupportMixin", NoCallbacks)

# The documentation is not published yet. The release checklist has to make this address true.
DOCUMENTATION = "https://sklearn-lstm.readthedocs.io/en/latest/"

POSITIVE_INTEGER = Interval(Integral, 1, None, closed="left")

# With CountVectorizer.
SHARED: dict[str, list[object] | str] = {
    name: constraint
    for name, constraint in CountVectorizer._parameter_constraints.items()  # noqa: SLF001
    if name not in {"binary", "dtype", "ngram_range"}
}
VECTORIZER: dict[str, list[object] | str] = {
    **SHARED,
    "analyzer": [StrOptions({"word", "char"}), callable],
    "fixed_vocabulary": ["boolean"],
    "max_length": [POSITIVE_INTEGER, None],
    "truncation": [StrOptions({"pre", "post", "middle"})],
    "padding": [StrOptions({"post", "pre"})],
    "output": [StrOptions({"sparse", "dense", "onehot"})],
}


def checked_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters.

    Raises
    ------
    InvalidParameterError
        If one is out of range; it is a ValueError of scikit-learn.
    """
    parameters = plain_parameters(estimator)  # float32 is a number too
    constraints = estimator._parameter_constraints  # noqa: SLF001
    validate_parameter_constraints(constraints, parameters, caller_name=type(estimator).__name__)
    return parameters


def plain_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters, those that are NumPy scalars as plain Python numbers.

    They are all that the classes of the estimator constrain: a subclass may have only some of them
    in its `__init__`, and in its constraints.
    """
    bases = type(estimator).__mro__
    names = [name for base in bases for name in getattr(base, "_parameter_constraints", ())]
    parameters = [(name, getattr(estimator, name)) for name in names]
    return {name: v.item() if isinstance(v, np.generic) else v for name, v in parameters}


def renamed_parameter(parameters: dict[str, Any], old: str, new: str, since: str) -> None:
    """Take the value of a parameter by its old name, with a warning, for two minor releases.

    Parameters
    ----------
    parameters : dict
        Changed in place: `old` is left out. It is "deprecated" unless the user has set it.
    old, new : str
    since : str
        The version that has renamed it, such as "1.2".

    Warns
    -----
    FutureWarning
    """
    value = parameters.pop(old)
    if not (isinstance(value, str) and value == "deprecated"):
        major, minor = map(int, since.split(".")[:2])
        told = f"{old} was renamed in version {since}, and goes in {major}.{minor + 2}: set {new}."
        warn_user(told, FutureWarning)
        parameters[new] = value


def check_column_names(X: object) -> None:
    """Raise scikit-learn's error for names of columns of several types."""
    _get_feature_names(X)


class DocumentedMixin:
    """Let scikit-learn's HTML representation link to our documentation."""

    _doc_link_module = "sklearn_lstm"
    _doc_link_template = DOCUMENTATION + "generated/api/sklearn_lstm.{estimator_name}.html"


def told_to_callbacks(fit: Method) -> Method:
    """Tell scikit-learn's callbacks of a fit, which is a task; an error ends it."""
    if callback is None:
        return fit

    @wraps(fit)
    def told(estimator: Any, X: object, *passed: object, **named: object) -> object:
        if not hasattr(estimator, "_skl_callbacks"):
            return fit(estimator, X, *passed, **named)
        given = signature(fit).bind(estimator, X, *passed, **named).arguments
        weight = given.get("sample_weight")
        metadata = {} if weight is None else {"sample_weight": weight}
        data = {"estimator": estimator, "X": X, "y": given.get("y"), "metadata": metadata}
        task = estimator._init_callback_context(max_subtasks=None)  # noqa: SLF001 - as documented
        task.call_on_fit_task_begin(**data)
        result = fit(estimator, X, *passed, **named)
        task.call_on_fit_task_end(**data, reconstruction_attributes={})
        return result

    return callback.with_callbacks(told)  # type: ignore[no-any-return]


def begin_epoch(estimator: Any) -> Any:
    """Tell scikit-learn's callbacks of an epoch, a subtask of the fit; None if there are none."""
    task = getattr(estimator, "_callback_fit_ctx", None)
    return task and task.subcontext("epoch").call_on_fit_task_begin(estimator=estimator)


def end_epoch(estimator: Any, epoch: Any) -> bool:
    """Tell them that it has ended; return whether one says that no other is to follow."""
    return bool(epoch and epoch.call_on_fit_task_end(estimator=estimator))
