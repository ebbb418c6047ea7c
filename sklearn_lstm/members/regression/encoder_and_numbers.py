"""Linear models of one vector for each sequence: what an encoder knows of a text, and numbers.

An encoder was trained by others on many texts; n-grams and networks know only the words of the
labelled texts. The numbers and categories stand beside the sequences.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.blending import Logits
from sklearn_lstm.data.frames import is_missing_or_nan
from sklearn_lstm.data.sequences import Sequences, chunks_of_rows
from sklearn_lstm.members.member import Contributions, LinearMember
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder

Vectors: TypeAlias = NDArray[np.floating]  # (n_samples, dim); NaN: nothing is known
Feature: TypeAlias = Literal["value", "is missing"]


@dataclass(frozen=True)
class RegressionModel(LinearMember):
    """Logistic regression on scaled vectors.

    Parameters
    ----------
    mean : ndarray of shape (dim,)
        Of the vectors of the training sequences.
    coef : ndarray of shape (dim, n_outputs)
    intercept : ndarray of shape (n_outputs,)
        The logits of the mean.
    penalty : float
        While a fit goes on: that of the squares of the scaled weights.
    """

    mean: Annotated[NDArray[np.float64], "dim"]
    coef: Annotated[NDArray[np.float64], "dim n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    penalty: float = field(default=0.0, kw_only=True, metadata={"is_stored": False})

    @classmethod
    def untrained(cls, *fields: object) -> Self:
        """Return a model that can read vectors, but has learned nothing."""
        return cls(np.empty(0), np.empty((0, 0)), np.empty(0), *fields)

    @abstractmethod
    def vectors(self, sequences: Sequences) -> Vectors:
        """Return the vector of each sequence (n_samples, dim)."""

    @staticmethod
    @abstractmethod
    def scale(vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean of each column, and by what its gaps are divided."""

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        return self.logits_of(self.vectors(sequences))

    def logits_of(self, vectors: Vectors) -> Logits:
        """Return the logits of vectors (n_samples, n_outputs)."""
        gaps = np.nan_to_num(vectors - self.mean, copy=False)
        return np.asarray(gaps @ self.coef + self.intercept)


@dataclass(frozen=True)
class EncoderModel(RegressionModel):
    """Logistic regression on the vectors of whole texts.

    Parameters
    ----------
    encoder : SentenceEncoder
    """

    name = "encoder"
    encoder: SentenceEncoder

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self.encoder.mark.shape[1])

    def vectors(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return the vectors of all texts, which are read and encoded part by part."""
        parts = chunks_of_rows(sequences.lengths)
        return np.concatenate([self.encoder(sequences.texts(rows)) for rows in parts])

    @staticmethod
    def scale(vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean of each column, and one deviation: columns that vary more tell more."""
        mean = np.asarray(vectors.mean(axis=0, dtype=np.float64))
        deviation = np.sqrt(vectors.var(axis=0, dtype=np.float64).mean())
        return mean, np.full(len(mean), max(deviation, np.finfo(np.float32).eps))

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what a text as a whole adds to the scores, (n_samples, n_scores).

        The rest of the scores is that of the mean of all training texts.
        """
        base = self.intercept @ directions
        added = self.logits(sequences) @ directions - base
        return added, np.tile(base, (len(added), 1))

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        return f"logistic regression on {len(self.mean):,} columns of vectors of whole texts"


@dataclass(frozen=True)
class NumberModel(RegressionModel):
    """Logistic regression on standardised numbers and one-hot categories.

    A missing number is the mean. A category that was not seen is none of them.

    Parameters
    ----------
    numbers : dict of str to tuple of str
        By the name of a column of numbers: "value" if they differ, "is missing" if one was missing.
    categories : dict of str to tuple of str
        The categories of a column, by its name.
    """

    name = "numbers"
    numbers: dict[str, tuple[Feature, ...]]
    categories: dict[str, tuple[str, ...]]

    @property
    def dim(self) -> int:
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

    @staticmethod
    def scale(vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean and the deviation of each column: 1 if it says yes or no."""
        known = ~np.isnan(vectors)
        n_known = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, vectors, 0).sum(axis=0) / n_known
        deviation = np.sqrt((np.where(known, vectors - mean, 0) ** 2).sum(axis=0) / n_known)
        deviation[(np.isin(vectors, (0, 1)) | ~known).all(axis=0)] = 1
        first = vectors[known.argmax(axis=0), np.arange(vectors.shape[1])]
        is_constant = ((vectors == first) | ~known).all(axis=0)
        # Nothing is learned of such a column, nor of one whose squares are too small for floats.
        deviation[is_constant | (deviation == 0)] = np.inf
        return mean, deviation

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each number and category adds to the scores.

        Those of a sample follow each other in the order of its columns, and the samples too. The
        rest of the scores is that of the mean of all training sequences.
        """
        gaps, coef = np.nan_to_num(self.vectors(sequences) - self.mean), self.coef @ directions
        added = [gaps[:, part] @ coef[part] for part in self._parts(sequences).values()]
        base = np.tile(self.intercept @ directions, (len(gaps), 1))
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
        """Return what the model consists of, in one line."""
        told = []
        for kind, columns in ("numbers", self.numbers), ("categories", self.categories):
            names = [name for name, kept in columns.items() if kept]
            told += [f"{kind} {', '.join(names[:9])}" + ", ..." * (len(names) > 9)] * bool(names)
        return f"logistic regression on {len(self.mean):,} features of the {'; '.join(told)}"
