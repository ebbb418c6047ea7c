"""Static models: a word gets the mean of the vectors of its pieces."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.compute.locks import ForkSafeLock
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import PASSED, SHARING, NotPlainError, checksum_of

EXTRA = "pip install model2vec wordllama"
INSTALLED = "wordllama"
VECTORS = "weights/l2_supercat_256.safetensors"  # of pieces, in this package
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
ONE_AT_A_TIME = ForkSafeLock()  # model2vec sets its tokenizer anew for each call


def is_static_model(embeddings: Any) -> bool:
    """Return whether this is a model of wordllama or model2vec."""
    return hasattr(embeddings, "tokenizer") and hasattr(embeddings, "embedding")


def without_halves(text: str) -> str:
    """Return a text without half surrogate pairs, which tokenizers refuse."""
    return text.encode(errors="replace").decode()


@dataclass(frozen=True)
class StaticModel:
    """Words to vectors, by a model of wordllama or model2vec.

    Parameters
    ----------
    model : object
    source : str, Path or None
        The package or folder that it was read from. A stored classifier names it. A package is
        read again, and a folder too by pickle; for one in a file, `load` takes what the user
        passes. None: an object that the user brings.
    """

    model: Any
    source: str | Path | None = None

    @classmethod
    def of(cls, embeddings: Any) -> StaticModel | None:
        """Return the model that the user brings or names; None if it is something else."""
        if isinstance(embeddings, str | os.PathLike):
            return cls.installed(embeddings)
        if getattr(embeddings, "binary", False) and is_static_model(embeddings):
            raise ValueError("embeddings: a WordLlama model with binary=True has no vectors.")
        return cls(embeddings) if is_static_model(embeddings) else None

    @classmethod
    def installed(cls, source: str | os.PathLike[str]) -> StaticModel:
        """Return the model of an installed package, or in a folder. Nothing is downloaded.

        Raises
        ------
        ValueError, ImportError, FileNotFoundError
            If there is none.
        """
        if isinstance(source, str):
            return cls(_in_package(source), source)
        return cls(_in_folder(Path(source)), Path(source))

    @classmethod
    def from_stored(cls, source: str | Path, digest: str) -> StaticModel:
        """Return the model with the vectors of this digest: installed, or passed to `load`.

        A file may come from a stranger, so the folder that it names is not opened.
        """
        passed = [model for model in PASSED.get() or () if isinstance(model, cls)]
        if PASSED.get() is None or isinstance(source, str):
            passed = [cls.installed(source)]
        elif not passed:
            raise ModelFileError(
                f"names the folder {str(source)!r} of a static model, and load opens no folder "
                "that a file names. Pass it: load(path, embeddings=pathlib.Path(...))."
            )
        for model in passed:
            if model.digest == digest:
                return model
        raise ModelFileError(
            f"was fitted with the static model {str(source)!r}, whose vectors differ from those "
            f"of {' and '.join(model.describe() for model in passed)}. Install or pass the model "
            "as it was, or fit again."
        )

    def stored(self) -> dict[str, Any]:
        """Return what is stored: how to find the model, and a digest of its vectors."""
        if self.source is None or SHARING.get():
            raise NotPlainError(f"a {type(self.model).__name__} is no plain data")
        return {"source": self.source, "digest": self.digest}

    def __deepcopy__(self, memo: dict[int, Any]) -> StaticModel:
        return self if self.source else StaticModel(deepcopy(self.model, memo))

    @cached_property
    def digest(self) -> str:
        """A checksum of the vectors of pieces."""
        return checksum_of(np.ascontiguousarray(self.model.embedding))

    def lookup(self, tokens: Sequence[Any]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim).

        What is no str, or has no known piece, has none.
        """
        is_known = np.array([isinstance(token, str) and len(token) > 0 for token in tokens], bool)
        words = [without_halves(word) for word in compress(tokens, is_known)]
        if not words:
            return is_known, np.empty((0, self.model.embedding.shape[1]), np.float32)
        embed = getattr(self.model, "embed", None)
        with ONE_AT_A_TIME.lock:
            found = embed(words) if embed else self.model.encode(words, use_multiprocessing=False)
        vectors = np.asarray(found, np.float32)
        has_pieces = vectors.any(axis=1)
        is_known[is_known] = has_pieces
        return is_known, vectors[has_pieces]

    def describe(self) -> str:
        """Return what it is, in a few words."""
        return str(self.source or f"a {type(self.model).__name__}")


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


@cache
def _in_package(name: str) -> Pieces:
    if name != INSTALLED:
        raise ValueError(
            f"embeddings={name!r} is not the name of a static model. The only one is "
            f"{INSTALLED!r}. For the folder of a model2vec StaticModel pass pathlib.Path(...); "
            "nothing is downloaded."
        )
    package = find_spec(name)
    if package is None or package.origin is None:
        raise ImportError(f"embeddings={name!r} needs the package {name}, not installed: {EXTRA}")
    vectors, tokenizer = (Path(package.origin).parent / file for file in (VECTORS, TOKENIZER))
    if not (vectors.exists() and tokenizer.exists()):
        raise ImportError(
            f"embeddings={name!r}: the installed package lacks {vectors.name} or {tokenizer.name}. "
            f"Install another version of {name}."
        )
    with import_module("safetensors").safe_open(str(vectors), "numpy") as file:
        embedding = file.get_tensor("embedding.weight").astype(np.float32)
    return Pieces(import_module("tokenizers").Tokenizer.from_file(str(tokenizer)), embedding)


def _in_folder(folder: Path) -> Any:
    if not folder.is_dir():  # model2vec would ask the network for it
        raise FileNotFoundError(f"embeddings: there is no folder {str(folder)!r}.")
    with refused(folder, "model2vec", EXTRA, "holds no StaticModel of model2vec"):
        return import_module("model2vec").StaticModel.from_pretrained(folder)


@contextmanager
def refused(folder: Path, package: str, command: str, found: str) -> Iterator[None]:
    """Say in an error why a package can't open a folder: it is missing, or the folder is wrong."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == package.replace("-", "_"):
            raise ImportError(
                f"embeddings is a folder, which needs the package {package}, not installed: "
                f"{command}"
            ) from error
        raise FileNotFoundError(
            f"embeddings: the folder {str(folder)!r} {found} ({type(error).__name__}: {error})."
        ) from error
