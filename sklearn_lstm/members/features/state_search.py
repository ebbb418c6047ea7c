"""Which states of machines tell what n-grams do not: machines are drawn, and the best are changed.

Where a class depends on what a machine remembers, guessing beats gradients (Hochreiter and
Schmidhuber 1996).
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.special import ndtri

from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.data.sequences import Rows, Sequences, common_length
from sklearn_lstm.members.features import automata
from sklearn_lstm.members.features.automata import MOST_STATES, STAY, Integers
from sklearn_lstm.members.features.hashing import matrix_of
from sklearn_lstm.members.features.ngrams import PAIRS
from sklearn_lstm.members.features.states import StateFeatures, Strings
from sklearn_lstm.members.held_out import distinct_sequences
from sklearn_lstm.members.member import Array
from sklearn_lstm.members.recipe import FitContext, Reader, Recipe
from sklearn_lstm.targets.targets import Samples

MOST_IDS, LEAST_SHARE = 40, 0.8  # the most frequent ids, and their share of all steps
# Sequences that are searched; fewer can't be told from chance.
FEWEST_SEQUENCES, MOST_SEQUENCES = 30, 2_000
LONGEST, MOST_STEPS = 1_000, 200_000  # of the end of a sequence, and of all together
MOST_OUTPUTS = 12  # that are searched: those with the largest errors
N_FOLDS = 5  # of the regression on pairs

N_DRAWN, N_BEST = 1_500, 30  # machines of a round
EVERY = 3  # n-th sequence judges drawn machines first
MOST_ROUNDS, PATIENCE = 8, 2  # and how many of them may find nothing
N_PLACES = 4  # where machines are read: so many of the best places, and as many random ones
MOST_LIKELY, MOST_CHOSEN = 400, 16  # features of a round
LEAST_SCORE = 3.0  # what is less is chance
LEVEL = 0.001  # of significance, of all tests together
FORGETTING = 0.7  # of the scores of symbols and places, in a round
CELLS_AT_ONCE = 1 << 21  # machines x places x sequences

Floats = NDArray[np.float64]


class Candidates(NamedTuple):
    """Features that may tell something.

    Parameters
    ----------
    rows : ndarray of shape (n_candidates, n_symbols + 3)
        Machine, place and state.
    scores : ndarray of shape (n_candidates,)
    """

    rows: Integers
    scores: NDArray[np.float32]

    @classmethod
    def best_of(cls, *parts: Self) -> Self:
        """Return those with the largest scores, in descending order."""
        rows, scores = map(np.concatenate, zip(*parts, strict=True))
        order = np.argsort(-scores, kind="stable")[:MOST_LIKELY]
        return cls(rows[order], scores[order])


@dataclass
class Search:
    """Features, chosen one after the other by the errors that those before have left.

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
    chosen: list[Integers] = field(default_factory=list)
    design_effect: float = 1.0  # by which groups multiply variances (Kish 1965)

    def __post_init__(self) -> None:
        self.basis = np.empty((len(self.roots), 0))  # what is known, times roots: orthonormal
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

    def _gains(self, columns: Array) -> Floats:
        """Return by how much each of some columns (n, n_columns) would lower the squared errors."""
        columns = self.roots * columns
        rest = columns - self.basis @ (self.basis.T @ columns)
        lengths = np.square(rest).sum(axis=0)
        return np.asarray(np.square(self.errors.T @ columns).sum(axis=0) / (lengths + 1))

    def run(self) -> StateFeatures:
        """Try machines, then copies of the best with changes, until nothing is found."""
        pulls, of_groups = self.roots * self.errors, np.zeros_like(self.errors)
        np.add.at(of_groups, self.groups, pulls)
        effect = np.square(of_groups).sum() / (np.square(pulls).sum() + 1e-9)
        self.design_effect = max(1.0, float(effect))
        n_symbols, n_idle = len(self.occurs), 0
        all_places = np.arange(len(self.place_scores))
        simple = self._tried(automata.of_single_symbols(n_symbols), all_places)
        pairs = automata.of_pairs(self.rng, n_symbols)
        best = self._choose(simple, self._tried(np.concatenate([pairs, self._drawn()])))
        for _ in range(MOST_ROUNDS):
            n_before = len(self.chosen)
            copies = automata.changed(self.rng, best, self._chances())
            self.symbol_scores *= FORGETTING
            self.place_scores *= FORGETTING
            machines = np.concatenate([copies, self._drawn()])
            best = self._choose(self._tried(machines))
            n_idle = 0 if len(self.chosen) > n_before else n_idle + 1
            if n_idle == PATIENCE:
                break
        return self._features(np.array(self.chosen, int).reshape(-1, n_symbols + 3))

    def _features(self, rows: Integers) -> StateFeatures:
        tables, columns = automata.tables_of(rows[:, :-2]), rows[:, -2:].T
        return StateFeatures.of(self.known.ids, self.known.tokens, tables, *columns)

    def _chances(self) -> Floats:
        """Return how probable it is that each symbol is drawn: half of them by their scores."""
        told = self.occurs * np.maximum(self.symbol_scores - 1.5, 0.1) ** 2
        return np.asarray((told / told.sum() + self.occurs / self.occurs.sum()) / 2)

    def _drawn(self) -> Integers:
        """Draw machines; return those that tell something of a part of the sequences."""
        machines = automata.drawn(self.rng, N_DRAWN, self._chances())
        return _distinct(self._tried(machines, every=EVERY).rows[:, :-2])

    def _tried(
        self, machines: Integers, places: NDArray[np.intp] | None = None, every: int = 1
    ) -> Candidates:
        """Return what may tell something of every n-th sequence."""
        if places is None:
            best = np.argsort(-self.place_scores, kind="stable")[:N_PLACES]
            others = self.rng.integers(len(self.place_scores), size=N_PLACES)
            places = np.unique([0, *best, *others])
        # Nothing is known of a symbol that does not occur.
        machines = np.where(np.append(True, self.occurs), machines, STAY)
        strings, pulls, found = self.strings.every(every), self._pulls()[::every], []
        at_once = 1 + CELLS_AT_ONCE // (len(pulls) * len(places))
        for start in range(0, len(machines) + 1, at_once):
            part = machines[start : start + at_once]
            states = strings.states(automata.tables_of(part), strings.places[places])
            for state in range(MOST_STATES):
                # Of two states the second says all.
                numbers = np.flatnonzero(np.array(automata.SIZES)[part[:, 0]] > (state or 2))
                scores = _scores(states[:, :, numbers] == state, pulls)
                self.n_tests += scores.size * self.errors.shape[1]
                place, number = np.nonzero(scores > LEAST_SCORE)
                columns = part[numbers[number]], places[place], np.full(len(place), state)
                found.append(Candidates(np.column_stack(columns), scores[place, number]))
        likely = Candidates.best_of(*found)
        acts = likely.rows[:, 1:-2] != STAY
        of_symbols = (acts * likely.scores[:, np.newaxis]).max(axis=0, initial=0)
        self.symbol_scores = np.maximum(self.symbol_scores, of_symbols)
        np.maximum.at(self.place_scores, likely.rows[:, -2], likely.scores)
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

    def _choose(self, *tried: Candidates) -> Integers:
        """Choose features; return their machines, and the best others."""
        rows, scores = Candidates.best_of(*tried)
        least = -float(ndtri(LEVEL / 2 / self.n_tests))  # of so many tests (Bonferroni)
        clear = rows[scores > least]
        has, chosen = self._features(clear).read(self.strings).T.astype(np.float32), list[int]()
        while len(clear) and len(chosen) < MOST_CHOSEN:
            gains = np.where(_scores(has, self._pulls()) > least, self._gains(has), 0)
            first = int(gains.argmax())
            if not gains[first]:
                break
            if self.learn(has[:, first]):
                chosen.append(first)
                self.chosen.append(clear[first])
            has[:, first] = 0
        machines = np.concatenate([clear[chosen], rows])[:, :-2]
        return _distinct(machines)[: len(chosen) + N_BEST]


def _distinct(machines: Integers) -> Integers:
    """Return each machine once, in the order in which they come first."""
    first = np.unique(machines, axis=0, return_index=True)[1]
    return np.asarray(machines[np.sort(first)])


def _scores(indicators: Array, pulls: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many standard errors the errors are off 0 where indicators are 1, at most.

    The axis of sequences is the last but one.
    """
    sums, variances = np.split(pulls.T @ indicators.astype(np.float32, copy=False), 2, axis=-2)
    return np.asarray((np.abs(sums) / np.sqrt(variances + 1)).max(axis=-2))


def told_by_pairs(samples: Samples, folds: Rows) -> Floats:
    """Return what pairs of ids tell of each sample, without its fold (n_samples, n_outputs).

    By ridge regression. Positions count too, if nearly all sequences have one length. `folds` has
    the number of the fold of each sample.
    """
    sequences, truth = samples.sequences, samples.targets.indicators()
    rows, told = np.arange(len(truth)), np.zeros(truth.shape)
    n_steps = common_length(sequences.lengths)
    products = np.zeros((len(rows), len(rows)), np.float32)
    for ngrams in [PAIRS, replace(PAIRS, n_steps=n_steps)][: 1 + (n_steps > 0)]:
        bags = matrix_of(ngrams.bags(sequences, rows)).astype(np.float32)
        products += (bags @ bags.T).toarray()
    products -= products.mean(axis=0)
    products -= products.mean(axis=1, keepdims=True)
    penalty = np.float32(np.trace(products) / len(rows) + 1e-6)
    for fold in np.unique(folds):
        here, others = rows[folds == fold], rows[folds != fold]
        among = products[np.ix_(others, others)]
        among[np.diag_indices_from(among)] += penalty
        gaps = (truth[others] - truth[others].mean(axis=0)).astype(np.float32)
        weights = solve(among, gaps, assume_a="pos", overwrite_a=True, check_finite=False)
        told[here] = products[np.ix_(here, others)] @ weights
    return told


# --- What a fit finds


def find_states(known: StateFeatures, samples: Samples, rng: np.random.Generator) -> StateFeatures:
    """Return the features that samples tell, beside pairs, of the ids that are known."""
    lengths, (first, _) = samples.sequences.lengths, distinct_sequences(samples.targets)
    rows = rng.permutation(first)[:MOST_SEQUENCES]
    rows = rows[np.cumsum(np.minimum(lengths[rows], LONGEST)) <= MOST_STEPS]
    if len(rows) < FEWEST_SEQUENCES:
        return known
    samples = samples.subset(rows[np.argsort(-lengths[rows], kind="stable")])
    targets, rows = samples.targets, np.arange(len(rows))
    known_groups = rows if targets.groups is None else targets.groups
    names, groups = np.unique(known_groups, return_inverse=True)
    groups = groups if len(names) > 1 else rows  # one can't be left out
    folds = rng.permutation(groups.max() + 1)[groups] % N_FOLDS
    lengths, symbols = samples.sequences.lengths, known.symbols(samples.sequences.read(rows))
    n_left = np.cumsum(lengths).repeat(lengths) - np.arange(len(symbols))  # up to the end
    symbols = symbols[n_left <= LONGEST]
    strings = Strings.of(symbols, np.minimum(lengths, LONGEST), known.n_symbols)
    occurs = np.isin(np.arange(known.n_symbols), symbols)
    roots = np.sqrt(targets.sample_weights)[:, np.newaxis]
    search = Search(known, strings, roots * targets.indicators(), roots, occurs, groups, rng)
    for column in (np.ones(len(rows)), *told_by_pairs(samples, folds).T):
        search.learn(column)
    largest = np.argsort(-np.square(search.errors).sum(axis=0), kind="stable")
    search.errors = search.errors[:, largest[:MOST_OUTPUTS]]
    return search.run()


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
    none = np.empty(0, np.int64)
    tables = np.empty((0, len(names) + 1, MOST_STATES))
    return StateFeatures.of(ids[most].astype(np.int64), names, tables, none, none)


def read_states(context: FitContext) -> Reader | None:
    """Search in the samples that are not held out; None if these tell nothing, or are words."""
    split = context.split
    known = known_ids(split.samples.sequences)
    if known is None:
        return None
    found = find_states(known, split.learned, np.random.default_rng(split.seed))
    return Reader.of(context, found) if found.n_features else None


STATES = Recipe(
    "states",
    suits=lambda settings: settings.linear_model and settings.kind in TOKENS,
    read=read_states,
    solver="regression",
    stored=(StateFeatures,),
    is_cross_validated=False,  # a search in each fold costs much, and tells nothing more
)
