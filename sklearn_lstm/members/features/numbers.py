"""Numbers and categories that stand beside sequences."""

import reprlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.containers import is_missing_or_nan
from sklearn_lstm.data.numbers import FEWEST_ROWS
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import InputTypeWarning, warn_user
from sklearn_lstm.members.member import Array, ColumnFeatures, Contributions
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.storage.fields import check_agreement
from sklearn_lstm.targets.targets import Floats, Samples

Feature: TypeAlias = Literal["value", "pieces", "is missing"]
MOST_CATEGORIES = 255  # of a column; rarer ones are none of them
N_PIECES, HEIGHT = 10, 0.5  # between quantiles of a number; and how much a piece rises
MOST_DEVIATIONS = 3.0  # of a value from the mean
SIZES: dict[Feature, int] = {"value": 1, "pieces": N_PIECES, "is missing": 1}


@dataclass(frozen=True)
class NumberFeatures(ColumnFeatures):
    """Numbers and one-hot categories.

    Numbers such as sizes or prices span powers of ten, so the standardised value of most says
    little. So a number is also read piecewise: each piece rises from one decile of training to the
    next (Gorishniy et al. 2022), and together they tell its rank. The value is bounded: one wild
    number does not decide. A missing number is the mean. A category that was not seen is none of
    them.

    Parameters
    ----------
    numbers : dict of str to tuple of str
        By the name of a column of numbers: "value" if they differ, "pieces" if they are more than
        two, "is missing" if one was missing.
    categories : dict of str to tuple of str
        The categories of a column, by its name.
    quantiles : ndarray of shape (11, n_numbers)
        From the smallest of each column of numbers to the largest.
    bounds : ndarray of shape (2, n_numbers)
        Of each value: the mean, less and more three standard deviations.
    mean
        Of `ColumnFeatures`.
    """

    explained = "columns"
    numbers: dict[str, tuple[Feature, ...]]
    categories: dict[str, tuple[str, ...]]
    quantiles: Annotated[Floats, "11 n_numbers"] = field(
        default_factory=lambda: np.empty((N_PIECES + 1, 0))
    )
    bounds: Annotated[Floats, "2 n_numbers"] = field(default_factory=lambda: np.empty((2, 0)))

    def check(self) -> None:
        """Raise ValueError if a column of numbers has no quantiles."""
        check_agreement(self, n_numbers=len(self.numbers))

    @property
    def _sizes(self) -> dict[str, int]:
        """How many features each column has."""
        sizes = {name: sum(SIZES[one] for one in kept) for name, kept in self.numbers.items()}
        return sizes | {name: len(found) for name, found in self.categories.items()}

    @property
    def n_features(self) -> int:
        """The number of features."""
        return sum(self._sizes.values())

    @property
    def has_unit(self) -> NDArray[np.bool_]:
        """Which features are values of numbers."""
        of_numbers = [feature for kept in self.numbers.values() for feature in kept]
        sizes = [SIZES[feature] for feature in of_numbers]
        is_value = np.repeat(np.isin(of_numbers, ["value"]), sizes)
        return np.pad(is_value, (0, self.n_features - len(is_value)))

    @property
    def is_category(self) -> dict[str, bool]:
        """Whether each column holds categories."""
        return dict.fromkeys(self.numbers, False) | dict.fromkeys(self.categories, True)

    def learned(self, samples: Samples) -> Self:
        """Return the features whose quantiles and bounds are those of these samples."""
        quantiles = np.zeros((N_PIECES + 1, len(self.numbers)))
        bounds = np.zeros((2, len(self.numbers)))
        for column, name in enumerate(self.numbers):
            values = samples.sequences.numbers.columns[name].astype(np.float64)
            known = values[~np.isnan(values)]
            if len(known):
                quantiles[:, column] = np.quantile(known, np.linspace(0, 1, N_PIECES + 1))
                reach = MOST_DEVIATIONS * known.std()
                bounds[:, column] = known.mean() - reach, known.mean() + reach
        return replace(self, quantiles=quantiles, bounds=bounds)

    def vectors(self, sequences: Sequences) -> Floats:
        """Return numbers, NaN where they are missing, and which categories a sequence has."""
        columns, parts = sequences.numbers.columns, [np.empty((len(sequences), 0))]
        learned = zip(self.numbers.items(), self.quantiles.T, self.bounds.T, strict=True)
        for (name, kept), knots, bounds in learned:
            values = np.asarray(columns[name], np.float64)[:, np.newaxis]
            widths = np.diff(knots)
            pieces = (values - knots[:-1]) / np.where(widths > 0, widths, np.inf)
            found = {
                "value": np.clip(values, *bounds) if "pieces" in kept else values,
                "pieces": HEIGHT * np.clip(pieces, 0, 1),
                "is missing": np.isnan(values),
            }
            parts += [found[feature] for feature in kept]
        for name, categories in self.categories.items():
            places = {category: place for place, category in enumerate(categories)}
            codes = np.array([places.get(value, -1) for value in columns[name].tolist()], int)
            if len(codes) >= FEWEST_ROWS and codes.max() < 0 and categories and any(columns[name]):
                told = f"but {reprlib.repr(columns[name].tolist())}. Write them as at fit."
                told = f"holds no category of fit, {reprlib.repr(categories)}, {told}"
                warn_user(f"The column {name!r} of X {told}", InputTypeWarning)
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

        A number is above or below the mean of training.
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
        ends = np.cumsum([*self._sizes.values()]).tolist()
        parts = dict(zip(self._sizes, map(slice, [0, *ends], ends), strict=False))
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
            features: dict[Feature, bool] = {
                "value": len(known) > 1,
                "pieces": len(known) > 2,
                "is missing": 0 < missing.sum() < len(values),
            }
            numbers[name] = tuple(feature for feature, is_kept in features.items() if is_kept)
    reader.features = [NumberFeatures(numbers, categories)]
    return reader if reader.features[0].n_features else None


NUMBERS = Recipe(
    "numbers",
    suits=lambda settings: settings.numbers,  # also with linear_model=False
    read=read_numbers,
    solver="regression",
    stored=(NumberFeatures,),
)
