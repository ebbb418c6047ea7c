"""y -> targets, weights and groups of samples: labels are encoded once, at the boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sklearn_lstm.data.containers import is_missing
from sklearn_lstm.data.sequences import Samples, Sequences


@dataclass(frozen=True)
class Labels:
    """The labels that a classifier knows.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted; the numbers of the columns of a multilabel y.
    is_multilabel : bool
    """

    classes: NDArray[Any]
    is_multilabel: bool

    @classmethod
    def of(cls, y: NDArray[Any]) -> Labels:
        """Find the labels of a y from `read_labels`."""
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), is_multilabel=True)
        return cls(np.unique(y), is_multilabel=False)

    @classmethod
    def named(cls, classes: Any, y: NDArray[Any]) -> Labels:
        """Return the labels that the first call of partial_fit names.

        Raises
        ------
        ValueError
            If it does not name them.
        """
        if y.ndim == 2:
            return cls.of(y)
        if classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return cls(np.unique(classes), is_multilabel=False)

    def check_same(self, classes: Any) -> None:
        """Raise ValueError if a later call of partial_fit names other classes."""
        if classes is not None and not np.array_equal(np.unique(classes), self.classes):
            raise ValueError(
                f"classes={np.unique(classes).tolist()} is not the same as in the first call: "
                f"{self.classes.tolist()}."
            )

    def encode(self, y: NDArray[Any], name: str = "y") -> NDArray[Any]:
        """Labels -> indices of classes (n_samples,) int64; a multilabel y -> float32 as it is.

        Raises
        ------
        ValueError
            If y holds a label that is not among the classes.
        """
        if self.is_multilabel != (y.ndim == 2):
            found, known = ("", "classes") if y.ndim == 2 else ("not ", "a multilabel y")
            raise ValueError(f"{name} is {found}multilabel, but the classifier knows {known}.")
        if self.is_multilabel:
            if y.shape[1] != len(self.classes):
                raise ValueError(
                    f"{name} has shape {y.shape}, but the classifier knows {len(self.classes)} "
                    "labels."
                )
            return y.astype(np.float32)
        classes = set(self.classes.tolist())
        unseen = [label for label in np.unique(y).tolist() if label not in classes]
        if unseen:
            why = "the first call set them: partial_fit needs all in `classes` there"
            raise ValueError(
                f"{name} holds labels {unseen[:5]} that are not among the classes "
                f"{self.classes[:10].tolist()}{f'; {why}' if name == 'y' else ' of y'}."
            )
        return np.searchsorted(self.classes, y).astype(np.int64)

    def samples(
        self,
        sequences: Sequences,
        y: NDArray[Any],
        weights: NDArray[np.float64],
        groups: Any = None,
    ) -> Samples:
        """Return the samples whose weight is not 0.

        Raises
        ------
        ValueError
            If y holds a label that is not among the classes, or groups are not labels of samples.
        """
        samples = Samples(sequences, self.encode(y), weights, read_groups(groups, len(y)))
        return samples.subset(np.flatnonzero(weights))


def read_labels(y: Any, name: str = "y") -> NDArray[Any]:
    """Check y as scikit-learn does.

    Returns
    -------
    ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1 if multilabel

    Raises
    ------
    ValueError
        For no y, NaN in y, regression targets and several outputs that are not labels.
    """
    if y is None:
        raise ValueError(
            "LSTMSequenceClassifier requires y to be passed, but the target y is None."
        )
    y = check_array(
        y, accept_sparse="csr", ensure_2d=False, dtype=None, ensure_min_samples=0, input_name=name
    )
    if y.dtype.kind == "O" and len({isinstance(label, str) for label in y.flat}) > 1:
        kinds = ", ".join(sorted({type(label).__name__ for label in y.flat}))
        raise ValueError(f"{name} holds labels of several types: {kinds}. Make them all strings.")
    if name == "y":  # a y_val may be so small that it would seem to hold too many classes
        check_classification_targets(y)
    kind = type_of_target(y, input_name=name)
    if kind == "multilabel-indicator":
        indicator = np.asarray(y.toarray() if sparse.issparse(y) else y)
        if not np.isin(indicator, (0, 1)).all():
            raise ValueError(
                f"A multilabel {name} holds 1 where a label applies, else 0, found "
                f"{np.unique(indicator)[:5].tolist()}."
            )
        return indicator.astype(np.int8)
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Unknown label type: multiclass-multioutput. y is one label per sequence, or a "
            "multilabel indicator of 0 and 1; use MultiOutputClassifier for several outputs."
        )
    return np.asarray(column_or_1d(y, warn=True))


def relative_weights(
    sample_weight: Any, class_weight: Any, y: NDArray[Any], labels: Labels
) -> NDArray[np.float64]:
    """Return the weight of each sample, with mean 1 over those that count.

    Each factor is divided by its largest value first, so that their product can't overflow.

    Raises
    ------
    ValueError
        For weights of another number or shape, negative or infinite ones, and none above zero.
    """
    weight = np.ones(len(y))
    for factor in _factors(sample_weight, class_weight, y, labels):
        weight *= factor / (factor.max(initial=0) or 1)
    _check_any(weight)
    mean: float = weight[weight > 0].mean()
    return weight / mean


def absolute_weights(
    sample_weight: Any, class_weight: Any, y: NDArray[Any], labels: Labels
) -> NDArray[np.float64]:
    """Return the weight of each sample as it is.

    Raises
    ------
    ValueError
        As `relative_weights`, and for weights that are too large for float32.
    """
    weight = np.ones(len(y))
    with np.errstate(over="ignore"):
        for factor in _factors(sample_weight, class_weight, y, labels):
            weight = weight * factor
    too_large = weight > np.finfo(np.float32).max
    if too_large.any():
        row = int(np.argmax(too_large))
        raise ValueError(
            f"The weight of sample {row} is {weight[row]:g}, which is too large: partial_fit takes "
            "weights as they are. Divide sample_weight and class_weight by a common factor."
        )
    _check_any(weight)
    return weight


def _factors(
    sample_weight: Any, class_weight: Any, y: NDArray[Any], labels: Labels
) -> list[NDArray[np.float64]]:
    """Return the weights of samples and those of their classes."""
    factors = [_read_sample_weight(sample_weight, len(y))]
    if isinstance(class_weight, Mapping) and not labels.is_multilabel:
        factors.append(_weights_of_classes(class_weight, labels)[labels.encode(y)])
    elif isinstance(class_weight, list) and labels.is_multilabel:
        if len(class_weight) != len(labels.classes):
            raise ValueError(
                f"class_weight has {len(class_weight)} entries, but y has {len(labels.classes)} "
                "labels: one dict for each is needed."
            )
        no_or_yes = Labels(np.arange(2), is_multilabel=False)
        factors += [
            _weights_of_classes(each, no_or_yes)[column]
            for each, column in zip(class_weight, y.T, strict=True)
        ]
    elif class_weight is not None:
        factors.append(compute_sample_weight(class_weight, y))
    return factors


def _read_sample_weight(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    if sample_weight is None or isinstance(sample_weight, Real):
        weight = np.full(n_samples, 1.0 if sample_weight is None else float(sample_weight))
    else:
        weight = check_array(
            sample_weight,
            ensure_2d=False,
            dtype=np.float64,
            ensure_min_samples=0,
            input_name="sample_weight",
        )
    if weight.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(weight) != n_samples:
        raise ValueError(f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}!")
    is_wrong = ~(np.isfinite(weight) & (weight >= 0))
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        kind = "Negative" if weight[row] < 0 else "Infinite"
        raise ValueError(f"{kind} values in sample_weight: sample_weight[{row}] = {weight[row]}.")
    return np.asarray(weight)


def _weights_of_classes(class_weight: Mapping[Any, float], labels: Labels) -> NDArray[np.float64]:
    """Return the weight of each class; 1 if the mapping does not name it.

    A part of the data may lack classes that the mapping names.
    """
    _check_class_weight(class_weight)
    classes = labels.classes.tolist()
    unknown = [label for label in class_weight if label not in classes]
    if unknown and not all(label in class_weight for label in classes):
        raise ValueError(
            f"class_weight names {unknown[:5]}, which are not among the classes {classes[:10]}."
        )
    return np.array([float(class_weight.get(label, 1.0)) for label in classes])


def _check_class_weight(class_weight: Mapping[Any, float]) -> None:
    for label, weight in class_weight.items():
        if not (isinstance(weight, Real) and np.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"class_weight[{label!r}] = {weight!r}, but the weight of a class is a finite "
                "number of 0 or more."
            )


def read_groups(groups: Any, n_samples: int) -> NDArray[np.intp] | None:
    """Return the number of each sample's group, (n_samples,); None without groups.

    Raises
    ------
    ValueError
        For labels that can't be hashed, missing ones, and another number of them.
    """
    if groups is None:
        return None
    wanted = (
        "groups has to be 1-D and hold a label for each sequence, such as a string or a number."
    )
    if isinstance(groups, str | set | dict) or getattr(groups, "ndim", 1) != 1:
        raise ValueError(f"{wanted} Found a {type(groups).__name__}.")
    numbers: dict[Any, int] = {}
    try:
        labels = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
        of_samples = [numbers.setdefault(label, len(numbers)) for label in labels]
    except TypeError as error:
        raise ValueError(wanted) from error
    if len(labels) != n_samples:
        raise ValueError(f"groups holds {len(labels)} labels for {n_samples} sequences.")
    for label, number in numbers.items():
        if is_missing(label) or label != label:  # noqa: PLR0124 - NaN
            raise ValueError(f"groups[{of_samples.index(number)}] is missing: {label}.")
    return np.array(of_samples, np.intp)


def _check_any(weight: NDArray[np.float64]) -> None:
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
