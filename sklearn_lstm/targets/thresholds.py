"""The probability above which a label is predicted: given, or chosen for the F1 score."""

from numbers import Real

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.targets.labels import Labels, Thresholds
from sklearn_lstm.targets.targets import Targets


def given_thresholds(threshold: object, labels: Labels) -> NDArray[np.float64]:
    """Return the threshold of each label, or of two classes one; NaN where held-out samples choose.

    Raises
    ------
    ValueError
        For a list that does not hold a probability for each of several labels, and for more than
        two classes, unless it is 0.5.
    """
    is_list = not isinstance(threshold, Real | str)
    if not labels.is_multilabel and (is_list or (len(labels) > 2 and threshold != 0.5)):
        raise ValueError(
            f"threshold={threshold!r:.200}, but y holds one class per sequence, of {len(labels)} "
            "classes. Pass a number or 'f1' if there are two, and leave it 0.5 if there are more."
        )
    if not is_list:
        n_thresholds = len(labels) if labels.is_multilabel else 1
        return np.full(n_thresholds, np.nan if isinstance(threshold, str) else threshold, float)
    try:
        thresholds = np.asarray(threshold, np.float64)
    except (TypeError, ValueError):
        thresholds = np.empty(0)
    if thresholds.shape != (len(labels),) or not ((thresholds >= 0) & (thresholds <= 1)).all():
        raise ValueError(
            f"threshold={threshold!r:.200} is no list of {len(labels)} numbers from 0 to 1, one "
            "for each label of y. Pass one, or a number or 'f1' for all labels."
        )
    return thresholds


def expected_f1_thresholds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half of the largest F1 that the probabilities of each label let one expect.

    If they are right, the k most probable of n samples hold as many true ones as the sum of their
    probabilities, of as many as the sum of all. The best k are those above half of that F1 (Lipton,
    Elkan and Naryanaswamy 2014).

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_labels)

    Returns
    -------
    ndarray of shape (n_labels,)
    """
    falling = -np.sort(-probabilities, axis=0)
    n_predicted = np.arange(1, len(falling) + 1)[:, np.newaxis]
    f1 = 2 * falling.cumsum(axis=0) / (n_predicted + falling.sum(axis=0))
    return np.asarray(f1.max(axis=0) / 2)


def without_constants(thresholds: NDArray[np.float64], targets: Targets) -> NDArray[np.float64]:
    """Return 1/2 for the labels that all samples have, or none, where none was given."""
    if not np.isnan(thresholds).any():
        return thresholds
    truth = targets.indicators()[:, -len(thresholds) :]
    is_constant = truth.all(axis=0) | ~truth.any(axis=0)
    return np.where(np.isnan(thresholds) & is_constant, 0.5, thresholds)


def choose_thresholds(
    given: NDArray[np.float64], probabilities: NDArray[np.float64], previous: Thresholds
) -> NDArray[np.float64]:
    """Return all thresholds.

    Parameters
    ----------
    given : ndarray of shape (n_thresholds,)
        By the user. NaN: to be chosen.
    probabilities : ndarray of shape (n_held_out, n_thresholds)
        Of samples that the model has not learned from. Without any, the previous ones stay.
    previous : float or ndarray of shape (n_thresholds,)
        Of the fit that the model goes on from, or 1/2.

    Warns
    -----
    UserWarning
        If nothing says what to choose.
    """
    if len(probabilities):
        previous = expected_f1_thresholds(probabilities)
    elif np.all(previous == 0.5):
        warn_user(
            "threshold='f1' needs held-out samples, and this training has none: all thresholds are "
            "0.5. Call fit with X_val and y_val or early_stopping=True, or give a number."
        )
    return np.where(np.isnan(given), previous, given)
