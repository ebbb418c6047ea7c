"""y, weights and groups in any container -> labels and what is known of each sample, checked."""

from collections.abc import Hashable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from math import inf
from numbers import Number, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d

from sklearn_lstm.data.containers import as_objects, is_missing_or_nan, names_of, to_numpy
from sklearn_lstm.targets.targets import Encoded, Labels, Targets, Weights

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
    if isinstance(y, Mapping | AbstractSet | Iterator | Number | str):
        raise ValueError(f"{name} is a {type(y).__name__}: pass a list; y has the order of X.")
    y = y.toarray() if sparse.issparse(y) else y
    if not isinstance(y, list | tuple):
        y = to_numpy(y, name)
        if y.dtype.kind == "O" and {*map(type, y.flat)} == {bool}:
            y = y.astype(bool)
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
        f"Unknown label type: multiclass-multioutput. {name} has to be one label per sequence, "
        "such as frame['label'], or a table of 0 and 1 (MultiLabelBinarizer), found "
        f"{np.unique(y)[:5].tolist()}. Use MultiOutputClassifier for others; none are of steps."
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
            f"{name}{place.tolist()} is missing: {values[*place]}. Leave such samples out, or, of "
            "several labels, fit one classifier for each."
        )
    if not is_list and y.dtype.kind in "fmM":
        return
    kinds = {found: _kind_of(found) for found in {*map(type, values.flat)}}
    expected = _kind_of(type(next(values.flat, "")) if is_list else str)
    for at, label in np.ndenumerate(values):
        if kinds[type(label)] is None or kinds[type(label)] != expected:
            raise ValueError(
                f"Unknown label type: {name}{[*at]} is {label!r:.50} ({type(label).__name__}), but "
                "labels are all strings, all numbers (in no array of objects) or all booleans, in "
                "one column, such as frame['label']. Several of each sequence are a table of 0 and "
                f"1: MultiLabelBinarizer().fit_transform({name}). Labels of steps need windows."
            )


def _kind_of(found: type) -> int | None:
    return next((kind for kind, types in enumerate(KINDS) if issubclass(found, types)), None)


# --- Weights and groups


EPSILON = np.finfo(np.float64).eps


def read_targets(
    labels: Labels,
    y: NDArray[np.generic],
    sample_weight: object,
    groups: object = None,
    name: str = "y",
) -> Targets:
    """Return the targets of a y from `read_labels`, with the weights and groups of its samples."""
    weights = read_sample_weight(sample_weight, len(y))
    return Targets(labels.encode(y, name), weights, labels, read_groups(groups, len(y)))


def read_sample_weight(sample_weight: object, n_samples: int) -> Weights:
    """Check the weights of samples; None is 1 each.

    Raises
    ------
    ValueError
        For weights of another number or shape, and missing, negative and infinite ones.
    """
    if sample_weight is None or isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, 1.0 if sample_weight is None else sample_weight)
    found = f"sample_weight has to hold a number for each of the {n_samples} samples"
    try:
        weight = np.asarray(to_numpy(sample_weight, "sample_weight"), np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{found}: {error}. By class: class_weight='balanced', a dict.") from error
    if weight.shape != (n_samples,):
        raise ValueError(f"{found}, but it has the shape {weight.shape}.")
    is_wrong = ~((weight >= 0) & (weight < inf))
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise ValueError(
            f"sample_weight[{row}] = {weight[row]} is no finite weight of 0 (left out) or more."
        )
    return weight


def weights_of_classes(class_weight: Any, targets: Targets) -> Weights | None:
    """Return how much each class counts, (n_classes,), or no and yes of each label, (n_labels, 2).

    None: all count the same. With "balanced", all classes count the same in these targets together,
    or no and yes of each label.

    Raises
    ------
    ValueError
        For class weights of another type, negative or infinite ones.
    """
    if class_weight is None:
        return None
    values, labels = targets.values, targets.labels
    columns, classes = values[np.newaxis], labels.classes
    mappings, wanted = [class_weight], "one dict, 'balanced' or None: a list is for several labels"
    if labels.is_multilabel:
        columns, classes, mappings = values.T.astype(np.int8), np.arange(2), class_weight
        wanted = f"a list of {len(columns)} dicts with the keys 0 and 1"
    if isinstance(class_weight, str):
        found = [_balanced(column, targets.weights, len(classes)) for column in columns]
    elif len(mappings) == len(columns) and all(isinstance(one, Mapping) for one in mappings):
        found = [_given(mapping, classes.tolist()) for mapping in mappings]
    else:
        raise ValueError(f"class_weight has to be {wanted}. Found {class_weight!r:.200}.")
    return np.array(found) if labels.is_multilabel else found[0]


def _balanced(values: Encoded, weights: Weights, n_classes: int) -> Weights:
    """Return the weight of each class by the samples that have it; 1 if none counts."""
    sums = np.bincount(values, weights / (weights.max(initial=0) or 1), n_classes)
    counts = sums > EPSILON * sums.sum()
    balanced = np.ones(n_classes)
    np.divide(sums.sum(), counts.sum() * sums, out=balanced, where=counts)
    return balanced


def _given(class_weight: Mapping[Hashable, Any], classes: list[object]) -> Weights:
    """Return the weight of each class; 1 if the mapping does not name it.

    Some of the data may lack classes that the mapping names.
    """
    for label, weight in class_weight.items():
        if not (isinstance(weight, Real) and 0 <= float(weight) < inf):
            raise ValueError(f"class_weight[{label!r}] = {weight!r} is no finite number >= 0.")
    unknown = [label for label in class_weight if label not in classes]
    if unknown and not all(label in class_weight for label in classes):
        raise ValueError(f"class_weight names {unknown[:5]}; the classes are {classes[:10]}.")
    return np.array([float(class_weight.get(label, 1.0)) for label in classes])


def absolute_weights(targets: Targets, by_class: Weights | None) -> Targets:
    """Return targets whose weights are those of samples times those of their classes or labels.

    Parameters
    ----------
    targets : Targets
        With the weights of `read_sample_weight`.
    by_class : ndarray or None
        From `weights_of_classes`.

    Raises
    ------
    ValueError
        For no weight above 0.
    """
    weights, values = targets.weights, targets.values
    if by_class is not None and by_class.ndim == 1:
        weights = weights * by_class[values]
    elif by_class is not None:
        # scikit-learn multiplies labels. Then hardly more than the sample with most of them counts.
        of_labels = np.where(values > 0, by_class[:, 1], by_class[:, 0])
        weights = weights[:, np.newaxis] * of_labels
    if not weights.any():
        raise ValueError("sample_weight times class_weight needs at least one non-zero number.")
    return replace(targets, weights=weights)


def relative_weights(targets: Targets, by_class: Weights | None) -> Targets:
    """Return targets with such weights, but of mean 1 over those that count.

    Both factors are divided by their largest value first, so that no product overflows. A weight
    that is lost by rounding in the sum of all is 0.
    """
    scaled = replace(targets, weights=targets.weights / (targets.weights.max(initial=0) or 1))
    by_class = None if by_class is None else by_class / (by_class.max() or 1)
    weight = absolute_weights(scaled, by_class).weights
    weight = np.where(weight < EPSILON * weight.sum(axis=0), 0, weight)
    return replace(targets, weights=np.asarray(weight / weight[weight > 0].mean()))


def read_groups(groups: Any, n_samples: int) -> NDArray[np.intp] | None:
    """Return the number of each sample's group, (n_samples,); None without groups.

    Raises
    ------
    ValueError
        For labels that can't be hashed, missing ones, and another number of them.
    """
    if groups is None:
        return None
    found = f"groups is a {type(groups).__name__}"
    wanted = f"{found}, but has to be 1-D: a string or a number for each sequence."
    if isinstance(groups, str | set | dict) or getattr(groups, "ndim", 1) != 1:
        raise ValueError(wanted)
    numbers: dict[Hashable, int] = {}
    try:
        items = list(to_numpy(groups, "groups") if hasattr(groups, "__array__") else groups)
        labels = [item.item() if hasattr(item, "detach") else item for item in items]
        group_numbers = [numbers.setdefault(label, len(numbers)) for label in labels]
    except TypeError as error:
        raise ValueError(wanted) from error
    if len(labels) != n_samples:
        raise ValueError(f"groups holds {len(labels)} labels for {n_samples} sequences.")
    for label, number in numbers.items():
        if is_missing_or_nan(label):
            found = f"groups[{group_numbers.index(number)}] is missing: {label}"
            raise ValueError(f"{found}. Each sequence needs a group, if need be one of its own.")
    return np.array(group_numbers, np.intp)
