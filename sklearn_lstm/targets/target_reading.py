"""y, weights and groups in any container -> what each sample has of them, with all checks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from math import inf, prod
from numbers import Number, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d

from sklearn_lstm.data.containers import LARGEST, is_missing_or_nan, plain_values, to_numpy
from sklearn_lstm.targets.labels import Encoded, Labels
from sklearn_lstm.targets.samples import Weights

EPSILON = np.finfo(np.float64).eps


# --- Labels


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
    y = y.toarray() if sparse.issparse(y) else plain_values(y, name)
    y = y if isinstance(y, list | tuple) else to_numpy(y, name)
    _check_no_lists(y, name)
    _check_all_known(y, name)
    _check_one_kind(y, name)
    y = check_array(
        _with_nulls(y), ensure_2d=False, dtype=None, ensure_min_samples=0, input_name=name
    )
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


def _with_nulls(y: Any) -> Any:
    """Return a list as objects if a string ends with a null character, which NumPy would drop."""
    if not isinstance(y, list | tuple):
        return y
    labels = np.asarray(y, object)
    return labels if any(isinstance(v, str) and v.endswith("\0") for v in labels.flat) else y


def _check_discrete(y: Any, name: str) -> None:
    """Refuse fractions, floats that no integer holds, and objects other than strings."""
    if y.dtype.kind in "OS" and not all(isinstance(label, str) for label in y.flat):
        kinds = ", ".join(sorted({type(label).__name__ for label in y.flat}))
        raise ValueError(
            f"Unknown label type: {name} holds objects of the type {kinds}. Make them all strings, "
            "or an array of numbers."
        )
    if y.dtype.kind == "f" and (is_fraction := y != np.trunc(y)).any():
        kind = "continuous-multioutput" if y.ndim == 2 and y.shape[1] > 1 else "continuous"
        raise ValueError(
            f"Unknown label type: {kind}. {name} holds {y[is_fraction][0]}, but classes are whole "
            "numbers or strings. For a target of continuous values use a regressor."
        )
    if y.dtype.kind == "f" and (is_too_large := np.abs(y) >= 2.0**63).any():
        row = int(np.argwhere(is_too_large)[0, 0])
        raise ValueError(
            f"{name}[{row}] is {y[is_too_large][0]:.20g}, but classes that are numbers have to be "
            "below 2**63. Make the labels strings."
        )


def read_classes(classes: object) -> NDArray[np.generic] | None:
    """Return the classes that a call of partial_fit names, each once, sorted; None if none."""
    classes = [*classes] if isinstance(classes, AbstractSet) else classes
    return None if classes is None else np.unique(read_labels(classes, "classes"))


def _check_no_lists(y: Any, name: str) -> None:
    """Refuse lists and sets of labels; a list of lists of one length is a table."""
    is_nested, kinds = isinstance(y, list | tuple), (list, tuple, np.ndarray, AbstractSet)
    values = y if is_nested else y.tolist() if y.ndim == 1 and y.dtype.kind in "OV" else []
    lists = [v for v in values if isinstance(v, kinds) and getattr(v, "shape", None) != ()]
    has_sets = any(isinstance(value, AbstractSet) for value in lists)
    if has_sets or len({*map(len, lists)}) > 1 or (lists and not is_nested):
        row = next(row for row, value in enumerate(values) if value is lists[0])
        raise ValueError(
            f"{name}[{row}] is a {type(lists[0]).__name__}. If a sequence can have any number of "
            f"labels, {name} needs a column of 0 and 1 for each label: {name} = "
            f"MultiLabelBinarizer().fit_transform({name})."
        )


def _check_all_known(y: Any, name: str) -> None:
    """Refuse missing values."""
    dtype = object if isinstance(y, list | tuple) else None  # NumPy makes a string of NaN in a list
    values = np.asarray(y, dtype)
    if values.ndim not in (1, 2) or values.dtype.kind not in "fOmM":
        return
    values = values.astype(object)
    # NumPy warns of a NaN that Python compares within `np.frompyfunc`, from Python 3.12 on.
    missing = np.argwhere(np.reshape([*map(is_missing_or_nan, values.flat)], values.shape))
    if not len(missing):
        return
    row, *column = missing[0].tolist()
    if not column or values.shape[1] == 1:
        raise ValueError(
            f"{name}[{row}] is missing: {values[row, *column]}. Each sequence needs a label: leave "
            "out those without one."
        )
    raise ValueError(
        f"{name}[{row}] in column {column[0]} is missing, but a multilabel y says for each label "
        "whether it applies: 1 or 0. Leave out such sequences or, if there are many, fit one "
        "classifier for each label, to the sequences with this label known."
    )


def _check_one_kind(y: Any, name: str) -> None:
    """Refuse labels that NumPy would make the same: it turns True into 1, and 1 into "1"."""
    types = [*map(type, y)] if isinstance(y, list | tuple) else []
    kinds = {kind: _kind_of_label(kind) for kind in dict.fromkeys(types)}
    first = kinds[types[0]] if types else ""
    row = next((row for row, kind in enumerate(types) if kinds[kind] != first), None)
    if row is not None:
        raise ValueError(
            f"{name}[{row}] is {y[row]!r:.50}, a {kinds[types[row]]}, but the labels before it are "
            f"{first}s: all labels have to be strings, numbers or booleans."
        )


def _kind_of_label(kind: type) -> str:
    kinds = {"string": (str,), "boolean": (bool, np.bool_), "number": (Number,)}
    return next((name for name, types in kinds.items() if issubclass(kind, types)), kind.__name__)


# --- Weights and groups


def read_sample_weight(sample_weight: object, n_samples: int) -> Weights:
    """Check the weights of samples; None is 1 each.

    Raises
    ------
    ValueError
        For weights of another number or shape, and missing, negative and infinite ones.
    """
    if sample_weight is None or isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, 1.0 if sample_weight is None else sample_weight)
    if np.ma.isMaskedArray(sample_weight):
        sample_weight = np.ma.filled(sample_weight.astype(np.float64), np.nan)
    options = {"ensure_2d": False, "ensure_min_samples": 0, "ensure_all_finite": False}
    weight = check_array(sample_weight, dtype=np.float64, input_name="sample_weight", **options)
    if weight.shape != (n_samples,):
        raise ValueError(f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}!")
    is_wrong = ~((weight >= 0) & (weight < inf))
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise ValueError(
            f"sample_weight[{row}] = {weight[row]}, but each sample needs a finite weight of 0 or "
            "more. A weight of 0 leaves the sample out."
        )
    return np.asarray(weight)


def fixed_class_weight(
    class_weight: object, weights: Weights, values: Encoded, labels: Labels
) -> object:
    """Return class weights, those of these samples in place of "balanced".

    Balanced are weights with which each class, or no and yes of each label, counts the same.
    """
    if not isinstance(class_weight, str):
        return class_weight
    columns, classes = _columns(values, labels)
    fixed = [_balanced(column, weights, classes) for column in columns]
    return fixed if labels.is_multilabel else fixed[0]


def _columns(values: Encoded, labels: Labels) -> tuple[Encoded, Labels]:
    """Return encoded labels column by column, (n_columns, n_samples), and their classes.

    Those of each of several labels are no and yes.
    """
    if labels.is_multilabel:
        return values.T.astype(np.int8), Labels(np.arange(2))
    return values[np.newaxis], labels


def _balanced(values: Encoded, weights: Weights, labels: Labels) -> dict[Hashable, float]:
    """Return the weight of each class by the samples that have it; 1 if none counts."""
    sums = np.bincount(values, weights / (weights.max(initial=0) or 1), len(labels))
    counts = sums > EPSILON * sums.sum()
    balanced = np.ones(len(labels))
    np.divide(sums.sum(), counts.sum() * sums, out=balanced, where=counts)
    return dict(zip(labels.classes.tolist(), balanced.tolist(), strict=True))


def relative_weights(
    weights: Weights, class_weight: object, values: Encoded, labels: Labels
) -> Weights:
    """Return the weight of each sample or label, with mean 1 over those that count.

    Each factor is divided by its largest value first, so that their product can't overflow. A
    weight that is lost by rounding in the sum of all is 0. The values are encoded labels.

    Raises
    ------
    ValueError
        For class weights of another kind, negative or infinite ones, and no weight above 0.
    """
    factors = _factors(weights, class_weight, values, labels)
    weight = prod((part / (part.max(initial=0) or 1) for part in factors), start=np.ones(1))
    weight = np.where(weight < EPSILON * weight.sum(axis=0), 0, weight)
    _check_any(weight)
    return np.asarray(weight / weight[weight > 0].mean())


def absolute_weights(
    weights: Weights, class_weight: object, values: Encoded, labels: Labels
) -> Weights:
    """Return the weight of each sample, or of each of its labels, as it is.

    The values are encoded labels.

    Raises
    ------
    ValueError
        As `relative_weights`, and for weights that are too large for float32.
    """
    with np.errstate(over="ignore"):
        weight = prod(_factors(weights, class_weight, values, labels), start=np.ones(1))
    too_large = weight > LARGEST
    if too_large.any():
        row = int(np.argwhere(too_large)[0, 0])
        raise ValueError(
            f"The weight of sample {row} is {weight[row].max():g}, which is too large: partial_fit "
            "takes weights as they are. Divide sample_weight and class_weight by a common factor."
        )
    _check_any(weight)
    return weight


def _factors(weights: Weights, class_weight: Any, values: Encoded, labels: Labels) -> list[Weights]:
    """Return the weights of samples and those of their classes, or of each of their labels."""
    if class_weight is None:
        return [weights]
    columns, classes = _columns(values, labels)
    mappings, wanted = [class_weight], "one dict"
    if labels.is_multilabel:
        mappings, wanted = class_weight, f"a list of {len(columns)} dicts with the keys 0 and 1"
    if len(mappings) != len(columns) or not all(isinstance(one, Mapping) for one in mappings):
        raise ValueError(f"class_weight has to be {wanted}. Found {class_weight!r:.200}.")
    pairs = zip(mappings, columns, strict=True)
    by_class = [_weights_by_class(mapping, column, classes) for mapping, column in pairs]
    if not labels.is_multilabel:
        return [weights, *by_class]
    # scikit-learn multiplies them. Then hardly more than the sample with the most labels counts.
    return [weights[:, np.newaxis], np.column_stack(by_class)]


def _weights_by_class(
    class_weight: Mapping[Hashable, Any], values: Encoded, labels: Labels
) -> Weights:
    """Return the weight of the class of each value; 1 if the mapping does not name it.

    A part of the data may lack classes that the mapping names.
    """
    for label, weight in class_weight.items():
        if not (isinstance(weight, Real) and 0 <= float(weight) < inf):
            raise ValueError(
                f"class_weight[{label!r}] = {weight!r}, but the weight of a class is a finite "
                "number of 0 or more."
            )
    classes = labels.classes.tolist()
    unknown = [label for label in class_weight if label not in classes]
    if unknown and not all(label in class_weight for label in classes):
        raise ValueError(
            f"class_weight names {unknown[:5]}, which are not among the classes {classes[:10]}."
        )
    weights = np.array([float(class_weight.get(label, 1.0)) for label in classes])
    return weights.take(values)


def read_groups(groups: Any, n_samples: int) -> NDArray[np.intp] | None:
    """Return the number of each sample's group, (n_samples,); None without groups.

    Raises
    ------
    ValueError
        For labels that can't be hashed, missing ones, and another number of them.
    """
    if groups is None:
        return None
    wanted = "groups has to be 1-D and hold a label for each sequence, a string or a number."
    if isinstance(groups, str | set | dict) or getattr(groups, "ndim", 1) != 1:
        raise ValueError(f"{wanted} Found a {type(groups).__name__}.")
    numbers: dict[Hashable, int] = {}
    try:
        items = list(to_numpy(groups, "groups") if hasattr(groups, "__array__") else groups)
        labels = [v.item() if hasattr(v, "detach") else v for v in plain_values(items, "groups")]
        group_numbers = [numbers.setdefault(label, len(numbers)) for label in labels]
    except TypeError as error:
        raise ValueError(wanted) from error
    if len(labels) != n_samples:
        raise ValueError(f"groups holds {len(labels)} labels for {n_samples} sequences.")
    for label, number in numbers.items():
        if is_missing_or_nan(label):
            raise ValueError(
                f"groups[{group_numbers.index(number)}] is missing: {label}. Each sequence needs a "
                "group, if need be one of its own."
            )
    return np.array(group_numbers, np.intp)


def _check_any(weight: Weights) -> None:
    if not weight.any():
        raise ValueError("sample_weight times class_weight needs at least one non-zero number.")
