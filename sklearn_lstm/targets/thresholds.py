"""The probability above which a label is predicted: given, or chosen for the F1 score."""

from numbers import Real

import numpy as np

from sklearn_lstm.exceptions import warn_user
from sklearn_lstm.targets.targets import Floats, Labels, Targets, Thresholds


def given_thresholds(threshold: object, labels: Labels) -> Floats:
    """Return the threshold of each label, or of two classes one; NaN where held-out samples choose.

    Raises
    ------
    ValueError
        For a list that does not hold a probability for each of several labels, and for more than
        two classes, unless it is 0.5.
    """
    n_labels = len(labels)
    try:
        found = np.asarray(np.nan if isinstance(threshold, str) else threshold, np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if isinstance(threshold, Real | str):
        fits = labels.is_multilabel or n_labels == 2 or threshold == 0.5
    else:
        fits = labels.is_multilabel and found.shape == (n_labels,)
        fits = fits and bool(((found >= 0) & (found <= 1)).all())
    if not fits:
        raise ValueError(
            f"threshold={threshold!r:.200} does not fit {n_labels} classes or labels: pass a "
            "number or 'f1' for two classes, 0.5 for more, and for several labels a number, 'f1' "
            "or a list of a number from 0 to 1 for each."
        )
    return np.full(n_labels if labels.is_multilabel else 1, found)


def expected_f1_thresholds(probabilities: Floats) -> Floats:
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


def without_constants(thresholds: Floats, targets: Targets) -> Floats:
    """Return 1/2 for the labels that all samples have, or none, where none was given."""
    is_constant = targets.are_constant()[-len(thresholds) :]
    return np.where(np.isnan(thresholds) & is_constant, 0.5, thresholds)


def choose_thresholds(given: Floats, probabilities: Floats, previous: Thresholds) -> Floats:
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
    elif np.isnan(given).any() and np.all(previous == 0.5):
        warn_user("threshold='f1' needs held-out samples (X_val, early_stopping=True): it is 0.5.")
    return np.where(np.isnan(given), previous, given)
