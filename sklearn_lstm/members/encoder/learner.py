"""How the linear model of an encoder's vectors is fitted."""

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sentence_encoders import SentenceEncoder
from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows, Samples
from sklearn_lstm.data.weights import Targets
from sklearn_lstm.members.encoder.encoder_model import EncoderModel, Vectors, vectors_of
from sklearn_lstm.members.encoder.logistic_regression import find_penalty, fit_regression
from sklearn_lstm.members.learner import Learner
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import WORK_PER_SECOND
from sklearn_lstm.training.held_out import Split
from sklearn_lstm.training.progress import FitProgress

MOST_SAMPLES = 100_000  # that it learns from: a vector takes 1.5 kB


class EncoderLearner(Learner):
    """It encodes the texts, and fits the regression; its penalty is found by inner folds."""

    member = EncoderModel
    kinds = ()  # it is for any tokens, but only where the user brings an encoder

    @classmethod
    def suits(cls, configuration: Configuration) -> bool:
        """Return whether there is an encoder.

        Raises
        ------
        ValueError
            If the member can't be fitted, which the user wants.
        """
        if configuration.encoder is None:
            return False
        if lacking := cls.lacks(configuration):
            raise ValueError(f"encoder needs {' and '.join(lacking)}.")
        return True

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:
        """Return the work of encoding, by the seconds that about 32 texts take, or all if fewer."""
        rows = np.arange(0, len(samples), 1 + len(samples) // 32)
        encoder = _encoder(configuration)
        encoder(samples.sequences.texts(rows[:1]))  # the first call may take much longer
        start = perf_counter()
        encoder(samples.sequences.texts(rows))
        seconds = (perf_counter() - start) * min(len(samples), MOST_SAMPLES) / len(rows)
        return round(seconds * WORK_PER_SECOND)

    @classmethod
    def prepare(cls, split: Split, configuration: Configuration, progress: FitProgress) -> None:
        """Encode the texts, which takes longest."""
        sequences, rows = split.samples.sequences, _rows(split)
        encoder = _encoder(configuration)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            progress.count_linear_model(cls.member.name, start / len(rows))
            encoder(sequences.texts(rows[start : start + ROWS_AT_ONCE]))

    @classmethod
    def fit_linear(cls, split: Split, configuration: Configuration) -> tuple[EncoderModel, Logits]:
        """Fit to all samples, or to as many as the memory allows.

        Returns
        -------
        model : EncoderModel
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out samples, by a model fitted to the others.
        """
        rows, encoder = _rows(split), _encoder(configuration)
        samples = split.samples.subset(rows)
        vectors, targets = vectors_of(encoder, samples.sequences), samples.targets
        held_out = np.searchsorted(rows, split.drawn)
        learned = np.delete(np.arange(len(rows)), held_out)
        learned_targets = targets.subset(learned)
        standardised, *_ = _standardised(vectors[learned])
        penalty = find_penalty(standardised, learned_targets, split.seed)
        del standardised  # a copy of all vectors
        without = _fitted(encoder, vectors[learned], learned_targets, penalty)
        model = _fitted(encoder, vectors, targets, penalty) if len(held_out) else without
        return model, without.logits_of(vectors[held_out])


def _fitted(
    encoder: SentenceEncoder, vectors: Vectors, targets: Targets, penalty: float
) -> EncoderModel:
    standardised, mean, deviation = _standardised(vectors)
    intercept, *coef = fit_regression(standardised, targets, penalty)
    return EncoderModel(encoder, mean, np.stack(coef) / deviation[:, np.newaxis], intercept)


def _encoder(configuration: Configuration) -> SentenceEncoder:
    """Return the encoder of a fit to which the member is fitted, since it has one."""
    assert configuration.encoder is not None  # noqa: S101 - else the member does not suit it
    return configuration.encoder


def _rows(split: Split) -> Rows:
    """Return the rows that the model is fitted to, in ascending order: all, or a random part."""
    rows = np.arange(len(split.samples))
    if len(rows) <= MOST_SAMPLES:
        return rows
    chosen = np.random.default_rng(split.seed).permutation(np.delete(rows, split.drawn))
    return np.sort(np.append(split.drawn, chosen[: MOST_SAMPLES - len(split.drawn)]))


def _standardised(vectors: Vectors) -> tuple[Vectors, NDArray[np.float64], NDArray[np.float64]]:
    """Return the standardised vectors, and the mean and the deviation of each column."""
    mean = np.asarray(vectors.mean(axis=0, dtype=np.float64))
    deviation = np.asarray(vectors.std(axis=0, dtype=np.float64))
    deviation = np.maximum(deviation, np.finfo(np.float32).eps)
    return np.asarray((vectors - mean) / deviation, np.float32), mean, deviation
