"""What the batches of a stream leave: files of sequences and texts, and numbers of labels."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_lstm.data.containers import column_names
from sklearn_lstm.data.numbers import NumberBatches
from sklearn_lstm.data.sequences import FlatSequences, Lengths, Rows, Sequences, starts_of
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.targets.label_reading import read_labels
from sklearn_lstm.targets.labels import Encoded, Labels
from sklearn_lstm.targets.targets import Weights
from sklearn_lstm.targets.weights_and_groups import read_sample_weight
from sklearn_lstm.text.analysis import TokenBatch
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN, UnknownTokens


class StepsFile:
    """Steps of sequences in a file, laid end to end. It grows batch by batch.

    Parameters
    ----------
    path : Path
    dtype : dtype
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.path, self.dtype = path, np.dtype(dtype)
        self._lengths: list[NDArray[np.int32]] = []

    def append(self, batch: tuple[NDArray[np.number], Lengths]) -> None:
        """Add the steps of some sequences, and their lengths."""
        steps, lengths = batch
        with self.path.open("ab") as file:
            steps.astype(self.dtype, copy=False).tofile(file)
        self._lengths.append(lengths.astype(np.int32))

    def __iter__(self) -> Iterator[TokenBatch]:
        """Read the tokens that were added, batch by batch."""
        with self.path.open("rb") as file:
            for lengths in self._lengths:
                yield np.fromfile(file, self.dtype, lengths.sum()), lengths.astype(np.int64)

    def lengths(self) -> Lengths:
        """Return the steps of each sequence."""
        return np.concatenate(self._lengths)

    def values(self) -> NDArray[np.number]:
        """Return all values, as an array that is read from the file where it is used."""
        return np.asarray(np.memmap(self.path, self.dtype, "r"))


class TextsFile(StepsFile):
    """A file of texts in UTF-8, each behind a byte that says whether it is one or None.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, np.uint8)

    def add(self, texts: Sequence[str | None]) -> None:
        """Add texts, and None for those that are not known."""
        coded = [
            b"-" if text is None else b"+" + text.encode("utf-8", "surrogatepass") for text in texts
        ]
        lengths = np.fromiter(map(len, coded), np.int64, len(coded))
        self.append((np.frombuffer(b"".join(coded), np.uint8), lengths))

    @cached_property
    def _places(self) -> tuple[NDArray[Any], Lengths, Lengths]:
        return self.values(), starts_of(self.lengths()), self.lengths()

    def __getitem__(self, rows: Rows) -> Iterator[str | None]:
        """Read the texts of rows."""
        values, starts, lengths = self._places
        for start, length in zip(starts[rows], lengths[rows], strict=True):
            coded = values[start : start + length].tobytes()
            yield coded[1:].decode("utf-8", "surrogatepass") if coded[:1] == b"+" else None


class SequencesFile(StepsFile):
    """A file that sequences like the first ones are written into.

    Parameters
    ----------
    path : Path
    first : Sequences
    texts : TextsFile or None
        The texts are written into it, if they are needed.
    """

    def __init__(self, path: Path, first: Sequences, texts: TextsFile | None) -> None:
        (steps, _), are_ids = next(first.chunks()), first.n_channels is None
        super().__init__(path, np.int32 if are_ids else np.result_type(steps, np.float32))
        self._spelling, self._unknown = _without_unknown(first.spelling), UnknownTokens()
        self._texts, self._has_missing = texts, first.has_missing
        self._numbers = NumberBatches()

    def add(self, sequences: Sequences) -> None:
        """Add sequences that were read from a batch.

        Raises
        ------
        ValueError
            If their ids stand for other words than those before, or the type of the file can't hold
            their values.
        """
        if _without_unknown(sequences.spelling) != self._spelling:
            raise ValueError(
                "The ids of X stand for other tokens than those of the first batch, or only one of "
                "the two batches says which tokens its ids stand for. Transform the texts of all "
                "batches with the same fitted TextSequenceVectorizer, or pass fit_batches a "
                "Pipeline and the texts."
            )
        words = sequences.spelling.unknown_words if sequences.spelling else []
        numbers = np.array([self._unknown[word] for word in words], np.int32)
        self._has_missing = self._has_missing | sequences.has_missing
        self._numbers.add(sequences.numbers)
        for rows in sequences.chunks_of_rows():
            steps = sequences.read_spellings(rows)
            if sequences.n_channels is None:
                steps = steps.astype(np.int32)  # a small type may hold none that is negative
                is_unknown = steps <= FIRST_UNKNOWN
                steps[is_unknown] = numbers[FIRST_UNKNOWN - steps[is_unknown]]
            elif not np.can_cast(steps.dtype, self.dtype):
                raise ValueError(
                    f"X holds {steps.dtype}, but the first batch holds {self.dtype}, which "
                    "can't represent all of these numbers. Convert all batches to one type, such "
                    "as with X.astype(np.float64)."
                )
            self.append((steps, sequences.lengths[rows]))
            if self._texts is not None:
                self._texts.add(sequences.written(rows))

    def stored(self, time_channel: int | None) -> FlatSequences:
        """Return what was written."""
        values = self.values()
        if len(self._has_missing):
            values = values.reshape(-1, len(self._has_missing))
        spelling = self._spelling and replace(self._spelling, unknown_words=list(self._unknown))
        known: dict[str, Any] = {
            "spelling": spelling,
            "has_missing": self._has_missing,
            "as_written": self._texts,
        }
        known |= {"time_channel": time_channel, "numbers": self._numbers.joined()}
        return FlatSequences(values, self.lengths(), **known)


def _without_unknown(spelling: Spelling | None) -> Spelling | None:
    return spelling and replace(spelling, unknown_words=[])


class LabelBatches:
    """The labels and weights of all batches so far; of each label only its number is kept."""

    def __init__(self) -> None:
        self.n_samples = 0
        self._first: str | None = None  # what the labels of the first batch are
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
            For what is no y or `sample_weight` of so many samples, and for labels of another type
            than those before, or weights where the batches before had none.
        """
        names, y = column_names(y), read_labels(y)
        if len(y) != n_samples:
            raise ValueError(f"X holds {n_samples} sequences, but y holds {len(y)} labels.")
        weights = read_sample_weight(sample_weight, n_samples)
        found, has_weights = _describe(y, names), sample_weight is not None
        if self._values and found != self._first:
            raise ValueError(
                f"y holds {found}, but the y of the first batch holds {self._first}. The labels of "
                "all batches have to be of one kind."
            )
        if self._values and has_weights != bool(self._weights):
            raise ValueError(
                "sample_weight has to come with each batch or with none: this batch has "
                f"{'one' if has_weights else 'none'}, unlike the first."
            )
        self._first, self._names = found, names
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


def _describe(y: NDArray[np.generic], names: tuple[str, ...]) -> str:
    """Return what labels are; those that differ in this can't be sorted."""
    if y.ndim == 2:
        return f"{y.shape[1]} labels each" + f", {[*names]}" * bool(names)
    types = dict.fromkeys("biuf", "numbers") | dict.fromkeys("UO", "strings")
    return types.get(y.dtype.kind, f"labels of the type {type(y[0]).__name__}")
