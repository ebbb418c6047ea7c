"""What is stored: a JSON tree whose leaves name arrays, and a table of these arrays.

None, booleans, numbers, strings and lists stand in the tree as they are, also NaN. Everything else
is an object ``{form: content}``. Where a value comes again stands ``{"same": number}``, and its
first tree has the number too. In a pickle, the table also holds what is no plain data. The text of
the tree is an array of the table.
"""

import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import takewhile
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import sklearn_lstm
from sklearn_lstm.exceptions import ModelFileError

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
        "members.linear_model": "LinearModel Term",
        "members.features.ngrams": "OnlineNgramFeatures",
        "encoding.token_codes": "TokenCodes",
        "encoding.channel_scaling": "ChannelScaling NormalScores",
        "pretrained.embeddings": "PretrainedVectors",
        "pretrained.token_tables": "VectorTable StaticModel",
        "pretrained.sentence_encoders": "SentenceEncoder",
        "data.input_format": "InputFormat",
        "targets.labels": "Labels LabelSets",
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


def from_text(text: bytes) -> Tree:
    """Return the tree of a text; a name that comes twice is a ValueError."""
    return json.loads(text, object_pairs_hook=_unique)


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
