"""How the linear model of an encoder's vectors is fitted."""

from time import perf_counter

import numpy as np

from sklearn_lstm.data.sequences import ROWS_AT_ONCE
from sklearn_lstm.members.encoder.encoder_model import EncoderModel
from sklearn_lstm.members.regression import learner as regression
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import WORK_PER_SECOND
from sklearn_lstm.training.held_out import Split
from sklearn_lstm.training.progress import FitProgress


class EncoderLearner(regression.RegressionLearner):
    """It encodes the texts, and fits the regression."""

    member = EncoderModel

    @classmethod
    def untrained(cls, samples: Samples, configuration: Configuration) -> EncoderModel:  # noqa: ARG003
        """Return a model that has learned nothing, but has the encoder."""
        return EncoderModel(*regression.NOTHING, _encoder(configuration))

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:
        """Return the work of encoding, by the seconds that about 32 texts take, or all if fewer."""
        rows = np.arange(0, len(samples), 1 + len(samples) // 32)
        encoder = _encoder(configuration)
        encoder(samples.sequences.texts(rows[:1]))  # the first call may take much longer
        start = perf_counter()
        encoder(samples.sequences.texts(rows))
        seconds = (perf_counter() - start) * min(len(samples), regression.MOST_SAMPLES) / len(rows)
        return round(seconds * WORK_PER_SECOND)

    @classmethod
    def prepare(cls, split: Split, configuration: Configuration, progress: FitProgress) -> None:
        """Encode the texts, which takes longest."""
        sequences, rows = split.samples.sequences, regression.rows_to_fit(split)
        encoder = _encoder(configuration)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            progress.count_linear_model(cls.member.name, start / len(rows))
            encoder(sequences.texts(rows[start : start + ROWS_AT_ONCE]))


def _encoder(configuration: Configuration) -> SentenceEncoder:
    """Return the encoder of a fit to which the member is fitted, since it has one."""
    assert configuration.encoder is not None  # noqa: S101 - else the member does not suit it
    return configuration.encoder
