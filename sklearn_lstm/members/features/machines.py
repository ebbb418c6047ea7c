"""Small machines: what each symbol does with each state, drawn at random, or changed a little."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_STATES = 8
SIZES = 2, 3, 3, 4, 4, 5, 6, MOST_STATES  # numbers of states: each of these is as probable
N_COPIES = 10  # of a machine, that are changed
MOST_PAIRS = 200

Integers = NDArray[np.int64]


def _actions(n_states: int) -> list[Integers]:
    """Return what a symbol may do: of each family, maps of states to states (n_maps, n_states)."""
    states, numbers = np.arange(n_states), np.arange(MOST_STATES)[:, np.newaxis]
    first, second = np.divmod(np.arange(25)[:, np.newaxis], 5)
    first, second = first % n_states, second % n_states
    moved = np.where(states == first, second, states)
    return [
        states[np.newaxis],
        np.add(states, [[1], [-1], [2], [-2]]) % n_states,
        (numbers - states) % n_states,
        np.where(states == second, first, moved),
        np.broadcast_to(numbers % n_states, (MOST_STATES, n_states)),
        np.clip(np.add(states, [[1], [-1]]), 0, n_states - 1),
        moved,
    ]


N_MAPS = np.array([*map(len, _actions(2))])  # of each family
STARTS = np.cumsum(N_MAPS) - N_MAPS
STAY, TURN, MIRROR, SWAP, RESET, WALK, MOVE = STARTS.tolist()
MAPS = np.tile(np.arange(MOST_STATES, dtype=np.uint8), (len(SIZES), N_MAPS.sum(), 1))
for _maps, _size in zip(MAPS, SIZES, strict=True):
    _maps[:, :_size] = np.concatenate(_actions(_size))


class Machines(NamedTuple):
    """What each symbol does, and how many states there are.

    Parameters
    ----------
    actions : ndarray of shape (n_machines, n_symbols)
        Numbers of `MAPS`.
    sizes : ndarray of shape (n_machines,)
        Places in `SIZES`.
    """

    actions: Integers
    sizes: Integers

    def of(self, rows: Any) -> Machines:
        """Return some of the machines."""
        return Machines(self.actions[rows], self.sizes[rows])

    def tables(self) -> NDArray[np.uint8]:
        """Return the state that follows each state (n_machines, n_symbols, MOST_STATES)."""
        return np.asarray(MAPS[self.sizes[:, np.newaxis], self.actions])

    def n_states(self) -> Integers:
        """Return the number of states of each (n_machines,)."""
        return np.array(SIZES)[self.sizes]

    def distinct(self) -> Machines:
        """Return each machine once, in the order in which they come first."""
        rows = np.column_stack(self)
        return self.of(np.sort(np.unique(rows, axis=0, return_index=True)[1]))

    @classmethod
    def joined(cls, *parts: Machines) -> Machines:
        """Return all machines."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def of_single_symbols(n_symbols: int) -> Machines:
    """Return machines that tell of each symbol how often it occurs, and where.

    They tell whether the number of its occurrences is odd, is a multiple of three, is 0, 1, 2 or
    more; whether a sequence begins with it, and whether it is the latest.
    """
    kinds = (TURN, STAY, 2), (TURN, STAY, 3), (WALK, STAY, 4), (MOVE + 1, MOVE + 2, 3)
    own, other, n_states = np.array([*kinds, (RESET + 1, RESET, 2)]).T[:, :, np.newaxis]
    is_own = np.eye(n_symbols, dtype=np.bool_)[:, np.newaxis]
    sizes = np.tile(np.searchsorted(SIZES, n_states.ravel()), n_symbols)
    return Machines(np.where(is_own, own, other).reshape(-1, n_symbols), sizes)


def of_pairs(rng: np.random.Generator, n_symbols: int) -> Machines:
    """Return machines that tell which of two symbols is the latest, of all pairs or of some."""
    one, other = np.divmod(rng.permutation(n_symbols**2)[:MOST_PAIRS], n_symbols)
    rows, actions = np.arange(len(one)), np.full((len(one), n_symbols), STAY)
    actions[rows, one], actions[rows, other] = RESET + 1, RESET
    return Machines(actions, np.zeros(len(one), np.int64))


def drawn(rng: np.random.Generator, n_machines: int, chances: NDArray[np.float64]) -> Machines:
    """Draw machines.

    All symbols act, or one to three; in one or two ways, or each in its own, of one or two
    families; in some machines, many rest.

    Parameters
    ----------
    rng : numpy Generator
    n_machines : int
    chances : ndarray of shape (n_symbols,)
        Of each symbol, to act where few do.
    """
    n_symbols = len(chances)
    shape = n_machines, n_symbols
    family = rng.integers(1, len(STARTS), (n_machines, 2))
    family[:, 1] = np.where(rng.random(n_machines) < 0.6, family[:, 0], family[:, 1])
    ways = _random_maps(rng, np.take_along_axis(family, rng.integers(2, size=shape), axis=1))
    n_ways = np.minimum(rng.choice([1, 2, 2, n_symbols, n_symbols], (n_machines, 1)), n_symbols)
    way = np.where(n_ways < n_symbols, rng.integers(n_ways, size=shape), np.arange(n_symbols))
    # A random order in which probable symbols come early: the Gumbel-max trick.
    order = np.log(np.maximum(chances, 1e-12)) + rng.gumbel(size=shape)
    rank = np.argsort(np.argsort(-order, axis=1), axis=1)
    n_acting = rng.choice([1, 2, 3, n_symbols, n_symbols, n_symbols], (n_machines, 1))
    rests = rng.random(shape) < rng.choice([0.0, 0.3], (n_machines, 1))
    actions = np.where(rests | (rank >= n_acting), STAY, np.take_along_axis(ways, way, axis=1))
    return Machines(actions, rng.integers(len(SIZES), size=n_machines))


def changed(rng: np.random.Generator, machines: Machines, chances: NDArray[np.float64]) -> Machines:
    """Change what a symbol does in copies of machines, and now and then their size.

    It stays, does what a symbol of one of the machines does, or what is drawn.
    """
    actions, sizes = machines.of(np.arange(len(machines.sizes)).repeat(N_COPIES))
    n_copies, chance = len(sizes), rng.random(len(sizes))
    new = _random_maps(rng, rng.integers(1, len(STARTS), n_copies))
    known = rng.choice(np.append(STAY, machines.actions[machines.actions != STAY]), n_copies)
    symbols = rng.choice(len(chances), n_copies, p=chances)
    new = np.select([chance < 0.25, chance < 0.6], [STAY, known], new)
    actions[np.arange(n_copies), symbols] = new
    new_sizes = rng.integers(len(SIZES), size=n_copies)
    return Machines(actions, np.where(rng.random(n_copies) < 0.15, new_sizes, sizes))


def _random_maps(rng: np.random.Generator, family: Integers) -> Integers:
    return np.asarray(STARTS[family] + rng.integers(N_MAPS[family]))
