"""Numbers and categories that stand beside sequences."""

from collections import Counter
from dataclasses import dataclass
from itertools import compress
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.containers import is_missing_or_nan
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.members.linear_model import Array, ColumnFeatures
from sklearn_lstm.members.member import Contributions
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe

Feature: TypeAlias = Literal["value", "is missing"]
MOST_CATEGORIES = 255  # of a column; rarer ones are none of them


@dataclass(frozen=True)
class NumberFeatures(ColumnFeatures):
    """Numbers and one-hot categories.

    A missing number is the mean. A category that was not seen is none of them.

    Parameters
    ----------
    numbers : dict of str to tuple of str
        By the name of a column of numbers: "value" if they differ, "is missing" if one was missing.
    categories : dict of str to tuple of str
        The categories of a column, by its name.
    mean
        Of `ColumnFeatures`.
    """

    explained = "columns"
    numbers: dict[str, tuple[Feature, ...]]
    categories: dict[str, tuple[str, ...]]

    @property
    def n_features(self) -> int:
        """The number of features."""
        return sum(map(len, (self.numbers | self.categories).values()))

    @property
    def is_category(self) -> dict[str, bool]:
        """Whether each column holds categories."""
        return dict.fromkeys(self.numbers, False) | dict.fromkeys(self.categories, True)

    def vectors(self, sequences: Sequences) -> NDArray[np.float64]:
        """Return numbers, NaN where they are missing, and which categories a sequence has."""
        columns, parts = sequences.numbers.columns, [np.empty((len(sequences), 0))]
        for name, kept in self.numbers.items():
            values = np.asarray(columns[name], np.float64)
            found = {"value": values, "is missing": np.isnan(values)}
            parts += [found[feature][:, np.newaxis] for feature in kept]
        for name, categories in self.categories.items():
            places = {category: place for place, category in enumerate(categories)}
            codes = np.array([places.get(value, -1) for value in columns[name].tolist()], int)
            parts.append(codes[:, np.newaxis] == np.arange(len(categories)))
        return np.concatenate(parts, axis=1)

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each number and category adds; nothing is left but the intercept.

        Those of a sample follow each other in the order of its columns, and the samples too.
        """
        ((_, gaps),), coef = self.blocks(sequences), coef @ directions
        added = [gaps[:, part] @ coef[part] for part in self._parts(sequences).values()]
        base = np.zeros((len(gaps), directions.shape[1]))
        return np.stack(added, axis=1).reshape(-1, directions.shape[1]), base

    def values_of(self, sequences: Sequences) -> list[str]:
        """Return what each sample has in each column, in the order of `contributions`.

        A number is above or below the mean of training, by which it adds with one or another sign.
        """
        told = []
        for name, part in self._parts(sequences).items():
            values, kept = sequences.numbers.columns[name], self.numbers.get(name, ())
            if name in self.categories:
                known = [f"{name} = {value}" for value in values]
            else:
                mean = self.mean[part][kept.index("value")] if "value" in kept else 0.0
                relations = np.where(values.astype(np.float64) > mean, ">", "≤").tolist()
                known = [f"{name} {relation} {mean:.4g}" for relation in relations]
            # A column without a value may be of the other type.
            is_missing = [*map(is_missing_or_nan, values)]
            told.append(np.where(is_missing, f"{name} is missing", known).tolist())
        return [value for row in zip(*told, strict=True) for value in row]

    def _parts(self, sequences: Sequences) -> dict[str, slice]:
        """Return where the features of each column stand, in the order of the columns."""
        features = self.numbers | self.categories
        ends = np.cumsum([len(kept) for kept in features.values()]).tolist()
        parts = dict(zip(features, map(slice, [0, *ends], ends), strict=False))
        return {name: parts[name] for name in sequences.numbers.columns}

    def describe(self) -> str:
        """Return what the features are."""
        told = []
        for kind, columns in ("numbers", self.numbers), ("categories", self.categories):
            names = [name for name, kept in columns.items() if kept]
            told += [f"{kind} {', '.join(names[:9])}" + ", ..." * (len(names) > 9)] * bool(names)
        return f"features of the {'; '.join(told)}"


def read_numbers(context: FitContext) -> Reader | None:
    """Find out what differs between the samples; None if nothing does."""
    reader = Reader.of(context)
    numbers, categories = dict[str, tuple[Feature, ...]](), dict[str, tuple[str, ...]]()
    given = reader.samples.sequences.numbers
    category_names = set(given.categories)
    for name, values in given.columns.items():
        if name in category_names:
            counts = Counter(value for value in values.tolist() if isinstance(value, str))
            found = sorted(name for name, _ in counts.most_common(MOST_CATEGORIES))
            is_constant = counts.total() == len(values) and len(found) == 1
            categories[name] = () if is_constant else tuple(found)
        else:
            missing = np.isnan(values)
            known = np.unique(values[~missing])
            kept = len(known) > 1, 0 < missing.sum() < len(values)
            features: tuple[Feature, ...] = "value", "is missing"
            numbers[name] = tuple(compress(features, kept))
    reader.features = [NumberFeatures(numbers, categories)]
    return reader if reader.features[0].n_features else None


NUMBERS = Recipe(
    "numbers",
    suits=lambda settings: settings.numbers,
    read=read_numbers,
    solver="regression",
    stored=(NumberFeatures,),
    is_asked_for=True,
)
