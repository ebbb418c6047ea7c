"""Sentence encoders: models that others trained, which give a whole text one vector."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
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
from sklearn_lstm.storing.stored_form import PASSED, SHARING, NotPlainError

FIXED_SENTENCES = [  # a stored model holds their vectors, and none of the weights
    "The food was good, but the waiter was slow.",
    "When was the first railway opened?",
    "You have won a prize, call now to claim it!",
    "This film is a waste of time.",
    "How do I sort a list of numbers in Python?",
]
LEAST_COSINE = 0.999  # precisions and sizes of batches differ by some 1e-4
MOST_STRETCHED = 0.01  # how much lengths may differ
# By the address of the user's object: its tokenizer may not be used by two threads at once.
_locks: dict[int, ForkSafeLock] = {}


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


class SentenceEncoder:
    """Texts to vectors, by an object with `encode`; copies share it.

    Parameters
    ----------
    model : object
    source : Path or str
        Its folder, or the name of its class: what a stored classifier holds in its place.
    fixed_vectors : ndarray of shape (5, dim)
        Those of `FIXED_SENTENCES`. Without a row, it has encoded nothing yet.
    """

    _known: dict[str, NDArray[np.float32]] | None = None  # vectors of texts, during a fit

    def __init__(
        self,
        model: Any,
        source: Path | str = "",
        fixed_vectors: NDArray[np.float32] = np.empty((0, 0), np.float32),  # noqa: B008 - no rows
    ) -> None:
        self.model, self.source = model, source or type(model).__name__
        self.fixed_vectors = fixed_vectors
        if id(model) not in _locks:
            _locks.setdefault(id(model), ForkSafeLock())

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
        folder = Path(embeddings) if isinstance(embeddings, os.PathLike) else None
        encoder = cls(embeddings) if folder is None else cls(_in_folder(folder), folder)
        encoder.fixed_vectors = encoder.checked_vectors(FIXED_SENTENCES)
        return encoder

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
        is_named = isinstance(self.source, Path) or PASSED.get() is not None
        if SHARING.get() or not is_named or not len(self.fixed_vectors):
            raise NotPlainError(f"a {self.source} is no plain data")
        if not self.fixed_vectors.any():
            raise TypeError(
                f"save can't store a model with the encoder {self.source}: its vectors of five "
                "fixed sentences are all 0, so load could not tell it from another encoder."
            )
        return {"source": self.source, "fixed_vectors": self.fixed_vectors}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made, with the model on the processor: another machine has no GPU.

        Raises
        ------
        TypeError
            If the model can't be pickled.
        """
        model = self.model
        if getattr(getattr(model, "device", None), "type", "cpu") != "cpu":
            model = deepcopy(model).to("cpu")
        try:
            pickle.dumps(model)
        except Exception as error:
            raise TypeError(
                f"The encoder {self.source} can't be pickled ({type(error).__name__}: {error}). "
                "What works: sklearn_lstm.io.save, which stores its name, and load(path, "
                "embeddings=encoder); copy.deepcopy, which shares it; and threads instead of "
                'processes, joblib.parallel_config(backend="threading").'
            ) from error
        return type(self), (model, self.source, self.fixed_vectors)

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Encode each text once, until the context ends."""
        self._known = {}
        try:
            yield
        finally:
            self._known = None

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text (n_texts, dim)."""
        known = {} if self._known is None else self._known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            vectors = self.checked_vectors(new)
            if vectors.shape[1] != len(self.fixed_vectors[0]):
                raise ValueError(
                    f"embeddings: the encoder {self.source} gave vectors of length "
                    f"{len(self.fixed_vectors[0])} before, and now of length {vectors.shape[1]}."
                )
            known.update(zip(new, vectors, strict=True))
        return np.stack([known[text] for text in texts])

    def checked_vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text, after a look at what the model returns."""
        try:
            with _locks[id(self.model)].lock:
                encoded = self.model.encode([*map(without_halves, texts)])
                vectors = np.asarray(_without_torch(encoded), np.float32)
        except Exception as error:
            raise ValueError(
                f"embeddings: encode of {self.source} failed ({type(error).__name__}: {error})."
            ) from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not vectors.size:
            raise ValueError(
                f"embeddings: encode of {self.source} returned an array of shape {vectors.shape} "
                f"for {len(texts)} texts; expected a vector for each."
            )
        if not np.isfinite(vectors).all():
            row = int(np.isfinite(vectors).all(axis=1).argmin())
            raise ValueError(
                f"embeddings: encode of {self.source} returned NaN or infinity for "
                f"{texts[row]!r:.80}."
            )
        return vectors

    def is_like(self, fixed_vectors: NDArray[np.float32]) -> bool:
        """Return whether the fixed sentences have these vectors, but for rounding."""
        if fixed_vectors.shape != self.fixed_vectors.shape:
            return False
        products = (fixed_vectors * self.fixed_vectors).sum(axis=1)
        length, own = (np.linalg.norm(each, axis=1) for each in (fixed_vectors, self.fixed_vectors))
        is_as_long = np.abs(own - length) <= MOST_STRETCHED * length
        return bool((is_as_long & (products >= LEAST_COSINE * length * own)).all())

    def describe(self) -> str:
        """Return what it is, in a few words."""
        return f"{len(self.fixed_vectors[0]):,} columns of {self.source}"


def with_encoders(embeddings: Any, change: Callable[[Any], Any]) -> Any:
    """Return embeddings with other objects in place of encoders that are objects."""

    def changed(one: Any) -> Any:
        is_object = is_encoder(one) and not isinstance(one, os.PathLike)
        return change(one) if is_object or isinstance(one, SentenceEncoder) else one

    if isinstance(embeddings, list | tuple):
        return (list if isinstance(embeddings, list) else tuple)(map(changed, embeddings))
    return changed(embeddings)


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
