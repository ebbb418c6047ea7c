"""A linear model of what a sentence encoder knows, which others trained on many texts.

N-grams and networks know only the words of the labelled texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sentence_encoders import SentenceEncoder
from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows, Samples, Sequences, chunks_of_rows
from sklearn_lstm.data.weights import Targets
from sklearn_lstm.members.encoder.logistic_regression import find_penalty, fit_regression
from sklearn_lstm.members.member import Contributions, LinearMember
from sklearn_lstm.training.duration import WORK_PER_SECOND
from sklearn_lstm.training.held_out import Split

if TYPE_CHECKING:  # a stored member computes without torch
    from sklearn_lstm.training.configuration import Configuration
    from sklearn_lstm.training.progress import FitProgress

Vectors: TypeAlias = NDArray[np.float32]  # (n_texts, dim)

MOST_SAMPLES = 100_000  # that it learns from: a vector takes 1.5 kB


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
    kinds = ()  # it is for any tokens, but only where the user brings an encoder

    encoder: SentenceEncoder
    mean: Annotated[NDArray[np.float64], "dim"]
    coef: Annotated[NDArray[np.float64], "dim n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]

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
            progress.count_linear_model(cls.name, start / len(rows))
            encoder(sequences.texts(rows[start : start + ROWS_AT_ONCE]))

    @classmethod
    def fit_linear(cls, split: Split, configuration: Configuration) -> tuple[Self, Logits]:
        """Fit to all samples, or to as many as the memory allows.

        Returns
        -------
        model : EncoderModel
        logits : ndarray of shape (n_held_out, n_outputs)
            Of the held-out samples, by a model fitted to the others.
        """
        rows, encoder = _rows(split), _encoder(configuration)
        samples = split.samples.subset(rows)
        vectors, targets = _vectors(encoder, samples.sequences), samples.targets
        held_out = np.searchsorted(rows, split.drawn)
        learned = np.delete(np.arange(len(rows)), held_out)
        learned_targets = targets.subset(learned)
        standardised, *_ = _standardised(vectors[learned])
        penalty = find_penalty(standardised, learned_targets, split.seed)
        del standardised  # a copy of all vectors
        without = cls._of(encoder, vectors[learned], learned_targets, penalty)
        model = cls._of(encoder, vectors, targets, penalty) if len(held_out) else without
        return model, without.logits_of(vectors[held_out])

    @classmethod
    def _of(
        cls, encoder: SentenceEncoder, vectors: Vectors, targets: Targets, penalty: float
    ) -> Self:
        standardised, mean, deviation = _standardised(vectors)
        intercept, *coef = fit_regression(standardised, targets, penalty)
        return cls(encoder, mean, np.stack(coef) / deviation[:, np.newaxis], intercept)

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        return self.logits_of(_vectors(self.encoder, sequences))

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


def _vectors(encoder: SentenceEncoder, sequences: Sequences) -> Vectors:
    """Return the vectors of all texts, which are read and encoded part by part."""
    parts = chunks_of_rows(sequences.lengths)
    return np.concatenate([encoder(sequences.texts(rows)) for rows in parts])


def _standardised(vectors: Vectors) -> tuple[Vectors, NDArray[np.float64], NDArray[np.float64]]:
    """Return the standardised vectors, and the mean and the deviation of each column."""
    mean = np.asarray(vectors.mean(axis=0, dtype=np.float64))
    deviation = np.asarray(vectors.std(axis=0, dtype=np.float64))
    deviation = np.maximum(deviation, np.finfo(np.float32).eps)
    return np.asarray((vectors - mean) / deviation, np.float32), mean, deviation
