"""Labels <-> targets, encoded once, at the boundary; what is known of each sequence."""

import reprlib
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax

from sklearn_lstm.data.sequences import Rows, Sequences
from sklearn_lstm.exceptions import warn_user

Floats: TypeAlias = NDArray[np.float64]
Truth: TypeAlias = NDArray[np.bool_]  # whether a label is that of a sample
Thresholds: TypeAlias = Floats | float  # (n_thresholds,), or one for all
Encoded: TypeAlias = NDArray[Any]  # indices (n_samples,), or 0 and 1 (n_samples, n_labels)


@dataclass(frozen=True)
class Labels:
    """The classes that a classifier knows; each sequence has one.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    names : tuple of str
        Those of the columns of y, if it is a data frame of several labels.
    """

    classes: Annotated[NDArray[Any], "n_outputs"]
    names: tuple[str, ...] = ()
    is_multilabel = False

    @staticmethod
    def of(y: NDArray[np.generic], names: tuple[str, ...] = ()) -> "Labels":
        """Find the labels of a y from `read_labels`, whose columns have these names.

        Raises
        ------
        ValueError
            If y holds a single class.
        """
        if y.ndim == 2:
            return LabelSets(np.arange(y.shape[1]), names)
        classes = np.unique(y)
        if len(classes) == 1:
            raise ValueError(f"At least 2 classes are needed, found one class: {classes.item()!r}.")
        return Labels(classes)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def shown(self) -> NDArray[np.generic]:
        """What a user calls the outputs: the names of the columns of y, else the classes."""
        return np.array(self.names, np.object_) if self.names else self.classes

    def check_names(self, names: tuple[str, ...], name: str = "y") -> None:
        """Raise ValueError if the columns of a later y have other names, or another order."""
        if self.names and names and names != self.names:
            found = f"{name} has the columns {[*names[:5]]}, but the y of fit {[*self.names[:5]]}"
            raise ValueError(f"{found}: both need the same names in the same order.")

    def check_same(self, classes: NDArray[np.generic] | None) -> None:
        """Raise ValueError if a later call of partial_fit names other classes."""
        if classes is not None and not np.array_equal(classes, self.classes):
            raise ValueError(
                f"classes={classes.tolist()} is not the same as in the first call, or as the "
                f"numbers of the columns of a multilabel y: {self.classes.tolist()}."
            )

    def encode(self, y: NDArray[np.generic], name: str = "y") -> Encoded:
        """Labels -> indices of classes (n_samples,) int64.

        Raises
        ------
        ValueError
            If y holds a label that is not among the classes.
        """
        if y.ndim == 2:
            raise ValueError(
                f"{name} is multilabel, but the classifier was fitted to one label per sequence. "
                "Pass such labels, or fit a new classifier."
            )
        classes = set(self.classes.tolist())
        unseen = [label for label in np.unique(y).tolist() if label not in classes]
        if unseen:
            raise ValueError(
                f"{name} holds labels {unseen[:5]} that are not among the classes "
                f"{self.classes[:10].tolist()}, which the first fit or partial_fit sets."
            )
        return np.searchsorted(self.classes, y).astype(np.int64)

    def indicators(self, targets: Encoded) -> Truth:
        """Return which outputs are true of each sample, (n_samples, n_outputs)."""
        return np.asarray(targets[:, np.newaxis] == np.arange(len(self)))

    def predict(self, proba: Floats, thresholds: Thresholds) -> NDArray[np.generic]:
        """Return the class of each sample, (n_samples,); several labels (n_samples, n_labels)."""
        return np.asarray(self.classes[self.best_outputs(proba, thresholds)])

    def best_outputs(self, proba: Floats, thresholds: Thresholds) -> NDArray[np.intp]:
        """Return the index of the most probable class, or of the second of two if it is above."""
        outputs = proba[:, 1] > thresholds if len(self) == 2 else proba.argmax(axis=1)
        return outputs.astype(np.intp)

    def proba(self, logits: Floats) -> Floats:
        """Return the probability of each output."""
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def log_proba(self, logits: Floats) -> Floats:
        """Return the logarithm of `proba`."""
        return np.asarray(log_softmax(logits, axis=1))

    def log_likelihood(self, logits: Floats, truth: Truth, weights: Floats) -> tuple[float, Floats]:
        """Return the weighted sum over the samples, and the gradient of the loss by the logits."""
        log_proba = log_softmax(logits, axis=1)
        slopes = np.exp(log_proba) - truth
        return weights @ log_proba[truth], slopes * weights[:, np.newaxis]

    def log_likelihoods(self, proba: Floats, truth: Truth) -> Floats:
        """Return that of each sample, or of each of its labels, by probabilities."""
        return np.log(np.maximum(proba, np.finfo(float).tiny))[truth][:, np.newaxis]

    def log_prior(self, targets: Encoded) -> Floats:
        """Return the logarithm of how frequent each class is, with mean 0.

        A class without samples counts as frequent, so that no adjustment is in its favour.
        """
        n_samples = np.bincount(targets, minlength=len(self))
        logs = np.log(np.where(n_samples > 0, n_samples, n_samples.max()))
        return np.asarray(logs - logs.mean())

    def log_drawn(self, targets: Encoded, groups: NDArray[np.intp] | None) -> Floats:
        """Return the logarithm of the share of each class that can be held out: all but one group.

        Parameters
        ----------
        targets : ndarray of shape (n_samples,) or (n_samples, n_labels)
        groups : ndarray of shape (n_samples,) or None
            What is held out together. None: each sample by itself.
        """
        truths = self.indicators(targets).T
        groups = np.arange(len(targets)) if groups is None else groups
        n_groups = np.array([len(np.unique(groups[is_true])) for is_true in truths])
        # Nearly none, in place of none, has a logarithm.
        return np.asarray(np.log(np.maximum(n_groups - 1, 1e-9) / np.maximum(n_groups, 1)))

    @property
    def directions(self) -> Floats:
        """The matrix (n_outputs, n_outputs) for which ``logits @ directions`` are the scores.

        For two classes a score is the logit of the class minus that of the other.
        """
        directions: Floats = np.eye(len(self))
        return 2 * directions - 1 if len(self) == 2 and not self.is_multilabel else directions


@dataclass(frozen=True)
class LabelSets(Labels):
    """The labels that a classifier knows; each sequence has any number of them.

    Parameters
    ----------
    classes : ndarray of shape (n_labels,)
        The numbers of the columns of y.
    names : tuple of str
        Their names, if y is a data frame.
    """

    is_multilabel = True

    def encode(self, y: NDArray[np.generic], name: str = "y") -> Encoded:
        """Multilabel y (n_samples, n_labels) -> the same as float32.

        Raises
        ------
        ValueError
            If y is not multilabel, or has another number of labels.
        """
        if y.shape[1:] != (len(self),):
            raise ValueError(
                f"{name} is not multilabel with the {len(self)} labels of fit, but has the shape "
                f"{y.shape}. Pass a column of 0 and 1 for each, or fit a new classifier."
            )
        return y.astype(np.float32)

    def indicators(self, targets: Encoded) -> Truth:
        """Return which labels each sample has, (n_samples, n_labels)."""
        return np.asarray(targets > 0)

    def predict(self, proba: Floats, thresholds: Thresholds) -> NDArray[np.int64]:
        """Return each label whose probability is above its threshold, (n_samples, n_labels)."""
        return (proba > thresholds).astype(np.int64)

    def best_outputs(self, proba: Floats, thresholds: Thresholds) -> NDArray[np.intp]:
        """Return the index of the label of each sample that is furthest above its threshold."""
        return np.asarray((proba - thresholds).argmax(axis=1))

    def proba(self, logits: Floats) -> Floats:
        """Return the probability of each label by itself."""
        return np.asarray(expit(logits))

    def log_proba(self, logits: Floats) -> Floats:
        """Return the logarithm of `proba`."""
        return np.asarray(log_expit(logits))

    def log_likelihood(self, logits: Floats, truth: Truth, weights: Floats) -> tuple[float, Floats]:
        """Return the sum over the samples of the mean over labels, and the gradient of the loss.

        The weights of a label are scaled so that they add up to its effective number of samples
        (Kish 1965): one positive that weighs as much as a hundred negatives is no more than one.
        """
        weights = weights if weights.ndim == 2 else weights[:, np.newaxis]
        squares = np.square(weights).sum(axis=0)
        weights = weights * (weights.sum(axis=0) / np.where(squares > 0, squares, 1) / len(self))
        fits = np.where(truth, log_expit(logits), log_expit(-logits))
        return float((weights * fits).sum()), (expit(logits) - truth) * weights

    def log_likelihoods(self, proba: Floats, truth: Truth) -> Floats:
        """Return that of each label of each sample by probabilities."""
        return np.log(np.maximum(np.where(truth, proba, 1 - proba), np.finfo(float).tiny))

    def log_prior(self, targets: Encoded) -> Floats:
        """Return the logarithm of the odds of each label; 0 if all samples have it, or none."""
        inside, outside = (targets > 0).sum(axis=0), (targets <= 0).sum(axis=0)
        is_both = (inside > 0) & (outside > 0)
        return np.asarray(np.log(np.where(is_both, inside, 1) / np.where(is_both, outside, 1)))


# --- Samples and their targets


Weights: TypeAlias = NDArray[np.float64]  # (n_samples,), or of labels (n_samples, n_labels)


@dataclass(frozen=True)
class Targets:
    """The target of each sequence, how much it counts, and the group it belongs to.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) of int, or (n_samples, n_labels) of float32
        Indices of classes, or multilabel indicators.
    weights : ndarray of shape (n_samples,) or (n_samples, n_labels) of float64
        How much each sample counts; of several labels perhaps each by itself.
    labels : Labels
        What the values stand for.
    groups : ndarray of shape (n_samples,) of int, or None
        The number of the group of each: no group is split where samples are held out.
    copies : ndarray of shape (n_samples,) of int, or None
        The number of the sequence of each, where several are equal; without groups, copies are held
        out together.
    """

    values: Encoded
    weights: Weights
    labels: Labels
    groups: NDArray[np.intp] | None = None
    copies: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def held_together(self) -> NDArray[np.intp] | None:
        """The group or the sequence of each: one is held out as a whole. None: each by itself."""
        return self.copies if self.groups is None else self.groups

    @property
    def n_outputs(self) -> int:
        """Classes, or labels of a multilabel y."""
        return len(self.labels)

    def subset(self, rows: NDArray[np.integer]) -> Self:
        """Return the targets of these rows."""
        names = "values", "weights", "groups", "copies"
        known = {name: getattr(self, name) for name in names}
        return replace(self, **{name: v[rows] for name, v in known.items() if v is not None})

    @property
    def sample_weights(self) -> Weights:
        """How much each sample counts, (n_samples,): the mean over its labels."""
        return self.weights if self.weights.ndim == 1 else np.asarray(self.weights.mean(axis=1))

    def has(self, outputs: int | list[int]) -> NDArray[np.bool_]:
        """Return which samples have a class or label, (n_samples,), or a list of them.

        With a list the shape is (n_samples, n_listed).
        """
        if self.labels.is_multilabel:
            return np.asarray(self.values[:, outputs] > 0)
        return np.asarray(np.equal.outer(self.values, outputs))

    def output_weights(self, outputs: int | list[int]) -> Weights:
        """Return how much each sample counts for a class or label, (n_samples,).

        With a list of labels that count differently, the shape is (n_samples, n_listed).
        """
        return self.weights if self.weights.ndim == 1 else self.weights[:, outputs]

    def indicators(self) -> NDArray[np.bool_]:
        """Return which classes or labels each sample has, (n_samples, n_outputs)."""
        return self.labels.indicators(self.values)

    def are_constant(self) -> NDArray[np.bool_]:
        """Return which classes or labels all samples have, or none, (n_outputs,)."""
        truth = self.indicators()
        return np.asarray(truth.all(axis=0) | ~truth.any(axis=0))

    def warn_of_constants(self) -> None:
        """Warn of labels that all samples have, or none, and of classes without a sample."""
        constant = self.are_constant()  # with a single class left, all are
        if constant.any() and (self.labels.is_multilabel or not constant.all()):
            names = reprlib.repr(self.labels.shown[constant].tolist())
            warn_user(f"Nothing is learned of what all samples that count have, or none: {names}.")

    def shares(self) -> NDArray[np.float64]:
        """Return how frequent each class or label is, (n_outputs,), by the weights."""
        weights = self.weights.reshape(len(self), -1)  # (n_samples, 1) or (n_samples, n_labels)
        counted = np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
        return np.asarray((weights * self.indicators()).sum(axis=0) / counted)


@dataclass(frozen=True)
class Samples:
    """Sequences and their targets."""

    sequences: Sequences
    targets: Targets

    def __len__(self) -> int:
        return len(self.targets)

    def counted(self) -> Self:
        """Return the samples whose weight is not 0."""
        counts = self.targets.sample_weights > 0
        return self if counts.all() else self.subset(np.flatnonzero(counts))

    def subset(self, rows: Rows) -> Self:
        """Return the samples of these rows."""
        return type(self)(self.sequences.subset(rows), self.targets.subset(rows))
