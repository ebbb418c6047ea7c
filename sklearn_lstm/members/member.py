"""What every member of a model can do, and what linear models are: features times coefficients."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.members.blending import Logits
from sklearn_lstm.targets.targets import Samples

BATCH_SIZE_OF_PARTIAL_FIT = 32  # sequences, of each member that learns online
# What each part adds to scores (n_parts, n_scores), and their base (n_samples, n_scores).
Contributions: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
# The parts that they belong to.
Explained: TypeAlias = Literal["steps", "steps at places", "columns", "whole"]


class Member(ABC):
    """A part of a model that turns sequences into logits by itself.

    Attributes
    ----------
    name : str
    explained : {"steps", "steps at places", "columns", "whole"}
        The parts of a sequence that contributions belong to: its steps, of which none can be
        deleted if their places count; the columns beside it; or the sequence as a whole.
    """

    name: str
    explained: Explained = "steps"

    @abstractmethod
    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each part of sequences adds to the scores ``logits @ directions``.

        Parameters
        ----------
        sequences : Sequences
            As many as can be read at once.
        directions : ndarray of shape (n_outputs, n_scores)

        Returns
        -------
        contributions : ndarray of shape (n_parts, n_scores)
            The steps, or columns, of all sequences are laid end to end.
        base : ndarray of shape (n_samples, n_scores)
            The rest of the scores.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """Return what the member consists of, in one line."""
        raise NotImplementedError


def one_by_one(
    explain: Callable[[Sequences], Contributions], sequences: Sequences
) -> Contributions:
    """Return the contributions to several sequences, by a function of a single one."""
    rows = np.arange(len(sequences))[:, np.newaxis]
    added, base = zip(*(explain(sequences.subset(row)) for row in rows), strict=True)
    return np.concatenate(added), np.concatenate(base)


# --- Linear models


LINEAR, ONLINE, ENCODER = "linear model", "online linear model", "encoder"  # names of models
LARGEST_COEF = 1 << 30  # bytes of the coefficients of a model: n-grams x outputs x 4
Array: TypeAlias = NDArray[Any]
Matrix: TypeAlias = csr_matrix | NDArray[np.floating]  # (n_samples, n_features)


class Features(ABC):
    """A way to read sequences: a column of numbers for each feature.

    It is a frozen dataclass, which is stored field by field, and imports NumPy and SciPy alone.

    Attributes
    ----------
    explained : {"steps", "steps at places", "columns", "whole"}
        What `contributions` belong to, as in `Member`.
    n_features : int
    """

    explained: ClassVar[Explained] = "steps"

    @property
    def names(self) -> Sequence[str]:
        """What each feature says, in words; by default none."""
        return ()

    @property
    @abstractmethod
    def n_features(self) -> int:
        """The number of columns."""

    def are_read(self, sequences: Sequences) -> NDArray[np.bool_]:
        """Return which sequences are read (n_samples, 1): of others nothing is said."""
        return np.ones((len(sequences), 1), np.bool_)

    @abstractmethod
    def blocks(self, sequences: Sequences) -> Iterator[tuple[Rows, Matrix]]:
        """Yield rows and their features, block by block, so that memory stays bounded."""

    @abstractmethod
    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each part of sequences adds to the scores ``features @ coef @ directions``.

        Parameters
        ----------
        sequences : Sequences
        coef : ndarray of shape (n_features, n_outputs)
        directions : ndarray of shape (n_outputs, n_scores)
        """

    @abstractmethod
    def describe(self) -> str:
        """Return what the features are, as it stands behind their number."""


@dataclass(frozen=True, kw_only=True)
class ColumnFeatures(Features):
    """Columns relative to their mean in training, which stands for what is not known (NaN).

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
        Found by the solver.
    """

    explained: ClassVar[Explained] = "whole"
    have_one_unit: ClassVar[bool] = False  # such as the coordinates of a vector

    mean: Annotated[NDArray[np.float64], "n_features"] = field(default_factory=lambda: np.empty(0))

    @property
    def has_unit(self) -> NDArray[np.bool_]:
        """Which columns have a unit of their own, so that a solver scales them."""
        return np.ones(self.n_features, np.bool_)

    def learned(self, samples: Samples) -> Self:  # noqa: ARG002
        """Return the features that these samples tell, of which none is held out."""
        return self

    @abstractmethod
    def vectors(self, sequences: Sequences) -> NDArray[np.floating]:
        """Return the vector of each sequence (n_samples, n_features)."""

    def blocks(self, sequences: Sequences) -> Iterator[tuple[Rows, NDArray[np.float64]]]:
        """Yield all rows at once, and their features."""
        gaps = np.nan_to_num(self.vectors(sequences) - self.mean, copy=False)
        yield np.arange(len(sequences)), gaps

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each sequence as a whole adds; nothing is left but the intercept."""
        ((_, gaps),) = self.blocks(sequences)
        added = gaps @ (coef @ directions)
        return added, np.zeros_like(added)


@dataclass(frozen=True)
class Term:
    """Features times coefficients.

    Parameters
    ----------
    features : Features
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    squares : ndarray of shape (n_features, n_outputs) or None
        Of what is learned online: the sums of the squared gradients.
    """

    features: Features
    coef: Annotated[NDArray[np.floating], "n_features n_outputs"]
    intercept: Annotated[NDArray[np.float64], "n_outputs"]
    squares: Annotated[NDArray[np.float32], "n_features n_outputs"] | None = None

    @property
    def n_features(self) -> int:
        """The number of coefficients for each output."""
        return self.features.n_features

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        logits = self.features.are_read(sequences) * self.intercept
        for rows, block in self.features.blocks(sequences):
            # In float32 a product of dense rows would round each by its neighbours.
            matrix = block if issparse(block) else block.astype(np.float64, copy=False)
            logits[rows] += matrix @ self.coef
        return logits

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each part of sequences adds to the scores, and the rest of these."""
        added, base = self.features.contributions(sequences, self.coef, directions)
        return added, base + self.features.are_read(sequences) * (self.intercept @ directions)


@dataclass(frozen=True)
class LinearModel(Member):
    """A sum of features times coefficients.

    Parameters
    ----------
    name : str
        That of its recipe.
    terms : tuple of Term
    """

    name: str
    terms: Annotated[tuple[Term, ...], "n_terms<10"]

    def check(self) -> None:
        """Raise ValueError if a stored one reads nothing."""
        if not self.terms:
            raise ValueError("a linear model without terms")

    @property
    def features(self) -> list[Any]:
        """The features of its terms."""
        return [term.features for term in self.terms]

    @property
    def explained(self) -> Explained:  # type: ignore[override]
        """What contributions belong to."""
        return self.terms[0].features.explained

    def logits(self, sequences: Sequences) -> Logits:
        """Return the logits (n_samples, n_outputs)."""
        return np.asarray(sum(term.logits(sequences) for term in self.terms))

    def contributions(self, sequences: Sequences, directions: NDArray[np.float64]) -> Contributions:
        """Return what each part of sequences adds to the scores ``logits @ directions``."""
        parts = [term.contributions(sequences, directions) for term in self.terms]
        added, base = zip(*parts, strict=True)
        return np.sum(added, axis=0), np.sum(base, axis=0)

    def describe(self) -> str:
        """Return what the model consists of, in one line."""
        sizes = Counter[str]()
        for features in self.features:
            sizes[features.describe()] += features.n_features
        return " and ".join(f"{size:,} {what}" for what, size in sizes.items())
