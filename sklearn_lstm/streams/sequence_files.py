"""Files that sequences and texts are written into, batch by batch, and read a few rows at once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_lstm.data.numbers import Numbers
from sklearn_lstm.data.sequences import FlatSequences, Lengths, Rows, Sequences, starts_of
from sklearn_lstm.data.spelling import Spelling
from sklearn_lstm.text.analysis import TokenBatch
from sklearn_lstm.text.counting import FIRST_UNKNOWN
from sklearn_lstm.text.vocabulary import UnknownTokens


class StepsFile:
    """Steps of sequences in a file, laid end to end. It grows part by part.

    Parameters
    ----------
    path : Path
    dtype : dtype
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.path, self.dtype = path, np.dtype(dtype)
        self._lengths: list[NDArray[np.int32]] = []

    def append(self, part: tuple[NDArray[np.number], Lengths]) -> None:
        """Add the steps of some sequences, and their lengths."""
        steps, lengths = part
        with self.path.open("ab") as file:
            steps.astype(self.dtype, copy=False).tofile(file)
        self._lengths.append(lengths.astype(np.int32))

    def __iter__(self) -> Iterator[TokenBatch]:
        """Read the tokens that were added, part by part."""
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
        self._numbers: list[Numbers] = []

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
        self._numbers.append(sequences.numbers)
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
        known |= {"time_channel": time_channel, "numbers": Numbers.joined(self._numbers)}
        return FlatSequences(values, self.lengths(), **known)


def _without_unknown(spelling: Spelling | None) -> Spelling | None:
    return spelling and replace(spelling, unknown_words=[])
