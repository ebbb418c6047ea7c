"""y in any container -> labels, with all checks."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d

from sklearn_lstm.data.containers import to_numpy
from sklearn_lstm.data.frames import as_objects, is_missing_or_nan, names_of

KINDS: tuple[Any, ...] = (str, (bool, np.bool_), np.datetime64, Number)  # of labels


def label_names(y: object) -> tuple[str, ...]:
    """Return the names of the columns of a y that is a data frame, numbers as strings."""
    return tuple(map(str, names_of(y)))


def read_labels(y: Any, name: str = "y") -> NDArray[np.generic]:
    """Check y as scikit-learn does, but without a warning of many classes.

    Returns
    -------
    ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1 if multilabel

    Raises
    ------
    ValueError
        For no y, missing values in y, lists of labels, regression targets and several outputs that
        are not labels.
    """
    if y is None:
        raise ValueError("The classifier requires y to be passed, but the target y is None.")
    if isinstance(y, Mapping | Iterator | Number | str):
        raise ValueError(f"{name} is a {type(y).__name__}: pass a list; y has the order of X.")
    y = y.toarray() if sparse.issparse(y) else y
    if not isinstance(y, list | tuple):
        y = to_numpy(y, name)
    elif hasattr(next(iter(y), None), "as_py"):  # as list() makes of a column of pyarrow
        y = [label.as_py() for label in y]
    else:
        y = [label[()] if isinstance(label, np.ndarray) else label for label in y]  # (): a number
    _check_each(y, name)
    y = check_array(y, ensure_2d=False, dtype=None, ensure_min_samples=0, input_name=name)
    if y.dtype.kind == "f" and (is_none := (y != np.trunc(y)) | (np.abs(y) >= 2.0**63)).any():
        raise ValueError(
            f"Unknown label type: continuous. {name} holds {y[is_none][0]:.20g}, but classes are "
            "strings, or whole numbers below 2**63. Use a regressor for continuous values."
        )
    if y.ndim != 2 or y.shape[1] == 1:
        return np.asarray(column_or_1d(y, warn=True))
    if y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all():
        return np.asarray(y, np.int8)
    raise ValueError(
        f"Unknown label type: multiclass-multioutput. {name} has to be one label per sequence, or "
        f"a table of 0 and 1 (MultiLabelBinarizer), found {np.unique(y)[:5].tolist()}. Labels of "
        "single steps are not learned. For several outputs use MultiOutputClassifier."
    )


def read_classes(classes: object) -> NDArray[np.generic] | None:
    """Return the classes that a call of partial_fit names, each once, sorted; None if none."""
    classes = [*classes] if isinstance(classes, AbstractSet) else classes
    return None if classes is None else np.unique(read_labels(classes, "classes"))


def _check_each(y: Any, name: str) -> None:
    """Refuse missing labels, lists of them, and types that NumPy would make the same.

    It turns True into 1, and 1 into "1".
    """
    is_list = isinstance(y, list | tuple)
    if not is_list and y.dtype.kind not in "fmMOSV":
        return
    try:
        values = np.asarray(y, object)  # NumPy makes a string of NaN in a list
    except ValueError:  # lists of several lengths
        values = as_objects(y)
    for place in np.argwhere(np.reshape([*map(is_missing_or_nan, values.flat)], values.shape)):
        raise ValueError(
            f"{name}{place.tolist()} is missing: {values[*place]}. Each sequence needs a label, or "
            "1 or 0 for each of several: leave it out, or fit one classifier for each label."
        )
    if not is_list and y.dtype.kind in "fmM":
        return
    kinds = {found: _kind_of(found) for found in {*map(type, values.flat)}}
    expected = _kind_of(type(next(values.flat, "")) if is_list else str)
    for at, label in np.ndenumerate(values):
        if kinds[type(label)] is None or kinds[type(label)] != expected:
            raise ValueError(
                f"Unknown label type: {name}{[*at]} is {label!r:.50} ({type(label).__name__}), "
                "but labels have to be all strings, all numbers (in no array of objects) or all "
                "booleans. Several of each sequence are a table of 0 and 1: "
                f"{name} = MultiLabelBinarizer().fit_transform({name})."
            )


def _kind_of(found: type) -> int | None:
    return next((kind for kind, types in enumerate(KINDS) if issubclass(found, types)), None)
