"""Which samples a network learns from, and which are held out of it: drawn, or the user's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Rows, Samples

N_DRAWS = 10  # of groups, the best of which is taken: a few large groups seldom fit at first
GROUPS_AT_ONCE = 1 << 8  # those of them that do not fit are passed over together


@dataclass(frozen=True)
class Parts:
    """Samples to learn from and held-out samples, for each network.

    Parameters
    ----------
    learned, held_out : list of Samples
    rows : ndarray of int or None
        The held-out rows of the samples, part after part. None if they are the user's own.
    """

    learned: list[Samples]
    held_out: list[Samples]
    rows: Rows | None


def divide(
    samples: Samples,
    validation: Samples | None,
    n_held_out: int,
    rng: np.random.Generator,
    n_parts: int,
) -> Parts:
    """Draw the parts that are held out, or share the user's own among the networks.

    There are fewer than `n_parts` where the groups or the user's samples are too few.

    Raises
    ------
    ValueError
        If nothing can be held out.
    """
    if validation is not None:
        shared = [rows for rows in _share(validation.targets.values, rng, n_parts) if len(rows)]
        own = [validation.subset(rows) for rows in shared]
        return Parts([samples] * len(own), own, None)
    if not n_held_out:
        parts = [np.arange(0)] * n_parts
    elif samples.targets.groups is None:
        parts = hold_out(samples.targets.values, n_held_out, rng, n_parts)
    else:
        parts = hold_out_groups(
            samples.targets.values, samples.targets.groups, n_held_out, rng, n_parts
        )
    all_rows = np.arange(len(samples))
    return Parts(
        [samples.subset(np.setdiff1d(all_rows, rows)) for rows in parts],
        [samples.subset(rows) for rows in parts],
        np.concatenate(parts),
    )


def _share(targets: NDArray[np.generic], rng: np.random.Generator, n_parts: int) -> list[Rows]:
    """Deal out all samples, class by class."""
    order = shuffled_by_class(targets, rng)
    return [np.sort(order[part::n_parts]) for part in range(n_parts)]


def classes_of(targets: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the class of each sample; samples with several labels are of one class."""
    return targets if targets.ndim == 1 else np.zeros(len(targets))


def _first_of_each(targets: NDArray[np.generic]) -> Rows:
    """Return the first row of each class, or with each label."""
    if targets.ndim == 1:
        return np.asarray(np.unique(targets, return_index=True)[1])
    return np.unique((targets != 0).argmax(axis=0))


def shuffled_by_class(targets: NDArray[np.generic], rng: np.random.Generator) -> Rows:
    """Return all rows, those of each class together, in random order."""
    return np.asarray(np.lexsort((rng.random(len(targets)), classes_of(targets))))


def hold_out(
    targets: NDArray[np.generic], n_held_out: int, rng: np.random.Generator, n_parts: int
) -> list[Rows]:
    """Draw parts of the samples to hold out, class by class; no sample is in two of them.

    One sample of each class, or with each label, is in none. If fewer than `n_parts` others are
    left, each is a part.

    Parameters
    ----------
    targets : ndarray of shape (n_samples,) or (n_samples, n_labels)
    n_held_out : int
        Samples in each part, or fewer if there are not enough.
    rng : numpy Generator
    n_parts : int

    Returns
    -------
    list of ndarray
        The rows of each part, in ascending order.

    Raises
    ------
    ValueError
        If that leaves nothing to hold out.
    """
    n_samples = len(targets)
    order = shuffled_by_class(targets, rng)
    spare = np.delete(order, _first_of_each(targets[order]))
    if not len(spare):
        raise ValueError(
            "early_stopping=True needs a class with two samples or more, to validate on one: "
            f"y holds {n_samples} samples of {n_samples} classes."
        )
    n_drawn = min(max(1, n_held_out) * n_parts, len(spare))
    start = rng.integers(len(spare))  # without it the first class would be drawn more often
    drawn = spare[(np.arange(n_drawn) * len(spare) + start) // n_drawn]
    return [np.sort(drawn[part::n_parts]) for part in range(min(n_parts, n_drawn))]


def hold_out_groups(
    targets: NDArray[np.generic],
    groups: NDArray[np.intp],
    n_held_out: int,
    rng: np.random.Generator,
    n_parts: int,
) -> list[Rows]:
    """Draw whole groups to hold out, close to the wanted number of samples of each class.

    One sample of each class is in no part. Two parts or more hold at most half of the samples; if
    the groups are too large for that, or too few, there are fewer parts.

    Parameters
    ----------
    targets : ndarray of shape (n_samples,) or (n_samples, n_labels)
    groups : ndarray of shape (n_samples,)
        The number of each sample's group.
    n_held_out : int
        Samples wanted in each part.
    rng : numpy Generator
    n_parts : int

    Returns
    -------
    list of ndarray
        The rows of each part, in ascending order.

    Raises
    ------
    ValueError
        If no group can be held out.
    """
    n_samples = len(targets)
    _, classes = np.unique(classes_of(targets), return_inverse=True)
    _, groups = np.unique(groups, return_inverse=True)
    counts = csr_matrix((np.ones(n_samples), (groups, classes)))  # of the classes in each group
    if counts.shape[0] < 2:
        raise ValueError(
            "groups names one group, but a whole group is held out, and one has to stay to learn "
            "from. Leave groups out to hold out single samples, or pass X_val and y_val."
        )
    left = np.bincount(classes).astype(np.float64)
    wanted = left * n_held_out / n_samples
    free = np.arange(counts.shape[0])
    parts: list[Rows] = []
    for _ in range(n_parts):
        draws = [_draw(counts, rng.permutation(free), left, wanted) for _ in range(N_DRAWS)]
        drawn, _ = min(draws, key=lambda draw: draw[1])
        left = left - np.asarray(counts[drawn].sum(axis=0)).ravel()
        if not drawn or (parts and 2 * left.sum() < n_samples):
            break
        free = np.setdiff1d(free, drawn)
        parts.append(np.flatnonzero(np.isin(groups, drawn)))
    if not parts:
        raise ValueError(
            f"None of the {counts.shape[0]} groups can be held out: each holds all samples of some "
            "class, and every class needs a sample to learn from. Leave groups out to hold out "
            "single samples, or pass X_val and y_val."
        )
    return parts


def _draw(
    counts: csr_matrix,
    order: NDArray[np.intp],
    left: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> tuple[list[int], float]:
    """Take those groups, in this order, that bring the numbers of samples closer to the wanted.

    If none does, take the one that is best. No group takes the last sample of a class.

    Returns
    -------
    list of int
        The groups.
    float
        The distance that is left: the sum over the classes of (number - wanted)^2 / wanted, and
        the same of all samples together.
    """
    left, missing, drawn, n_all = left.copy(), wanted.copy(), list[int](), wanted.sum()
    counts = counts[order]
    sizes = np.asarray(counts.sum(axis=1)).ravel()

    def change(start: int, stop: int) -> NDArray[np.float64]:
        """Return what taking each of these groups adds to the distance: no less after others."""
        entries = slice(counts.indptr[start], counts.indptr[stop])
        classes, n = counts.indices[entries], counts.data[entries]
        starts = counts.indptr[start:stop] - counts.indptr[start]
        of_classes = n * (n - 2 * missing[classes]) / wanted[classes]
        of_classes[left[classes] <= n] = np.inf
        of_all = sizes[start:stop] * (sizes[start:stop] - 2 * missing.sum()) / n_all
        return np.asarray(np.add.reduceat(of_classes, starts) + of_all)

    def take(group: int) -> None:
        entries = slice(*counts.indptr[group : group + 2])
        left[counts.indices[entries]] -= counts.data[entries]
        missing[counts.indices[entries]] -= counts.data[entries]
        drawn.append(group)

    for start in range(0, len(order), GROUPS_AT_ONCE):
        fits = change(start, min(start + GROUPS_AT_ONCE, len(order))) < 0
        for group in (start + np.flatnonzero(fits)).tolist():
            if missing.sum() > 0 and change(group, group + 1) < 0:
                take(group)
    if not drawn and len(order):
        best = int(change(0, len(order)).argmin())
        if np.isfinite(change(best, best + 1)):
            take(best)
    distance = (missing**2 / wanted).sum() + missing.sum() ** 2 / n_all
    return order[drawn].tolist(), float(distance)
