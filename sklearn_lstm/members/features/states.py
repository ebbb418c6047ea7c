"""In which state small machines are: what happened last, whether a door is open, whose turn it is.

A machine is a finite automaton: each symbol moves it from state to state. N-grams can't tell what
it tells, and a network finds it only with luck. With enough machines, a linear model of their
states can read every regular language (Kontorovich and Nadler 2009).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Rows, Sequences, chunks_of_rows
from sklearn_lstm.members.features.columns import ColumnFeatures
from sklearn_lstm.members.member import Contributions

MOST_STATES = 8
COUNTED = 7  # steps from both ends, at which a state is read
NOT_READ = 255  # in place of a state
STATES_AT_ONCE = 1 << 15  # of machines and sequences: they stay in the cache of the processor


@dataclass(frozen=True)
class Strings:
    """Sequences of symbols, the longest first, and where the states of machines are read.

    Parameters
    ----------
    symbols : ndarray of shape (n_steps, n_sequences)
        Padded behind the end.
    lengths : ndarray of shape (n_sequences,)
        In descending order.
    places : ndarray of shape (n_places, n_sequences)
        How many steps are made before a state is read, or -1: it is not read. That is at the end;
        before the last occurrence of each symbol; there, if it is the last step; 1 to `COUNTED`
        steps before the end, and as many after the start.
    """

    symbols: NDArray[np.int64]
    lengths: Lengths
    places: NDArray[np.int64]

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(self.symbols[:, rows], self.lengths[rows], self.places[:, rows])

    @classmethod
    def of(cls, symbols: NDArray[np.int64], lengths: Lengths, n_symbols: int) -> Self:
        """Lay symbols side by side; sequences come one after the other, the longest first."""
        n_sequences = len(lengths)
        rows = np.arange(n_sequences).repeat(lengths)
        steps = np.arange(len(symbols)) - (np.cumsum(lengths) - lengths)[rows]
        padded = np.zeros((lengths[0], n_sequences), np.int64)
        padded[steps, rows] = symbols
        last = np.full((n_symbols, n_sequences), -1)
        np.maximum.at(last, (symbols, rows), steps)
        counted = np.arange(1, COUNTED + 1)[:, np.newaxis]
        before_end = np.maximum(lengths - counted, -1)
        after_start = np.where(counted <= lengths, counted, -1)
        is_end = last == lengths - 1
        places = lengths[np.newaxis], last, np.where(is_end, last, -1), before_end, after_start
        return cls(padded, lengths, np.concatenate(places))

    def states(self, tables: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the states of machines at places (n_places, n_sequences, n_machines).

        Parameters
        ----------
        tables : ndarray of shape (n_machines, n_symbols, MOST_STATES)
            The state that follows each state. Machines begin in state 0.
        places : ndarray of shape (n_places, n_sequences)
            Like those of `Strings`.
        """
        n_steps, n_sequences = self.symbols.shape
        n_machines, n_symbols, _ = tables.shape
        order = np.argsort(places.ravel(), kind="stable")
        stops = np.searchsorted(places.ravel()[order], np.arange(n_steps + 2))
        order, stops = order[stops[0] :], stops - stops[0]
        rows = order % n_sequences
        n_longer = np.searchsorted(-self.lengths, -np.arange(n_steps))  # than each step
        moves = self.symbols[:, :, np.newaxis] * MOST_STATES
        found = np.full((places.size, n_machines), NOT_READ, np.uint8)
        at_once = max(1, STATES_AT_ONCE // n_sequences)
        for start in range(0, n_machines, at_once):
            part = tables[start : start + at_once].astype(np.int64)
            # States are numbered through all machines, so that one table moves all.
            first = np.arange(len(part)) * (n_symbols * MOST_STATES)
            table = (part + first[:, np.newaxis, np.newaxis]).ravel()
            states = np.tile(first, (n_sequences, 1))
            moved, read = np.empty_like(states), np.empty((len(rows), len(part)), np.uint8)
            for step in range(n_steps + 1):
                here = slice(stops[step], stops[step + 1])
                read[here] = states[rows[here]]  # the last byte
                if step < n_steps:
                    n_moved = n_longer[step]
                    np.add(states[:n_moved], moves[step, :n_moved], out=moved[:n_moved])
                    table.take(moved[:n_moved], out=states[:n_moved], mode="clip")
            found[order, start : start + at_once] = read % MOST_STATES
        return found.reshape(*places.shape, n_machines)


@dataclass(frozen=True)
class StateFeatures(ColumnFeatures):
    """Whether machines are in certain states, at certain places of a sequence.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        That machines know, in ascending order. Each is a symbol; all others are one more.
    tokens : tuple of str
        What the ids stand for.
    tables : ndarray of shape (n_machines, n_ids + 1, MOST_STATES)
        The state into which each symbol moves each state.
    machines, places, states : ndarray of shape (n_features,)
        Of each feature: its machine, the number of its place, and the state there.
    mean
        Of `ColumnFeatures`.
    """

    explained: ClassVar[Literal["steps", "columns", "whole"]] = "steps"
    ids: Annotated[NDArray[np.int64], "n_ids"]
    tokens: Annotated[tuple[str, ...], "n_ids"]
    tables: Annotated[NDArray[np.uint8], "n_machines n_symbols n_states of n_states"]
    machines: Annotated[NDArray[np.int64], "n_features of n_machines"]
    places: Annotated[NDArray[np.int64], "n_features of n_places"]
    states: Annotated[NDArray[np.uint8], "n_features of n_states"]

    @property
    def n_features(self) -> int:
        """The number of features."""
        return len(self.states)

    @property
    def n_symbols(self) -> int:
        """The number of symbols."""
        return len(self.ids) + 1

    @property
    def n_states(self) -> int:
        """The number of states that a machine may have."""
        return MOST_STATES

    @property
    def n_places(self) -> int:
        """The number of places of `Strings`."""
        return 1 + 2 * self.n_symbols + 2 * COUNTED

    @classmethod
    def knowing(cls, sequences: Sequences, most: int, share: float) -> list[Self]:
        """Return features that know the most frequent ids, but no machine yet.

        None if these ids are less than a share of all steps, as in texts of words.
        """
        ids, counts = sequences.distinct_ids(), sequences.count_tokens()
        counts = counts[len(counts) - len(ids) :]
        known = np.sort(np.argsort(-counts, kind="stable")[:most])
        if counts[known].sum() < share * counts.sum():
            return []
        spelling = sequences.spelling
        tokens = {} if spelling is None else spelling.tokens(ids[known].tolist())
        names = tuple(str(tokens.get(id_, id_)) for id_ in ids[known].tolist())
        return [cls(ids[known].astype(np.int64), names, **_arrays_of([], len(known) + 1))]

    def with_indicators(self, found: list[tuple[NDArray[np.uint8], int, int]]) -> Self:
        """Return the features of a table, a place and a state each."""
        return replace(self, **_arrays_of(found, self.n_symbols))

    def symbols(self, ids: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the symbol of each id."""
        symbols = np.searchsorted(self.ids, ids)
        return np.where(self.ids.take(symbols, mode="clip") == ids, symbols, len(self.ids))

    def strings(self, sequences: Sequences) -> Iterator[tuple[Rows, Strings]]:
        """Yield rows, the longest first, and their symbols, block by block."""
        order = np.argsort(-sequences.lengths, kind="stable")
        for chunk in chunks_of_rows(sequences.lengths[order]):
            rows = order[chunk]
            symbols = self.symbols(sequences.read(rows))
            yield rows, Strings.of(symbols, sequences.lengths[rows], self.n_symbols)

    def vectors(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return 1 for each feature that a sequence has, else 0, (n_samples, n_features)."""
        vectors = np.empty((len(sequences), self.n_features), np.float32)
        read, place = np.unique(self.places, return_inverse=True)
        for rows, strings in self.strings(sequences):
            found = strings.states(self.tables, strings.places[read])
            vectors[rows] = (found[place, :, self.machines] == self.states[:, np.newaxis]).T
        return vectors

    def contributions(
        self, sequences: Sequences, coef: NDArray[Any], directions: NDArray[np.float64]
    ) -> Contributions:
        """Return what each step adds.

        A state belongs to the occurrence of the symbol before which it is read, else to the step
        that entered it. What is true before any step belongs to the rest.
        """
        scores, starts = coef @ directions, np.cumsum(sequences.lengths) - sequences.lengths
        added = np.zeros((sequences.lengths.sum(), directions.shape[1]))
        base = np.tile(-self.mean @ scores, (len(sequences), 1))
        is_occurrence = (self.places > 0) & (self.places <= 2 * self.n_symbols)
        for rows, strings in self.strings(sequences):
            steps = np.arange(len(strings.symbols) + 1)
            after = np.repeat(steps[:, np.newaxis], len(rows), axis=1)  # each number of steps
            found = strings.states(self.tables, np.where(after <= strings.lengths, after, -1))
            for machine in range(len(self.tables)):
                states = found[:, :, machine]
                is_entry = states[1:] != states[:-1]
                entries = np.where(is_entry, steps[1:, np.newaxis], 0)
                entered = np.maximum.accumulate(np.vstack([0 * after[:1], entries]))
                for feature in np.flatnonzero(self.machines == machine):
                    place = strings.places[self.places[feature]]
                    at = np.maximum(place, 0), np.arange(len(rows))
                    has = (place >= 0) & (states[at] == self.states[feature])
                    step = place if is_occurrence[feature] else entered[at] - 1
                    of_step, of_rest = rows[has & (step >= 0)], rows[has & (step < 0)]
                    added[starts[of_step] + step[has & (step >= 0)]] += scores[feature]
                    base[of_rest] += scores[feature]
        return added, base

    def describe(self) -> str:
        """Return what the features are."""
        return f"states of {len(self.tables)} machines"


def _arrays_of(
    found: list[tuple[NDArray[np.uint8], int, int]], n_symbols: int
) -> dict[str, NDArray[Any]]:
    """Return the fields of features: each machine once."""
    tables = np.array([table for table, *_ in found], np.uint8)
    tables, machines = np.unique(
        tables.reshape(-1, n_symbols, MOST_STATES), axis=0, return_inverse=True
    )
    return {
        "tables": tables,
        "machines": machines.ravel(),
        "places": np.array([place for _, place, _ in found], np.int64),
        "states": np.array([state for *_, state in found], np.uint8),
    }
