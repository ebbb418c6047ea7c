"""Sentence encoders: models that others trained, which give a whole text one vector."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.compute.locks import ForkSafeLock
from sklearn_lstm.data.static_models import (
    StaticModel,
    is_static_model,
    refused,
    without_halves,
)
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import PASSED, NotPlainError

FIXED_SENTENCES = [  # a stored model holds their vectors, and none of the weights
    "The food was good, but the waiter was slow.",
    "When was the first railway opened?",
    "You have won a prize, call now to claim it!",
    "This film is a waste of time.",
    "How do I sort a list of numbers in Python?",
]
_one_at_a_time = ForkSafeLock()
LEAST_COSINE = 0.999  # precisions and sizes of batches differ by some 1e-4


def is_encoder(embeddings: Any) -> bool:
    """Return whether this is an object with `encode`, or the folder of one."""
    if isinstance(embeddings, str | type) or is_static_model(embeddings):
        return False
    if isinstance(embeddings, os.PathLike):
        return _holds_encoder(Path(embeddings))
    return callable(getattr(embeddings, "encode", None))


def _holds_encoder(folder: Path) -> bool:
    """Return whether a folder holds another model than a table of the vectors of pieces."""
    if (modules := folder / "modules.json").exists():
        return "StaticEmbedding" not in modules.read_text()
    config = folder / "config.json"
    text = config.read_text() if config.exists() else ""
    return '"model_type"' in text and "model2vec" not in text  # whose old folders name no type


@dataclass(frozen=True)
class SentenceEncoder:
    """Texts to vectors, by an object with `encode`.

    Parameters
    ----------
    model : object
    source : Path or str
        Its folder, or the name of its class: what a stored classifier holds in its place.
    fixed_vectors : ndarray of shape (5, dim)
        Those of `FIXED_SENTENCES`.
    """

    model: Any
    source: Path | str
    fixed_vectors: NDArray[np.float32]

    @classmethod
    def of(cls, embeddings: Any) -> Self:
        """Return the encoder that the user brings, or that in a folder. Nothing is downloaded.

        Raises
        ------
        ImportError, FileNotFoundError
            If a folder can't be opened.
        ValueError
            If the encoder does not give each text a vector of one length.
        """
        is_folder = isinstance(embeddings, os.PathLike)
        source = Path(embeddings) if is_folder else type(embeddings).__name__
        model = _in_folder(source) if isinstance(source, Path) else embeddings
        return cls(model, source, _encode(model, FIXED_SENTENCES, source))

    @classmethod
    def passed(cls, embeddings: Any) -> list[Any]:
        """Return the encoder and the static models that `load` is given, of one or a list."""
        parts = embeddings if isinstance(embeddings, list | tuple) else [embeddings]
        found = [cls.of(part) if is_encoder(part) else StaticModel.of(part) for part in parts]
        found = [model for model in found if model is not None]
        if not found:
            raise TypeError(
                "load takes as embeddings a static model or an encoder, as an object or the "
                f"pathlib.Path of its folder, or a list of them; found {embeddings!r:.100}."
            )
        return found

    @classmethod
    def from_stored(cls, source: Path | str, fixed_vectors: NDArray[np.float32]) -> Self:
        """Return the encoder with these vectors, that `load` was given or a pickle names."""
        is_pickle = PASSED.get() is None and isinstance(source, Path)
        passed = [cls.of(source)] if is_pickle else PASSED.get() or ()
        encoders = [encoder for encoder in passed if isinstance(encoder, cls)]
        for encoder in encoders:
            if encoder.is_like(fixed_vectors):
                return encoder
        if not encoders:
            raise ModelFileError(
                f"was fitted with the encoder {str(source)!r}, which is not in the file. Pass it: "
                "load(path, embeddings=...)."
            )
        raise ModelFileError(
            f"was fitted with the encoder {str(source)!r}, whose vectors of sentences differ from "
            f"those of {str(encoders[0].source)!r}. Pass the encoder as it was, or fit again."
        )

    def stored(self) -> dict[str, Any]:
        """Return what is stored: how to find the encoder, and what it makes of fixed sentences."""
        if isinstance(self.source, str) and PASSED.get() is None:
            raise NotPlainError(f"a {self.source} is no plain data")
        return {"source": self.source, "fixed_vectors": self.fixed_vectors}

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes with the model on the processor: another machine has no GPU."""
        model = self.model
        if getattr(getattr(model, "device", None), "type", "cpu") != "cpu":
            model = deepcopy(model).to("cpu")
        return {**vars(self), "model": model}

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text (n_texts, dim)."""
        vectors = _encode(self.model, texts, self.source)
        if vectors.shape[1] != len(self.fixed_vectors[0]):
            raise ValueError(
                f"embeddings: the encoder {self.source} gave vectors of length "
                f"{len(self.fixed_vectors[0])} before, and now of length {vectors.shape[1]}."
            )
        return vectors

    def is_like(self, fixed_vectors: NDArray[np.float32]) -> bool:
        """Return whether the fixed sentences have these vectors, but for rounding."""
        if fixed_vectors.shape != self.fixed_vectors.shape:
            return False
        products = (fixed_vectors * self.fixed_vectors).sum(axis=1)
        lengths = [np.linalg.norm(part, axis=1) for part in (fixed_vectors, self.fixed_vectors)]
        return bool((products >= LEAST_COSINE * lengths[0] * lengths[1]).all())

    def describe(self) -> str:
        """Return what it is, in a few words."""
        return f"{len(self.fixed_vectors[0]):,} columns of {self.source}"


class EncodedTexts:
    """The vectors of the texts of a fit, each of which is encoded once."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.encoder, self.fixed_vectors = encoder, encoder.fixed_vectors
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text (n_texts, dim)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self.encoder(new), strict=True))
        return np.stack([self._vectors[text] for text in texts])


def _encode(model: Any, texts: list[str], source: Path | str) -> NDArray[np.float32]:
    """Return the vector of each text."""
    try:
        with _one_at_a_time.lock:  # the tokenizers of others can't be used by two threads at once
            encoded = model.encode([*map(without_halves, texts)])
            vectors = np.asarray(_without_torch(encoded), np.float32)
    except Exception as error:
        raise ValueError(
            f"embeddings: encode of {source} failed ({type(error).__name__}: {error})."
        ) from error
    if vectors.ndim != 2 or len(vectors) != len(texts) or not vectors.size:
        raise ValueError(
            f"embeddings: encode of {source} returned an array of shape {vectors.shape} for "
            f"{len(texts)} texts; expected a vector for each."
        )
    if not np.isfinite(vectors).all():
        row = int(np.isfinite(vectors).all(axis=1).argmin())
        raise ValueError(
            f"embeddings: encode of {source} returned NaN or infinity for {texts[row]!r:.80}."
        )
    return vectors


def _without_torch(vectors: Any) -> Any:
    """Return vectors that NumPy can read: it knows neither bfloat16 nor the memory of a GPU."""
    if isinstance(vectors, list):
        return [_without_torch(vector) for vector in vectors]
    return vectors.detach().cpu().float() if hasattr(vectors, "detach") else vectors


def _in_folder(folder: Path) -> Any:
    """Return the model in a folder, which `is_encoder` has read."""
    package = "sentence-transformers"
    with refused(folder, package, f"pip install {package}", f"can't be opened by {package}"):
        library = import_module("sentence_transformers")
        return library.SentenceTransformer(str(folder), local_files_only=True)
