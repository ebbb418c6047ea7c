"""A linear model of random convolutions of series.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two models make different errors.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.sequences import (
    MOST_STEPS_PER_BATCH,
    Lengths,
    Rows,
    Sequences,
    rows_of_similar_length,
)
from sklearn_lstm.encoding.encoding import pad
from sklearn_lstm.fields import check_agreement
from sklearn_lstm.members.convolutions.random_convolutions import Convolutions
from sklearn_lstm.members.convolutions.statistics import SeriesStatistics
from sklearn_lstm.members.member import Contributions, LinearMember

ROWS_PER_BLOCK = 128


@dataclass(frozen=True)
class Features:
    """Proportions of steps, and other values.

    Proportions are kept as counts: those of short series take a quarter of the memory.

    Parameters
    ----------
    counts : ndarray of unsigned integers of shape (n_samples, n_proportions)
    lengths : ndarray of shape (n_samples,)
    values : ndarray of shape (n_samples, n_values)
    """

    counts: NDArray[np.unsignedinteger]
    lengths: Lengths
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, rows: slice | NDArray[np.number]) -> NDArray[np.float32]:
        proportions = self.counts[rows].astype(np.float32)
        proportions /= self.lengths[rows, np.newaxis]
        return np.hstack([proportions, self.values[rows]])


Batch: TypeAlias = tuple[Rows, Features]


@dataclass(frozen=True)
class ConvolutionModel(LinearMember):
    """Ridge regression on the proportions of steps at which convolutions are large or small.

    Beside them it reads the level of each channel, and what is known of channels with missing
    values.

    Parameters
    ----------
    convolutions : Convolutions
    statistics : SeriesStatistics
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    confidence : float or None
        A factor up to 1 for all logits, because new samples may be of other groups. Samples often
        come in groups: recordings of a person, windows of a recording. A sample that is left out
        alone has others of its group in the training part; a new person has none there, as if all
        samples that are alike were left out too. None: no samples were drawn.
    """

    convolutions: Convolutions
    statistics: SeriesStatistics
    coef: Annotated[NDArray[np.float64], "n_features n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    confidence: float | None = field(default=None, metadata={"is_stored": False})

    @classmethod
    def from_stored(cls, **fields: Any) -> Self:
        """Return what was stored, if the convolutions read what the encoding gives."""
        model = cls(**fields)
        check_agreement(model.convolutions, {"n_inputs": len(model.statistics.encoding)})
        return model

    @property
    def n_features(self) -> int:
        """The number of features."""
        return len(self.convolutions) + len(self.statistics)

    def confidence_in(self, factor: float) -> float:
        """Return the confidence, divided by the factor of this model's logits if it is above 1.

        All series, each left out in turn, have already set the scale of the logits. That the model
        is right on a few held-out series is no reason to make them larger.
        """
        return 1.0 if self.confidence is None else self.confidence / max(1.0, factor)

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        logits = np.empty((len(sequences), len(self.intercept)))
        for rows, features in self.features(sequences):
            # In float32 the product would round a row by its neighbours.
            logits[rows] = features[:].astype(np.float64) @ self.coef + self.intercept
        return logits

    def contributions(self, sequences: Sequences, direction: NDArray[np.float64]) -> Contributions:
        """Return what each step of one series adds to the score ``logits @ direction``.

        A convolution counts at the step in its middle, relative to a series that is the mean of
        all training steps throughout. The rest of the score is that of this series.
        """
        lengths, encoding = sequences.lengths, self.statistics.encoding
        steps = sequences.read(np.array([0]))
        pair = steps, encoding.uninformed(steps)
        inputs = np.stack([encoding(series, lengths) for series in pair])
        event_coef, statistics_coef = np.split(self.coef @ direction, [len(self.convolutions)])
        scores = np.zeros(inputs.shape[:2])
        for place, first, happens in self.convolutions.events(inputs, np.repeat(lengths, 2)):
            part = slice(first, first + happens.shape[2])
            scores[:, part] += np.tensordot(event_coef[place] / lengths[0], happens, 1)
        additions, statistics_base = self.statistics.contributions(steps, lengths, statistics_coef)
        base = float(self.intercept @ direction + scores[1].sum())
        return scores[0] - scores[1] + additions, base + statistics_base

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"{len(self.coef):,} features of convolutions and levels"

    def features(self, sequences: Sequences) -> Iterator[Batch]:
        """Yield rows and their features, in batches."""
        for rows in rows_of_similar_length(sequences.lengths, MOST_STEPS_PER_BATCH):
            steps, lengths = sequences.read(rows), sequences.lengths[rows]
            inputs = pad(self.statistics.encoding(steps, lengths), lengths)
            counts = self.convolutions.counts(inputs, lengths)
            yield rows, Features(counts, lengths, self.statistics(steps, lengths))


def in_blocks(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Join batches to blocks of some hundred rows, which are multiplied faster."""
    joined: list[Batch] = []
    for batch in batches:
        joined.append(batch)
        if sum(len(rows) for rows, _ in joined) >= ROWS_PER_BLOCK:
            yield _join(joined)
            joined = []
    if joined:
        yield _join(joined)


def _join(batches: list[Batch]) -> Batch:
    rows, parts = zip(*batches, strict=True)
    columns = zip(*((part.counts, part.lengths, part.values) for part in parts), strict=True)
    return np.concatenate(rows), Features(*map(np.concatenate, columns))
