"""Trees -> values. A file may come from a stranger: nothing in it is trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from importlib import import_module
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sklearn_lstm
from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storage import fields, forms

# That a file may take when it is loaded, whatever it says: so much, and so many times its size.
FIRST_BYTES, TIMES_SIZE = 32 << 20, 32
# Bytes that a list of the tree takes beside what stands in it, and half of what an object takes;
# numbers and strings take less than 32 times their text. Measured: a list up to 140, an empty path
# 400 (in Python 3.13), an empty set and its list 472.
PER_LIST = 200


@dataclass
class Unpacker:
    """Trees -> values; each array is checked when it is read, which happens once.

    Parameters
    ----------
    table : dict
        Name to array, and in a pickle to other objects; what was read is taken from it.
    passed : sequence or None
        What `load` was given for the models that a file only names. None: a pickle.
    n_bytes_left : float
        How much memory may still be taken, where more is made than the table has bytes.
    instead : mapping
        Form to what its values are made by, in place of what `save` names.

    Attributes
    ----------
    n_bytes_said : int
        About how many bytes the trees so far had as a text, each value as often as it is named.
    shared : dict
        By its number, each value that comes again, and its bytes as a text.
    """

    table: forms.Table
    passed: Sequence[object] | None = None
    n_bytes_left: float = inf
    instead: Mapping[str, Any] = field(default_factory=dict)
    n_bytes_said: int = field(default=0, init=False)
    shared: dict[int, tuple[Any, int]] = field(default_factory=dict, init=False)

    def __call__(self, tree: forms.Tree) -> Any:
        """Return the value of a tree."""
        if isinstance(tree, list) and not {list, dict}.isdisjoint(map(type, tree)):
            return [self(item) for item in tree]
        if not isinstance(tree, dict):  # a list too, such as that of a vocabulary
            self.n_bytes_said += len(str(tree))
            return tree
        (form, content), *numbers = tree.items()
        if form == "same":
            value, n_bytes = self.shared[content]
            self.n_bytes_said += n_bytes
            self.take_memory(n_bytes)  # else few names could say endlessly much, as in an error
            return value
        before, self.n_bytes_said = self.n_bytes_said, self.n_bytes_said + PER_LIST
        value = self._value(form, content)
        if isinstance(value, np.ndarray) and forms.has_many_empty_rows(value):
            raise ValueError(f"many rows of nothing: {value.shape}")
        if numbers:
            self.shared[numbers[0][1]] = value, self.n_bytes_said - before
        return value

    def take_memory(self, n_bytes: float) -> None:
        """Count memory before it is taken, where more is made of a stored value than its bytes.

        Raises
        ------
        ModelFileError
            If the file takes more than its limit.
        """
        self.n_bytes_left -= n_bytes
        if self.n_bytes_left < 0:
            raise ModelFileError(
                f"would take more memory than {FIRST_BYTES >> 20} MiB and {TIMES_SIZE} times its "
                "size. Store the model with joblib; whoever loads that file has to trust you."
            )

    def parsed(self, text: bytes) -> forms.Tree:
        """Return the tree of a JSON text, once the memory that it takes is counted."""
        self.take_memory(PER_LIST * (text.count(b"[") + 2 * text.count(b"{")))
        return forms.from_text(text)

    def content(self, content: str, checksum: str) -> dict[str, Any]:
        """Return the tree of the whole, whose text has this name in the table."""
        if content not in self.table:  # up to format 4 it was the text itself
            raise ModelFileError("has an old format. Fit the model again.")
        tree: dict[str, Any] = self.parsed(self({"array": [content, checksum]}).tobytes())
        if tree["format"] != forms.FORMAT:
            is_newer = tree["format"] > forms.FORMAT
            remedy = "Install a newer version to load it." if is_newer else "Fit the model again."
            raise ModelFileError(
                f"has format {tree['format']}, but sklearn_lstm {sklearn_lstm.__version__} reads "
                f"format {forms.FORMAT} alone. {remedy}"
            )
        return tree

    def attributes(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes in the tree of an estimator."""
        return {name: self(tree) for name, tree in content["attributes"].items()}

    def estimator(self, content: Mapping[str, Any], empty: Any = None) -> Any:
        """Return an estimator, a new one or an empty one, with the attributes that were stored."""
        attributes = self.attributes(content)
        if make := self.instead.get("estimator"):
            return make(content["class"])
        name = content["class"]
        estimator = getattr(import_module(ESTIMATORS[name]), name)() if empty is None else empty
        vars(estimator).update(attributes)
        is_file = self.passed is not None
        if is_file:  # a pickle may be of a subclass
            fields.check_estimator(estimator)
        estimator._settle(is_file=is_file)  # noqa: SLF001 - that of `StoredMixin`
        return estimator

    def _value(self, form: str, content: forms.Tree) -> Any:
        value: Any
        if form == "array":
            value = self._read(*content)
        elif form in forms.FORMS:
            plain, (kind, _, from_plain) = self(content), forms.FORMS[form]
            if not isinstance(plain, kind):
                raise TypeError(f"{form} of a {type(plain).__name__}")
            value = self.instead.get(form, from_plain)(plain)
        elif form == "estimator":
            value = self.estimator(content)
        elif form == "dict":
            keys, values = map(self, content)
            value = dict(zip(_list(keys), _list(values), strict=True))
        elif form == "objects":
            items = _list(self(content[1]))
            value = np.fromiter(items, np.object_, len(items)).reshape(content[0])
        elif form == "object" and self.passed is None:
            value = self.table.pop(content)
        else:
            value = self._part(form, content)
        return value

    def _part(self, form: str, content: Mapping[str, forms.Tree]) -> Any:
        """Return an object of our own, once its fields are what its class says."""
        if (module := forms.module_of(form)) is None:
            raise ValueError(f"an unknown form: {form}")
        values = {name: self(tree) for name, tree in content.items()}
        part: Any = self.instead.get(form) or getattr(import_module(module), form)
        fields.check_fields(part, values)
        has_own_way = hasattr(part, "from_stored")
        built = part.from_stored(self, **values) if has_own_way else part(**values)
        if is_dataclass(built):  # none is what `load` was given
            fields.check_agreement(built)
        if hasattr(built, "check"):
            built.check()
        return built

    def _read(self, name: str, expected: str, dtype: str = "") -> NDArray[Any]:
        array = np.asarray(self.table.pop(name))
        if forms.checksum_of(array) != expected:
            raise ModelFileError(f"is damaged: the checksum of {name!r} does not fit.")
        self.n_bytes_said += array.nbytes
        if dtype:
            if np.dtype(dtype).kind not in forms.VIEWED:
                raise ValueError(f"an array of {dtype}")
            array = array.view(dtype)[..., 0]
        # Memory maps, and tensors that another estimator goes on training, are copied.
        is_own = array.flags.owndata and array.flags.writeable
        return array if is_own else np.array(array)


def _list(content: object) -> list[Any]:
    """Return a list, from which another container is made."""
    if not isinstance(content, list):
        raise TypeError(f"a {type(content).__name__} instead of a list")
    return content
