"""Which states of machines tell what n-grams do not: machines are drawn, and the best are changed.

Where a class depends on what a machine remembers, guessing beats gradients (Hochreiter and
Schmidhuber 1996).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.special import ndtri

from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.data.sequences import Lengths, Rows, Sequences
from sklearn_lstm.members.features.states import MOST_STATES, Indicator, StateFeatures, Strings
from sklearn_lstm.members.linear_model import Array
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.targets.targets import Samples

MOST_IDS, LEAST_SHARE = 40, 0.8  # the most frequent ids, and their share of all steps
# Sequences that are searched; fewer can't be told from chance.
FEWEST_SEQUENCES, MOST_SEQUENCES = 30, 2_000
LONGEST, MOST_STEPS = 1_000, 200_000  # of a sequence, and of all together
MOST_OUTPUTS = 12  # that are searched: those with the largest errors
N_FOLDS, MOST_COLUMNS = 5, 2_000  # of the regression on pairs; symbols at their positions

N_DRAWN, N_DRAWN_LATER, N_PARENTS, N_COPIES = 2_000, 500, 20, 10  # machines
MOST_ROUNDS, PATIENCE = 8, 2  # and how many of them may find nothing
N_PLACES = 4  # where machines are read: so many of the best places, and as many random ones
EVERY, PROMISING = 5, 3.0  # which sequences judge drawn machines first, and by which score
NEARLY = 2.5  # a lower score is chance
LEVEL = 0.01  # of significance, of all tests together
MOST_BEST, MOST_PER_ROUND, MOST_CHOSEN = 400, 30, 150  # indicators
SOLVED = 0.02  # of the squared errors left
FORGETTING = 0.7  # of the scores of symbols and places, by a round
MOST_TELLING = 3  # symbols that act in a machine whose score tells about them
MACHINES_AT_ONCE = 64

Floats = NDArray[np.float64]
SIZES = 2, 3, 4, 5, 6, MOST_STATES  # of machines


def _actions(size: int) -> dict[str, NDArray[np.int64]]:
    """Return what a symbol may do, by family: maps of states to states, (n_actions, size)."""
    states, numbers = np.arange(size), np.arange(MOST_STATES)[:, np.newaxis]
    first, second = np.divmod(np.arange(25)[:, np.newaxis], 5)
    first, second = first % size, second % size
    moved = np.where(states == first, second, states)
    return {
        "stay": states[np.newaxis],
        "turn": (states + [[1], [-1], [2], [-2]]) % size,
        "mirror": (numbers - states) % size,
        "swap": np.where(states == second, first, moved),
        "reset": np.broadcast_to(numbers % size, (MOST_STATES, size)),
        "walk": np.clip(states + [[1], [-1]], 0, size - 1),
        "move": moved,
    }


N_ACTIONS = np.array([len(maps) for maps in _actions(2).values()])  # of each family
STARTS = np.cumsum(N_ACTIONS) - N_ACTIONS
STAY, TURN, _, _, RESET, WALK, MOVE = STARTS.tolist()
MAPS = np.tile(np.arange(MOST_STATES, dtype=np.uint8), (len(SIZES), N_ACTIONS.sum(), 1))
for _maps, _size in zip(MAPS, SIZES, strict=True):
    _maps[:, :_size] = np.concatenate([*_actions(_size).values()])


class Machines(NamedTuple):
    """Machines to try.

    Parameters
    ----------
    actions : ndarray of shape (n_machines, n_symbols)
        The action of each symbol.
    sizes : ndarray of shape (n_machines,)
        The place of the number of states in `SIZES`.
    """

    actions: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def of(self, rows: Any) -> Machines:
        """Return some of the machines."""
        return Machines(self.actions[rows], self.sizes[rows])

    def tables(self) -> NDArray[np.uint8]:
        """Return the state that follows each state, (n_machines, n_symbols, MOST_STATES)."""
        return np.asarray(MAPS[self.sizes[:, np.newaxis], self.actions])


def joined(*parts: Machines) -> Machines:
    """Return the machines of all parts."""
    return Machines(*map(np.concatenate, zip(*parts, strict=True)))


def _random_actions(rng: np.random.Generator, family: NDArray[np.int64]) -> NDArray[np.int64]:
    return STARTS[family] + rng.integers(N_ACTIONS[family])


def drawn(rng: np.random.Generator, n_machines: int, chances: Floats) -> Machines:
    """Draw machines: one to three symbols act, or most of them; often several in the same way.

    Parameters
    ----------
    rng : numpy Generator
    n_machines : int
    chances : ndarray of shape (n_symbols,)
        Of each symbol, to act where few do.
    """
    family = rng.integers(1, len(STARTS), (n_machines, 2))
    family[:, 1] = np.where(rng.random(n_machines) < 0.6, family[:, 0], family[:, 1])
    known = _random_actions(rng, family[:, [0, 1, 0, 1]])
    n_known = rng.choice([1, 2, 2, 3, 4], (n_machines, 1))
    which = rng.integers(n_known, size=(n_machines, len(chances)))
    # A random order in which probable symbols come early: the Gumbel-max trick.
    order = np.log(np.maximum(chances, 1e-12)) + rng.gumbel(size=which.shape)
    rank = np.argsort(np.argsort(-order, axis=1), axis=1)
    are_few = rng.random((n_machines, 1)) < 0.6
    n_acting = np.where(are_few, rng.integers(1, 4, (n_machines, 1)), len(chances))
    rests = rng.random(which.shape) < rng.choice([0.0, 0.3], (n_machines, 1))
    acting = np.take_along_axis(known, which, axis=1)
    actions = np.where(rests | (rank >= n_acting), STAY, acting)
    return Machines(actions, rng.integers(len(SIZES), size=n_machines))


def changed(rng: np.random.Generator, parents: Machines, chances: Floats) -> Machines:
    """Change the action of a symbol in copies of machines, and now and then their size."""
    actions, sizes = parents.of(np.arange(len(parents.sizes)).repeat(N_COPIES))
    n_copies, chance = len(sizes), rng.random(len(sizes))
    fresh = _random_actions(rng, rng.integers(1, len(STARTS), n_copies))
    borrowed = rng.choice(np.append(parents.actions[parents.actions != STAY], STAY), n_copies)
    symbols = rng.choice(len(chances), n_copies, p=chances)
    new = np.select([chance < 0.25, chance < 0.6], [STAY, borrowed], fresh)
    actions[np.arange(n_copies), symbols] = new
    others = rng.integers(len(SIZES), size=n_copies)
    return Machines(actions, np.where(rng.random(n_copies) < 0.15, others, sizes))


def of_single_symbols(n_symbols: int) -> tuple[Machines, Machines]:
    """Return machines that tell of each symbol how often it occurred, and whether it was last.

    The first tell whether its number is odd, is a multiple of three, is 0, 1, 2 or more, and
    whether a sequence begins with it.
    """
    is_own, of_size = np.eye(n_symbols, dtype=np.bool_), SIZES.index
    kinds = (TURN, STAY, 2), (TURN, STAY, 3), (WALK, STAY, 4), (MOVE + 1, MOVE + 2, 3)
    counts = [
        Machines(np.where(is_own, own, other), np.full(n_symbols, of_size(size)))
        for own, other, size in kinds
    ]
    last = Machines(np.where(is_own, RESET + 1, RESET), np.full(n_symbols, of_size(2)))
    return joined(*counts), last


def distinct(machines: Machines) -> Machines:
    """Return each machine once, in the order in which they come first."""
    rows = np.column_stack([machines.actions, machines.sizes])
    return machines.of(np.sort(np.unique(rows, axis=0, return_index=True)[1]))


class Candidates(NamedTuple):
    """Indicators that may tell something, and their scores, (n_candidates,) each."""

    machines: Machines
    places: NDArray[np.intp]
    states: NDArray[np.intp]
    scores: NDArray[np.float32]

    def of(self, rows: Any) -> Candidates:
        """Return some of the candidates."""
        return Candidates(self.machines.of(rows), *(column[rows] for column in self[1:]))

    @classmethod
    def best_of(cls, *parts: Candidates) -> Candidates:
        """Return the candidates with the largest scores, in descending order."""
        machines, *columns = zip(*parts, strict=True)
        found = cls(joined(*machines), *map(np.concatenate, columns))
        return found.of(np.argsort(-found.scores, kind="stable")[:MOST_BEST])


@dataclass
class Search:
    """Indicators, chosen one after the other by the errors that those before have left.

    Parameters
    ----------
    known : StateFeatures
        Whose ids are read.
    strings : Strings
        Of n sequences.
    errors : ndarray of shape (n, n_outputs)
        What is not known of them, times `roots`.
    roots : ndarray of shape (n, 1)
        Of the weights.
    occurs : ndarray of bool of shape (n_symbols,)
        Whether each symbol occurs.
    rng : numpy Generator
    """

    known: StateFeatures
    strings: Strings
    errors: Floats
    roots: Floats
    occurs: NDArray[np.bool_]
    rng: np.random.Generator
    n_tests: int = 0
    chosen: list[Indicator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.basis = np.empty((len(self.roots), 0))  # what is known, times roots: orthonormal
        # The largest of late, of machines that a symbol moves, and of places.
        self.symbol_scores = np.zeros(len(self.occurs))
        self.place_scores = np.zeros(1 + 2 * len(self.occurs))

    def learn(self, column: Floats) -> bool:
        """Learn a column (n,); False if it was known."""
        column = rest = self.roots[:, 0] * column
        for _ in range(2):  # once more for what rounding has left
            rest = rest - self.basis @ (self.basis.T @ rest)
        length = np.linalg.norm(rest)
        if is_new := bool(length > 1e-3 * np.linalg.norm(column)):
            rest = rest / length
            self.basis = np.column_stack([self.basis, rest])
            self.errors = self.errors - np.outer(rest, rest @ self.errors)
        return is_new

    def run(self) -> None:
        """Try drawn machines, then copies of the best with changes, until nothing is found."""
        counts, last = of_single_symbols(len(self.occurs))
        at_symbols = np.arange(len(self.place_scores))
        counted = np.arange(len(at_symbols), len(self.strings.places))
        told = self._tried(counts, at_symbols), self._tried(last, np.append(0, counted))
        parents = self._choose(*told, self._tried(self._drawn(N_DRAWN)))
        least, n_idle = SOLVED * np.square(self.errors).sum(), 0
        for _ in range(MOST_ROUNDS):
            n_before = len(self.chosen)
            copies = changed(self.rng, parents, self._chances())
            self.symbol_scores *= FORGETTING
            self.place_scores *= FORGETTING
            parents = self._choose(self._tried(copies), self._tried(self._drawn(N_DRAWN_LATER)))
            n_idle = 0 if len(self.chosen) > n_before else n_idle + 1
            if n_idle == PATIENCE or np.square(self.errors).sum() < least:
                break

    def _chances(self) -> Floats:
        """Return how probable it is that each symbol is drawn: half of them by their scores."""
        told = self.occurs * np.maximum(self.symbol_scores - 1.5, 0.1) ** 2
        return np.asarray((told / told.sum() + self.occurs / self.occurs.sum()) / 2)

    def _drawn(self, n_machines: int) -> Machines:
        """Draw machines; return those that tell something of a part of the sequences."""
        found = self._tried(drawn(self.rng, n_machines, self._chances()), every=EVERY)
        return distinct(found.of(found.scores > PROMISING).machines)

    def _tried(
        self, machines: Machines, places: NDArray[np.intp] | None = None, every: int = 1
    ) -> Candidates:
        """Return what may tell something of every n-th sequence."""
        if places is None:
            best = np.argsort(-self.place_scores[1:], kind="stable")[:N_PLACES] + 1
            others = self.rng.integers(1, len(self.place_scores), N_PLACES)
            places = np.unique([0, *best, *others])
        strings, pulls, found = self.strings.every(every), self._pulls()[::every], []
        for start in range(0, len(machines.sizes) + 1, MACHINES_AT_ONCE):
            part = machines.of(slice(start, start + MACHINES_AT_ONCE))
            states = strings.states(part.tables(), strings.places[places])
            for state in range(MOST_STATES):
                # Of two states the second says all.
                rows = np.flatnonzero(np.array(SIZES)[part.sizes] > (state or 2))
                scores = _scores(states[:, :, rows] == state, pulls)
                self.n_tests += scores.size * self.errors.shape[1]
                place, row = np.nonzero(scores > NEARLY)
                columns = places[place], np.full(len(row), state), scores[place, row]
                found.append(Candidates(part.of(rows[row]), *columns))
        best = Candidates.best_of(*found)
        acts = best.machines.actions != STAY
        acts &= acts.sum(axis=1, keepdims=True) <= MOST_TELLING
        of_symbols = (acts * best.scores[:, np.newaxis]).max(axis=0, initial=0)
        self.symbol_scores = np.maximum(self.symbol_scores, of_symbols)
        is_symbol = best.places < len(self.place_scores)
        np.maximum.at(self.place_scores, best.places[is_symbol], best.scores[is_symbol])
        return best

    def _pulls(self) -> NDArray[np.float32]:
        """Return the weighted errors and their squares, (n, 2 * n_outputs)."""
        pulls = self.roots * self.errors
        return np.hstack([pulls, pulls**2]).astype(np.float32)

    def _least_score(self) -> float:
        """Return the score of what is no chance, of so many tests (Bonferroni)."""
        return -float(ndtri(LEVEL / 2 / self.n_tests))

    def _choose(self, *tried: Candidates) -> Machines:
        """Choose indicators; return their machines, and the best others."""
        best = Candidates.best_of(*tried)
        likely, chosen = best.of(best.scores > self._least_score()), list[int]()
        columns = likely.machines.tables(), likely.places.tolist(), likely.states.tolist()
        indicators = [Indicator(*row) for row in zip(*columns, strict=True)]
        has = self.known.with_indicators(indicators).read(self.strings).T.astype(np.float32)
        while indicators and len(chosen) < MOST_PER_ROUND and len(self.chosen) < MOST_CHOSEN:
            scores = _scores(has, self._pulls())
            first = int(scores.argmax())
            if scores[first] < self._least_score():
                break
            if self.learn(has[:, first]):
                chosen.append(first)
                self.chosen.append(indicators[first])
            has[:, first] = 0
        order = [*chosen, *range(len(best.scores))]
        return distinct(best.machines.of(order)).of(slice(len(chosen) + N_PARENTS))


def _scores(indicators: Array, pulls: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many standard errors the errors are off 0 where indicators are 1, at most.

    The axis of sequences is the last but one.
    """
    sums, squares = np.split(pulls.T @ indicators.astype(np.float32, copy=False), 2, axis=-2)
    return np.asarray((np.abs(sums) / np.sqrt(squares + 1)).max(axis=-2))


def told_by_pairs(
    symbols: NDArray[np.int64], lengths: Lengths, truth: Floats, folds: Rows
) -> Floats:
    """Return what symbols and pairs of them tell of each sequence, without its fold.

    By ridge regression. Symbols at their positions count too, if all sequences have one length.

    Parameters
    ----------
    symbols : ndarray of shape (n_steps,)
        Of all sequences, laid end to end.
    lengths : ndarray of shape (n,)
    truth : ndarray of shape (n, n_outputs)
    folds : ndarray of shape (n,)
        The number of the fold of each.

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    n, n_symbols = len(lengths), symbols.max() + 1
    rows = np.arange(n).repeat(lengths)
    pairs = np.where(rows[1:] == rows[:-1], 1 + symbols[:-1] * n_symbols + symbols[1:], 0)
    parts = [symbols, np.append(pairs, 0)]
    if lengths.min() == lengths.max() and lengths[0] * n_symbols <= MOST_COLUMNS:
        parts.append(np.tile(np.arange(lengths[0]), n) * n_symbols + symbols)
    sizes = [int(part.max()) + 1 for part in parts]
    has = np.zeros((n, sum(sizes)), np.float32)
    for part, start in zip(parts, np.cumsum(sizes) - sizes, strict=True):
        has[rows, start + part] = 1
    has = has[:, has.any(axis=0)]
    has -= has.mean(axis=0)
    products, told = has @ has.T, np.zeros(truth.shape)
    penalty = np.float32(np.trace(products) / n + 1e-6)
    for fold in np.unique(folds):
        here, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        among = products[np.ix_(others, others)]
        among[np.diag_indices_from(among)] += penalty
        gaps = (truth[others] - truth[others].mean(axis=0)).astype(np.float32)
        weights = solve(among, gaps, assume_a="pos", overwrite_a=True, check_finite=False)
        told[here] = products[np.ix_(here, others)] @ weights
    return told


# --- What a fit finds


def find_states(known: StateFeatures, samples: Samples, rng: np.random.Generator) -> StateFeatures:
    """Return the features that samples tell, beside n-grams, of the ids that are known."""
    sequences, targets = samples.sequences, samples.targets
    rows = np.arange(len(targets)) if targets.copies is None else np.unique(targets.copies)
    rows = rng.permutation(rows[sequences.lengths[rows] <= LONGEST])[:MOST_SEQUENCES]
    rows = rows[np.cumsum(sequences.lengths[rows]) <= MOST_STEPS]
    if len(rows) < FEWEST_SEQUENCES:
        return known
    rows = rows[np.argsort(-sequences.lengths[rows], kind="stable")]
    targets, lengths = targets.subset(rows), sequences.lengths[rows]
    symbols = known.symbols(sequences.read(rows))
    groups = np.arange(len(rows)) if targets.groups is None else targets.groups
    numbers = np.unique(groups, return_inverse=True)[1]
    folds = rng.permutation(numbers.max() + 1)[numbers] % N_FOLDS
    truth, roots = targets.indicators().astype(np.float64), np.sqrt(targets.sample_weights)
    strings = Strings.of(symbols, lengths, known.n_symbols)
    occurs = np.bincount(symbols, minlength=known.n_symbols) > 0
    search = Search(known, strings, truth * roots[:, np.newaxis], roots[:, np.newaxis], occurs, rng)
    for column in (np.ones(len(rows)), *told_by_pairs(symbols, lengths, truth, folds).T):
        search.learn(column)
    largest = np.argsort(-np.square(search.errors).sum(axis=0), kind="stable")
    search.errors = search.errors[:, largest[:MOST_OUTPUTS]]
    search.run()
    return known.with_indicators(search.chosen)


def known_ids(sequences: Sequences) -> StateFeatures | None:
    """Return features of the most frequent ids, without a machine.

    None if other ids are too many, as in texts of words.
    """
    ids, counts = sequences.distinct_ids(), sequences.count_tokens()
    counts = counts[len(counts) - len(ids) :]  # without those of unknown words
    most = np.sort(np.argsort(-counts, kind="stable")[:MOST_IDS])
    if counts[most].sum() < LEAST_SHARE * sequences.lengths.sum():
        return None
    spelling = sequences.spelling
    tokens = {} if spelling is None else spelling.tokens(ids[most].tolist())
    names = [str(tokens.get(one, one)) for one in ids[most].tolist()]
    return StateFeatures.of(ids[most].astype(np.int64), names, [])


@dataclass
class StateReader(Reader):
    """Samples, and what parts of them tell.

    Parameters
    ----------
    samples, held_out, features, seed
        Of `Reader`.
    found : dict of bytes to list of StateFeatures
        By the rows that tell it: solvers ask for the same rows again.
    """

    found: dict[bytes, list[StateFeatures]] = field(default_factory=dict)

    def learned(self, rows: Rows, rng: np.random.Generator) -> list[StateFeatures]:
        """Return the features that these rows tell."""
        if (key := rows.tobytes()) not in self.found:
            self.found[key] = [find_states(self.features[0], self.part(rows), rng)]
        return self.found[key]


def read_states(context: FitContext) -> StateReader | None:
    """Search in all samples; None if these hold many different ids, or tell nothing."""
    known = known_ids(context.split.samples.sequences)
    if known is None:
        return None
    reader = StateReader.of(context, known)
    rows = np.arange(len(reader.samples))
    (found,) = reader.learned(rows, np.random.default_rng(reader.seed))
    return reader if found.n_features else None


STATES = Recipe(
    "states",
    suits=lambda settings: settings.kind in TOKENS,
    read=read_states,
    solver="regression",
    stored=(StateFeatures,),
)
