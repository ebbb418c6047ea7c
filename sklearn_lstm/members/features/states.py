"""In which states small machines are: what happened last, whether a door is open, whose turn it is.

A machine is a finite automaton: each symbol moves it from state to state. N-grams can't tell what
it tells, and a network learns it only with luck. With enough random machines, a linear model of
their states can read every regular language (Kontorovich and Nadler 2009).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Rows, Sequences, chunks_of_rows
from sklearn_lstm.members.features.automata import MOST_STATES
from sklearn_lstm.members.member import Array, ColumnFeatures, Contributions

COUNTED = 7  # places before the end, and after the start
NOT_READ = 255  # in place of a state
STATES_AT_ONCE = 1 << 15  # of machines and sequences: they stay in the cache of the processor
MOST_NAMED = 3  # features, or symbols of one, that are told


class Strings(NamedTuple):
    """Sequences of symbols side by side, the longest first, and where states are read.

    Parameters
    ----------
    symbols : ndarray of shape (n_steps, n_sequences)
        Padded behind the end.
    lengths : ndarray of shape (n_sequences,)
        In descending order.
    places : ndarray of shape (n_places, n_sequences)
        How many steps a machine has made when its state is read, or -1: it is not read. It is read
        at the end; before the last occurrence of each symbol; before the last step, if that is a
        certain symbol; 1 to `COUNTED` steps before the end, and as many after the start.
    """

    symbols: NDArray[np.int64]
    lengths: Lengths
    places: NDArray[np.int64]

    @classmethod
    def of(cls, symbols: NDArray[np.int64], lengths: Lengths, n_symbols: int) -> Self:
        """Put sequences side by side, which are laid end to end, the longest first."""
        rows = np.arange(len(lengths)).repeat(lengths)
        steps = np.arange(len(symbols)) - (np.cumsum(lengths) - lengths)[rows]
        padded = np.zeros((lengths[0], len(lengths)), np.int64)
        padded[steps, rows] = symbols
        last = np.full((n_symbols, len(lengths)), -1)
        np.maximum.at(last, (symbols, rows), steps)
        is_end, counted = last == lengths - 1, np.arange(1, COUNTED + 1)[:, np.newaxis]
        before_end = np.maximum(lengths - counted, -1)
        after_start = np.where(counted <= lengths, counted, -1)
        places = lengths[np.newaxis], last, np.where(is_end, last, -1), before_end, after_start
        return cls(padded, lengths, np.concatenate(places))

    def every(self, n: int) -> Self:
        """Return every n-th sequence."""
        return type(self)(self.symbols[:, ::n], self.lengths[::n], self.places[:, ::n])

    def states(self, tables: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the states of machines at places (n_places, n_sequences, n_machines).

        Parameters
        ----------
        tables : ndarray of shape (n_machines, n_symbols, MOST_STATES)
            The state that follows each state. Machines begin in state 0.
        places : ndarray of shape (n_places, n_sequences)
            Like those of `Strings`.
        """
        (n_steps, n_sequences), (n_machines, n_symbols, _) = self.symbols.shape, tables.shape
        order = np.argsort(places.ravel(), kind="stable")
        stops = np.searchsorted(places.ravel()[order], np.arange(n_steps + 2))
        order, stops = order[stops[0] :], stops - stops[0]
        rows, read = order % n_sequences, np.full((places.size, n_machines), NOT_READ, np.uint8)
        n_longer = np.searchsorted(-self.lengths, -np.arange(n_steps))  # than each step
        moves = self.symbols[:, :, np.newaxis] * MOST_STATES
        at_once = max(1, STATES_AT_ONCE // n_sequences)
        for start in range(0, n_machines, at_once):
            part = tables[start : start + at_once].astype(np.int64)
            # States are numbered through all machines, so that one table moves all.
            first = np.arange(len(part)) * (n_symbols * MOST_STATES)
            table, states = (part.T + first).T.ravel(), np.tile(first, (n_sequences, 1))
            moved, found = np.empty_like(states), np.empty((len(rows), len(part)), np.uint8)
            for step in range(n_steps + 1):
                here = slice(stops[step], stops[step + 1])
                found[here] = states[rows[here]] % MOST_STATES
                if step < n_steps:
                    longer = slice(n_longer[step])
                    np.add(states[longer], moves[step, longer], out=moved[longer])
                    table.take(moved[longer], out=states[longer], mode="clip")
            read[order, start : start + at_once] = found
        return read.reshape(*places.shape, n_machines)


@dataclass(frozen=True)
class StateFeatures(ColumnFeatures):
    """Whether machines are in certain states, at certain places of a sequence.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,)
        In ascending order. Each is a symbol; all other ids are one more.
    tokens : tuple of str
        What the ids stand for.
    tables : ndarray of shape (n_machines, n_ids + 1, MOST_STATES)
        The state into which each symbol moves each state.
    machines, places, states : ndarray of shape (n_features,)
        Of each feature: the machine, the place of `Strings`, and the state.
    mean
        Of `ColumnFeatures`.
    """

    explained = "steps at places"
    ids: Annotated[NDArray[np.int64], "n_ids"]
    tokens: Annotated[tuple[str, ...], "n_ids"]
    tables: Annotated[NDArray[np.uint8], "n_machines n_symbols n_states of n_states"]
    machines: Annotated[NDArray[np.int64], "n_features of n_machines"]
    places: Annotated[NDArray[np.int64], "n_features of n_places"]
    states: Annotated[NDArray[np.uint8], "n_features of n_states"]
    n_states = MOST_STATES

    @classmethod
    def of(
        cls, ids: Array, tokens: Sequence[str], tables: Array, places: Array, states: Array
    ) -> Self:
        """Return features of a table, a place and a state each; equal tables are one machine."""
        tables, machines = np.unique(tables.astype(np.uint8), axis=0, return_inverse=True)
        return cls(ids, tuple(tokens), tables, machines.ravel(), places, states.astype(np.uint8))

    @property
    def n_features(self) -> int:
        """The number of features."""
        return len(self.states)

    @property
    def n_symbols(self) -> int:
        """The number of symbols."""
        return len(self.ids) + 1

    @property
    def n_places(self) -> int:
        """The number of places of `Strings`."""
        return 1 + 2 * self.n_symbols + 2 * COUNTED

    def symbols(self, ids: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the symbol of each id."""
        symbols = np.searchsorted(self.ids, ids)
        return np.where(self.ids.take(symbols, mode="clip") == ids, symbols, len(self.ids))

    def read(self, strings: Strings) -> NDArray[np.bool_]:
        """Return which features strings have (n_features, n_sequences)."""
        places, place = np.unique(self.places, return_inverse=True)
        states = strings.states(self.tables, strings.places[places])
        return np.asarray(states[place, :, self.machines] == self.states[:, np.newaxis])

    def vectors(self, sequences: Sequences) -> NDArray[np.float32]:
        """Return 1 for each feature that a sequence has, else 0, (n_samples, n_features)."""
        vectors = np.empty((len(sequences), self.n_features), np.float32)
        for rows, strings in self._strings(sequences):
            vectors[rows] = self.read(strings).T
        return vectors

    def _strings(self, sequences: Sequences) -> Iterator[tuple[Rows, Strings]]:
        """Yield rows, and their symbols side by side."""
        order = np.argsort(-sequences.lengths, kind="stable")
        for chunk in chunks_of_rows(sequences.lengths[order]):
            rows = order[chunk]
            symbols = self.symbols(sequences.read(rows))
            yield rows, Strings.of(symbols, sequences.lengths[rows], self.n_symbols)

    def contributions(self, sequences: Sequences, coef: Array, directions: Array) -> Contributions:
        """Return what each step adds. What is true before any step belongs to the rest."""
        scores, starts = coef @ directions, np.cumsum(sequences.lengths) - sequences.lengths
        added = np.zeros((sequences.lengths.sum(), directions.shape[1]))
        base = np.tile(-self.mean @ scores, (len(sequences), 1))
        rows, steps, features = self.entries(sequences)
        is_step = steps >= 0
        np.add.at(added, (starts[rows] + steps)[is_step], scores[features[is_step]])
        np.add.at(base, rows[~is_step], scores[features[~is_step]])
        return added, base

    def entries(self, sequences: Sequences) -> tuple[Rows, Rows, Rows]:
        """Return row, step and feature of all that is true of sequences.

        A state belongs to the step before which it is read, if that is the occurrence of a symbol,
        else to the step that entered it. The step is -1 for what is true before any step.
        """
        parts = []
        is_occurrence = (self.places > 0) & (self.places <= 2 * self.n_symbols)
        for rows, strings in self._strings(sequences):
            made = np.arange(len(strings.symbols) + 1)[:, np.newaxis]  # steps
            found = strings.states(self.tables, np.where(made <= strings.lengths, made, -1))
            for feature, machine in enumerate(self.machines):
                states, place = found[:, :, machine], strings.places[self.places[feature]]
                is_entry = np.vstack([0 * states[:1], states[1:] != states[:-1]])
                entered = np.maximum.accumulate(made * is_entry) - 1
                at = np.maximum(place, 0), np.arange(len(rows))
                has = (place >= 0) & (states[at] == self.states[feature])
                step = place if is_occurrence[feature] else entered[at]
                parts.append((rows[has], step[has], np.full(has.sum(), feature)))
        rows, steps, features = map(np.concatenate, zip(*parts, strict=True))
        return rows, steps, features

    @property
    def names(self) -> list[str]:
        """What each feature says, in words."""
        tokens = [*map(repr, self.tokens), "another one"]
        counted = range(1, COUNTED + 1)
        where = [
            "",
            *(f"at the last {token}: " for token in tokens),
            *(f"if {token} is last: " for token in tokens),
            *(f"{number} before the end: " for number in counted),
            *(f"{number} after the start: " for number in counted),
        ]
        columns = self.machines.tolist(), self.places.tolist(), self.states.tolist()
        return [
            where[place] + said_of(self.tables[machine], state, tokens)
            for machine, place, state in zip(*columns, strict=True)
        ]

    def describe(self) -> str:
        """Return what the features are."""
        plural = "s" * (self.n_features != 1)
        return f"state{plural} of machines: {listed(self.names, '; ')}"


def listed(names: Sequence[str], separator: str = ", ") -> str:
    """Return the first names."""
    return separator.join([*names[:MOST_NAMED], *["..."] * (len(names) > MOST_NAMED)])


def said_of(table: NDArray[np.uint8], state: int, tokens: Sequence[str]) -> str:
    """Return what a state says of the symbols that came before.

    Parameters
    ----------
    table : ndarray of shape (n_symbols, MOST_STATES)
        The state that follows each state.
    state : int
    tokens : sequence of str
        The names of symbols.
    """
    reached = [0]
    for one in reached:  # it grows
        reached += sorted({*table[:, one].tolist()} - {*reached})
    moves = {token: row[reached].tolist() for token, row in zip(tokens, table, strict=True)}
    moves = {token: row for token, row in moves.items() if row != reached}
    turn = next(iter(moves.values()), reached)
    if turn == [*reached[1:], 0] and all(row == turn for row in moves.values()):  # all count
        number, size = reached.index(state), len(reached)
        symbols = listed([*moves])
        if size == 2:
            return f"an {'odd' if number else 'even'} number of {symbols}"
        return f"the number of {symbols} modulo {size} is {number}"
    enter, leave = list[str](), list[str]()
    for token, row in moves.items():
        pairs = [*zip(reached, row, strict=True)]
        if any(before != state == after for before, after in pairs):
            enter.append(token)
        elif (state, state) not in pairs:
            leave.append(token)
    after = [f"after {listed(enter)}"] if enter else []
    told = " or ".join(["at first"] * (state == 0) + after)
    told += f" (not {listed(leave)})" if leave else ""
    if len(reached) > 2:
        told += f" [state {reached.index(state) + 1} of {len(reached)}]"
    return told
