"""How pickle, joblib, skops and `copy.deepcopy` store an estimator."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Self

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_lstm
from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.storage import forms
from sklearn_lstm.storage.pack import Packer
from sklearn_lstm.storage.unpack import Unpacker


class StoredMixin:
    """Store an estimator as a tree and its arrays; a damaged or unknown one is refused."""

    def _stored_numbers(self) -> dict[str, object]:
        """Return the `sizes` of a fitted estimator, and `n_samples`, which it has seen."""
        raise NotImplementedError

    def _stored_attributes(self) -> dict[str, object]:
        """Return all attributes, as they are stored."""
        return vars(self)

    def _settle(self, *, is_file: bool) -> None:
        """Do what is left to do once all attributes are loaded, from a file or a pickle."""

    def __getstate__(self) -> dict[str, object]:
        pack = Packer(is_file=False)
        return {**sealed(pack.attributes(self, ""), pack), "table": pack.table}

    def __copy__(self) -> Self:
        """Return another object with the same attributes, of which none is copied."""
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return a copy that shares encoders and static models, and opens no folder again."""
        copied = memo[id(self)] = object.__new__(type(self))
        copied.__setstate__(deepcopy(self.__getstate__(), memo))
        return copied

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        with forms.one_error(f"The stored {type(self).__name__}"):
            unpack = Unpacker(dict(state["table"]))
            content = unpack.content(state["content"], state["checksum"])
            unpack.estimator(content, self)
            warn_of_other_version(content, type(self).__name__)


def sealed(content: Mapping[str, forms.Tree], pack: Packer) -> dict[str, str]:
    """Add a tree to the table, with the format and the versions; return its name and checksum."""
    packages = {"sklearn_lstm": sklearn_lstm, "numpy": np, "scikit-learn": sklearn, "scipy": scipy}
    versions = {name: package.__version__ for name, package in packages.items()}
    text = forms.to_text({"format": forms.FORMAT, "versions": versions, **content})
    name, checksum = pack(np.frombuffer(text, np.uint8), "content")["array"]
    return {"content": name, "checksum": checksum}


def warn_of_other_version(content: Mapping[str, Any], name: str) -> None:
    """Warn of a model that another version stored."""
    if (stored := forms.other_version(content)) is not None:
        warning = InconsistentVersionWarning(
            estimator_name=name,
            current_sklearn_version=f"sklearn_lstm {sklearn_lstm.__version__}",
            original_sklearn_version=f"sklearn_lstm {stored}",
        )
        warn_user(warning)
