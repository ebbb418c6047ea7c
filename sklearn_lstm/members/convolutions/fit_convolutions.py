"""How the linear model of convolutions is fitted."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import ClassPrior, ExpectedFactor, Logits, fit_blend
from sklearn_lstm.data.kinds import MEASUREMENTS
from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows
from sklearn_lstm.encoding.channel_scaling import ChannelScaling
from sklearn_lstm.exceptions import InputTypeWarning, warn_user
from sklearn_lstm.members.convolutions import ridge
from sklearn_lstm.members.convolutions.convolution_model import (
    N_PLACES,
    ConvolutionModel,
    Reading,
    SeriesStatistics,
)
from sklearn_lstm.members.convolutions.random_convolutions import Convolutions
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.learner import Learner
from sklearn_lstm.members.settings import FitSettings
from sklearn_lstm.targets.targets import Samples, Targets

N_FEATURES = 5_000  # about so many; of more series than half as many, half
SERIES_FOR_COURSE = 16  # whose mean course explanations are relative to
MOST_DRAWN = 1_000  # series that say how features vary, and which are compared with those alike
# Relative to that of all convolutions: of the level of a channel and of its statistics, each and
# all at most.
VARIANCES_OF_CHANNEL, LARGEST_VARIANCES = (0.005, 0.03), (0.3, 1)


def work_of_convolutions(samples: Samples, settings: FitSettings) -> int:
    """Return the work of fitting, in the units of the network's training: 2 for each step read.

    Measured once, on one core: the features of a step take half as long as the network takes
    for the step. 300,000 multiplications of the regression take as long as 1 unit: with n
    samples, p features and d = min(n, p) there are n p d for the Gram matrix, and about 10 d^3
    for its eigenvalues.
    """
    n_samples, n_features = len(samples), _n_features(len(samples))
    smaller = min(n_samples, n_features)
    n_products = n_samples * n_features * smaller + 10 * smaller**3
    n_readings = 1 + settings.normalize
    return n_readings * (int(samples.sequences.lengths.sum()) + n_products // 300_000)


def fit_convolutions(split: Split, settings: FitSettings) -> tuple[ConvolutionModel, Logits]:
    """Fit to all samples, in memory that does not grow with their number.

    Returns
    -------
    model : ConvolutionModel
    logits : ndarray of shape (n_held_out, n_outputs)
        Of each held-out sample, by a model fitted to all other samples (leave-one-out). If samples
        are held out together, by a model fitted to those that are not.
    """
    samples, learned, held_out = split.samples, split.learned, split.held_out_rows
    sequences, normalize = learned.sequences, settings.normalize
    scaled = ChannelScaling.of(sequences, learned.targets.values, normalize=normalize)
    encodings = [scaled, ChannelScaling.by_size(sequences)] if normalize else [scaled]
    if samples.targets.held_together is None or not len(held_out):
        return _fit(samples, held_out, encodings, split.seed)
    model, _ = _fit(samples, held_out[:0], encodings, split.seed)
    fold_model, _ = _fit(learned, held_out[:0], encodings, split.seed)
    return model, fold_model.logits(split.held_out.sequences)


def _fit(
    samples: Samples, held_out: Rows, encodings: list[ChannelScaling], seed: int
) -> tuple[ConvolutionModel, Logits]:
    """Fit a reading for each encoding; the first also reads levels and other statistics.

    Their logits count alike: which reading predicts the samples best says little of other persons
    or sensors. Nor does the scale grow with their number.
    """
    rng = np.random.default_rng(seed)
    untrained = [_draw(samples, encoding, rng) for encoding in encodings]
    rows = np.append(held_out, rng.permutation(np.setdiff1d(np.arange(len(samples)), held_out)))
    if len(samples) > untrained[0].n_features:
        # The features, or predictions, of those left out in turn take so much memory at most.
        n_features, n_outputs = _n_features(len(samples)), samples.targets.n_outputs
        most = N_FEATURES * n_features // max(n_features, n_outputs)
        rows = rows[: max(most, len(held_out))]
    compared = _sampled(len(rows), rng) if len(held_out) else rows[:0]
    prior = ClassPrior.of(samples.targets, is_drawn=False)
    share, left_out = 1 / len(encodings), np.zeros((len(rows), samples.targets.n_outputs))
    readings, confidences, has_twins = list[Reading](), list[float](), False
    for drawn in untrained:
        deviations = _deviations(drawn)
        if readings:
            deviations[drawn.n_events : drawn.n_events + drawn.statistics.n_values] = 0
        one, logits, confidence, twins = _fit_reading(drawn, samples, rows, compared, deviations)
        has_twins |= twins
        readings.append(replace(one, coef=share * one.coef, intercept=share * one.intercept))
        confidences.append(confidence)
        logits *= share
        left_out += logits
    if has_twins:
        warn_user(
            "Most series have a twin: one of the same class that is far more like them than all "
            "others. If both are of one person, machine or recording, pass fit the groups: else "
            "held-out series have their twins in training, and are predicted too well.",
            InputTypeWarning,
        )
    if len(readings) > 1:  # means of logits are nearer to 0, and so say less of a rare class
        _, bias = _calibration(left_out, samples.targets.subset(rows), prior, deviation=1e-3)
        readings[0] = replace(readings[0], intercept=readings[0].intercept + bias)
        left_out += bias
    places = np.linspace(0, len(samples) - 1, min(SERIES_FOR_COURSE, len(samples)))
    shown = samples.sequences.subset(places.astype(np.intp))
    with_course = (replace(one, course=one.course_of(shown)) for one in readings)
    mean_confidence = float(np.mean(confidences)) if len(held_out) else None
    return ConvolutionModel(tuple(with_course), mean_confidence), left_out[: len(held_out)]


def _fit_reading(
    untrained: Reading,
    samples: Samples,
    rows: Rows,
    compared: Rows,
    deviations: NDArray[np.float64],
) -> tuple[Reading, Logits, float, bool]:
    """Fit to all samples.

    Returns
    -------
    reading : Reading
    logits : ndarray of shape (n_rows, n_outputs)
        Of some rows, each left out in turn.
    confidence : float
    has_twins : bool
        Whether most series have a twin.
    """
    targets = samples.targets.subset(rows)
    are_many = len(samples) > untrained.n_features
    gram = ridge.GramMatrix(*untrained.coef.shape) if are_many else None
    features = _features_of(untrained, samples, rows, gram)
    if gram is None:
        fit = ridge.fit_few(features, targets, deviations)
    else:
        fit = ridge.fit_many(gram, features, targets, deviations)
    # Large penalties draw the predictions towards their mean.
    prior = ClassPrior.of(samples.targets, is_drawn=False)
    factor, bias = _calibration(fit.left_out, targets, prior)
    reading = replace(
        untrained,
        coef=factor * fit.coef,
        intercept=factor * fit.intercept + bias,
        proportions=fit.mean[: untrained.n_events],
    )
    confidence, has_twins = 1.0, False
    if len(compared):
        # The ratio of the scales that the logits of both predictions need.
        known = targets.subset(compared)
        *pair, has_twins = ridge.leave_alike_out(features[compared], known, fit.alpha, deviations)
        alone, alike = (_calibration(part, known, prior)[0] for part in pair)
        confidence = min(1.0, alike / alone)
    logits = factor * fit.left_out
    logits += bias
    return reading, logits, confidence, has_twins


def _draw(samples: Samples, encoding: ChannelScaling, rng: np.random.Generator) -> Reading:
    """Draw convolutions, and find all thresholds; the coefficients are 0."""
    sequences, n_outputs = samples.sequences, samples.targets.n_outputs
    rows = _sampled(len(sequences), rng.spawn(1)[0])
    statistics = SeriesStatistics.of(sequences.subset(rows), encoding)
    n_convolutions = _n_features(len(sequences)) - statistics.sizes[1]
    convolutions = Convolutions.draw(sequences, encoding, n_convolutions, rng)
    coef = np.zeros((len(convolutions) + len(statistics), n_outputs))
    zeros = np.zeros(n_outputs), np.zeros(len(convolutions)), np.zeros((N_PLACES, n_outputs))
    return Reading(convolutions, statistics, coef, *zeros)


def _deviations(model: Reading) -> NDArray[np.float64]:
    """Return the standard deviation that each feature gets for the ridge regression.

    Convolutions have the total variance 1. Levels have less, for another person or sensor shifts
    them. Few levels, and statistics of few uneven channels, have little, for a convolution reads
    most of what they tell.
    """
    sizes = np.array([len(model.convolutions), *model.statistics.sizes])
    n_channels = model.statistics.n_values, model.statistics.n_uneven
    of_channels = np.minimum(np.multiply(VARIANCES_OF_CHANNEL, n_channels), LARGEST_VARIANCES)
    variances = np.append(1, of_channels) / np.maximum(sizes, 1)
    deviations = np.sqrt(np.repeat(variances, sizes))
    deviations[sizes[0] : sizes[:2].sum()] *= model.statistics.deviations
    return np.asarray(deviations)


def _features_of(
    model: Reading, samples: Samples, rows: Rows, gram: ridge.GramMatrix | None
) -> NDArray[np.float32]:
    """Return the features of some rows; the Gram matrix gets those of all samples."""
    position = np.full(len(samples), -1)
    position[rows] = np.arange(len(rows))
    kept = np.empty((len(rows), model.n_features), np.float32)
    for block, features in model.features(samples.sequences, ROWS_AT_ONCE):
        if gram is not None:
            gram.add(features, samples.targets.subset(block))
        is_kept = position[block] >= 0
        kept[position[block[is_kept]]] = features[is_kept]
    return kept


def _n_features(n_samples: int) -> int:
    """Return how many features to draw: of many series fewer, or the regression would take long."""
    return N_FEATURES if 2 * n_samples <= N_FEATURES else N_FEATURES // 2


def _sampled(n_rows: int, rng: np.random.Generator) -> Rows:
    """Return all of some rows, or as many drawn at random: rows often stand in an order."""
    return np.sort(rng.permutation(n_rows)[:MOST_DRAWN])


def _calibration(
    predictions: Logits, targets: Targets, prior: ClassPrior, deviation: float = 1.0
) -> tuple[float, NDArray[np.float64]]:
    """Return the factor and the bias that make predictions the most likely logits of targets."""
    blend = fit_blend([(predictions, ExpectedFactor(1.0, deviation))], targets, prior)
    return float(blend.factors[0]), -blend.prior_correction * prior.logs


CONVOLUTIONS = Learner(
    ConvolutionModel,
    suits=lambda settings: settings.kind is MEASUREMENTS,
    work=work_of_convolutions,
    fit_member=fit_convolutions,
    has_own_scale=True,
)
