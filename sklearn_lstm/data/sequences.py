"""Sequences of unequal length, read a few rows at a time from the X that holds them."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.numbers import NO_NUMBERS, Numbers
from sklearn_lstm.text.id_matrix import fill_empty
from sklearn_lstm.text.spelling import NO_TEXTS, Spelling
from sklearn_lstm.text.vocabulary import FIRST_UNKNOWN, PADDING_ID, UNKNOWN

Rows: TypeAlias = NDArray[np.integer]  # indices of sequences
Lengths: TypeAlias = NDArray[np.integer]  # steps of each sequence
Steps: TypeAlias = NDArray[Any]  # ids (n_steps,), or measurements (n_steps, n_channels)
Number = TypeVar("Number", bound=np.number)

NO_ID = -1  # in place of an id: a step whose token is unknown
ROWS_AT_ONCE = 1 << 8  # sequences that are predicted together
MOST_STEPS_PER_BATCH = 1 << 13
SHARE_OF_ONE_LENGTH = 0.95  # of sequences, at least, whose positions may mean the same in each
VALUES_PER_CHUNK = 1 << 17  # read at once, so that memory stays constant


@dataclass(eq=False, repr=False)
class Sequences(ABC):
    """Sequences of unequal length. Nothing is copied or padded before its batch is needed.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
        Steps of each sequence, at least 1.
    n_channels : int or None
        Measurements per step; None for token ids.
    spelling : Spelling or None
        The words that ids stand for, if they are known.
    has_missing : ndarray of bool of shape (n_channels,)
        Which channels have missing values (NaN) in any series of X. Those of which nothing is known
        do not count: they have one step, without a value. Token ids have no channels.
    time_channel : int or None
        The channel that holds the time of each step.
    as_written : ndarray of shape (n_samples,) or None
        The texts of X as they were written; None in place of one that is not known.
    numbers : Numbers
        The columns beside the sequences.
    """

    lengths: Lengths
    n_channels: int | None
    spelling: Spelling | None = None
    has_missing: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    time_channel: int | None = None
    as_written: NDArray[np.object_] | None = None
    numbers: Numbers = NO_NUMBERS

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def vocabulary(self) -> Mapping[Hashable, int] | None:
        """The id of each token, if that is known."""
        return None if self.spelling is None else self.spelling.vocabulary

    @abstractmethod
    def read_spellings(self, rows: Rows) -> Steps:
        """Return the steps of rows laid end to end, in an array of their own.

        They are (n_steps, n_channels), or ids (n_steps,), and -2 - k for the k-th unknown word of
        `spelling`.
        """

    def read(self, rows: Rows) -> Steps:
        """Return the steps of rows laid end to end: (n_steps,) ids or (n_steps, n_channels)."""
        steps = self.read_spellings(rows)
        if self.n_channels is None:
            steps[steps <= FIRST_UNKNOWN] = UNKNOWN
        return steps

    def texts(self, rows: Rows) -> list[str]:
        """Return the texts of rows: as they were written, else their tokens, joined.

        Raises
        ------
        ValueError
            If it is not known which words the ids stand for.
        """
        texts = self.written(rows)
        others = rows[[text is None for text in texts]]
        if not len(others):
            return texts  # type: ignore[return-value]
        if self.spelling is None:
            raise ValueError(NO_TEXTS)
        joined = iter(self.spelling.joined(self.read_spellings(others), self.lengths[others]))
        return [next(joined) if text is None else text for text in texts]

    def written(self, rows: Rows) -> list[str | None]:
        """Return the texts of rows as they were written, None where that is not known."""
        return [None] * len(rows) if self.as_written is None else list(self.as_written[rows])

    def original_rows(self, rows: Rows) -> Rows:
        """Return which rows of X these rows are."""
        return rows

    def subset(self, rows: Rows) -> "Sequences":
        """Return the sequences of these rows."""
        return SelectedRows(self, rows)

    def chunks(self) -> Iterator[tuple[Steps, Lengths]]:
        """Yield all steps in order, about VALUES_PER_CHUNK values at a time, and their lengths."""
        for rows in self.chunks_of_rows():
            yield self.read(rows), self.lengths[rows]

    def chunks_of_rows(self) -> Iterator[Rows]:
        """Split the rows into runs of about VALUES_PER_CHUNK values."""
        return chunks_of_rows(self.lengths * (self.n_channels or 1))

    def marks(self) -> NDArray[np.int64]:
        """Return a number for each row, which is the same for rows with the same steps."""
        marks = np.empty(len(self), np.int64)
        for rows in self.chunks_of_rows():
            parts = np.split(self.read_spellings(rows), np.cumsum(self.lengths[rows])[:-1])
            marks[rows] = [hash(part.tobytes()) for part in parts]
        return marks

    def distinct_ids(self) -> Steps:
        """Return each id once, in ascending order."""
        found: list[Steps] = []
        for ids, _ in self.chunks():
            found.append(np.unique(ids))
            # All that was found is sorted again only where it has doubled: ids may be millions.
            if sum(map(len, found)) > 2 * len(found[0]) + VALUES_PER_CHUNK:
                found = [np.unique(np.concatenate(found))]
        return np.unique(np.concatenate(found))

    def count_tokens(self) -> NDArray[np.float64]:
        """Return how often each token occurs, each unknown word by itself if they are spelled."""
        n_unknown = len(self.spelling.unknown_words) if self.spelling else 0
        unknown = np.arange(FIRST_UNKNOWN - n_unknown, FIRST_UNKNOWN) + 1
        tokens = np.concatenate([unknown, self.distinct_ids()])
        counts = np.zeros(len(tokens))
        for rows in self.chunks_of_rows():
            places = np.searchsorted(tokens, self.read_spellings(rows))
            counts += np.bincount(places, minlength=len(tokens))
        return counts


class SelectedRows(Sequences):
    """Rows of other sequences.

    Parameters
    ----------
    source : Sequences
    rows : ndarray of shape (n_samples,)
    """

    def __init__(self, source: Sequences, rows: Rows) -> None:
        known = {one.name: getattr(source, one.name) for one in fields(Sequences)}
        known["numbers"] = source.numbers and source.numbers[rows]
        super().__init__(**known | {"lengths": source.lengths[rows]})
        self.source, self.rows = source, rows

    def read_spellings(self, rows: Rows) -> Steps:
        """Return the steps of rows laid end to end."""
        return self.source.read_spellings(self.rows[rows])

    def original_rows(self, rows: Rows) -> Rows:
        """Return which rows of X these rows are."""
        return self.source.original_rows(self.rows[rows])

    def written(self, rows: Rows) -> list[str | None]:
        """Return the texts of rows as they were written, None where that is not known."""
        return self.source.written(self.rows[rows])


class FlatSequences(Sequences):
    """Steps laid end to end, in memory or in a file; a row without an id is an unknown token.

    Parameters
    ----------
    values : ndarray of shape (n_entries,) or (n_entries, n_channels)
        An id, or -2 - k for the k-th unknown word of the spelling; or measurements.
    n_entries : ndarray of shape (n_samples,)
        Of each row.
    **known
        Of `Sequences`.
    """

    def __init__(self, values: Steps, n_entries: Lengths, **known: Any) -> None:
        n_channels = None if values.ndim == 1 else values.shape[1]
        super().__init__(np.maximum(n_entries, 1), n_channels, **known)
        self.values, self.n_entries, self.starts = values, n_entries, starts_of(n_entries)
        self.has_empty = not n_entries.all()

    def read_spellings(self, rows: Rows) -> Steps:
        """Return the steps of rows laid end to end."""
        steps = gather(self.values, self.starts[rows], self.n_entries[rows])
        if not self.has_empty:
            return steps
        return fill_empty(steps.astype(np.int64), self.n_entries[rows], NO_ID)[0]


class ArraySequences(Sequences):
    """Views of arrays: of series the first steps, of a row of ids all but 0, which is padding.

    Parameters
    ----------
    arrays : ndarray or list of length n_samples
        Measurements (n_timesteps, n_channels) of each series; or a table of ids, perhaps in floats.
    lengths, n_channels, **known
        Of `Sequences`.
    """

    def __init__(self, arrays: Any, lengths: Lengths, n_channels: int | None, **known: Any) -> None:
        super().__init__(lengths, n_channels, **known)
        self.arrays = arrays

    def read_spellings(self, rows: Rows) -> Steps:
        """Return the steps of rows laid end to end."""
        if self.n_channels is None:
            ids = self.arrays[rows].astype(np.int64, copy=False)
            ids[~ids.any(axis=1), 0] = NO_ID
            return np.asarray(ids[ids != PADDING_ID])
        places = zip(rows.tolist(), self.lengths[rows].tolist(), strict=True)
        return np.concatenate([self.arrays[row][:length] for row, length in places])


def gather(values: Steps, starts: Lengths, lengths: Lengths) -> Steps:
    """Lay the values of some rows end to end: those from `starts` on, as many as `lengths`."""
    shift = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.asarray(values[shift + np.arange(len(shift))])


def pad(steps: NDArray[Number], lengths: Lengths) -> NDArray[Number]:
    """Lay sequences side by side: (n_steps, ...) -> (B, T, ...), padded with 0."""
    padded = np.zeros((len(lengths), lengths.max(), *steps.shape[1:]), steps.dtype)
    padded[np.arange(lengths.max()) < lengths[:, np.newaxis]] = steps
    return padded


def starts_of(lengths: Lengths) -> Lengths:
    """Return where each sequence starts, if they are laid end to end."""
    ends = np.cumsum(lengths, dtype=np.int64)
    ends -= lengths
    return ends.astype(integer_type(int(ends[-1])), copy=False)


def row_numbers(n_rows: int) -> Rows:
    """Return 0, 1, ..., n_rows - 1, in 4 bytes each if these suffice: they may be many."""
    return np.arange(n_rows, dtype=integer_type(n_rows))


def common_length(lengths: Lengths) -> int:
    """Return the length that nearly all of some sequences have; 0: there is none, or it is 1."""
    middle = int(np.median(lengths))
    return middle if middle > 1 and np.mean(lengths == middle) >= SHARE_OF_ONE_LENGTH else 0


def integer_type(largest: int) -> type[np.signedinteger]:
    """Return the type of 4 bytes, or of 8 if `largest` needs them."""
    return np.int32 if largest < 1 << 31 else np.int64


def chunks_of_rows(sizes: Lengths) -> Iterator[Rows]:
    """Split rows of these sizes into runs of about VALUES_PER_CHUNK values."""
    total = np.cumsum(sizes, dtype=np.int64)
    most = total[-1] if len(total) else 0
    starts = total.searchsorted(np.arange(VALUES_PER_CHUNK, most + 1, VALUES_PER_CHUNK))
    borders = dict.fromkeys([0, *starts.tolist()])
    return (np.arange(start, stop) for start, stop in pairwise([*borders, len(sizes)]))


def rows_of_similar_length(
    lengths: Lengths, most_steps: int = MOST_STEPS_PER_BATCH, most_rows: int = ROWS_AT_ONCE
) -> Iterator[Rows]:
    """Group rows, in the order of their length, so that a group has at most so many padded steps.

    A longer sequence is a group of its own.
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        ascending = lengths[order[start : start + most_rows]]
        padded_steps = np.arange(1, len(ascending) + 1) * ascending
        size = max(1, int(np.searchsorted(padded_steps, most_steps, side="right")))
        yield order[start : start + size]
        start += size
