"""In the place of wordllama, a package of 16 MB: 256 numbers for each word, as its length says."""

from types import SimpleNamespace

import numpy as np


class WordLlama:
    """A model whose vectors mean nothing."""

    @staticmethod
    def load(**_):
        """Return an object with what `static_model` reads."""
        embedding = np.random.default_rng(0).normal(size=(30, 256)).astype(np.float32)
        return SimpleNamespace(
            tokenizer=None,
            embedding=embedding,
            embed=lambda words: embedding[[len(word) % 30 for word in words]],
        )
