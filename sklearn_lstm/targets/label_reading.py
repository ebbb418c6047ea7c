"""y in any container -> labels, with all checks."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d

from sklearn_lstm.data.containers import is_missing_or_nan, names_of, to_numpy


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
    _check_no_lists(y, name)
    _check_all_known(y, name)
    _check_one_type(y, name)
    y = check_array(y, ensure_2d=False, dtype=None, ensure_min_samples=0, input_name=name)
    _check_discrete(y, name)
    if y.ndim != 2 or y.shape[1] == 1:
        return np.asarray(column_or_1d(y, warn=True))
    if y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all():
        return np.asarray(y, np.int8)
    raise ValueError(
        f"Unknown label type: multiclass-multioutput. {name} has to be one label per sequence. A "
        f"multilabel {name} has to hold 1 where a label applies and 0 elsewhere, found "
        f"{np.unique(y)[:5].tolist()} (MultiLabelBinarizer makes one of lists of labels). Labels "
        "of single steps are not learned. For several outputs use MultiOutputClassifier."
    )


def _check_discrete(y: Any, name: str) -> None:
    """Refuse floats that no integer holds, and objects other than strings."""
    if y.dtype.kind in "OS" and not all(isinstance(label, str) for label in y.flat):
        types = ", ".join(sorted({type(label).__name__ for label in y.flat}))
        raise ValueError(
            f"Unknown label type: {name} holds objects of the type {types}. Make them all strings, "
            "or an array of numbers."
        )
    if y.dtype.kind == "f" and (is_none := (y != np.trunc(y)) | (np.abs(y) >= 2.0**63)).any():
        raise ValueError(
            f"Unknown label type: continuous. {name} holds {y[is_none][0]:.20g}, but classes are "
            "strings, or whole numbers below 2**63. For a target of continuous values use a "
            "regressor."
        )


def read_classes(classes: object) -> NDArray[np.generic] | None:
    """Return the classes that a call of partial_fit names, each once, sorted; None if none."""
    classes = [*classes] if isinstance(classes, AbstractSet) else classes
    return None if classes is None else np.unique(read_labels(classes, "classes"))


def _check_no_lists(y: Any, name: str) -> None:
    """Refuse lists and sets of labels; a list of lists of one length is a table."""
    is_nested, nested = isinstance(y, list | tuple), (list, tuple, np.ndarray, AbstractSet)
    values = y if is_nested else y.tolist() if y.ndim == 1 and y.dtype.kind in "OV" else []
    lists = [v for v in values if isinstance(v, nested) and getattr(v, "shape", None) != ()]
    has_sets = any(isinstance(value, AbstractSet) for value in lists)
    if has_sets or len({*map(len, lists)}) > 1 or (lists and not is_nested):
        row = next(row for row, value in enumerate(values) if value is lists[0])
        raise ValueError(
            f"{name}[{row}] is a {type(lists[0]).__name__}. If a sequence can have any number of "
            f"labels, {name} needs a column of 0 and 1 for each label: {name} = "
            f"MultiLabelBinarizer().fit_transform({name})."
        )


def _check_all_known(y: object, name: str) -> None:
    """Refuse missing values."""
    dtype = object if isinstance(y, list | tuple) else None  # NumPy makes a string of NaN in a list
    values = np.asarray(y, dtype)
    if values.ndim not in (1, 2) or values.dtype.kind not in "fOmM":
        return
    values = values.astype(object)
    # NumPy warns of a NaN that Python compares within `np.frompyfunc`, from Python 3.12 on.
    missing = np.argwhere(np.reshape([*map(is_missing_or_nan, values.flat)], values.shape))
    if len(missing):
        place = ", ".join(map(str, missing[0]))
        raise ValueError(
            f"{name}[{place}] is missing: {values[*missing[0]]}. Each sequence needs a label, or 1 "
            "or 0 for each of several: leave out those without or, if there are many, fit one "
            "classifier for each label."
        )


def _check_one_type(y: Any, name: str) -> None:
    """Refuse labels that NumPy would make the same: it turns True into 1, and 1 into "1"."""
    types = [*map(type, y)] if isinstance(y, list | tuple) else []
    names = {found: _name_of_type(found) for found in dict.fromkeys(types)}
    first = names[types[0]] if types else ""
    row = next((row for row, found in enumerate(types) if names[found] != first), None)
    if row is not None:
        raise ValueError(
            f"{name}[{row}] is {y[row]!r:.50}, a {names[types[row]]}, but the labels before it are "
            f"{first}s: all labels have to be strings, numbers or booleans."
        )


def _name_of_type(found: type) -> str:
    known = {"string": (str,), "boolean": (bool, np.bool_), "number": (Number,)}
    return next((name for name, types in known.items() if issubclass(found, types)), found.__name__)
