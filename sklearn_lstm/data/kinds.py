"""Words, characters, measurements: what a step of a sequence can be, and all that depends on it."""

from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.sequences import Lengths, Sequences

FEWEST_WORDS = 140  # effective number of tokens, the most frequent one set aside
FEWEST_PAIRS = 1_000  # neighbours that tell whether ids are a signal
CLOSE = 1 / 3  # neighbours of a signal; ids have at least 0.48, see benchmarks/CHOICES.md
CLOSE_IF_SMOOTH = 0.7  # times the smoothness; ids have at least 0.94


KindName: TypeAlias = Literal["words", "characters", "measurements"]


@dataclass(frozen=True)
class Kind:
    """What a step is, and how models learn from such steps; the defaults are those of words.

    Parameters
    ----------
    name : {"words", "characters", "measurements"}
    work_per_step : int
        Work of a network, in the units of `duration.work_of_epoch`.
    n_frames : float
        That a network reads of a series of mean length, if it is long.
    effort : int
        Factor of the updates of a training, and of those between two checks of the held-out loss: a
        character says less than a word.
    fewest_epochs : int
        Half of the limit of a training is at least so many, unless these are too much work.
    epochs_per_check : float
        The most epochs, times the effort, between two of these checks.
    network_factor : float
        The median of the prior of the factor that the logits of a network need alone. A network is
        too sure of itself, most of all of tokens.
    ngram_lengths : tuple of int
        The shortest and the longest n-gram. Those of characters may be longer.
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its n-grams: the ends of names and
        of single words tell much.
    """

    name: KindName
    work_per_step: int = 1
    n_frames: float = inf
    effort: int = 1
    fewest_epochs: int = 6
    epochs_per_check: float = 1
    network_factor: float = 0.15
    ngram_lengths: tuple[int, ...] = (1, 2)
    has_borders: bool = False


WORDS = Kind("words")
CHARACTERS = Kind(
    "characters",
    effort=2,
    fewest_epochs=15,
    epochs_per_check=1.5,
    ngram_lengths=(1, 5),
    has_borders=True,
)
MEASUREMENTS = Kind(
    "measurements",
    work_per_step=2,
    n_frames=200,
    epochs_per_check=inf,
    network_factor=0.5,
    ngram_lengths=(),
)
TOKENS = WORDS, CHARACTERS
KINDS: dict[str, Kind] = {kind.name: kind for kind in (*TOKENS, MEASUREMENTS)}


def find_kind(steps: object, sequences: Sequences, input_type: str) -> Kind:
    """Return what the steps of sequences are, which were read from a matrix, table or list.

    With `input_type` "auto", the vectorizer says it about ids, else it is guessed from them.
    """
    if input_type != "auto":
        return KINDS[input_type]
    if sequences.n_channels is not None:
        return MEASUREMENTS
    said = getattr(steps, "input_type", "auto")  # only `TokenIds` say it, but no product of them
    return KINDS.get(said) or guess_kind(sequences)


def guess_kind(sequences: Sequences) -> Kind:
    """Guess what ids are from their effective number, that of equally frequent ones of one entropy.

    It is 3 for bases, 20 to 110 for letters of one or many languages, 70 to 130 for bytes of files,
    and 300 to 30,000 for words. The most frequent token is left out, because it may be the unknown
    one. The entropy is that of Chao and Shen (2003), which a few texts estimate too: the share of
    tokens seen once tells how much was never seen.
    """
    counts = np.sort(sequences.count_tokens())[:-1]
    n_steps = max(counts.sum(), 1)
    seen = 1 - min(np.count_nonzero(counts == 1), n_steps - 1) / n_steps
    share = seen * counts[counts > 0] / n_steps
    entropy = -(share * np.log(share) / (1 - (1 - share) ** n_steps)).sum()
    return CHARACTERS if np.exp(entropy) < FEWEST_WORDS else WORDS


def effective_number_of_tokens(sequences: Sequences) -> float:
    """Return how many equally frequent ids would recur as often as those of the sequences.

    It is the inverse of the probability that two steps drawn at random hold the same id (Simpson
    1949). Its estimate does not grow with the amount of data.
    """
    counts = sequences.count_tokens()
    n_pairs = counts.sum() * (counts.sum() - 1)
    n_equal_pairs = (counts * (counts - 1)).sum()
    return float(n_pairs / n_equal_pairs) if n_equal_pairs else np.inf


def are_a_signal(steps: NDArray[np.generic], lengths: Lengths) -> bool:
    """Return whether integers (n_steps,) of sequences are close to their neighbours.

    The mean distance of neighbours is compared with that of two steps of the same sequence, drawn
    at random: the closeness, about 1 for ids. Distances are those of the ranks of the values. A
    signal with noise is less close, but its values differ little in how frequent they are from the
    next larger ones: two random steps differ by 1 as often as they are equal. That is the
    smoothness.
    """
    values, places, counts = np.unique(steps, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2)[places]
    draws = np.random.default_rng(0).random(len(ranks))
    shuffled = ranks[np.lexsort((draws, np.repeat(np.arange(len(lengths)), lengths)))]
    # Repeated steps say nothing, nor those from one sequence to the next.
    borders = np.cumsum(lengths)[:-1] - 1
    gaps = [np.delete(np.abs(np.diff(order)), borders) for order in (ranks, shuffled)]
    near, far = (gap[gap > 0] for gap in gaps)
    if len(near) < FEWEST_PAIRS:
        return False
    is_next = np.diff(values) == 1
    n_next, n_equal = (counts[1:] * counts[:-1])[is_next].sum(), (counts * (counts - 1)).sum()
    smoothness = min(n_next / max(n_equal, 1), 1)
    return bool(near.mean() / far.mean() < max(CLOSE, CLOSE_IF_SMOOTH * smoothness))
