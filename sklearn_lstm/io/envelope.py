"""The envelope of a stored estimator: format number, library versions and a checksum.

pickle, joblib, skops and `copy.deepcopy` all store what `__getstate__` returns.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

import sklearn_lstm
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.io.checksum import checksum

FORMAT = 1
REQUESTS = ("_metadata_request",)
LIBRARIES = ("numpy", "scikit-learn", "scipy")


class StoredMixin:
    """Store an estimator as one envelope; a damaged or unknown one is refused.

    A class that holds more than plain data overrides `_pack_fitted` and `_unpack_fitted`.
    """

    def _pack_fitted(self, fitted: dict[str, Any]) -> dict[str, Any]:
        """Return what is fitted as plain data: numbers, strings, arrays, lists and dicts."""
        return fitted

    def _unpack_fitted(self, packed: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes that were packed."""
        return packed

    def __getstate__(self) -> dict[str, Any]:
        names = self.get_params(deep=False)  # type: ignore[attr-defined]
        attributes = dict(vars(self))
        # What metadata is requested refers back to the estimator, so it has no checksum.
        requests = {name: attributes.pop(name) for name in REQUESTS if name in attributes}
        params = {name: attributes.pop(name) for name in names if name in attributes}
        content = {
            "format": FORMAT,
            "versions": {"sklearn_lstm": sklearn_lstm.__version__, **_library_versions()},
            "params": params,
            "fitted": self._pack_fitted(attributes),
        }
        envelope = {**content, "checksum": checksum(content)}
        return {**envelope, "requests": requests} if requests else envelope

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        content = _verified(state, type(self).__name__)
        stored = content["versions"]["sklearn_lstm"]
        if stored != sklearn_lstm.__version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=f"sklearn_lstm {sklearn_lstm.__version__}",
                    original_sklearn_version=f"sklearn_lstm {stored}",
                ),
                stacklevel=2,
            )
        vars(self).update(state.get("requests", {}) | content["params"] | content["fitted"])
        vars(self).update(self._unpack_fitted(content["fitted"]))


@cache
def _library_versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def _verified(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the content of an envelope whose checksum fits."""
    found = state.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise ModelFileError(
            f"The stored {name} has format {found}, but sklearn_lstm {sklearn_lstm.__version__} "
            f"reads formats up to {FORMAT}. Install a newer version to load it."
        )
    content = {name: value for name, value in state.items() if name != "requests"}
    if content.pop("checksum", None) != checksum(content):
        raise ModelFileError(
            f"The stored {name} is damaged: its checksum does not fit its content. "
            "Load another copy of it, or train it again."
        )
    return content
