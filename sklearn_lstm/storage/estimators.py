"""Values -> trees; how pickle and copies store an estimator."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from itertools import count
from types import NoneType
from typing import Any, Self

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_lstm
from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.storage import forms

PLAIN = {NoneType, bool, int, float, str}  # what stands in the tree as it is


@dataclass
class Packer:
    """Values -> trees; their arrays are gathered in a table.

    Parameters
    ----------
    is_file : bool
        Whether what is no plain data is refused; else the table holds it too.
    table : dict
    packed : dict
        By its id, a value, so that it lives, its tree, and its number if it comes again.
    """

    is_file: bool
    table: forms.Table = field(default_factory=dict)
    packed: dict[int, tuple[object, dict[str, forms.Tree], int]] = field(default_factory=dict)

    def __call__(self, value: Any, place: str) -> forms.Tree:
        """Return the tree of a value; its arrays get names that begin with the place.

        Raises
        ------
        NotPlainError, RecursionError
            If it is no plain data, or holds itself.
        """
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is list:
            return self._pack_items(value, place)
        if id(value) in self.packed:
            _, tree, number = self.packed[id(value)]
            tree["number"] = number
            return {"same": number}
        try:
            tree = self._pack(value, place)
        except forms.NotPlainError:
            if self.is_file:
                raise
            tree = {"object": self._add(value, place)}
        self.packed[id(value)] = value, tree, len(self.packed)
        return tree

    def attributes(self, estimator: Any, place: str) -> dict[str, forms.Tree]:
        """Return the class of an estimator, and the trees of its attributes."""
        attributes = dict(estimator._stored_attributes())  # noqa: SLF001 - that of `StoredMixin`
        for name in ("_skl_callbacks", "_metadata_request") if self.is_file else ():
            attributes.pop(name, None)  # objects of scikit-learn, which only `fit` needs
        trees = {}
        for name, value in attributes.items():
            try:
                trees[name] = self(value, place + name)
            except RecursionError as error:  # it holds itself
                raise forms.NotPlainError(value, place + name) from error
        return {"class": type(estimator).__name__, "attributes": trees}

    def _add(self, value: object, place: str) -> str:
        """Add to the table; return the name there."""
        while place in self.table:
            place += "'"
        self.table[place] = value
        return place

    def _pack(self, value: Any, place: str) -> dict[str, forms.Tree]:
        kind, form = type(value), forms.form_of(value)
        if kind in (np.ndarray, np.memmap):
            return self._pack_array(value, place)
        if form in forms.FORMS:
            _, to_plain, _ = forms.FORMS[form]
            return {form: self(to_plain(value), place)}
        if kind is dict:
            names = (k if isinstance(k, str) and k.isascii() else i for i, k in enumerate(value))
            values = self._pack_items(value.values(), place, names)
            return {"dict": [self._pack_items(value, place), values]}
        if ESTIMATORS.get(kind.__name__) == kind.__module__:
            return {"estimator": self.attributes(value, f"{place}.")}
        return {kind.__name__: self._pack_part(value, place)}

    def _pack_part(self, part: Any, place: str) -> dict[str, forms.Tree]:
        """Return the trees of the fields of an object of our own."""
        kind = type(part)
        is_known = forms.module_of(kind.__name__) == kind.__module__
        if not is_known or (kind.__name__ in forms.NAMED and not self.is_file):
            raise forms.NotPlainError(part, place)
        if hasattr(part, "stored"):
            values = part.stored()
        else:
            values = {one.name: getattr(part, one.name) for one in fields(part)}
        return {name: self(value, f"{place}.{name}") for name, value in values.items()}

    def _pack_array(self, array: NDArray[Any], place: str) -> dict[str, forms.Tree]:
        if array.dtype.kind == "O":
            return {"objects": [[*array.shape], self(array.ravel().tolist(), place)]}
        dtype = []
        array = np.asarray(array, order="C")
        if array.dtype.str not in forms.DTYPES.values():
            if array.dtype.kind not in forms.VIEWED or not array.dtype.itemsize:
                raise forms.NotPlainError(array, place)
            dtype = [array.dtype.str]
            array = array[..., np.newaxis].view(np.uint8)
        if forms.has_many_empty_rows(array):
            raise forms.NotPlainError(array, place)
        return {"array": [self._add(array, place), forms.checksum_of(array), *dtype]}

    def _pack_items(
        self, items: Collection[object], place: str, names: Iterable[object] | None = None
    ) -> list[forms.Tree]:
        if PLAIN.issuperset(map(type, items)):
            return [*items]
        pairs = zip(items, names or count(), strict=False)
        return [self(item, f"{place}.{name}") for item, name in pairs]


# --- Estimators


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
            unpack = forms.Unpacker(dict(state["table"]))
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
