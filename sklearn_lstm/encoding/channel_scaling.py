"""Measurements -> what the members read: channels at one scale, without missing values."""

from dataclasses import dataclass, replace
from typing import Annotated, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sklearn_lstm.data.sequences import Lengths, Sequences, Steps

PROPORTIONS = np.linspace(0.01, 0.99, 33)

Values: TypeAlias = NDArray[np.float64]  # of measurements, or their means and other statistics
Known: TypeAlias = NDArray[np.bool_]  # which values were measured


@dataclass(frozen=True)
class NormalScores:
    """Values of some channels -> where each stands among the known ones of training.

    A score is a value of the standard normal distribution: the median of training becomes 0.
    Laboratory values range over orders of magnitude, and sensors fail with values far from all
    others.

    Parameters
    ----------
    quantiles, scores : ndarray of shape (n_quantiles, n_gappy)
        In ascending order. Quantiles that are the same value have the same score.
    """

    quantiles: Annotated[NDArray[np.float64], "n_quantiles n_gappy"]
    scores: Annotated[NDArray[np.float64], "n_quantiles n_gappy"]

    @classmethod
    def of(cls, sequences: Sequences, channels: NDArray[np.intp]) -> Self:
        """Find the quantiles of these channels; those of many values by a random sample of them."""
        is_known = (~np.isnan(chunk[:, channels]) for chunk, _ in sequences.chunks())
        n_known = sum(known.sum(axis=0) for known in is_known)
        shares = (1 << 18) / np.maximum(n_known, 1)  # about so many values of each channel
        samples: list[list[NDArray[np.number]]] = [[] for _ in channels]
        rng = np.random.default_rng(0)
        for chunk, _ in sequences.chunks():
            draws = rng.random(len(chunk))
            for sample, channel, share in zip(samples, channels, shares, strict=True):
                values = chunk[draws < share, channel]
                sample.append(values[~np.isnan(values)])
        quantiles = np.zeros((len(PROPORTIONS), len(channels)))
        scores = np.empty_like(quantiles)
        for knots, at_knots, sample in zip(quantiles.T, scores.T, samples, strict=True):
            known = np.concatenate(sample)
            if len(known):
                knots[:] = np.quantile(known, PROPORTIONS)
            _, which, n_same = np.unique(knots, return_inverse=True, return_counts=True)
            at_knots[:] = (np.bincount(which, ndtri(PROPORTIONS)) / n_same)[which]
        return cls(quantiles, scores)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of values (n, n_channels); those of missing values are missing.

        Between two quantiles they are interpolated, so that waves keep their form. Beyond the outer
        ones they grow as the logarithm.
        """
        scores = values.copy()
        columns = zip(values.T, scores.T, self.quantiles.T, self.scores.T, strict=True)
        for known, found, knots, at_knots in columns:
            first, last = knots[[0, -1]]
            found[:] = np.interp(known, knots, at_knots)  # of NaN it is NaN
            unit = (last - first) / (at_knots[-1] - at_knots[0]) if last > first else 1.0
            for sign, gaps in (1, known - last), (-1, first - known):
                is_beyond = gaps > 0
                found[is_beyond] += sign * np.log1p(gaps[is_beyond] / unit)
        return scores


@dataclass(frozen=True)
class ChannelScaling:
    """Measurements without their level, and their changes from step to step, at one scale.

    Smooth series differ more in their changes than in their values, and a network does not easily
    learn to subtract. The level of a channel is the mean of a sequence. Another microphone, sensor
    or person shifts it, but it may also tell the class: so much of it is removed as `level` says.

    In place of a missing value stands the last value before it, or the mean where there is none
    yet. Each channel with missing values in training is read a second time, as normal scores, and
    followed by whether the value is missing, and by the logarithm of 1 plus the time since the last
    value (Lipton et al. 2016, Che et al. 2018). In place of the time of a step stands the logarithm
    of 1 plus the time since the step before.

    The values are those of all channels, and after them the scores.

    Parameters
    ----------
    n_channels : int
    mean, scale : ndarray of shape (n_values,) or (2 * n_values,)
        Subtracted, and divided by. Twice as many as values if their changes follow, as they do if
        the values are normalised.
    gappy : ndarray of shape (n_gappy,)
        The channels with missing values in training.
    time_channel : int or None
        None: each step takes the time 1.
    time_unit : float
        Times are divided by it.
    level : ndarray of shape (n_values,) or None
        The part of the level of each value, relative to the mean, that is subtracted too. None:
        nothing.
    scores : NormalScores or None
        Of gappy channels. None: they are read once.
    """

    n_channels: int
    mean: Annotated[Values, "n_means"]
    scale: Annotated[Values, "n_means"]
    gappy: Annotated[NDArray[np.intp], "n_gappy of n_channels"]
    time_channel: int | None
    time_unit: float
    level: Annotated[Values, "n_values"] | None
    scores: NormalScores | None

    @classmethod
    def of(
        cls, sequences: Sequences, targets: NDArray[np.generic] | None, *, normalize: bool
    ) -> Self:
        """Return mean and deviation of all known values, or 0 and 1; without targets no level."""
        n_channels, gappy = sequences.n_channels or 1, np.flatnonzero(sequences.has_missing)
        zeros, ones, unit = np.zeros(n_channels), np.ones(n_channels), _typical_gap(sequences)
        scores = NormalScores.of(sequences, gappy) if normalize and len(gappy) else None
        plain = cls(n_channels, zeros, ones, gappy, sequences.time_channel, unit, None, scores)
        if not normalize:
            return plain
        n_values = plain.n_values
        chunks, within = [], np.zeros(2 * n_values)
        for chunk, lengths in sequences.chunks():
            values = plain.values(chunk, lengths)
            is_known = np.tile(~np.isnan(values), 2)
            steps = _with_changes(_carried(values, lengths)[0], lengths)
            chunk_means, n_known = _means(steps, is_known, lengths)
            gaps = np.square(steps - np.repeat(chunk_means, lengths, axis=0))
            within += gaps.sum(axis=0, where=is_known)
            chunks.append((chunk_means, n_known))
        means, counts = map(np.concatenate, zip(*chunks, strict=True))
        total = np.maximum(counts.sum(axis=0), 1)
        mean = (counts * means).sum(axis=0) / total
        means = np.where(counts > 0, means, mean)
        between = (counts * np.square(means - mean)).sum(axis=0)
        level = None
        if targets is not None:
            by_chance = within / total * (1 / np.maximum(counts, 1)).mean(axis=0)
            level = _share_of_noise(means[:, :n_values], by_chance[:n_values], targets)
            # Of what is measured now and then, such as in a laboratory, the level counts.
            level[n_channels:] = 0
            between[:n_values] *= np.square(1 - level)
            level = level if level.any() else None
        deviation = np.sqrt((within + between) / total)
        noise = 10 * np.finfo(np.float64).eps * np.abs(mean)  # a constant channel is not stretched
        scale = np.where(deviation > noise, deviation, 1.0)
        return replace(plain, mean=mean, scale=scale, level=level)

    @classmethod
    def by_size(cls, sequences: Sequences) -> Self:
        """Return the root mean square of each channel as its scale: levels stay."""
        plain = cls.of(sequences, None, normalize=False)
        n_known, squares = np.zeros((2, plain.n_channels))
        for steps, lengths in sequences.chunks():
            values = plain.values(steps, lengths)
            n_known += np.count_nonzero(~np.isnan(values), axis=0)
            squares += np.nansum(np.square(values), axis=0)
        scale = np.sqrt(squares / np.maximum(n_known, 1))
        return replace(plain, scale=np.where(scale > 0, scale, 1.0))

    def __len__(self) -> int:
        return len(self.mean) + 2 * len(self.gappy)

    @property
    def n_values(self) -> int:
        """The number of channels and scores."""
        return self.n_channels + (0 if self.scores is None else len(self.gappy))

    @property
    def uneven(self) -> NDArray[np.intp]:
        """The values of channels with missing values in training (their scores), and the time."""
        gappy = self.gappy if self.scores is None else np.arange(self.n_channels, self.n_values)
        time = [] if self.time_channel is None else [self.time_channel]
        return np.append(gappy, time).astype(np.intp)

    @property
    def sizes(self) -> dict[str, int]:
        """What `describe` says of it."""
        return {"n_channels": self.n_channels}

    def uninformed(self, steps: Steps) -> Values:
        """Return steps (n_steps, n_channels) as if nothing but their time were known.

        Channels with missing values in training are missing. The others have their mean, or 0 if
        values stay as they are.
        """
        unknown = np.tile(self.mean[: self.n_channels], (len(steps), 1))
        unknown[:, self.gappy] = np.nan
        if self.time_channel is not None:
            unknown[:, self.time_channel] = steps[:, self.time_channel]
        return unknown

    def __call__(self, steps: Steps, lengths: Lengths) -> NDArray[np.float32]:
        """Measurements (n_steps, n_channels) of sequences -> inputs (n_steps, n_inputs)."""
        values = self.values(steps, lengths)
        inputs, last = _carried(values, lengths)
        if len(self.mean) > self.n_values:
            inputs = _with_changes(inputs, lengths)
        if self.level is not None:
            means, n_known = _means(inputs[:, : self.n_values], ~np.isnan(values), lengths)
            levels = np.where(n_known > 0, means - self.mean[: self.n_values], 0)
            levels *= self.level
            inputs[:, : self.n_values] -= np.repeat(levels, lengths, axis=0)
        scaled = self._scaled(inputs, np.arange(len(self.mean)))
        scaled[np.isnan(scaled)] = 0  # before the first value of a sequence
        if len(self.gappy):
            is_missing = np.isnan(values[:, self.gappy])
            waited = np.log1p(self._since(last[:, self.gappy], steps, lengths))
            scaled = np.hstack([scaled, is_missing, waited])
        return np.asarray(scaled, dtype=np.float32)

    def known(self, values: Values, lengths: Lengths) -> tuple[Values, Known]:
        """Return the filled and scaled uneven values, and which of them were measured.

        Both are of shape (n_steps, n_uneven).
        """
        values = values[:, self.uneven]
        scaled = self._scaled(_carried(values, lengths)[0], self.uneven)
        return np.where(np.isnan(scaled), 0, scaled), ~np.isnan(values)

    def parts_of_levels(self, values: Values, lengths: Lengths) -> Values:
        """Return what each step adds to the levels of its sequence, (n_steps, n_values).

        They add up to the mean of the known values, relative to the mean and at one scale.
        """
        is_known, starts = ~np.isnan(values), np.cumsum(lengths) - lengths
        n_known = np.maximum(np.add.reduceat(is_known, starts, axis=0, dtype=np.intp), 1)
        scaled = self._scaled(values, np.arange(self.n_values))
        return np.asarray(np.where(is_known, scaled, 0) / np.repeat(n_known, lengths, axis=0))

    def values(self, steps: Steps, lengths: Lengths) -> Values:
        """Return the values (n_steps, n_values), with the times between steps."""
        if not steps.shape[1] == self.n_channels >= len(self.gappy):  # NumPy would repeat one
            raise ValueError(f"{steps.shape[1]} channels instead of {self.n_channels}")
        values = steps.astype(np.float64)
        if self.scores is not None:
            values = np.hstack([values, self.scores(values[:, self.gappy])])
        if self.time_channel is not None:
            gaps = _with_changes(values[:, [self.time_channel]], lengths)[:, 1]
            values[:, self.time_channel] = np.log1p(gaps / self.time_unit)
        return values

    def _scaled(self, steps: Values, columns: NDArray[np.intp]) -> Values:
        scaled = np.subtract(steps, self.mean[columns], out=np.empty_like(steps))
        # Larger ones could overflow in sums of squares.
        return np.asarray(np.clip(scaled / self.scale[columns], -1e15, 1e15))

    def _since(self, last: NDArray[np.intp], steps: Steps, lengths: Lengths) -> Values:
        """Return the time since the last known value, or since the step before the first."""
        times = np.arange(len(steps), dtype=np.float64)
        if self.time_channel is not None:
            times = np.nan_to_num(steps[:, self.time_channel].astype(np.float64)) / self.time_unit
        before = np.repeat(times[np.cumsum(lengths) - lengths] - 1, lengths)[:, np.newaxis]
        return np.asarray(times[:, np.newaxis] - np.where(last < 0, before, times[last]))


def _carried(steps: Values, lengths: Lengths) -> tuple[Values, NDArray[np.intp]]:
    """Return steps with the last known value in place of missing ones, and where this stands.

    Before the first value of a sequence they are NaN and -1.
    """
    rows = np.where(np.isnan(steps), -1, np.arange(len(steps))[:, np.newaxis])
    last = np.maximum.accumulate(rows, axis=0)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)[:, np.newaxis]
    last = np.where(last < first, -1, last)
    return np.where(last < 0, np.nan, np.take_along_axis(steps, last, axis=0)), last


def _with_changes(steps: Steps, lengths: Lengths) -> Values:
    """Return each step beside its difference from the step before; 0 for the first known one."""
    steps = steps.astype(np.float64)
    changes = np.diff(steps, axis=0, prepend=steps[:1])
    changes[np.cumsum(lengths) - lengths] = 0
    changes[np.isnan(changes)] = 0
    return np.hstack([steps, changes])


def _means(steps: Values, is_known: Known, lengths: Lengths) -> tuple[Values, NDArray[np.intp]]:
    """Return the mean of the known values of each sequence, and their number.

    Both are of shape (n_samples, n_inputs). The mean of a constant sequence is exactly its value.
    """
    starts = np.cumsum(lengths) - lengths
    first = np.nan_to_num(steps[starts])
    gaps = np.where(is_known, steps - np.repeat(first, lengths, axis=0), 0)
    n_known = np.add.reduceat(is_known, starts, axis=0, dtype=np.intp)
    return first + np.add.reduceat(gaps, starts, axis=0) / np.maximum(n_known, 1), n_known


def _share_of_noise(levels: Values, by_chance: Values, targets: NDArray[np.generic]) -> Values:
    """Return how much of the levels (n_samples, n_channels) is noise, 0 to 1 for each channel.

    With the variance w within classes and b between classes it is w^2 / (w^2 + b^2): levels that
    tell the classes stay, others go. What the mean of so many independent steps varies by chance,
    without any difference between recordings, is not part of w.
    """
    classes = np.unique(targets, axis=0, return_inverse=True)[1].ravel()  # sets of labels too
    n_classes = int(classes.max()) + 1
    if n_classes == len(levels):
        return np.zeros(levels.shape[1])
    class_levels = np.zeros((n_classes, levels.shape[1]))
    np.add.at(class_levels, classes, levels)
    class_levels /= np.bincount(classes)[:, np.newaxis]
    within = np.square(levels - class_levels[classes]).sum(axis=0) / (len(levels) - n_classes)
    between = np.maximum(levels.var(axis=0) - within, 0)
    within = np.maximum(within - by_chance, 0)
    noise, signal = np.square(within), np.square(between)
    return np.asarray(noise / np.where(noise > 0, noise + signal, 1))


def _typical_gap(sequences: Sequences) -> float:
    """Return the geometric mean of the times between two steps that are not 0; 1 without any."""
    n_gaps, total = 0, 0.0
    if sequences.time_channel is None:
        return 1.0
    for steps, lengths in sequences.chunks():
        gaps = _with_changes(steps[:, [sequences.time_channel]], lengths)[:, 1]
        n_gaps, total = n_gaps + int(np.count_nonzero(gaps)), total + np.log(gaps[gaps > 0]).sum()
    return float(np.exp(total / max(n_gaps, 1)))
