"""Series, by random convolutions of them and by statistics of their channels.

From few and long series a recurrent network learns little. The features here are the proportions of
steps at which a convolution is above a threshold, or is the largest or the smallest of several
competing kernels. The two make different errors.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import Rows, Sequences, pad, rows_of_similar_length
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.members.features.convolutions import Convolutions
from sklearn_lstm.members.features.series_statistics import Places, SeriesStatistics
from sklearn_lstm.members.member import LINEAR, Array, Contributions, Features, one_by_one
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.storage.fields import check_agreement

N_FEATURES = 5_000  # about so many; of more series than half as many, half
N_PLACES = 128  # of the course of a series
SERIES_FOR_COURSE = 16  # whose mean course explanations are relative to
MOST_DRAWN = 1_000  # series that say how features vary, and which are compared with those alike
# Relative to that of all convolutions: of the level of a channel and of its statistics, each and
# all at most.
VARIANCES_OF_CHANNEL, LARGEST_VARIANCES = (0.005, 0.03), (0.3, 1)


@dataclass(frozen=True)
class SeriesFeatures(Features):
    """The proportions of steps at which convolutions are large or small.

    Beside them stand the level of each channel, what is known of channels with missing values, and
    where a channel is high or low.

    Parameters
    ----------
    convolutions : Convolutions
    statistics : SeriesStatistics
    places : Places
        Their features are the last ones: a solver finds how much they vary.
    proportions : ndarray of shape (n_events,)
        The mean features of the convolutions in training: what all series share.
    course : ndarray of shape (128, n_outputs)
        What the events at each place of a series add to the logits, as a mean over training series:
        the place of a step is its share of the series. What follows the same course in all series
        says nothing about a single one, so explanations are relative to it.
    """

    convolutions: Convolutions
    statistics: SeriesStatistics
    places: Places
    proportions: Annotated[NDArray[np.float64], "n_events"]
    course: Annotated[NDArray[np.float64], "128 n_outputs"]

    @classmethod
    def drawn(
        cls,
        sequences: Sequences,
        encoding: ChannelScaling,
        rng: np.random.Generator,
        first: Self | None = None,
    ) -> Self:
        """Draw convolutions, and find all thresholds.

        Behind a first reading, its places are read, and no levels.
        """
        known = sequences.subset(sampled(len(sequences), rng.spawn(1)[0]))
        statistics = SeriesStatistics.of(known, encoding)
        n_convolutions = n_features_of(len(sequences)) - statistics.sizes[1]
        convolutions = Convolutions.draw(sequences, encoding, n_convolutions, rng)
        shared = np.zeros(len(convolutions)), np.zeros((N_PLACES, 0))
        if first is None:
            return cls(convolutions, statistics, Places.of(known, encoding), *shared)
        silent = replace(statistics, deviations=np.zeros_like(statistics.deviations))  # its levels
        return cls(convolutions, silent, first.places, *shared)

    def check(self) -> None:
        """Raise ValueError if convolutions read nothing, or what the encoding does not give."""
        check_agreement(self.convolutions, n_inputs=len(self.statistics.encoding))
        if not self.convolutions.channels.any(axis=2).all():
            raise ValueError("a convolution that reads no channel")

    @property
    def n_events(self) -> int:
        """The number of features of convolutions."""
        return len(self.convolutions)

    @property
    def n_features(self) -> int:
        """The number of features."""
        return len(self.convolutions) + len(self.statistics) + len(self.places)

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each step of series adds to the scores.

        A convolution counts at the step in its middle, relative to its mean in training, and to
        the course that all series follow. So the rest of the scores is that of the mean of all
        training series, and the contributions show what is special in a series.
        """
        ends = self.n_events, self.n_features - len(self.places)
        event_coef, statistics_coef, place_coef = np.split(coef @ directions, ends)
        shared, course = self.proportions @ event_coef, self.course @ directions

        def of_one(series: Sequences) -> Contributions:
            lengths, steps = series.lengths, series.read(np.array([0]))
            inputs = self.statistics.encoding(steps, lengths)[np.newaxis]
            added, base = self.statistics.contributions(steps, lengths, statistics_coef)
            added += self.places.contributions(steps, lengths, place_coef)
            its_course = course[_places(len(steps))]
            added -= (shared + its_course - its_course.mean(axis=0)) / len(steps)
            for place, first, happens in self.convolutions.events(inputs, lengths):
                part = slice(first, first + happens.shape[2])
                added[part] += np.tensordot(happens[:, 0], event_coef[place] / len(steps), (0, 0))
            return added, (shared + base)[np.newaxis]

        return one_by_one(of_one, sequences)

    def relative_to(self, mean: Array, coef: Array, sequences: Sequences) -> Self:
        """Return the same features, which know what explanations are relative to.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Of the features in training.
        coef : ndarray of shape (n_features, n_outputs)
        sequences : Sequences
            Those of training, of which a few tell the course.
        """
        places = np.linspace(0, len(sequences) - 1, min(SERIES_FOR_COURSE, len(sequences)))
        course = self._course_of(sequences.subset(places.astype(np.intp)), coef)
        return replace(self, proportions=mean[: self.n_events], course=course)

    def _course_of(self, sequences: Sequences, coef: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean course of series, (128, n_outputs)."""
        sums, n_steps = np.zeros((N_PLACES, coef.shape[1])), np.zeros(N_PLACES)
        for rows in rows_of_similar_length(sequences.lengths):
            lengths = sequences.lengths[rows]
            inputs = pad(self.statistics.encoding(sequences.read(rows), lengths), lengths)
            places = [_places(length) for length in lengths.tolist()]
            n_steps += np.bincount(np.concatenate(places), minlength=N_PLACES)
            for part, first, happens in self.convolutions.events(inputs, lengths):
                for of_steps, events in zip(places, happens.swapaxes(0, 1), strict=True):
                    found = of_steps[first : first + happens.shape[2]]
                    starts = np.flatnonzero(np.diff(found, prepend=-1))
                    are_ones = events[:, : len(found)].view(np.int8)
                    counts = np.add.reduceat(are_ones, starts, axis=1, dtype=np.int32)
                    sums[found[starts]] += counts.T @ coef[part]
        return np.asarray(sums / np.maximum(n_steps, 1)[:, np.newaxis])

    def blocks(self, sequences: Sequences, fewest_rows: int = 1) -> Iterator[tuple[Rows, Array]]:
        """Yield rows and their features, in blocks of so many rows or more; the last has the rest.

        Blocks of some hundred rows are multiplied faster.
        """
        parts, n_rows, n_left = [], 0, len(sequences)
        for rows in rows_of_similar_length(sequences.lengths):
            steps, lengths = sequences.read(rows), sequences.lengths[rows]
            inputs = pad(self.statistics.encoding(steps, lengths), lengths)
            proportions = self.convolutions.counts(inputs, lengths).astype(np.float32)
            proportions /= lengths[:, np.newaxis]
            beside = self.statistics(steps, lengths), self.places(steps, lengths)
            parts.append((rows, np.hstack([proportions, *beside])))
            n_rows, n_left = n_rows + len(rows), n_left - len(rows)
            if n_rows >= fewest_rows or not n_left:
                block, features = map(np.concatenate, zip(*parts, strict=True))
                yield block, features
                parts, n_rows = [], 0

    @property
    def deviations(self) -> NDArray[np.float64]:
        """The standard deviation that a solver gives each feature.

        Convolutions have the total variance 1. Levels have less, for another person or sensor
        shifts them. Few levels, and statistics of few uneven channels, have little, for a
        convolution reads most of what they tell. Places have the variance 1 too, if a solver does
        not find that they count less.
        """
        sizes = np.array([self.n_events, *self.statistics.sizes])
        n_channels = self.statistics.n_values, self.statistics.n_uneven
        of_channels = np.minimum(np.multiply(VARIANCES_OF_CHANNEL, n_channels), LARGEST_VARIANCES)
        variances = np.append(1, of_channels) / np.maximum(sizes, 1)
        deviations = np.sqrt(np.repeat(variances, sizes))
        deviations[sizes[0] : sizes[:2].sum()] *= self.statistics.deviations
        of_places = np.full(len(self.places), max(1, len(self.places)) ** -0.5)
        return np.append(deviations, of_places)

    def describe(self) -> str:
        """Return what the features are."""
        return "features of convolutions, levels and places"


def _places(n_steps: int) -> NDArray[np.intp]:
    """Return the place of each step of a series, 0 to 127."""
    return np.arange(n_steps) * N_PLACES // n_steps


def n_features_of(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if 2 * n_samples <= N_FEATURES else N_FEATURES // 2


def sampled(n_rows: int, rng: np.random.Generator) -> Rows:
    """Return all of some rows, or as many drawn at random: rows often stand in an order."""
    return np.sort(rng.permutation(n_rows)[:MOST_DRAWN])


def read_series(context: FitContext) -> Reader:
    """Find the scale of the channels; for each encoding, a solver draws features."""
    split, normalize = context.split, context.settings.normalize
    sequences = split.learned.sequences
    scaled = ChannelScaling.of(sequences, split.learned.targets.values, normalize=normalize)
    encodings = [scaled, ChannelScaling.by_size(sequences)] if normalize else [scaled]
    return Reader(split.samples, split.held_out_rows, encodings, split.seed)


SERIES = Recipe(
    LINEAR,
    suits=lambda settings: settings.linear_model and settings.kind is MEASUREMENTS,
    read=read_series,
    solver="ridge",
    stored=(SeriesFeatures, Convolutions, SeriesStatistics, Places),
    is_cross_validated=False,  # each series that was left out has set the scale already
)
