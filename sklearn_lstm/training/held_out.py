"""Which samples a network learns from, and which are held out of it: drawn, or the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_lstm.data.sequences import Rows, Samples, row_numbers
from sklearn_lstm.data.weights import Targets

N_FOLDS = 5  # of cross-validation
MOST_GROUPS = 512  # more are joined at random, for each costs some milliseconds


@dataclass(frozen=True)
class Parts:
    """Samples to learn from and held-out samples, for each network.

    Parameters
    ----------
    samples : Samples
        All, which the other members learn from.
    learned, held_out : list of Samples
    rows : ndarray of int or None
        The held-out rows of the samples, part after part. None if they are the user's own.
    seed : int
        Of the other members.
    generators : list of numpy Generator
        One for each network.
    """

    samples: Samples
    learned: list[Samples]
    held_out: list[Samples]
    rows: Rows | None
    seed: int
    generators: list[np.random.Generator]

    def folds(self) -> list[Parts]:
        """Return the same for cross-validation: each fold is held out as if the user brought it."""
        parts = []
        for rows in folds(self.samples.targets, self.seed):
            learned = self.samples.subset(np.delete(row_numbers(len(self.samples)), rows))
            held_out = [self.samples.subset(rows)]
            parts.append(Parts(learned, [learned], held_out, None, self.seed, []))
        return parts

    @property
    def drawn(self) -> Rows:
        """The held-out rows; none if the held-out samples are the user's own."""
        return np.arange(0) if self.rows is None else self.rows


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
        If nothing can be held out, but has to be.
    """
    rows: list[Rows]
    targets, groups = samples.targets.values, samples.targets.groups
    if validation is not None:
        rows = [part for part in _share(validation.targets.values, rng, n_parts) if len(part)]
    elif not n_held_out:
        rows = [np.arange(0)]
    elif groups is None:
        rows = hold_out(targets, n_held_out, rng, n_parts)
    else:
        rows = hold_out_groups(targets, groups, n_held_out, rng, n_parts)
    held_out = [(validation or samples).subset(part) for part in rows]
    learned, drawn = [samples] * len(rows), None
    if validation is None:
        learned = [samples.subset(np.delete(row_numbers(len(samples)), part)) for part in rows]
        drawn = np.concatenate(rows)
    seed = int(rng.integers(1 << 31))
    return Parts(samples, learned, held_out, drawn, seed, rng.spawn(len(rows)))


def _share(targets: NDArray[np.generic], rng: np.random.Generator, n_parts: int) -> list[Rows]:
    """Deal out all samples, class by class."""
    order = shuffled_by_class(targets, rng)
    return [np.sort(order[part::n_parts]) for part in range(n_parts)]


def folds(targets: Targets, seed: int) -> list[Rows]:
    """Return `N_FOLDS` parts of the samples, or fewer; groups, if there are two, stay whole.

    Those with a class or label that no sample outside the part has are in none: nothing that was
    learned without them could predict them.
    """
    rng = np.random.default_rng(seed)
    known = np.zeros(len(targets)) if targets.groups is None else targets.groups
    names, groups = np.unique(known, return_inverse=True)
    if len(names) < 2:
        parts, groups = _share(targets.values, rng, N_FOLDS), np.arange(len(targets))
    else:
        fold = rng.permutation(len(names))[groups] % N_FOLDS
        parts = [np.flatnonzero(fold == number) for number in range(N_FOLDS)]
    has = targets.indicators()
    n_samples = has.sum(axis=0)

    def predictable(part: Rows) -> Rows:
        is_alone = (has[part] & (has[part].sum(axis=0) == n_samples)).any(axis=1)
        return part[~np.isin(groups[part], groups[part[is_alone]])]

    return [part for part in map(predictable, parts) if len(part)]


def classes_of(targets: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the class of each sample; samples with several labels are of one class."""
    return targets if targets.ndim == 1 else np.zeros(len(targets))


def one_of_each(targets: NDArray[Any]) -> Rows:
    """Return a row of each class, or with each label: the first, or one that has to stay anyway."""
    if targets.ndim == 1:
        return np.asarray(np.unique(targets, return_index=True)[1])
    has = targets != 0
    is_alone = has[:, has.sum(axis=0) == 1].any(axis=1)
    order = np.argsort(~is_alone, kind="stable")
    return np.unique(order[has[order].argmax(axis=0)])


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
    order = shuffled_by_class(targets, rng)
    spare = np.delete(order, one_of_each(targets[order]))
    if not len(spare):
        raise ValueError(
            "early_stopping=True holds samples out, but one of each class or label stays to learn "
            f"from: of the {len(targets)} samples none is left. Pass more, or X_val and y_val."
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
    """Hold out whole groups: the folds closest to the wanted number of samples of each class.

    One sample of each class, or with each label, is in no part. Two parts or more hold at most half
    of the samples; if the groups are too large for that, or too few, there are fewer parts.

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
    _, classes, counts = np.unique(classes_of(targets), return_inverse=True, return_counts=True)
    _, groups = np.unique(groups, return_inverse=True)
    n_groups = int(groups.max()) + 1
    if n_groups < 2:
        raise ValueError(
            "groups names a single group. Whole groups are held out, and one has to stay to learn "
            "from. Leave groups out to hold out single samples, or pass X_val and y_val."
        )
    wanted = counts * n_held_out / n_samples
    n_folds = min(max(2, round(n_samples / n_held_out)), n_groups, MOST_GROUPS)
    joined = rng.permutation(n_groups)[groups] % MOST_GROUPS  # in random order
    # scikit-learn warns of classes with fewer samples than folds.
    strata = np.where(counts[classes] < n_folds, counts.argmax(), classes)
    folds = StratifiedGroupKFold(n_folds)  # its own shuffling ignored the classes in older versions

    # Which classes or labels each sample has (n_samples, n_classes or n_labels).
    one_class = np.ones(n_samples), classes, np.arange(n_samples + 1)
    has = csr_matrix(one_class if targets.ndim == 1 else targets != 0)

    def spare(rows: Rows) -> Rows:
        """Return the rows without the groups that hold the last sample of a class or label."""
        indicators = has[rows].tocsc()
        n_in_rows, first = np.diff(indicators.indptr), indicators.indptr[:-1]
        is_last = (n_in_rows == n_left) & (n_in_rows > 0)
        return rows[~np.isin(groups[rows], groups[rows[indicators.indices[first[is_last]]]])]

    def distance(rows: Rows) -> float:
        missing = wanted - np.bincount(classes[rows], minlength=len(counts))
        return float((missing**2 / wanted).sum() + missing.sum() ** 2 / n_held_out)

    parts: list[Rows] = []
    n_left = has.getnnz(axis=0)
    n_learned = n_samples
    drawn = [spare(fold) for _, fold in folds.split(strata, strata, joined)]
    for rows in map(spare, sorted(drawn, key=distance)):
        is_half = parts and 2 * (n_learned - len(rows)) < n_samples
        if len(rows) and not is_half and len(parts) < n_parts:
            n_left = n_left - has[rows].getnnz(axis=0)
            n_learned -= len(rows)
            parts.append(rows)
    if not parts:
        raise ValueError(
            f"None of the {n_groups} groups can be held out: each group holds all samples of some "
            "class or label, and without them there is nothing to learn this class from. Leave "
            "groups out to hold out single samples, or pass X_val and y_val."
        )
    return parts
