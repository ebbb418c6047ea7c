"""y -> codes and back: labels are encoded once, at the boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight


def read_labels(y: Any) -> tuple[NDArray[Any], bool]:
    """Check y as scikit-learn does.

    Returns
    -------
    y : ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1 if multilabel
    multilabel : bool

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
        y, accept_sparse="csr", ensure_2d=False, dtype=None, ensure_min_samples=0, input_name="y"
    )
    if y.dtype.kind == "O" and len({isinstance(label, str) for label in y.flat}) > 1:
        kinds = ", ".join(sorted({type(label).__name__ for label in y.flat}))
        raise ValueError(f"y holds labels of several types: {kinds}. Make them all strings.")
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        indicator = np.asarray(y.toarray() if sparse.issparse(y) else y)
        if not np.isin(indicator, (0, 1)).all():
            raise ValueError(
                "A multilabel y holds 1 where a label applies and 0 where it does not, found "
                f"{np.unique(indicator)[:5].tolist()}."
            )
        return indicator.astype(np.int8), True
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Unknown label type: multiclass-multioutput. y is one label per sequence, or a "
            "multilabel indicator of 0 and 1; use MultiOutputClassifier for several outputs."
        )
    return column_or_1d(y, warn=True), False


def find_classes(y: NDArray[Any], *, multilabel: bool) -> NDArray[Any]:
    """Give the sorted labels; for a multilabel y the numbers of its columns."""
    return np.arange(y.shape[1]) if multilabel else np.unique(y)


def encode_labels(y: NDArray[Any], classes: NDArray[Any], *, multilabel: bool) -> NDArray[Any]:
    """Labels -> positions in classes (n_samples,) int64; a multilabel y -> float32 as it is.

    Raises
    ------
    ValueError
        If y holds a label that is not among the classes.
    """
    if multilabel:
        if y.ndim != 2 or y.shape[1] != len(classes):
            raise ValueError(
                f"y has shape {y.shape}, but the classifier knows {len(classes)} labels."
            )
        return y.astype(np.float32)
    unseen = np.setdiff1d(y, classes)
    if len(unseen):
        raise ValueError(
            f"y holds labels {unseen[:5].tolist()} that are not among the classes "
            f"{classes[:10].tolist()}; partial_fit needs all classes in its first call."
        )
    return np.searchsorted(classes, y).astype(np.int64)


def read_weights(sample_weight: Any, class_weight: Any, y: NDArray[Any]) -> NDArray[np.float64]:
    """Check sample weights as scikit-learn does, and multiply them by those of the classes.

    Raises
    ------
    ValueError
        For another number or shape of weights, negative ones, and none above zero.
    """
    weight: NDArray[np.float64] = _check_sample_weight(
        sample_weight, np.empty((len(y), 0)), dtype=np.float64
    )
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(f"Negative values in sample_weight: sample_weight[{row}] = {weight[row]}.")
    if class_weight is not None:
        weight = weight * compute_sample_weight(class_weight, y)
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
