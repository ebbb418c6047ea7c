"""Static models: installed packages or folders with vectors of pieces of words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_static_model(embeddings: Any) -> bool:
    """Return whether this is a model of wordllama or model2vec."""
    return hasattr(embeddings, "tokenizer") and hasattr(embeddings, "embedding")


@dataclass(frozen=True)
class StaticModel:
    """A static model; a word gets the mean of the vectors of its pieces."""

    model: Any

    @classmethod
    def installed(cls, name: str | os.PathLike[str]) -> StaticModel:
        """Return the model of an installed package, or of a folder."""
        from wordllama import WordLlama

        return cls(WordLlama.load())

    @classmethod
    def of(cls, model: Any) -> StaticModel:
        """Return a model that is in memory."""
        return cls(model)

    def lookup(self, tokens: Sequence[Any]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which tokens have a vector (n,), and the vectors of these (n_known, dim)."""
        words = [str(token) for token in tokens]
        vectors = self.model.embed(words)
        known = np.abs(vectors).max(axis=1) > 0
        return known, vectors[known]
