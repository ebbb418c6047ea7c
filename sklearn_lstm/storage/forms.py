"""A JSON tree whose leaves name arrays: which classes it may name, and how values come of it."""

import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from importlib import import_module
from itertools import takewhile
from math import inf
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import sklearn_lstm
from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storage import fields

Tree: TypeAlias = Any  # what JSON can say
Table: TypeAlias = dict[str, Any]  # by their names: arrays, and in a pickle other objects

FORMAT = 5
VIEWED = "iufcSUMm"  # kinds of arrays that a file may hold as bytes: strings, dates, ...
DTYPES = {  # what safetensors files call the types of arrays
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    **{f"{kind}{8 * n}": f"<{kind.lower()}{n}" for kind in "UIF" for n in (2, 4, 8)},
}

PARTS = {  # our own classes: dataclasses, or those with `stored` and `from_stored`
    name: f"sklearn_lstm.{module}"
    for module, names in {
        "model": "Fitted SequenceModel",
        "members.network.network": "Network",
        "members.network.architecture": "Architecture",
        "members.member": "LinearModel Term",
        "members.features.ngrams": "OnlineNgramFeatures",
        "encoding.token_codes": "TokenCodes",
        "encoding.channel_scaling": "ChannelScaling NormalScores",
        "pretrained.embeddings": "PretrainedVectors",
        "pretrained.token_tables": "VectorTable StaticModel",
        "pretrained.sentence_encoders": "SentenceEncoder",
        "data.input_format": "InputFormat",
        "targets.targets": "Labels LabelSets",
        "text.vocabulary": "TokenCounts",
    }.items()
    for name in names.split()
}
RECIPES = "sklearn_lstm.members.recipes"  # which name further classes
NAMED = {"SentenceEncoder", "StaticModel"}  # that a file only names, and a pickle holds
# That tokenize as users of CountVectorizer do, and that every Python has.
FUNCTIONS = {"list": list, "tuple": tuple, "str.split": str.split}


def _to_tensor(array: NDArray[Any]) -> object:
    torch = import_module("torch")
    with torch.inference_mode(mode=False):
        return torch.from_numpy(array)


# What values become that are no plain data of JSON, how they do, and how they are made of it again.
FORMS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    **{kind.__name__: (list, list, kind) for kind in (tuple, set, frozenset)},
    "bytes": (np.ndarray, partial(np.frombuffer, dtype=np.uint8), np.ndarray.tobytes),
    "path": (str, str, Path),
    "named function": (str, attrgetter("__qualname__"), FUNCTIONS.__getitem__),
    "scalar": (np.ndarray, np.asarray, lambda array: array[()]),
    "numpy.str_": (str, str, np.str_),
    "torch.device": (str, str, lambda name: import_module("torch").device(name)),
    "torch.Tensor": (np.ndarray, lambda tensor: tensor.detach().cpu().numpy(), _to_tensor),
}


class NotPlainError(TypeError):
    """A value is no plain data, such as a function, or an object of an unknown class.

    Parameters
    ----------
    value : object
    place : str
        Where it stands in the estimator.
    """

    def __init__(self, value: object, place: str) -> None:
        super().__init__(f"{place}: a {type(value).__name__} is no plain data")
        self.value, self.place = value, place


def form_of(value: object) -> str:
    """Return the form of a value that has one, else the name of its class."""
    kind = type(value)
    if isinstance(value, np.generic) and kind is not np.str_:
        return "scalar"
    if isinstance(value, PurePath):
        return "path"
    if any(value is function for function in FUNCTIONS.values()):
        return "named function"
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def module_of(name: str) -> str | None:
    """Return the module of a class of our own that may be stored, or None."""
    if name in PARTS:
        return PARTS[name]
    recipes = import_module(RECIPES).RECIPES
    return {one.__name__: one.__module__ for recipe in recipes for one in recipe.stored}.get(name)


def checksum_of(array: NDArray[np.generic]) -> str:
    """Return a CRC-32, which finds every damage of up to 32 bits that follow each other."""
    kind = zlib.crc32(f"{array.dtype.str} {array.shape}".encode())
    return f"{zlib.crc32(array.data, kind):08x}"


def has_many_empty_rows(array: NDArray[np.generic]) -> bool:
    """Return whether an array has many rows without values: lists of them would be long."""
    return not array.size and math.prod(takewhile(bool, array.shape)) > 1000


def to_text(tree: Tree) -> bytes:
    """Return the tree as JSON; halves of surrogate pairs are escaped."""
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError(f"a name comes twice among {sorted(found)[:5]}")
    return found


def other_version(content: Mapping[str, Any]) -> str | None:
    """Return the version of sklearn_lstm that stored a model, None if it is this one."""
    stored: str = content["versions"]["sklearn_lstm"]
    return None if stored == sklearn_lstm.__version__ else stored


@contextmanager
def one_error(what: str) -> Iterator[None]:
    """Make every error of loading a `ModelFileError` that says what could not be loaded."""
    try:
        yield
    except (ImportError, OSError, Warning):
        raise  # not about the content
    except ModelFileError as error:
        raise ModelFileError(f"{what} {error}") from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelFileError(f"{what} is damaged, or is no stored model ({reason}).") from error


# --- Trees -> values


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

    table: Table
    passed: Sequence[object] | None = None
    n_bytes_left: float = inf
    instead: Mapping[str, Any] = field(default_factory=dict)
    n_bytes_said: int = field(default=0, init=False)
    shared: dict[int, tuple[Any, int]] = field(default_factory=dict, init=False)

    def __call__(self, tree: Tree) -> Any:
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
        if isinstance(value, np.ndarray) and has_many_empty_rows(value):
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

    def parsed(self, text: bytes) -> Tree:
        """Return the tree of a JSON text, in which no name comes twice.

        First the memory that it takes is counted.
        """
        self.take_memory(PER_LIST * (text.count(b"[") + 2 * text.count(b"{")))
        return json.loads(text, object_pairs_hook=_unique)

    def content(self, content: str, checksum: str) -> dict[str, Any]:
        """Return the tree of the whole, whose text has this name in the table."""
        if content not in self.table:  # up to format 4 it was the text itself
            raise ModelFileError("has an old format. Fit the model again.")
        tree: dict[str, Any] = self.parsed(self({"array": [content, checksum]}).tobytes())
        if tree["format"] != FORMAT:
            is_newer = tree["format"] > FORMAT
            remedy = "Install a newer version to load it." if is_newer else "Fit the model again."
            raise ModelFileError(
                f"has format {tree['format']}, but sklearn_lstm {sklearn_lstm.__version__} reads "
                f"format {FORMAT} alone. {remedy}"
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

    def _value(self, form: str, content: Tree) -> Any:
        value: Any
        if form == "array":
            value = self._read(*content)
        elif form in FORMS:
            plain, (kind, _, from_plain) = self(content), FORMS[form]
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

    def _part(self, form: str, content: Mapping[str, Tree]) -> Any:
        """Return an object of our own, once its fields are what its class says."""
        if (module := module_of(form)) is None:
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
        if checksum_of(array) != expected:
            raise ModelFileError(f"is damaged: the checksum of {name!r} does not fit.")
        self.n_bytes_said += array.nbytes
        if dtype:
            if np.dtype(dtype).kind not in VIEWED:
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
