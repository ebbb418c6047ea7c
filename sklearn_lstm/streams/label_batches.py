"""Labels and weights that come batch by batch."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.rows import column_names
from sklearn_lstm.targets.label_reading import read_labels, read_sample_weight
from sklearn_lstm.targets.labels import Encoded, Labels
from sklearn_lstm.targets.samples import Weights


class LabelBatches:
    """The labels and weights of all batches so far; of each label only its number is kept."""

    def __init__(self) -> None:
        self.n_samples = 0
        self._kind: str | None = None
        self._names: tuple[str, ...] = ()
        self._numbers: dict[Hashable, int] = {}
        self._classes: list[NDArray[np.generic]] = []
        self._values: list[Encoded] = []  # numbers of classes, or rows of 0 and 1
        self._weights: list[NDArray[np.float64]] = []

    def add(self, n_samples: int, y: object, sample_weight: object) -> None:
        """Add the labels of a batch.

        Raises
        ------
        ValueError
            For what is no y or `sample_weight` of so many samples, and for labels of another kind
            than those before, or weights where the batches before had none.
        """
        names, y = column_names(y), read_labels(y)
        if len(y) != n_samples:
            raise ValueError(f"X holds {n_samples} sequences, but y holds {len(y)} labels.")
        weights = read_sample_weight(sample_weight, n_samples)
        kind, has_weights = _kind(y, names), sample_weight is not None
        if self._values and kind != self._kind:
            raise ValueError(
                f"y holds {kind}, but the y of the first batch holds {self._kind}. The labels of "
                "all batches have to be of one kind."
            )
        if self._values and has_weights != bool(self._weights):
            raise ValueError(
                "sample_weight has to come with each batch or with none: this batch has "
                f"{'one' if has_weights else 'none'}, unlike the first."
            )
        self._kind, self._names = kind, names
        self.n_samples += n_samples
        self._values.append(y if y.ndim == 2 else self._number(y))
        if has_weights:
            self._weights.append(weights)

    def _number(self, y: NDArray[np.generic]) -> NDArray[np.signedinteger[Any]]:
        """Return the number of each label, in the order in which they came first."""
        distinct, places = np.unique(y, return_inverse=True)
        labels = distinct.tolist()
        self._classes.append(distinct[[label not in self._numbers for label in labels]])
        numbers = [self._numbers.setdefault(label, len(self._numbers)) for label in labels]
        return np.array(numbers, np.min_scalar_type(-len(self._numbers)))[places]

    def encoded(self) -> tuple[Encoded, Labels, Weights | None]:
        """Return the labels of all batches in small integers, what they stand for, and weights."""
        values = np.concatenate(self._values)
        weights = np.concatenate(self._weights) if self._weights else None
        classes = values if values.ndim == 2 else np.concatenate(self._classes)
        labels = Labels.of(classes, self._names)
        encoded = labels.encode(classes)
        if values.ndim == 1:
            encoded = encoded.astype(np.min_scalar_type(-len(labels)))[values]
        return encoded, labels, weights


def _kind(y: NDArray[np.generic], names: tuple[str, ...]) -> str:
    """Return what labels are; labels of two kinds can't be sorted."""
    if y.ndim == 2:
        return f"{y.shape[1]} labels each" + f", {[*names]}" * bool(names)
    kinds = dict.fromkeys("biuf", "numbers") | dict.fromkeys("UO", "strings")
    return kinds.get(y.dtype.kind, f"labels of the type {type(y[0]).__name__}")
