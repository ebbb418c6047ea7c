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
from sklearn_lstm.members.features.machines import (
    MOST_STATES,
    STAY,
    Machines,
    changed,
    drawn,
    of_pairs,
    of_single_symbols,
)
from sklearn_lstm.members.features.states import Indicator, StateFeatures, Strings
from sklearn_lstm.members.linear_model import Array
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.targets.targets import Samples

MOST_IDS, LEAST_SHARE = 40, 0.8  # the most frequent ids, and their share of all steps
# Sequences that are searched; fewer can't be told from chance.
FEWEST_SEQUENCES, MOST_SEQUENCES = 30, 2_000
LONGEST, MOST_STEPS = 1_000, 200_000  # of a sequence, and of all together
MOST_OUTPUTS = 12  # that are searched: those with the largest errors
N_FOLDS, MOST_COLUMNS = 5, 2_000  # of the regression on pairs; symbols at their positions

N_DRAWN, N_DRAWN_LATER, N_BEST = 2_000, 1_000, 20  # machines of a round
EVERY = 5  # n-th sequence judges drawn machines first
MOST_ROUNDS, PATIENCE = 8, 2  # and how many of them may find nothing
N_PLACES = 4  # where machines are read: so many of the best places, and as many random ones
MOST_LIKELY, MOST_PER_ROUND, MOST_CHOSEN = 400, 30, 150  # indicators
LEAST_SCORE = 3.0  # what is less is chance
LEVEL = 0.01  # of significance, of all tests together
SOLVED = 0.02  # of the squared errors left
FORGETTING = 0.7  # of the scores of symbols and places, in a round
MOST_TELLING = 3  # symbols that act in a machine whose score tells about them
CELLS_AT_ONCE = 1 << 21  # machines x places x sequences

Floats = NDArray[np.float64]


class Candidates(NamedTuple):
    """Indicators that may tell something, and their scores (n_candidates,)."""

    machines: Machines
    places: NDArray[np.intp]
    states: NDArray[np.intp]
    scores: NDArray[np.float32]

    def of(self, rows: Any) -> Candidates:
        """Return some of the candidates."""
        columns = self.places, self.states, self.scores
        return Candidates(self.machines.of(rows), *(column[rows] for column in columns))

    @classmethod
    def best_of(cls, *parts: Candidates) -> Candidates:
        """Return the candidates with the largest scores, in descending order."""
        machines, *columns = zip(*parts, strict=True)
        found = cls(Machines.joined(*machines), *map(np.concatenate, columns))
        return found.of(np.argsort(-found.scores, kind="stable")[:MOST_LIKELY])


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
    groups : ndarray of int of shape (n,)
        The number of the group of each: errors of one may be alike.
    rng : numpy Generator
    """

    known: StateFeatures
    strings: Strings
    errors: Floats
    roots: Floats
    occurs: NDArray[np.bool_]
    groups: Rows
    rng: np.random.Generator
    n_tests: int = 0
    chosen: list[Indicator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.basis = np.empty((len(self.roots), 0))  # what is known, times roots: orthonormal
        self.design_effect = 1.0  # by which groups multiply variances (Kish 1965)
        # The largest of late, of machines that a symbol moves, and of places.
        self.symbol_scores = np.zeros(len(self.occurs))
        self.place_scores = np.zeros(len(self.strings.places))

    def learn(self, column: Array) -> bool:
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
        """Try machines, then copies of the best with changes, until nothing is found."""
        least, n_idle, n_symbols = SOLVED * np.square(self.errors).sum(), 0, len(self.occurs)
        pulls = self.roots * self.errors
        of_groups = np.zeros_like(pulls)
        np.add.at(of_groups, self.groups, pulls)
        self.design_effect = max(1.0, np.square(of_groups).sum() / (np.square(pulls).sum() + 1e-9))
        all_places = np.arange(len(self.place_scores))
        first = self._tried(of_single_symbols(n_symbols), all_places)
        machines = Machines.joined(of_pairs(self.rng, n_symbols), self._drawn(N_DRAWN))
        best = self._choose(first, self._tried(machines))
        for _ in range(MOST_ROUNDS):
            n_before = len(self.chosen)
            copies = changed(self.rng, best, self._chances())
            self.symbol_scores *= FORGETTING
            self.place_scores *= FORGETTING
            machines = Machines.joined(copies, self._drawn(N_DRAWN_LATER))
            best = self._choose(self._tried(machines))
            n_idle = 0 if len(self.chosen) > n_before else n_idle + 1
            if n_idle == PATIENCE or np.square(self.errors).sum() < least:
                break

    def _chances(self) -> Floats:
        """Return how probable it is that each symbol is drawn: half of them by their scores."""
        told = self.occurs * np.maximum(self.symbol_scores - 1.5, 0.1) ** 2
        return np.asarray((told / told.sum() + self.occurs / self.occurs.sum()) / 2)

    def _drawn(self, n_machines: int) -> Machines:
        """Draw machines; return those that tell something of a part of the sequences."""
        machines = drawn(self.rng, n_machines, self._chances())
        return self._tried(machines, every=EVERY).machines.distinct()

    def _tried(
        self, machines: Machines, places: NDArray[np.intp] | None = None, every: int = 1
    ) -> Candidates:
        """Return what may tell something of every n-th sequence."""
        if places is None:
            best = np.argsort(-self.place_scores, kind="stable")[:N_PLACES]
            others = self.rng.integers(len(self.place_scores), size=N_PLACES)
            places = np.unique([0, *best, *others])
        # Nothing is known of a symbol that does not occur.
        machines = machines._replace(actions=np.where(self.occurs, machines.actions, STAY))
        strings, pulls, found = self.strings.every(every), self._pulls()[::every], []
        at_once = 1 + CELLS_AT_ONCE // (len(pulls) * len(places))
        for start in range(0, len(machines.sizes) + 1, at_once):
            part = machines.of(slice(start, start + at_once))
            states = strings.states(part.tables(), strings.places[places])
            for state in range(MOST_STATES):
                # Of two states the second says all.
                rows = np.flatnonzero(part.n_states() > (state or 2))
                scores = _scores(states[:, :, rows] == state, pulls)
                self.n_tests += scores.size * self.errors.shape[1]
                place, row = np.nonzero(scores > LEAST_SCORE)
                columns = places[place], np.full(len(row), state), scores[place, row]
                found.append(Candidates(part.of(rows[row]), *columns))
        likely = Candidates.best_of(*found)
        acts = likely.machines.actions != STAY
        acts &= acts.sum(axis=1, keepdims=True) <= MOST_TELLING
        of_symbols = (acts * likely.scores[:, np.newaxis]).max(axis=0, initial=0)
        self.symbol_scores = np.maximum(self.symbol_scores, of_symbols)
        np.maximum.at(self.place_scores, likely.places, likely.scores)
        return likely

    def _pulls(self) -> NDArray[np.float32]:
        """Return the weighted errors, and their variances, side by side (n, 2 * n_outputs).

        A variance is the mean of the square of the error and of that of all sequences: errors of a
        few sequences, mostly of one sign, would seem too sure or too unsure.
        """
        pulls = self.roots * self.errors
        squares = pulls**2
        variances = self.design_effect * (squares + squares.mean(axis=0)) / 2
        return np.hstack([pulls, variances]).astype(np.float32)

    def _choose(self, *tried: Candidates) -> Machines:
        """Choose indicators; return their machines, and the best others."""
        likely, chosen = Candidates.best_of(*tried), list[int]()
        least = -float(ndtri(LEVEL / 2 / self.n_tests))  # of so many tests (Bonferroni)
        clear = likely.of(likely.scores > least)
        columns = clear.machines.tables(), clear.places.tolist(), clear.states.tolist()
        indicators = [Indicator(*row) for row in zip(*columns, strict=True)]
        has = self.known.with_indicators(indicators).read(self.strings).T.astype(np.float32)
        while indicators and len(chosen) < MOST_PER_ROUND and len(self.chosen) < MOST_CHOSEN:
            scores = _scores(has, self._pulls())
            first = int(scores.argmax())
            if scores[first] < least:
                break
            if self.learn(has[:, first]):
                chosen.append(first)
                self.chosen.append(indicators[first])
            has[:, first] = 0
        order = [*chosen, *range(len(likely.scores))]
        return likely.machines.of(order).distinct().of(slice(len(chosen) + N_BEST))


def _scores(indicators: Array, pulls: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many standard errors the errors are off 0 where indicators are 1, at most.

    The axis of sequences is the last but one.
    """
    sums, variances = np.split(pulls.T @ indicators.astype(np.float32, copy=False), 2, axis=-2)
    return np.asarray((np.abs(sums) / np.sqrt(variances + 1)).max(axis=-2))


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
    rows = np.arange(len(targets))
    if targets.copies is not None:
        rows = np.unique(targets.copies, return_index=True)[1]
    rows = rng.permutation(rows[sequences.lengths[rows] <= LONGEST])[:MOST_SEQUENCES]
    rows = rows[np.cumsum(sequences.lengths[rows]) <= MOST_STEPS]
    if len(rows) < FEWEST_SEQUENCES:
        return known
    rows = rows[np.argsort(-sequences.lengths[rows], kind="stable")]
    targets, lengths = targets.subset(rows), sequences.lengths[rows]
    symbols = known.symbols(sequences.read(rows))
    together = np.arange(len(rows)) if targets.groups is None else targets.groups
    names, groups = np.unique(together, return_inverse=True)
    groups = groups if len(names) > 1 else np.arange(len(rows))  # one can't be left out
    folds = rng.permutation(groups.max() + 1)[groups] % N_FOLDS
    truth = targets.indicators().astype(np.float64)
    roots = np.sqrt(targets.sample_weights)[:, np.newaxis]
    strings = Strings.of(symbols, lengths, known.n_symbols)
    occurs = np.bincount(symbols, minlength=known.n_symbols) > 0
    search = Search(known, strings, truth * roots, roots, occurs, groups, rng)
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
