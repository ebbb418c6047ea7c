"""What a sentence encoder knows of a whole text.

It was trained by others on many texts; n-grams and networks know only the words of labelled texts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Sequences, chunks_of_rows
from sklearn_lstm.members.linear_model import ENCODER, ColumnFeatures
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder


@dataclass(frozen=True)
class EncoderFeatures(ColumnFeatures):
    """The vector of a whole text.

    Parameters
    ----------
    encoder : SentenceEncoder
    mean
        Of `ColumnFeatures`.
    """

    have_one_unit = True
    encoder: SentenceEncoder

    @property
    def n_features(self) -> int:
        """The length of a vector."""
        return int(self.encoder.mark.shape[1])

    def vectors(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return the vectors of all texts, which are read and encoded part by part."""
        parts = chunks_of_rows(sequences.lengths)
        return np.concatenate([self.encoder(sequences.texts(rows)) for rows in parts])

    def describe(self) -> str:
        """Return what the features are."""
        return "columns of vectors of whole texts"


def read_encoder(context: FitContext) -> Reader:
    """Encode the texts, which takes longest; the encoder keeps their vectors during a fit."""
    encoder: Any = context.settings.encoder
    reader = Reader.of(context, EncoderFeatures(encoder))
    sequences, n_texts = reader.samples.sequences, len(reader.samples)
    for start in range(0, n_texts, ROWS_AT_ONCE):
        context.progress.show(ENCODER, start / n_texts)
        encoder(sequences.texts(np.arange(start, min(start + ROWS_AT_ONCE, n_texts))))
    return reader


TEXT_VECTORS = Recipe(
    ENCODER,
    suits=lambda settings: settings.encoder is not None,
    read=read_encoder,
    solver="regression",
    stored=(EncoderFeatures,),
    is_asked_for=True,
)
