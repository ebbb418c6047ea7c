"""`sample_weight`, `class_weight` and `groups` -> a weight and a group for each sample."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import inf, prod
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.containers import LARGEST, is_missing_or_nan, plain_values, to_numpy
from sklearn_lstm.targets.labels import Encoded, Labels
from sklearn_lstm.targets.samples import Weights

EPSILON = np.finfo(np.float64).eps


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
