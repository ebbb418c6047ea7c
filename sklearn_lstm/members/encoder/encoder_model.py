"""A linear model of what a sentence encoder knows, which others trained on many texts.

N-grams and networks know only the words of the labelled texts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.members.regression.regression_model import RegressionModel
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder


@dataclass(frozen=True)
class EncoderModel(RegressionModel):
    """Logistic regression on the standardised vectors of whole texts.

    Parameters
    ----------
    encoder : SentenceEncoder
    """

    name = "encoder"
    encoder: SentenceEncoder

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self.encoder.fixed_vectors.shape[1])

    def vectors(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return the vectors of all texts, which are read and encoded part by part."""
        parts = chunks_of_rows(sequences.lengths)
        return np.concatenate([self.encoder(sequences.texts(rows)) for rows in parts])

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what the text as a whole adds to the score ``logits @ direction``, (1,).

        The rest of the score is that of the mean of all training texts.
        """
        base = float(self.intercept @ direction)
        return self.logits(sequences) @ direction - base, base

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"logistic regression on {len(self.mean):,} columns of vectors of whole texts"
