"""Which machines tell what n-grams do not: drawn at random, and changed where that helps.

Guessing beats gradients where a class depends on a state (Hochreiter and Schmidhuber 1996).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.special import ndtri

from sklearn_lstm.data.sequences import Lengths, Rows, Sequences
from sklearn_lstm.members.features.states import MOST_STATES, StateFeatures, Strings
from sklearn_lstm.members.reader import Reader
from sklearn_lstm.targets.targets import Targets

if TYPE_CHECKING:
    from sklearn_lstm.members.held_out import Split

Floats = NDArray[np.float64]

MOST_IDS, FEWEST_STEPS = 40, 0.8  # the most frequent ids, and their share of all steps
FEWEST_SEQUENCES, MOST_SEQUENCES = 30, 2_000  # that are searched; fewer can't tell anything
MOST_STEPS, LONGEST = 200_000, 1_000  # of these together, and of one
MOST_OUTPUTS = 12  # that are searched: those with the largest errors
N_FOLDS = 5  # of the regression on pairs of symbols
MOST_COLUMNS = 2_000  # of symbols at their positions
N_DRAWN, N_PAIRS, N_PARENTS, N_COPIES = 2_000, 150, 20, 10  # machines

EVERY, PROMISING = 5, 3.0  # which part of the sequences judges those drawn, by which score
MOST_ROUNDS, PATIENCE = 8, 2  # and how many may find nothing
N_PLACES = 8  # at which machines are read, of those beside the end
MACHINES_AT_ONCE = 64
N_BEST = 400  # indicators of a round, from which some are chosen
MOST_CHOSEN, MOST_PER_ROUND = 150, 30
LEVEL = 0.01  # of significance, divided by the number of tests
NEARLY = 2.5  # standard errors: less is not looked at
SOLVED = 0.02  # of the errors left

SIZES = 2, 3, 4, 5, 6, 8


def _actions(n_states: int) -> dict[str, NDArray[np.int64]]:
    """Return what a symbol may do: maps of states to states, (n_actions, n_states)."""
    states, numbers = np.arange(n_states), np.arange(MOST_STATES)[:, np.newaxis]
    first, second = np.divmod(np.arange(25)[:, np.newaxis], 5)
    first, second = first % n_states, second % n_states
    moved = np.where(states == first, second, states)
    return {
        "stay": states[np.newaxis],
        "turn": (states + [[1], [-1], [2], [-2]]) % n_states,
        "mirror": (numbers - states) % n_states,
        "swap": np.where(states == second, first, moved),
        "reset": np.broadcast_to(numbers % n_states, (MOST_STATES, n_states)),
        "walk": np.clip(states + [[1], [-1]], 0, n_states - 1),
        "move": moved,
    }


FAMILIES = [len(maps) for maps in _actions(2).values()]
STARTS = np.cumsum(FAMILIES) - FAMILIES
STAY, TURN, RESET, WALK, MOVE = STARTS[[0, 1, 4, 5, 6]].tolist()
N_FAMILIES = len(FAMILIES) - 1  # without that of staying
ACTIONS = np.tile(np.arange(MOST_STATES, dtype=np.uint8), (len(SIZES), sum(FAMILIES), 1))
for _place, _size in enumerate(SIZES):
    ACTIONS[_place, :, :_size] = np.concatenate([*_actions(_size).values()])


@dataclass(frozen=True)
class Machines:
    """Machines to try.

    Parameters
    ----------
    actions : ndarray of shape (n_machines, n_symbols)
        The number of the action of each symbol.
    sizes : ndarray of shape (n_machines,)
        The place of the number of states in `SIZES`.
    """

    actions: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, rows: Any) -> Machines:
        return Machines(self.actions[rows], self.sizes[rows])

    def __add__(self, other: Machines) -> Machines:
        actions = np.concatenate([self.actions, other.actions])
        return Machines(actions, np.append(self.sizes, other.sizes))

    @property
    def tables(self) -> NDArray[np.uint8]:
        """The state that follows each state, (n_machines, n_symbols, MOST_STATES)."""
        return np.asarray(ACTIONS[self.sizes[:, np.newaxis], self.actions])


def _random_actions(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Draw actions: each family is as frequent."""
    family = rng.integers(1, N_FAMILIES + 1, shape)
    return STARTS[family] + rng.integers(np.array(FAMILIES)[family])


def draw(rng: np.random.Generator, n_machines: int, p: Floats) -> Machines:
    """Draw machines: one to three symbols act, or nearly all; often several in the same way."""
    n_symbols = len(p)
    family = rng.integers(1, N_FAMILIES + 1, (n_machines, 4))
    is_pure = rng.random((n_machines, 1)) < 0.6
    family = np.where(is_pure, family[:, :1], family[:, [0, 1, 0, 1]])
    known = STARTS[family] + rng.integers(np.array(FAMILIES)[family])
    n_different = rng.choice([1, 2, 2, 3, 4], (n_machines, 1))
    which = rng.integers(n_different, size=(n_machines, n_symbols))
    actions = np.take_along_axis(known, which, axis=1)
    # The first of a random order in which likely symbols come early (the Gumbel-max trick).
    order = np.argsort(-np.log(np.maximum(p, 1e-12)) - rng.gumbel(size=actions.shape), axis=1)
    rank = np.argsort(order, axis=1)
    n_acting = np.where(rng.random(n_machines) < 0.6, rng.integers(1, 4, n_machines), n_symbols)
    rests = rng.choice([0.0, 0.3], (n_machines, 1))
    stays = (rank >= n_acting[:, np.newaxis]) | (rng.random(actions.shape) < rests)
    return Machines(np.where(stays, STAY, actions), rng.integers(len(SIZES), size=n_machines))


def changed(rng: np.random.Generator, parents: Machines, p: Floats) -> Machines:
    """Change the action of one symbol, or the number of states, in copies of machines."""
    children = parents[np.arange(len(parents)).repeat(N_COPIES)]
    n_children, rows = len(children), np.arange(len(children))
    actions, symbols = children.actions.copy(), rng.choice(len(p), n_children, p=p)
    known = parents.actions[parents.actions != STAY]
    borrowed = rng.choice(known, n_children) if len(known) else np.full(n_children, STAY)
    fresh, chance = _random_actions(rng, (n_children,)), rng.random(n_children)
    actions[rows, symbols] = np.select([chance < 0.25, chance < 0.6], [STAY, borrowed], fresh)
    others = rng.integers(len(SIZES), size=n_children)
    return Machines(actions, np.where(rng.random(n_children) < 0.15, others, children.sizes))


def alone(n_symbols: int) -> tuple[Machines, Machines]:
    """Return machines of single symbols: for occurrences of others, and for counted steps.

    The first tell whether the number of a symbol is odd, or a multiple of three, how often it
    occurs (up to 3), and whether a sequence begins with it; the second, whether it came last.
    """
    is_own = np.eye(n_symbols, dtype=np.bool_)
    kinds = [(TURN, STAY, 2), (TURN, STAY, 3), (WALK, STAY, 4), (MOVE + 1, MOVE + 2, 3)]
    parts = [(np.where(is_own, own, other), size) for own, other, size in kinds]
    sizes = [np.full(n_symbols, SIZES.index(size)) for _, size in parts]
    first = Machines(np.concatenate([actions for actions, _ in parts]), np.concatenate(sizes))
    return first, Machines(np.where(is_own, RESET + 1, RESET), np.zeros(n_symbols, np.int64))


def pairs(rng: np.random.Generator, n_symbols: int) -> Machines:
    """Return machines that one symbol sets, and another resets."""
    first, second = np.divmod(rng.permutation(n_symbols**2)[:N_PAIRS], n_symbols)
    rows, actions = np.arange(len(first)), np.full((len(first), n_symbols), STAY)
    actions[rows, first], actions[rows, second] = RESET + 1, RESET
    return Machines(actions, np.zeros(len(first), np.int64))


@dataclass
class Search:
    """Indicators of states, chosen one after the other by the errors that those before leave.

    Parameters
    ----------
    strings : Strings
        Of n sequences.
    errors : ndarray of shape (n, n_outputs)
        What is not known of them, times `roots`.
    basis : ndarray of shape (n, n_known)
        What is known, orthonormal.
    roots : ndarray of shape (n, 1)
        Of the weights.
    chances : ndarray of shape (n_symbols,)
        How probable it is that a symbol is drawn.
    rng : numpy Generator
    """

    strings: Strings
    errors: Floats
    basis: Floats
    roots: Floats
    chances: Floats
    rng: np.random.Generator
    n_tests: int = 0
    chosen: list[tuple[NDArray[np.uint8], int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        n_symbols = len(self.chances)
        self.symbol_scores, self.place_scores = np.zeros(n_symbols), np.zeros(2 * n_symbols + 1)

    def run(self) -> None:
        """Draw machines, then change the best ones, until nothing is found any more."""
        n_symbols, start, n_idle = len(self.chances), np.square(self.errors).sum(), 0
        at_occurrences, at_counted = alone(n_symbols)
        places = np.arange(len(self.strings.places))
        drawn = pairs(self.rng, n_symbols) + self._promising(
            draw(self.rng, N_DRAWN, self.chances)
        )
        n_before = len(self.place_scores)
        counted = np.append(0, places[n_before:])
        parents = self._round((at_occurrences, places[:n_before]), (at_counted, counted), (drawn, None))
        for _ in range(MOST_ROUNDS):
            n_chosen = len(self.chosen)
            told = np.maximum(self.symbol_scores - 1.5, 0.1) ** 2
            p = (self.chances > 0) * told
            p = (p / p.sum() + self.chances) / 2
            children = changed(self.rng, parents, p)
            children += self._promising(draw(self.rng, N_DRAWN // 4, p))
            parents = self._round((children, None))
            n_idle = 0 if len(self.chosen) > n_chosen else n_idle + 1
            if n_idle == PATIENCE or np.square(self.errors).sum() < SOLVED * start:
                break

    def _round(self, *groups: tuple[Machines, NDArray[np.intp] | None]) -> Machines:
        """Try machines at places, choose from their indicators, and return the best machines."""
        machines, found = Machines(np.empty((0, len(self.chances)), int), np.empty(0, int)), []
        for group, places in groups:
            parts = self._tried(group, self._drawn_places() if places is None else places)
            parts[:, 0] += len(machines)
            machines += group
            found.append(parts)
            self.place_scores *= 0.7
            is_place = parts[:, 1] < len(self.place_scores)
            np.maximum.at(self.place_scores, parts[is_place, 1].astype(int), parts[is_place, 3])
        candidates = np.concatenate(found)
        candidates = candidates[np.argsort(-candidates[:, 3], kind="stable")]
        numbers = candidates[:, 0].astype(int)
        best = np.zeros(len(machines))
        np.maximum.at(best, numbers, candidates[:, 3])
        acts = machines.actions != STAY
        acts &= (acts.sum(axis=1) <= 3)[:, np.newaxis]
        self.symbol_scores = np.maximum(0.7 * self.symbol_scores, (acts * best[:, np.newaxis]).max(axis=0, initial=0))
        chosen = self._choose(machines, candidates[:N_BEST])
        good = [*dict.fromkeys([*chosen, *numbers.tolist()])][: len(chosen) + N_PARENTS]
        return machines[good]

    def _drawn_places(self) -> NDArray[np.intp]:
        best = np.argsort(-self.place_scores[1:], kind="stable")[: N_PLACES // 2] + 1
        others = self.rng.integers(1, len(self.place_scores), N_PLACES // 2)
        return np.unique([0, *best, *others])

    def _promising(self, machines: Machines) -> Machines:
        """Return the machines that may tell something about a part of the sequences."""
        found = self._tried(machines, self._drawn_places(), every=EVERY)
        return machines[np.unique(found[found[:, 3] > PROMISING, 0].astype(int))]

    def _pulls(self) -> NDArray[np.float32]:
        """Return the weighted errors and their squares (n, 2 * n_outputs)."""
        pulls = self.roots * self.errors
        return np.hstack([pulls, pulls**2]).astype(np.float32)

    def _tried(self, machines: Machines, places: NDArray[np.intp], every: int = 1) -> Floats:
        """Return what may tell something: machine, place, state and score, (n_candidates, 4)."""
        found = [np.empty((0, 4))]
        strings, pulls = self.strings[::every], self._pulls()[::every]
        sizes = np.array(SIZES)[machines.sizes]
        for start in range(0, len(machines), MACHINES_AT_ONCE):
            part = np.arange(start, min(start + MACHINES_AT_ONCE, len(machines)))
            states = strings.states(machines[part].tables, strings.places[places])
            for state in range(MOST_STATES):
                # Of two states one says all.
                rows = np.flatnonzero(sizes[part] > max(state, 2 * (state == 0)))
                scores = _scores((states[:, :, rows] == state).astype(np.float32), pulls)
                self.n_tests += scores.size * self.errors.shape[1]
                place, machine = np.nonzero(scores > NEARLY)
                states_of = np.full(len(place), state)
                columns = part[rows[machine]], places[place], states_of, scores[place, machine]
                found.append(np.stack(columns, axis=1))
        return np.concatenate(found)

    def _least_score(self) -> float:
        """Return the score of what is no chance, after so many tests (Bonferroni)."""
        return -float(ndtri(LEVEL / 2 / self.n_tests))

    def _choose(self, machines: Machines, candidates: Floats) -> list[int]:
        """Choose indicators one after the other; return the machines of those chosen."""
        candidates = candidates[candidates[:, 3] > self._least_score()]
        if not len(candidates):
            return []
        rows, places, states = candidates[:, :3].T.astype(int)
        tables = machines.tables
        numbers, row = np.unique(rows, return_inverse=True)
        read, place = np.unique(places, return_inverse=True)
        found = self.strings.states(tables[numbers], self.strings.places[read])
        indicators = (found[place, :, row] == states[:, np.newaxis]).T.astype(np.float32)
        chosen: list[int] = []
        while len(chosen) < MOST_PER_ROUND and len(self.chosen) < MOST_CHOSEN:
            scores = _scores(indicators, self._pulls())
            best = int(scores.argmax())
            if scores[best] < self._least_score():
                break
            if self.learn(self.roots[:, 0] * indicators[:, best]):
                self.chosen.append((tables[rows[best]], places[best], states[best]))
                chosen.append(int(rows[best]))
            indicators[:, best] = 0
        return chosen

    def learn(self, column: Floats) -> bool:
        """Learn a column; False if it was known."""
        length = np.linalg.norm(column)
        for _ in range(2):  # once more for what rounding has left
            column = column - self.basis @ (self.basis.T @ column)
        if (rest := np.linalg.norm(column)) <= 1e-3 * length:
            return False
        column = column / rest
        self.basis = np.column_stack([self.basis, column])
        self.errors = self.errors - np.outer(column, column @ self.errors)
        return True


def _scores(indicators: NDArray[np.float32], pulls: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many standard errors the errors are off 0 where indicators are 1, at most.

    The axis of sequences is the last but one.
    """
    sums, squares = np.split(pulls.T @ indicators, 2, axis=-2)
    return np.asarray((np.abs(sums) / np.sqrt(squares + 1)).max(axis=-2))


def told_by_pairs(
    symbols: NDArray[np.int64], lengths: Lengths, truth: Floats, folds: Rows
) -> Floats:
    """Return what symbols and pairs tell of each sequence, without its fold (n, n_outputs).

    By ridge regression. Symbols at their positions count too, if all sequences have one length.

    Parameters
    ----------
    symbols : ndarray of shape (n_steps,)
        Laid end to end.
    lengths : ndarray of shape (n,)
    truth : ndarray of shape (n, n_outputs)
    folds : ndarray of shape (n,)
        The number of the fold of each.
    """
    n, n_symbols = len(lengths), symbols.max() + 1
    rows = np.arange(n).repeat(lengths)
    pairs = np.where(rows[1:] == rows[:-1], 1 + symbols[:-1] * n_symbols + symbols[1:], 0)
    parts = [symbols, np.append(pairs, 0)]
    if lengths.min() == lengths.max() and lengths[0] * n_symbols <= MOST_COLUMNS:
        parts.append(np.tile(np.arange(lengths[0]), n) * n_symbols + symbols)
    columns = np.stack(parts) + np.cumsum([0, *(part.max() + 1 for part in parts[:-1])])[:, np.newaxis]
    held = np.zeros((n, columns.max() + 1), np.float32)
    held[rows, columns] = 1
    held = held[:, held.any(axis=0)]
    held -= held.mean(axis=0)
    products, told = held @ held.T, np.zeros(truth.shape)
    penalty = np.float32(np.trace(products) / len(truth) + 1e-6)
    for fold in np.unique(folds):
        here, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        among = products[np.ix_(others, others)]
        among[np.diag_indices_from(among)] += penalty
        gaps = truth[others] - truth[others].mean(axis=0)
        told[here] = products[np.ix_(here, others)] @ solve(
            among, gaps.astype(np.float32), assume_a="pos", overwrite_a=True, check_finite=False
        )
    return told


@dataclass
class StateReader(Reader):
    """Samples, and the machines that parts of them tell."""

    found: dict[bytes, list[StateFeatures]] = field(default_factory=dict)

    def learned(self, rows: Rows, rng: np.random.Generator) -> list[StateFeatures]:
        """Return the features that these rows tell; they are searched once."""
        key = rows.tobytes()
        if key not in self.found:
            samples = self.part(rows)
            (known,) = self.features
            self.found[key] = [found_in(known, samples.sequences, samples.targets, rng)]
        return self.found[key]


def found_in(
    known: StateFeatures, sequences: Sequences, targets: Targets, rng: np.random.Generator
) -> StateFeatures:
    """Return the features that samples tell, by the ids that are known."""
    rows = np.arange(len(targets)) if targets.copies is None else np.unique(targets.copies)
    rows = rng.permutation(rows[sequences.lengths[rows] <= LONGEST])[:MOST_SEQUENCES]
    rows = rows[np.cumsum(sequences.lengths[rows]) <= MOST_STEPS]
    if len(rows) < FEWEST_SEQUENCES:
        return known
    rows = rows[np.argsort(-sequences.lengths[rows], kind="stable")]
    targets, lengths = targets.subset(rows), sequences.lengths[rows]
    symbols, n_symbols = known.symbols(sequences.read(rows)), known.n_symbols
    strings = Strings.of(symbols, lengths, n_symbols)
    together = np.arange(len(rows)) if targets.groups is None else targets.groups
    numbers = np.unique(together, return_inverse=True)[1]
    folds = rng.permutation(numbers.max() + 1)[numbers] % N_FOLDS
    truth = targets.indicators().astype(np.float64)
    roots = np.sqrt(targets.sample_weights)[:, np.newaxis]
    occurs = np.bincount(symbols, minlength=n_symbols) > 0
    search = Search(strings, roots * truth, np.empty((len(rows), 0)), roots, occurs / occurs.sum(), rng)
    for column in np.column_stack([np.ones(len(rows)), told_by_pairs(symbols, lengths, truth, folds)]).T:
        search.learn(roots[:, 0] * column)
    largest = np.argsort(-np.square(search.errors).sum(axis=0), kind="stable")[:MOST_OUTPUTS]
    search.errors = search.errors[:, largest]
    search.run()
    return known.with_indicators(search.chosen)


def read_states(split: Split, *_: object) -> StateReader | None:
    """Return the samples, if they hold few symbols and machines tell something about them."""
    reader = StateReader.of(split, *StateFeatures.knowing(split.samples.sequences, MOST_IDS, FEWEST_STEPS))
    if not reader.features:
        return None
    rows = np.arange(len(reader.samples))
    (found,) = reader.learned(rows, np.random.default_rng(reader.seed))
    return reader if found.n_features else None
