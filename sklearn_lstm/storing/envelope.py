"""How pickle, joblib, skops and `copy.deepcopy` store an estimator."""

from collections.abc import Mapping
from contextvars import copy_context
from copy import deepcopy
from typing import Any, Self

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_lstm
from sklearn_lstm.callback_support import SET, own_callbacks, without_callbacks
from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.storing.packing import Packer
from sklearn_lstm.storing.stored_form import (
    FORMAT,
    PASSED,
    SHARING,
    ArrayTable,
    check_depth,
    checksum_of,
    one_error,
    other_version,
    read_content,
    to_text,
)
from sklearn_lstm.storing.unpacking import Unpacker, new_estimator, set_attributes


class StoredMixin:
    """Store an estimator as a tree and its arrays; a damaged or unknown one is refused.

    What is no plain data, such as a function, is in an entry of its own, `objects`.
    """

    def _stored_numbers(self) -> tuple[dict[str, int], int | None]:
        """Return the sizes of a fitted estimator, and the number of samples it has seen."""
        raise NotImplementedError

    def _stored_attributes(self) -> dict[str, object]:
        """Return all attributes, as they are stored."""
        return vars(self)

    def _settle(self) -> None:
        """Do what is left to do once all attributes are loaded."""

    def __getstate__(self) -> dict[str, object]:
        content, arrays, objects = pack_estimator(self, "")
        state = {**sealed(content), "arrays": arrays, "objects": objects}
        return state | own_callbacks(self)  # the processes of a search fit with them

    def __copy__(self) -> Self:
        """Return another object with the same attributes, of which none is copied."""
        copied = object.__new__(type(self))
        vars(copied).update(without_callbacks(vars(self)) | own_callbacks(self))
        return copied

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return a copy that shares encoders and static models, and opens no folder again."""
        copied = memo[id(self)] = object.__new__(type(self))
        (context := copy_context()).run(SHARING.set, True)  # noqa: FBT003 - the value of a variable
        copied.__setstate__(deepcopy(context.run(self.__getstate__), memo))
        return copied

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        with one_error(f"The stored {type(self).__name__}"):
            content = read_content(state["content"], state["checksum"])
            unpack = Unpacker(state["arrays"], state["objects"])
            unpack_estimator(content, unpack, self)
            unpack.check_all_used()
        if SET in state:
            vars(self)[SET] = state[SET]
        warn_of_other_version(content, type(self).__name__)


def pack_estimator(
    estimator: Any, prefix: str
) -> tuple[dict[str, Any], ArrayTable, dict[str, object]]:
    """Return the tree of an estimator, its arrays, and what is no plain data, by its place."""
    names = estimator.get_params(deep=False)
    trees: dict[str, dict[str, object]] = {"parameters": {}, "fitted": {}}
    pack = Packer(objects={})
    attributes = estimator._stored_attributes()  # noqa: SLF001
    for name, value in without_callbacks(attributes).items():
        place, before = f"{prefix}{name}", pack.copy()
        try:
            tree = pack(value, place)
            check_depth(tree)
        except RecursionError:
            pack, tree = before, {"object": place}
            pack.objects = {**(pack.objects or {}), place: value}
        trees["parameters" if name in names else "fitted"][name] = tree
    classes = pack(getattr(estimator, "classes_", None), f"{prefix}classes_")
    arrays, objects = pack.arrays, pack.objects or {}
    is_fitted = estimator.__sklearn_is_fitted__()
    sizes, n_samples = estimator._stored_numbers() if is_fitted else ({}, None)  # noqa: SLF001
    sizes["n_bytes"] = sum(array.nbytes for array in arrays.values())
    content = {"class": type(estimator).__name__, **trees, "objects": sorted(objects)}
    known = {"classes": classes, "sizes": sizes, "n_samples": n_samples}
    return {**content, **known}, arrays, objects


def unpack_estimator(content: Mapping[str, Any], unpack: Unpacker, empty: Any = None) -> Any:
    """Return an estimator, a new one or an empty one, with the attributes that were stored."""
    estimator: Any = new_estimator(content["class"]) if empty is None else empty
    attributes = unpack.attributes(content)
    if PASSED.get() is None:  # a pickle, perhaps of a subclass
        vars(estimator).update(attributes)
    else:
        set_attributes(estimator, attributes)
    estimator._settle()  # noqa: SLF001
    return estimator


def sealed(content: Mapping[str, object]) -> dict[str, str]:
    """Return a tree as a text, with the format and the versions, and the checksum of the text."""
    text = to_text({"format": FORMAT, "versions": versions(), **content})
    return {"content": text, "checksum": checksum_of(text)}


def versions() -> dict[str, str]:
    """Return our version, and those of the libraries by which values are stored."""
    packages = {"sklearn_lstm": sklearn_lstm, "numpy": np, "scikit-learn": sklearn, "scipy": scipy}
    return {name: package.__version__ for name, package in packages.items()}


def warn_of_other_version(content: Mapping[str, Any], name: str) -> None:
    """Warn of a model that another version stored."""
    if (stored := other_version(content)) is not None:
        warning = InconsistentVersionWarning(
            estimator_name=name,
            current_sklearn_version=f"sklearn_lstm {sklearn_lstm.__version__}",
            original_sklearn_version=f"sklearn_lstm {stored}",
        )
        warn_user(warning)
