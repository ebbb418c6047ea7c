"""Which samples the network learns from, and which are held out: drawn, or the user's own."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sklearn_lstm.data.sequences import Rows, row_numbers
from sklearn_lstm.targets.targets import Encoded, Samples, Targets

N_FOLDS = 5  # of cross-validation
NOTHING_TO_HOLD_OUT = (
    "Nothing can be held out: each class or label needs two samples, of two groups, so that one "
    "stays to learn from. Pass more samples, or X_val and y_val, or leave out groups and "
    "early_stopping=True."
)
MOST_GROUPS = 512  # more are joined at random, for each costs some milliseconds


@dataclass(frozen=True)
class Split:
    """Samples that the network learns from, and held-out samples.

    Parameters
    ----------
    samples : Samples
        All, which the other members learn from.
    learned, held_out : Samples
    held_out_rows : ndarray of int
        Those of all samples; none if the held-out samples are the user's own.
    seed : int
        Of the other members.
    generator : numpy Generator
        Of the network.
    """

    samples: Samples
    learned: Samples
    held_out: Samples
    held_out_rows: Rows
    seed: int
    generator: np.random.Generator

    @classmethod
    def drawn_from(
        cls, samples: Samples, validation: Samples | None, n_held_out: int, rng: np.random.Generator
    ) -> Self:
        """Draw the samples that are held out, unless the user brings them (`n_held_out` is 0).

        Raises
        ------
        ValueError
            If nothing can be held out, but has to be.
        """
        samples = _with_copies(samples)
        targets, rows = samples.targets, row_numbers(0)
        if n_held_out and targets.groups is not None:
            rows = hold_out_groups(targets.values, targets.groups, n_held_out, rng)
        elif n_held_out:
            first, copies = distinct_sequences(targets)
            n_drawn = round(n_held_out * len(first) / len(copies))
            rows = first[hold_out(targets.values[first], n_drawn, rng)]
            rows = np.flatnonzero(np.isin(copies, copies[rows]))
        held_out = samples.subset(rows) if validation is None else validation
        seed, generator = int(rng.integers(1 << 31)), rng.spawn(1)[0]
        return cls(samples, _without(samples, rows), held_out, rows, seed, generator)

    def holding_out(self, rows: Rows) -> Self:
        """Return other rows held out, as if the user brought them: for cross-validation."""
        learned, held_out = _without(self.samples, rows), self.samples.subset(rows)
        return type(self)(learned, learned, held_out, rows[:0], self.seed, self.generator)


def _with_copies(samples: Samples) -> Samples:
    """Return the samples, which know which are copies of others: these are held out together.

    Fewer than the root of the number of samples do no harm. A sequence that occurs more often than
    the root of the number of sequences of its class will come again, and would outweigh all chance
    of which others are held out: its samples are no copies. Nor is a sample of another class. Where
    many equal sequences differ in their classes, they are all that there is to see: none is a copy.
    """
    if samples.targets.groups is not None:
        return samples
    targets, marks, rows = samples.targets, samples.sequences.marks(), np.arange(len(samples))
    _, first, numbers = np.unique(marks, return_index=True, return_inverse=True)
    first = first[numbers]  # row with the same steps, of each row
    classes = np.unique(targets.values, axis=0, return_inverse=True)[1].ravel()  # or sets of labels
    n_sequences = np.bincount(classes[first == rows], minlength=len(rows))[classes[first]]
    is_copy = (first != rows) & (np.bincount(first)[first] ** 2 <= n_sequences)
    is_other = is_copy & (classes != classes[first])
    if is_copy.sum() ** 2 <= len(rows) or 10 * is_other.sum() > is_copy.sum():
        return samples
    copies = np.where(is_copy & ~is_other, first, rows)
    return replace(samples, targets=replace(targets, copies=copies))


def distinct_sequences(targets: Targets) -> tuple[Rows, NDArray[np.intp]]:
    """Return the first row of each distinct sequence, and the number of each row's sequence."""
    copies = np.arange(len(targets)) if targets.copies is None else targets.copies
    return np.unique(copies, return_index=True, return_inverse=True)[1:]


def _without(samples: Samples, rows: Rows) -> Samples:
    """Return all samples but for those of these rows."""
    learned = np.delete(row_numbers(len(samples)), rows)
    return samples.subset(learned) if len(rows) else samples


def folds(targets: Targets, seed: int) -> list[Rows]:
    """Return the rows of `N_FOLDS` folds, or fewer; groups, if there are two, stay whole.

    Some are in none, so that samples outside of each fold have all classes and labels: nothing that
    was learned without these could predict them.
    """
    rng = np.random.default_rng(seed)
    known = np.zeros(len(targets)) if targets.groups is None else targets.groups
    names, groups = np.unique(known, return_inverse=True)
    if len(names) < 2:
        first, groups = distinct_sequences(targets)
        order = np.argsort(shuffled_by_class(targets.values[first], rng))
    else:
        order = rng.permutation(len(names))
    fold = order[groups] % N_FOLDS
    found = [np.flatnonzero(fold == number) for number in range(N_FOLDS)]
    has = _indicators(targets.values)
    return [rows for fold in found if len(rows := _spare(fold, has, groups))]


def _indicators(targets: NDArray[Any]) -> csr_matrix:
    """Return which classes or labels each sample has, (n_samples, n_classes or n_labels)."""
    one_class = np.ones(len(targets)), targets, np.arange(len(targets) + 1)
    return csr_matrix(one_class if targets.ndim == 1 else targets != 0)


def _spare(rows: Rows, has: csr_matrix, groups: NDArray[np.intp]) -> Rows:
    """Return the rows without groups that have to stay, to learn a class or label from."""
    indicators = has[rows].tocsc()
    n_in_rows, first = np.diff(indicators.indptr), indicators.indptr[:-1]
    has_last = (n_in_rows == has.getnnz(axis=0)) & (n_in_rows > 0)
    return rows[~np.isin(groups[rows], groups[rows[indicators.indices[first[has_last]]]])]


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


def hold_out(targets: NDArray[np.generic], n_held_out: int, rng: np.random.Generator) -> Rows:
    """Draw samples to hold out, class by class.

    One sample of each class, or with each label, is not drawn.

    Parameters
    ----------
    targets : ndarray of shape (n_samples,) or (n_samples, n_labels)
    n_held_out : int
        Fewer are drawn if there are not enough.
    rng : numpy Generator

    Returns
    -------
    ndarray
        The rows, in ascending order.

    Raises
    ------
    ValueError
        If that leaves nothing to hold out.
    """
    order = shuffled_by_class(targets, rng)
    spare = np.delete(order, one_of_each(targets[order]))
    if not len(spare):
        raise ValueError(NOTHING_TO_HOLD_OUT)
    n_drawn = min(max(1, n_held_out), len(spare))
    start = rng.integers(len(spare))  # without it the first class would be drawn more often
    return np.sort(spare[(np.arange(n_drawn) * len(spare) + start) // n_drawn])


def hold_out_groups(
    targets: Encoded, groups: NDArray[np.intp], n_held_out: int, rng: np.random.Generator
) -> Rows:
    """Hold out whole groups: the fold closest to the wanted number of samples of each class.

    One sample of each class, or with each label, is not held out. `groups` holds the number of each
    sample's group; all else is as in `hold_out`.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - features do without

    n_samples = len(targets)
    _, classes, counts = np.unique(classes_of(targets), return_inverse=True, return_counts=True)
    _, groups = np.unique(groups, return_inverse=True)
    n_groups = int(groups.max()) + 1
    if n_groups < 2:
        raise ValueError(NOTHING_TO_HOLD_OUT)
    wanted = counts * n_held_out / n_samples
    n_folds = min(max(2, round(n_samples / n_held_out)), n_groups, MOST_GROUPS)
    joined = rng.permutation(n_groups)[groups] % MOST_GROUPS  # in random order
    # scikit-learn warns of classes with fewer samples than folds.
    strata = np.where(counts[classes] < n_folds, counts.argmax(), classes)
    folds = StratifiedGroupKFold(n_folds)  # its own shuffling ignored the classes in older versions

    def distance(rows: Rows) -> float:
        missing = wanted - np.bincount(classes[rows], minlength=len(counts))
        return float((missing**2 / wanted).sum() + missing.sum() ** 2 / n_held_out)

    has = _indicators(targets)
    drawn = [_spare(fold, has, groups) for _, fold in folds.split(strata, strata, joined)]
    closest = min(filter(len, drawn), key=distance, default=None)
    if closest is None:
        raise ValueError(NOTHING_TO_HOLD_OUT)
    return closest
