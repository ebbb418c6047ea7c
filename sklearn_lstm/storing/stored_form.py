"""What is stored: a JSON tree whose leaves name arrays, and a table of these arrays.

None, booleans, integers, finite floats, strings and lists stand in the tree as they are. Everything
else is an object ``{form: content}``, whose form is in `unpacking.RESTORE` or `PARTS`. In pickles,
what is no plain data stands beside the tree, which holds its name.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import takewhile
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import sklearn_lstm
from sklearn_lstm.exceptions import ModelFileError

ArrayTable: TypeAlias = dict[str, NDArray[np.generic]]  # by their names

FORMAT = 4
DEEPEST = 100  # lists and objects inside each other, in the tree of an attribute
TRUST = "store the model with joblib; whoever loads that file has to trust you."
VIEWED = "iufcSUMm"  # kinds of arrays: numbers of another byte order, strings and dates
DTYPES = {"BOOL": "|b1", "U8": "|u1", "I8": "|i1"} | {
    f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "UIF" for size in (2, 4, 8)
}  # what safetensors files call the types of arrays
PATHS = (  # of our own classes: dataclasses, or those with `stored` and `from_stored`
    *("members.model.Fitted", "members.model.SequenceModel", "members.network.network.Network"),
    *("encoding.token_codes.TokenCodes", "encoding.channel_scaling.ChannelScaling"),
    *("members.ngrams.ngram_model.NgramModel", "members.ngrams.online_ngrams.OnlineNgrams"),
    *("members.ngrams.bags.Lexicon", "members.ngrams.ngram_model.VectorModel"),
    "members.ngrams.ngram_model.MeanVectors",
    "members.convolutions.convolution_model.ConvolutionModel",
    "members.convolutions.convolution_model.Reading",
    "members.convolutions.random_convolutions.Convolutions",
    "members.convolutions.convolution_model.SeriesStatistics",
    "members.regression.encoder_and_numbers.EncoderModel",
    "members.regression.encoder_and_numbers.NumberModel",
    "pretrained.sentence_encoders.SentenceEncoder",
    *("pretrained.embeddings.PretrainedVectors", "pretrained.token_tables.VectorTable"),
    *("pretrained.token_tables.SideBySide", "pretrained.token_tables.StaticModel"),
    "text.vocabulary.TokenCounts",
    *("encoding.channel_scaling.NormalScores", "data.input_format.InputFormat"),
    *("targets.labels.Labels", "targets.labels.LabelSets"),
)
PARTS = {name: f"sklearn_lstm.{module}" for module, _, name in (p.rpartition(".") for p in PATHS)}
# That tokenize as users of CountVectorizer do, and that every Python has.
FUNCTIONS = {"list": list, "tuple": tuple, "str.split": str.split}
PASSED: ContextVar[Sequence[object] | None] = ContextVar("PASSED", default=None)
"""While a file is written or read: what `load` was given for the folders that it names.

None: a pickle, which may open folders, and hold an encoder that a file only names.
"""
SHARING: ContextVar[bool] = ContextVar("SHARING", default=False)
"""While an estimator is copied: encoders and static models are objects, also those of a folder."""


@contextmanager
def in_a_file(passed: Sequence[object]) -> Iterator[None]:
    """Say that a file is written or read meanwhile."""
    token = PASSED.set(passed)
    try:
        yield
    finally:
        PASSED.reset(token)


class NotPlainError(TypeError):
    """A value is no plain data, such as a function, or an object of an unknown class."""


def checksum_of(data: str | NDArray[np.generic]) -> str:
    """Return a CRC-32, which finds every damage of up to 32 bits that follow each other."""
    if isinstance(data, str):
        return f"{zlib.crc32(data.encode()):08x}"
    kind = zlib.crc32(f"{data.dtype.str} {data.shape}".encode())
    return f"{zlib.crc32(data.data, kind):08x}"


def checked(array: NDArray[np.generic]) -> NDArray[Any]:
    """Return an array, unless it has many rows without values: lists of them would be long."""
    if not array.size and math.prod(takewhile(bool, array.shape)) > 1000:
        raise NotPlainError(f"an empty array of shape {array.shape} is no plain data")
    return array


# --- The tree as a text


def read_content(content: str, checksum: str) -> dict[str, Any]:
    """Return the tree of a text whose checksum fits."""
    if checksum_of(content) != checksum:
        raise ModelFileError("is damaged: the checksum of its JSON does not fit.")
    tree: dict[str, Any] = from_text(content)
    if tree["format"] != FORMAT:
        is_newer = tree["format"] > FORMAT
        remedy = "Install a newer version to load it." if is_newer else "Fit the model again."
        raise ModelFileError(
            f"has format {tree['format']}, but sklearn_lstm {sklearn_lstm.__version__} reads "
            f"format {FORMAT} alone. {remedy}"
        )
    other_version(tree)  # a tree without one is damaged
    return tree


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


def to_text(content: object) -> str:
    """Return the tree as JSON in ASCII."""
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def from_text(text: str | bytes) -> Any:
    """Return the tree of a text.

    Raises
    ------
    ValueError
        If it is no JSON, or names an entry twice.
    RecursionError
        If it is nested too deeply.
    """
    tree = json.loads(text, object_pairs_hook=_unique)
    check_depth(tree, 2 * DEEPEST)  # an attribute, and the Pipelines around it
    return tree


def check_depth(tree: Any, deepest: int = DEEPEST) -> None:
    """Raise a RecursionError, which not every Python raises itself, if a tree is too deep."""
    level: list[Any] = [[tree]]
    for _ in range(deepest):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for items in inner for child in items if isinstance(child, dict | list)]
        if not level:
            return
    raise RecursionError(f"more than {deepest} lists inside each other")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError(f"a name comes twice among {sorted(found)[:5]}")
    return found
