"""scikit-learn's own callbacks: the tasks of a fit, and what an estimator has because of them.

scikit-learn has callbacks from version 1.9 on (``sklearn.callback``). With an older version no
estimator has `set_callbacks`, and nobody is told of a task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

try:
    from sklearn import callback as sklearn_callback
except ImportError:  # before scikit-learn 1.9
    sklearn_callback = None

Method = TypeVar("Method", bound=Callable[..., object])
Attributes = Mapping[str, object]

SET, PARENT = "_skl_callbacks", "_parent_callback_ctx"
# What scikit-learn adds to an estimator; but for the callbacks that were set, only during a fit.
ATTRIBUTES = {SET, PARENT, "_callback_fit_ctx", "_skl_callbacks_to_teardown"}


CallbackSupportMixin: Any = getattr(
    sklearn_callback, "CallbackSupportMixin", type("NoCallbacks", (), {})
)
# Of a method that fits: callbacks are told when it ends, by an error too.
with_callbacks: Callable[[Method], Method] = getattr(
    sklearn_callback, "with_callbacks", lambda method: method
)


def without_callbacks(attributes: Attributes) -> dict[str, object]:
    """Return the attributes of an estimator but for those that are there because of callbacks."""
    return {name: value for name, value in attributes.items() if name not in ATTRIBUTES}


def own_callbacks(estimator: object) -> dict[str, object]:
    """Return the attribute with the callbacks that were set, if there are any.

    Those that a Pipeline or a search lends to the estimator for its fit are left out.
    """
    callbacks = getattr(estimator, SET, [])
    if hasattr(estimator, PARENT):
        lent = sklearn_callback.AutoPropagatedCallback
        callbacks = [callback for callback in callbacks if not isinstance(callback, lent)]
    return {SET: callbacks} if callbacks else {}


@dataclass
class CallbackTask:
    """A task of a fit, of whose begin and end callbacks are told if the estimator has any.

    Parameters
    ----------
    estimator : estimator or None
    data : dict
        What callbacks may ask for: X, y and metadata.
    context : sklearn.callback.CallbackContext or None
        None: not begun, or there are no callbacks.
    """

    estimator: Any = None
    data: dict[str, object] = field(default_factory=dict)
    context: Any = None

    @classmethod
    def of_fit(cls, estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Return the task of a whole fit."""
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        return cls(estimator, {"X": X, "y": y, "metadata": metadata})

    def begin(self, n_subtasks: int = 0) -> None:
        """Begin the task of a whole fit, once its subtasks are known; they may overlap."""
        if getattr(self.estimator, SET, None):
            self.context = self.estimator._init_callback_context(  # noqa: SLF001 - as documented
                max_subtasks=n_subtasks, sequential_subtasks=False
            )
            self.context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def subtask(self, name: str, number: int | None = None, n_subtasks: int = 0) -> CallbackTask:
        """Begin a part of the task, of at most `n_subtasks` parts that follow each other."""
        if self.context is None:
            return CallbackTask()
        context = self.context.subcontext(name, number, n_subtasks)
        context.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return CallbackTask(self.estimator, self.data, context)

    def end(self, *, is_fitted: bool = False) -> bool:
        """End the task, and return whether a callback says that no other is to follow it.

        Callbacks get the estimator if it is fitted, which it is at the end of the whole fit.
        """
        if self.context is None:
            return False
        known = {"reconstruction_attributes": {} if is_fitted else None, **self.data}
        return bool(self.context.call_on_fit_task_end(estimator=self.estimator, **known))
