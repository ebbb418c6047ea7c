"""Ridge regression with leave-one-out predictions.

The strength of the penalty is the one with the smallest leave-one-out error. Features come in
blocks, so that memory does not grow with the number of samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg import eigh
from scipy.linalg.blas import dsyr, dsyrk
from scipy.spatial.distance import squareform
from sklearn import config_context
from sklearn.linear_model import RidgeCV

from sklearn_lstm.data.sequences import ROWS_AT_ONCE, Rows
from sklearn_lstm.members.blending import ClassPrior, ExpectedFactor, Judged, fit_blend
from sklearn_lstm.targets.targets import Targets

Floats: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float32]  # (n_samples, n_features)
LeftOut: TypeAlias = tuple[Floats, Floats]  # predictions: without each sample, and its cluster

ALPHAS = np.logspace(-7, 2, 14)  # relative to the total variance of the convolutions, 1
N_CLUSTERS = 12  # for each class
SHARES = 0.0, 0.01, 0.03, 0.1, 0.3, 1.0  # of the variance of features that may tell nothing
LEAST_GAP, LEAST_SHARE = 2.0, 3 / 4  # how much nearer a twin is, and how many have one


@dataclass(frozen=True)
class RidgeFit:
    """A ridge regression on all samples, and its leave-one-out predictions for some of them.

    Parameters
    ----------
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    left_out : ndarray of shape (n_rows, n_outputs)
    alpha : float
        The penalty.
    mean : ndarray of shape (n_features,)
        Of the features.
    """

    coef: Floats
    intercept: Floats
    left_out: Floats
    alpha: float
    mean: Floats

    def calibrated(self, factor: float, bias: Floats) -> Self:
        """Return the fit with its predictions multiplied by a factor, and a bias added."""
        self.left_out[:] = factor * self.left_out + bias  # may be large
        coef, intercept = factor * self.coef, factor * self.intercept + bias
        return replace(self, coef=coef, intercept=intercept)


def fit_few(features: Matrix, targets: Targets, deviations: Floats) -> RidgeFit:
    """Fit fewer samples than features, by scikit-learn; features get these deviations.

    If a single sample counts, nothing tells what its features mean.
    """
    signs, weights = _signs(targets), targets.sample_weights
    counts, mean = weights > 0, weights @ features / max(weights.sum(), 1e-300)
    if counts.sum() < 2:
        coef, only = np.zeros((features.shape[1], signs.shape[1])), signs[counts].sum(axis=0)
        return RidgeFit(coef, only, np.zeros_like(signs), ALPHAS[-1], mean)
    scale = deviations / _replace_zeros(features.std(axis=0, dtype=np.float64))
    # With a scoring it stores the predictions for each sample left out.
    ridge = RidgeCV(ALPHAS, scoring="neg_mean_squared_error", store_cv_results=True)
    with config_context(enable_metadata_routing=False):
        ridge.fit(features * scale, signs, sample_weight=weights)
    best = int(np.flatnonzero(ridge.alphas == ridge.alpha_)[0])
    return RidgeFit(
        np.atleast_2d(ridge.coef_).T * scale[:, np.newaxis],
        np.atleast_1d(ridge.intercept_),
        ridge.cv_results_.reshape(*signs.shape, -1)[:, :, best],
        float(ridge.alpha_),
        mean,
    )


def leave_alike_out(
    features: Matrix, targets: Targets, alpha: float, deviations: Floats
) -> LeftOut:
    """Return two predictions for each sample: without it, and without all samples like it."""
    products = _products(features, targets, deviations)
    return _left_out(products, targets, alpha, _clusters(products, targets))


def likeliest_share(features: Matrix, targets: Targets, deviations: Floats, n_last: int) -> float:
    """Return how much the last features should vary, as a share of the variance they are given.

    It is the mean of `SHARES`, each weighted by how likely samples are by what is predicted of each
    without it, and without all like it: new persons or machines are not those of training.
    """
    first, last = deviations.copy(), deviations.copy()
    first[-n_last:] = last[:-n_last] = 0
    products, added = (_products(features, targets, part) for part in (first, last))
    clusters = _clusters(products, targets)
    signs, weights, all_together = _signs(targets), targets.sample_weights, np.zeros_like(clusters)

    def error(alpha: float) -> float:
        """Return the leave-one-out error without the last features."""
        left_out, _ = _left_out(products, targets, alpha, all_together)
        return float((weights @ np.square(signs - left_out)).sum())

    alpha = min(ALPHAS.tolist(), key=error)
    prior, losses = ClassPrior.of(targets, is_drawn=False), np.zeros(len(SHARES))
    for place, share in enumerate(SHARES):
        for left_out in _left_out(products + share * added, targets, alpha, clusters):
            judged = Judged(left_out, ExpectedFactor(1.0, 3.0))
            losses[place] += fit_blend([judged], targets, prior).loss
    return float(np.average(SHARES, weights=np.exp(losses.min() - losses)))


def _products(features: Matrix, targets: Targets, deviations: Floats) -> Floats:
    """Return the scalar products of samples, whose features get these deviations."""
    scaled = features / _replace_zeros(features.std(axis=0, dtype=np.float64)) * deviations
    scaled -= np.average(scaled, axis=0, weights=targets.sample_weights)
    return np.asarray(scaled @ scaled.T)


def _clusters(products: Floats, targets: Targets) -> Rows:
    """Return the cluster of each sample.

    There are 12 clusters (Ward 1963) for each class, or set of labels, whatever the classes in
    them. Where most samples have a twin, there are at most half as many as samples.
    """
    squares, (first, second) = np.diag(products), np.triu_indices(len(products), 1)
    gaps = squares[first] + squares[second] - 2 * products[first, second]
    distances = np.sqrt(np.maximum(gaps, 0))
    names, classes = np.unique(targets.values, axis=0, return_inverse=True)
    n_clusters = N_CLUSTERS * len(names)
    if _have_twins(distances, classes.ravel()):
        n_clusters = min(n_clusters, len(products) // 2)
    return np.asarray(fcluster(linkage(distances, "ward"), n_clusters, "maxclust"))


def _left_out(products: Floats, targets: Targets, alpha: float, clusters: Rows) -> LeftOut:
    """Return the predictions of each sample without it, and without its cluster.

    Each cluster is left out as a whole: where classes hardly differ, the others like it would speak
    for the other classes. With the hat matrix H and the residuals r, the residuals without a
    cluster C would be (1 - H_CC)^-1 r_C.
    """
    signs, weights = _signs(targets), targets.sample_weights
    roots = np.sqrt(weights)[:, np.newaxis]
    remaining = alpha * np.linalg.inv(roots * products * roots.T + alpha * np.eye(len(products)))
    remaining -= roots * roots.T / weights.sum()  # 1 - H
    residuals = remaining @ (roots * signs)
    alone = signs - residuals / np.diag(remaining)[:, np.newaxis] / roots
    alike, numbers = alone.copy(), np.unique(clusters)
    for number in numbers if len(numbers) > 1 else ():  # a single one leaves nothing to learn from
        rows = np.flatnonzero(clusters == number)
        within = np.linalg.solve(remaining[np.ix_(rows, rows)], residuals[rows])
        alike[rows] = signs[rows] - within / roots[rows]
    return alone, alike


def _have_twins(distances: Floats, classes: Rows) -> bool:
    """Return whether most samples are far nearer to one of their class than to its others."""
    matrix = squareform(distances)
    matrix[classes[:, np.newaxis] != classes] = np.inf
    np.fill_diagonal(matrix, np.inf)
    if len(matrix) < 3:
        return False
    first, second = np.partition(matrix, 1, axis=1)[:, :2].T
    has_twin = np.isfinite(second) & (second > LEAST_GAP * first)
    return bool(has_twin.mean() > LEAST_SHARE)


class GramMatrix:
    """The Gram matrix and other sums over all samples, from which a ridge regression follows.

    Parameters
    ----------
    n_features, n_outputs : int
    """

    def __init__(self, n_features: int, n_outputs: int) -> None:
        # Features are taken relative to the mean of the first block: the squares of large numbers
        # that hardly differ would lose their digits.
        self.origin = np.zeros(n_features)
        self.n_samples = 0
        self.sums = np.zeros((2, n_features))  # of the features and of their squares
        self.total_weight = 0.0
        self.weighted_sum = np.zeros(n_features)
        self.weighted_signs = np.zeros(n_outputs)
        self.gram = np.zeros((n_features, n_features), order="F")  # its upper triangle
        self.cross = np.zeros((n_features, n_outputs))

    def add(self, features: Matrix, targets: Targets) -> None:
        """Add the samples of a block, (B, n_features)."""
        signs, weights = _signs(targets), targets.sample_weights
        if not self.n_samples:
            self.origin = features.mean(axis=0, dtype=np.float64)
        shifted = features - self.origin
        self.n_samples += len(shifted)
        self.sums += shifted.sum(axis=0), np.einsum("ij,ij->j", shifted, shifted)
        self.total_weight += weights.sum()
        self.weighted_sum += weights @ shifted
        self.weighted_signs += weights @ signs
        shifted *= np.sqrt(weights)[:, np.newaxis]
        dsyrk(1, shifted.T, beta=1, c=self.gram, overwrite_c=True)
        self.cross += shifted.T @ (np.sqrt(weights)[:, np.newaxis] * signs)


def fit_many(sums: GramMatrix, features: Matrix, targets: Targets, deviations: Floats) -> RidgeFit:
    """Fit more samples than features, in the coordinates of the principal components.

    With features Z in these coordinates, eigenvalues e and penalty alpha, the predictions are
    Z (e + alpha)^-1 Z^T y, and the leverage of sample i of weight w_i is
    h_i = w_i (sum_j Z_ij^2 / (e_j + alpha) + 1 / sum(w)). Without sample i the residual would be
    its residual divided by 1 - h_i.

    Parameters
    ----------
    sums : GramMatrix
        Of all samples. It is used up.
    features, targets
        Of some samples. Each is left out in turn to choose the penalty.
    deviations : ndarray of shape (n_features,)
        The standard deviation that each feature gets.
    """
    variances = sums.sums[1] / sums.n_samples - np.square(sums.sums[0] / sums.n_samples)
    scale = deviations / _replace_zeros(np.sqrt(np.maximum(variances, 0)))
    mean = sums.weighted_sum / sums.total_weight
    mean_sign = sums.weighted_signs / sums.total_weight
    dsyr(-sums.total_weight, mean, a=sums.gram, overwrite_a=True)
    sums.gram *= scale
    sums.gram *= scale[:, np.newaxis]
    sums.cross -= np.outer(sums.total_weight * mean, mean_sign)
    sums.cross *= scale[:, np.newaxis]
    eigenvalues, eigenvectors = eigh(sums.gram, lower=False, overwrite_a=True, check_finite=False)
    del sums.gram
    eigenvalues = np.maximum(eigenvalues, 0)
    cross = eigenvectors.T @ sums.cross  # Z^T y (n_features, n_outputs)
    mean += sums.origin
    signs, weights = _signs(targets), targets.sample_weights

    def left_out(part: slice, alphas: Floats) -> Iterator[Floats]:
        """Yield the prediction for each sample of a block by all others, for each penalty."""
        centred = features[part] - mean
        centred *= scale
        components = centred @ eigenvectors
        for alpha in alphas:
            shrinkage = 1 / (eigenvalues + alpha)
            residuals = signs[part] - mean_sign - components @ (shrinkage[:, np.newaxis] * cross)
            leverage = np.square(components) @ shrinkage + 1 / sums.total_weight
            yield signs[part] - residuals / (1 - weights[part] * leverage)[:, np.newaxis]

    # The components are computed twice, block by block: as a whole they would take twice the memory
    # of the features.
    starts = range(0, len(features), ROWS_AT_ONCE)
    parts = [slice(start, start + ROWS_AT_ONCE) for start in starts]
    errors = np.zeros(len(ALPHAS))
    for part in parts:
        for index, predictions in enumerate(left_out(part, ALPHAS)):
            errors[index] += (weights[part] @ np.square(signs[part] - predictions)).sum()
    best = ALPHAS[[np.argmin(errors)]]
    coef = eigenvectors @ (cross / (eigenvalues + best)[:, np.newaxis])
    coef *= scale[:, np.newaxis]
    predictions = np.concatenate([block for part in parts for block in left_out(part, best)])
    return RidgeFit(coef, mean_sign - mean @ coef, predictions, best.item(), mean)


def _signs(targets: Targets) -> Floats:
    """Return 1 for each class or label that a sample has, and -1 for the others."""
    return np.where(targets.indicators(), 1.0, -1.0)


def _replace_zeros(deviation: Floats) -> Floats:
    return np.where(deviation < np.finfo(np.float32).eps, 1.0, deviation)  # less is rounding
