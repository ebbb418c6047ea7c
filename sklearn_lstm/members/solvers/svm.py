"""Linear support vector machines on sparse features, one for each output against the rest."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.svm import LinearSVC

from sklearn_lstm.data.sequences import Rows
from sklearn_lstm.locks import ForkSafeLock
from sklearn_lstm.members.blending import ExpectedFactor
from sklearn_lstm.members.features.hashing import TfIdfFeatures
from sklearn_lstm.members.features.ngram_reader import MOST_SCALED
from sklearn_lstm.members.member import LARGEST_COEF, Term
from sklearn_lstm.members.recipe import BaseSolver
from sklearn_lstm.targets.targets import Targets, Truth, Weights

VARIANCE_OF_RATIOS = 2.0  # of the log ratios of features, before any sample is seen
TOLERANCE_OF_MANY = 0.3  # with more; a smaller one changes the accuracy by less than 0.1 points
# Features of a sample times outputs. With fewer, one SVM after the other is faster.
FEWEST_PRODUCTS_TOGETHER = 4_000
LEAST_CHANGE = 0.05  # of the sum of all dual variables, in one pass over the samples

Solution: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float64]]  # coef and intercept

# The solver draws from one random generator of the whole process, which it seeds at the beginning.
# Two threads in it at the same time would get different SVMs each time.
_solver = ForkSafeLock()


class Solver(BaseSolver):
    """SVMs on the tf-idf of n-grams, and the means of vectors beside them."""

    expected_factor = ExpectedFactor(2.0, 1.0)  # the margins of SVMs are too small

    def solve(self, rows: Rows) -> tuple[Term, ...]:
        """Return the terms that these rows tell."""
        features, matrices = self.reader.read(rows)
        matrix, targets = hstack(matrices, format="csr"), self.reader.part(rows).targets
        del matrices  # the solver needs the memory
        n_scaled = sum(one.n_features for one in features if isinstance(one, TfIdfFeatures))
        coef, intercept = fit_svms(matrix, targets, seed=self.reader.seed, n_scaled=n_scaled)
        parts = np.split(coef, np.cumsum([one.n_features for one in features])[:-1])
        intercepts = intercept, *np.zeros((len(features) - 1, len(intercept)))  # it counts once
        return tuple(map(Term, features, parts, intercepts))


def fit_svms(features: csr_matrix, targets: Targets, *, seed: int, n_scaled: int) -> Solution:
    """Fit an SVM for each output.

    Up to `MOST_SCALED` outputs, each SVM sees the features scaled by the log ratios of a naive
    Bayes classifier (Wang and Manning 2012, with tf-idf in place of counts), as far as the samples
    tell them: a feature that few samples hold keeps a middle scale. Of several labels the scale is
    its square root. With more outputs each class has few samples, and its ratios are mostly noise:
    all SVMs use the same features.

    Parameters
    ----------
    features : csr_matrix of shape (n_samples, n_features)
    targets : Targets
    seed : int
    n_scaled : int
        Features that are n-grams. Those that follow have no ratios, and are not scaled.

    Returns
    -------
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    """
    n_outputs, options = targets.n_outputs, {}
    coef, intercept = np.zeros((features.shape[1], n_outputs), np.float32), np.zeros(n_outputs)
    if not features.shape[1]:
        return coef, intercept
    if not (is_scaled := n_outputs <= MOST_SCALED):
        if features.nnz * n_outputs >= FEWEST_PRODUCTS_TOGETHER * len(targets):
            return _fit_together(features, targets, seed)
        features, options = _with_data(features, features.data), {"tol": TOLERANCE_OF_MANY}
    is_mirrored = not targets.labels.is_multilabel and n_outputs == 2
    for output in range(1 if is_mirrored else n_outputs):
        target, weights = targets.has(output), targets.output_weights(output)
        if (constant := _constant(target, weights)) is not None:
            intercept[output] = constant
            continue
        scaled, scale = features, np.ones(1, np.float32)
        if is_scaled:
            scale = _scale(features, target, weights)
            if targets.labels.is_multilabel:
                # A ratio says of labels that come together what is true of one of them.
                scale = np.sqrt(scale)
            # Vectors count less, the more samples tell what n-grams mean: at 60 of each class, as
            # much as the n-grams of a sequence.
            inverse_counts = 1 / (weights @ target) + 1 / (weights @ ~target)
            scale[n_scaled:] = (30 * inverse_counts) ** 0.25
            scaled = _with_data(features, features.data * scale[features.indices])
        svm = LinearSVC(random_state=seed, **options)
        with _solver.lock:
            svm.fit(scaled, target, sample_weight=weights)
        coef[:, output], intercept[output] = svm.coef_[0] * scale, svm.intercept_[0]
    if is_mirrored:
        halves = np.array([0.5, -0.5], np.float32)
        coef[:], intercept[:] = coef[:, :1] * halves, intercept[0] * halves
    return coef, intercept


def _constant(target: Truth, weights: Weights) -> float | None:
    """Return 1 if all counted samples have an output, -1 if none has it, None if some have it."""
    counted = target[weights > 0]
    if not counted.any():
        return -1.0
    return 1.0 if counted.all() else None


def _fit_together(features: csr_matrix, targets: Targets, seed: int) -> Solution:
    """Fit the SVMs of many outputs, by dual coordinate descent (Hsieh et al. 2008).

    The objective is that of `LinearSVC`, which reads all samples anew for each output. Here each
    sample that is read moves its dual variables of all outputs. Passes over the samples end when
    one has changed little, relative to the sum of all dual variables. No sample has a feature
    twice.
    """
    rng, n_samples, n_outputs = np.random.default_rng(seed), len(targets), targets.n_outputs
    coef, intercept = np.zeros((features.shape[1], n_outputs), np.float32), np.zeros(n_outputs)
    # A dual variable, a sign, and perhaps a weight: 13 bytes.
    n_at_once = max(1, LARGEST_COEF // (13 * n_samples))
    for start in range(0, n_outputs, n_at_once):
        outputs = list(range(n_outputs))[start : start + n_at_once]
        coef_of_these = coef[:, start : start + n_at_once]
        signs = 2 * targets.has(outputs).astype(np.int8) - 1
        weights = 2 * targets.output_weights(outputs).astype(np.float32)
        duals, biases = np.zeros(signs.shape, np.float32), np.zeros(len(outputs), np.float32)
        changed = np.inf
        while changed > LEAST_CHANGE * duals.sum():
            changed = 0.0
            for row in rng.permutation(n_samples):
                held = slice(*features.indptr[row : row + 2])
                columns, values = features.indices[held], features.data[held]
                known, dual, weight = coef_of_these[columns], duals[row], weights[row]
                # BLAS would round by the number of its threads.
                margins = signs[row] * (np.einsum("i,ij->j", values, known) + biases)
                square = np.square(values).sum() + 1
                best = (weight * (1 - margins) - dual) / (weight * square + 1)
                change = np.maximum(best, -dual)
                changed += float(np.abs(change).sum())
                dual += change
                coef_of_these[columns] = known + np.multiply.outer(values, signs[row] * change)
                biases += signs[row] * change
        intercept[outputs] = biases
    for output in range(n_outputs):
        constant = _constant(targets.has(output), targets.output_weights(output))
        if constant is not None:
            coef[:, output], intercept[output] = 0, constant
    return coef, intercept


def _with_data(features: csr_matrix, data: NDArray[np.number]) -> csr_matrix:
    """Return features with other values, in float64: the solver would copy all of the others."""
    parts = data.astype(np.float64), features.indices, features.indptr
    return csr_matrix(parts, features.shape)


def _scale(features: csr_matrix, target: Truth, weights: Weights) -> NDArray[np.float32]:
    """Return the scale of each feature: larger, the more its frequency tells about a class.

    It is the root mean square of the logarithm of how much more frequent the feature is in the
    class than outside, given how often it was seen in both: the logarithm comes from
    N(0, `VARIANCE_OF_RATIOS`), and the inverse counts add up to the variance of its estimate.
    """
    present = _with_data(features, np.ones_like(features.data))
    inside, outside = (1 + present.T @ (weights * part) for part in (target, ~target))
    ratio = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    variance = 1 / inside + 1 / outside
    known = VARIANCE_OF_RATIOS / (VARIANCE_OF_RATIOS + variance)
    return np.asarray(np.sqrt((known * ratio) ** 2 + known * variance), np.float32)
