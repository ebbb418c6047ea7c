"""Ridge regression on each reading of series; the logits of all readings count alike."""

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows
from sklearn_lstm.members.blending import ClassPrior, ExpectedFactor, Judged, Logits, fit_blend
from sklearn_lstm.members.features.series import N_FEATURES, SeriesFeatures, n_features_of, sampled
from sklearn_lstm.members.member import Term
from sklearn_lstm.members.recipe import BaseSolver
from sklearn_lstm.members.solvers import ridge_regression
from sklearn_lstm.members.solvers.ridge_regression import GramMatrix, Matrix, RidgeFit
from sklearn_lstm.targets.targets import Samples, Targets

MOST_JUDGED = 250  # samples, which say how much places tell


class Solver(BaseSolver):
    """Ridge regressions, in memory that does not grow with the number of samples.

    Each sample is predicted by all others. Samples often come in groups: recordings of a person,
    windows of a recording. A sample that is left out alone has others of its group in the training
    part; a new person has none there, as if all samples that are alike were left out too. So the
    confidence is the ratio of the scales that the logits of both predictions need.
    """

    leaves_one_out = True

    def solve(self, rows: Rows) -> tuple[Term, ...]:
        """Return the terms that these rows tell."""
        return self._solve(rows, rows[:0])[0]

    def leave_out(self, rows: Rows) -> tuple[tuple[Term, ...], Judged]:
        """Return the terms that all samples tell, and what these say of each row by all others."""
        return self._solve(np.arange(len(self.reader.samples)), rows)

    def _solve(self, rows: Rows, held_out: Rows) -> tuple[tuple[Term, ...], Judged]:
        """Return what `leave_out` does, by these rows alone."""
        samples, rng = self.reader.part(rows), np.random.default_rng(self.reader.seed)
        drawn, n_outputs = list[SeriesFeatures](), samples.targets.n_outputs
        for encoding in self.reader.features:  # the first one reads levels too
            drawn.append(SeriesFeatures.drawn(samples.sequences, encoding, rng, *drawn[:1]))
        others = np.setdiff1d(np.arange(len(samples)), held_out)
        left_out = np.append(held_out, rng.permutation(others))
        if len(samples) > drawn[0].n_features:
            # The features, or predictions, of those left out in turn take so much memory at most.
            n_features = n_features_of(len(samples))
            most = N_FEATURES * n_features // max(n_features, n_outputs)
            left_out = left_out[: max(most, len(held_out))]
        compared = sampled(len(left_out), rng) if len(held_out) else left_out[:0]
        found = [_fit(features, samples, left_out, compared) for features in drawn]
        fits, confidences = zip(*found, strict=True)
        # Which reading predicts the samples best says little of other persons or sensors. Nor does
        # the scale grow with the number of readings.
        share, bias = 1 / len(fits), np.zeros(n_outputs)
        logits = np.zeros((len(left_out), n_outputs))
        for fit in fits:
            logits += share * fit.left_out
        if len(fits) > 1:  # means of logits are nearer to 0, and so say less of a rare class
            prior = ClassPrior.of(samples.targets, is_drawn=False)
            _, bias = _calibration(logits, samples.targets.subset(left_out), prior, deviation=1e-3)
            logits += bias
        terms = list[Term]()
        for one, fit in zip(drawn, fits, strict=True):
            coef, intercept = share * fit.coef, share * fit.intercept
            features = one.relative_to(fit.mean, coef, samples.sequences)
            terms.append(Term(features, coef, intercept if terms else intercept + bias))
        confidence = float(np.mean(confidences))
        return tuple(terms), Judged(logits[: len(held_out)], self.expected_factor, confidence)


def _fit(
    drawn: SeriesFeatures, samples: Samples, rows: Rows, compared: Rows
) -> tuple[RidgeFit, float]:
    """Fit to all samples; leave out some rows, and of some of these all that are alike.

    Returns
    -------
    fit : RidgeFit
        At the scale that makes the predictions for rows left out in turn likely logits.
    confidence : float
    """
    targets, deviations = samples.targets.subset(rows), drawn.deviations
    are_many = len(samples) > drawn.n_features
    gram = GramMatrix(drawn.n_features, targets.n_outputs) if are_many else None
    matrix = _matrix(drawn, samples, rows, gram)
    if n_places := len(drawn.places):
        few = slice(None, None, 1 + len(rows) // MOST_JUDGED)
        judged = targets.subset(np.arange(len(rows))[few])
        share = ridge_regression.likeliest_share(matrix[few], judged, deviations, n_places)
        deviations[-n_places:] *= np.sqrt(share)
    if gram is None:
        fit = ridge_regression.fit_few(matrix, targets, deviations)
    else:
        fit = ridge_regression.fit_many(gram, matrix, targets, deviations)
    # Large penalties draw the predictions towards their mean.
    prior = ClassPrior.of(samples.targets, is_drawn=False)
    factor, bias = _calibration(fit.left_out, targets, prior)
    confidence = 1.0
    if len(compared):
        known = targets.subset(compared)
        pair = ridge_regression.leave_alike_out(matrix[compared], known, fit.alpha, deviations)
        alone, alike = (_calibration(part, known, prior)[0] for part in pair)
        confidence = min(1.0, alike / alone)
    return fit.calibrated(factor, bias), confidence


def _matrix(drawn: SeriesFeatures, samples: Samples, rows: Rows, gram: GramMatrix | None) -> Matrix:
    """Return the features of some rows; the Gram matrix gets those of all samples."""
    position = np.full(len(samples), -1)
    position[rows] = np.arange(len(rows))
    kept = np.empty((len(rows), drawn.n_features), np.float32)
    for block, features in drawn.blocks(samples.sequences, ROWS_AT_ONCE):
        if gram is not None:
            gram.add(features, samples.targets.subset(block))
        is_kept = position[block] >= 0
        kept[position[block[is_kept]]] = features[is_kept]
    return kept


def _calibration(
    predictions: Logits, targets: Targets, prior: ClassPrior, deviation: float = 1.0
) -> tuple[float, NDArray[np.float64]]:
    """Return the factor and the bias that make predictions the most likely logits of targets."""
    blend = fit_blend([Judged(predictions, ExpectedFactor(1.0, deviation))], targets, prior)
    return float(blend.factors[0]), -blend.prior_correction * prior.logs
