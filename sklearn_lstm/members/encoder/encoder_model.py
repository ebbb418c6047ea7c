"""A linear model of what a sentence encoder knows, which others trained on many texts.

N-grams and networks know only the words of the labelled texts.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sentence_encoders import SentenceEncoder
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.members.member import Contributions, LinearMember

Vectors: TypeAlias = NDArray[np.float32]  # (n_texts, dim)


@dataclass(frozen=True)
class EncoderModel(LinearMember):
    """Logistic regression on the standardised vectors of whole texts.

    Parameters
    ----------
    encoder : SentenceEncoder
    mean : ndarray of shape (dim,)
        Of the vectors of the training texts.
    coef : ndarray of shape (dim, n_outputs)
    intercept : ndarray of shape (n_outputs,)
        The logits of the mean.
    """

    name = "encoder"
    encoder: SentenceEncoder
    mean: Annotated[NDArray[np.float64], "dim"]
    coef: Annotated[NDArray[np.float64], "dim n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        return self.logits_of(vectors_of(self.encoder, sequences))

    def logits_of(self, vectors: Vectors) -> Logits:
        """Return the logits of vectors (n_samples, n_outputs)."""
        return np.asarray((vectors - self.mean) @ self.coef + self.intercept)

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what the text as a whole adds to the score ``logits @ direction``, (1,).

        The rest of the score is that of the mean of all training texts.
        """
        base = float(self.intercept @ direction)
        return self.logits(sequences) @ direction - base, base

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"logistic regression on {len(self.mean):,} columns of vectors of whole texts"


def vectors_of(encoder: SentenceEncoder, sequences: Sequences) -> Vectors:
    """Return the vectors of all texts, which are read and encoded part by part."""
    parts = chunks_of_rows(sequences.lengths)
    return np.concatenate([encoder(sequences.texts(rows)) for rows in parts])
