"""Small machines: what each symbol does with each state, drawn at random, or changed a little.

Machines are an array (n_machines, 1 + n_symbols): the place of the number of states in `SIZES`, and
what each symbol does, a number of `MAPS`.
"""

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


def tables_of(machines: Integers) -> NDArray[np.uint8]:
    """Return the state that follows each state (n_machines, n_symbols, MOST_STATES)."""
    return np.asarray(MAPS[machines[:, :1], machines[:, 1:]])


def of_single_symbols(n_symbols: int) -> Integers:
    """Return machines that tell of each symbol how often it occurs, and where.

    They tell whether the number of its occurrences is odd, is a multiple of three, is 0, 1, 2 or
    more; whether a sequence begins with it, and whether it is the latest.
    """
    kinds = (2, TURN, STAY), (3, TURN, STAY), (4, WALK, STAY), (3, MOVE + 1, MOVE + 2)
    is_own, machines = np.eye(n_symbols, dtype=np.bool_), []
    for size, own, other in (*kinds, (2, RESET + 1, RESET)):
        places = np.full(n_symbols, SIZES.index(size))
        machines.append(np.column_stack([places, np.where(is_own, own, other)]))
    return np.concatenate(machines)


def of_pairs(rng: np.random.Generator, n_symbols: int) -> Integers:
    """Return machines that tell which of two symbols is the latest, of all pairs or of some."""
    one, other = np.divmod(rng.permutation(n_symbols**2)[:MOST_PAIRS], n_symbols)
    rows, machines = np.arange(len(one)), np.full((len(one), 1 + n_symbols), STAY)
    machines[rows, 1 + one], machines[rows, 1 + other] = RESET + 1, RESET
    machines[:, 0] = SIZES.index(2)
    return machines


def drawn(rng: np.random.Generator, n_machines: int, chances: NDArray[np.float64]) -> Integers:
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
    return np.column_stack([rng.integers(len(SIZES), size=n_machines), actions])


def changed(rng: np.random.Generator, machines: Integers, chances: NDArray[np.float64]) -> Integers:
    """Change what a symbol does in copies of machines, and now and then their size.

    It stays, does what a symbol of one of the machines does, or what is drawn.
    """
    copies = machines.repeat(N_COPIES, axis=0)
    n_copies, chance, actions = len(copies), rng.random(len(copies)), machines[:, 1:]
    new = _random_maps(rng, rng.integers(1, len(STARTS), n_copies))
    known = rng.choice(np.append(STAY, actions[actions != STAY]), n_copies)
    symbols = rng.choice(len(chances), n_copies, p=chances)
    new = np.select([chance < 0.25, chance < 0.6], [STAY, known], new)
    copies[np.arange(n_copies), 1 + symbols] = new
    is_resized = rng.random(n_copies) < 0.15
    copies[is_resized, 0] = rng.integers(len(SIZES), size=is_resized.sum())
    return copies


def _random_maps(rng: np.random.Generator, family: Integers) -> Integers:
    return np.asarray(STARTS[family] + rng.integers(N_MAPS[family]))
