"""Words, characters, measurements: what a step of a sequence can be, and all that depends on it."""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_lstm.data.containers import FRAME_ADVICE, JOIN_TEXTS, LONG_TABLE
from sklearn_lstm.data.numbers import FEWEST_ROWS
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, Lengths, Sequences, pad
from sklearn_lstm.exceptions import InputTypeWarning, warn_user

FEWEST_WORDS = 140  # effective number of tokens, the most frequent one set aside
FEWEST_PAIRS = 1_000  # neighbours that tell whether ids are a signal
FEWEST_RECORDINGS = 10  # whose ids tell a long table
MOST_MEASUREMENTS = 11  # in a long table without an id; a table of series may have twelve months
TIMES_AS_WIDE = 5  # is a column of another unit
STEPS_FOR_SIGNAL = 1 << 15  # that are looked at, about
CLOSE = 1 / 3  # neighbours of a signal; ids have at least 0.48, see benchmarks/CHOICES.md
CLOSE_IF_SMOOTH = 0.7  # times the smoothness; ids have at least 0.94


KindName: TypeAlias = Literal["words", "characters", "measurements"]


@dataclass(frozen=True)
class Kind:
    """What a step is, and how models learn from such steps.

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
    network_weight : float
        The median of the prior of a network's factor in the blend. A network is too sure of itself,
        most of all of tokens.
    ngram_lengths : tuple of int
        The shortest and the longest n-gram. Those of characters may be longer.
    has_borders : bool
        Whether the beginning and the end of a sequence belong to its n-grams: the ends of names and
        of single words tell much.
    """

    name: KindName
    work_per_step: int
    n_frames: float
    effort: int
    fewest_epochs: int
    epochs_per_check: float
    network_weight: float
    ngram_lengths: tuple[int, ...]
    has_borders: bool


# name, work_per_step, n_frames, effort, fewest_epochs, epochs_per_check, network_weight,
# ngram_lengths, has_borders
WORDS = Kind("words", 1, inf, 1, 6, 1, 0.03, (1, 2), has_borders=False)
CHARACTERS = Kind("characters", 1, inf, 2, 15, 1.5, 0.03, (1, 5), has_borders=True)
MEASUREMENTS = Kind("measurements", 2, 200, 1, 6, inf, 0.1, (), has_borders=False)
TOKENS = WORDS, CHARACTERS
KINDS: dict[str, Kind] = {kind.name: kind for kind in (*TOKENS, MEASUREMENTS)}


def find_kind(steps: Any, sequences: Sequences, input_type: str) -> Kind:
    """Return what the steps of sequences are, which were read from a matrix, table or list.

    With `input_type` "auto", the vectorizer says it about ids, else it is guessed from them.

    Warns
    -----
    InputTypeWarning
        If "auto" may be wrong.
    """
    if input_type != "auto":
        return KINDS[input_type]
    if sequences.n_channels is not None:
        rows = steps[:: 1 + int(sequences.lengths.sum()) // VALUES_PER_CHUNK]
        is_table = not isinstance(rows, list) or len({*map(np.shape, rows)}) == 1
        if is_table and np.ndim(rows) == 2:
            _warn_of_padded_ids(np.asarray(rows))
        return MEASUREMENTS
    said = getattr(steps, "input_type", "auto")  # only `TokenIds` say it, but no product of them
    is_told = said == "auto" and _warn_of_texts_side_by_side(steps)
    return KINDS.get(said) or guess_kind(sequences, None if is_told else steps)


def guess_kind(sequences: Sequences, steps: object) -> Kind:
    """Guess what ids are from their effective number, that of equally frequent ones of one entropy.

    It is 3 for bases, 20 to 110 for letters of one or many languages, 70 to 130 for bytes of files,
    and 300 to 30,000 for words. The most frequent token is left out, because it may be the unknown
    one. The entropy is that of Chao and Shen (2003), which a few texts estimate too: the share of
    tokens seen once tells how much was never seen.
    """
    every = -(-int(sequences.lengths.sum()) // STEPS_FOR_SIGNAL)
    sample = next(sequences.subset(np.arange(0, len(sequences), every)).chunks())
    counts = np.sort(sequences.count_tokens())[:-1]
    if sequences.spelling is None and (found := _look_like_measurements(steps, *sample)):
        warn_user(
            f"X holds integers, which are read as token ids. But {found}. Pass "
            "input_type='measurements' if they are measurements, and 'words' or 'characters' if "
            "they are ids.",
            InputTypeWarning,
        )
    n_steps = max(counts.sum(), 1)
    seen = 1 - min(np.count_nonzero(counts == 1), n_steps - 1) / n_steps
    share = seen * counts[counts > 0] / n_steps
    entropy = -(share * np.log(share) / (1 - (1 - share) ** n_steps)).sum()
    return CHARACTERS if np.exp(entropy) < FEWEST_WORDS else WORDS


def _look_like_measurements(steps: object, ids: NDArray[Any], lengths: Lengths) -> str:
    """Return in what integers are like measurements: a signal, or a table with 0 between others."""
    if are_a_signal(ids, lengths):
        return (
            "neighbouring integers are close to each other, as in a signal (audio, counts of a "
            "sensor)"
        )
    if isinstance(steps, np.ndarray) and len(steps) >= FEWEST_ROWS:
        is_step = steps[:: 1 + steps.size // VALUES_PER_CHUNK] > 0
        before, behind = (np.maximum.accumulate(one, 1) for one in (is_step, is_step[:, ::-1]))
        if (~is_step & before & behind[:, ::-1]).any(axis=1).mean() > 1 / 2:
            return "most rows have 0, which is left out, between others, as counts and pixels do"
    return ""


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


def _warn_of_padded_ids(table: NDArray[Any]) -> None:
    """Warn of series of one length that look like padded token ids, all of them or some columns.

    All: its smallest value ends the rows, or begins them, and stands nowhere else. If it is 0, rows
    may as well hold counts, which run out: then neighbours have to be as far apart as ids are. Some
    columns: those of whole numbers. Columns of 0 and 1 are no ids: those of `OneHotEncoder` stand
    beside them.

    Warns
    -----
    InputTypeWarning
    """
    smallest, is_whole = table.min(initial=0), table % 1 == 0  # NaN is not
    if is_whole.all() and _are_padded(is_step := table > smallest):
        steps, lengths = table[is_step], np.count_nonzero(is_step, axis=1)
        are_often = 10 * np.count_nonzero(lengths < table.shape[1]) > len(table)
        has_evidence = len(steps) > len(table) + FEWEST_PAIRS and not are_a_signal(steps, lengths)
        if table.max() > 2 and are_often and (smallest < 0 or has_evidence):
            warn_user(
                f"X is read as series, but its rows end, or begin, with {smallest:g}, which stands "
                "nowhere else, like padding. Token ids are integers padded with 0: "
                f"np.where(X == {smallest:g}, 0, X + 1).astype(int), here and in predict. Series "
                f"are padded with NaN: np.where(X == {smallest:g}, np.nan, X). If {smallest:g} was "
                "measured, say input_type='measurements'.",
                InputTypeWarning,
            )
        return
    ids = table[:, (is_whole & (table >= 0)).all(axis=0) & (table.max(axis=0) > 1)]
    if ids.max(initial=0) > 2 and _are_padded(ids > 0):
        warn_user(
            "X is read as series, but some of its columns look like padded token ids, beside "
            f"others. {FRAME_ADVICE} If all are measurements, say input_type='measurements'.",
            InputTypeWarning,
        )


def _warn_of_texts_side_by_side(X: Any) -> bool:
    """Warn of ids whose columns are filled, run out, and are filled again, read from either end.

    What follows is another text, or one column of numbers. Returned is whether it has warned.
    """
    if not (issparse(X) or isinstance(X, np.ndarray)) or X.ndim < 2:  # lists have no columns
        return False
    table = (X.tocsr() if issparse(X) else X)[:: 1 + X.size // VALUES_PER_CHUNK]
    counts = np.unique(table.nonzero()[1], return_counts=True)[1]  # there may be 1 << 60 columns
    for each in (counts, counts[::-1]):  # padded behind, or in front
        texts = np.split(each, np.flatnonzero(np.diff(each) > 0) + 1)
        # Texts have several lengths; a part that some rows of an alignment lack has one.
        are_texts = all(
            (len(one) == 1 or len(np.unique(one)) > 2) and one[0] == table.shape[0] for one in texts
        )
        if are_texts and any(2 * one[-1] < one[0] for one in texts[:-1]):
            warn_user(
                "X looks like the token ids of a text beside those of another, or beside numbers: "
                f"one id stands for several things. {FRAME_ADVICE} Join texts first: {JOIN_TEXTS}. "
                "If all have one vocabulary, say input_type='words' or 'characters'.",
                InputTypeWarning,
            )
            return True
    return False


def _are_padded(is_step: NDArray[np.bool_]) -> bool:
    """Return whether all rows of a table end, or all begin, with padding, in several columns."""
    if is_step.shape[1] < 3 or np.count_nonzero(~is_step.all(axis=0)) < 2:
        return False
    steps = is_step.astype(np.int8)
    return any((one[:, 0].all() and (np.diff(one) <= 0).all()) for one in (steps, steps[:, ::-1]))


def warn_of_a_long_table(
    sequences: Sequences, names: tuple[str, ...], targets: NDArray[np.generic]
) -> None:
    """Warn of a data frame of floats in which a column looks like an id, or all like channels.

    Where a row is a step, equal ids stand one after the other, and if the rows were shuffled, each
    has one class. In ordinary series, equal values are scattered over rows and classes; a value
    that tells the class does so by its size, and rows that are sorted by class make a few runs.

    Warns
    -----
    InputTypeWarning
    """
    rows = np.arange(0, len(sequences), -(-int(sequences.lengths.sum()) // VALUES_PER_CHUNK))
    table = pad(sequences.read(rows), sequences.lengths[rows])[:, :, 0]
    if not (table % 1 > 0).any():
        return
    classes = np.unique(targets[rows], axis=0, return_inverse=True)[1].ravel()
    found = []
    for name, values in zip(names, table.T, strict=False):
        ids, first, places = np.unique(values, return_index=True, return_inverse=True)
        if (ids % 1).any() or not FEWEST_RECORDINGS <= len(ids) <= len(values) / 2:
            continue
        have_one_class = (classes[first][places] == classes).all()
        is_mixed = np.count_nonzero(np.diff(classes[first])) >= 2 * (classes.max() + 1)
        are_together = np.count_nonzero(np.diff(values)) == len(ids) - 1
        found += [name] if are_together or (have_one_class and is_mixed) else []
    why = "equal whole numbers stand one after the other, or each has one class, like an id"
    if len(names) <= MOST_MEASUREMENTS and not (found or any(map(str.isdigit, "".join(names)))):
        why = "their names and scales differ, like those of several sensors"
        if not (are_channels := _are_of_different_units(table)):
            why, are_channels = "rows of one class stand together", _stand_together(classes)
        found += names * are_channels
    if found:
        warn_user(
            "Each row of X is read as a series, whose steps are the columns. But the columns "
            f"{found} are like those of a table with a row for each step: {why}. {LONG_TABLE} If "
            "each row is a series, leave out what is no step, and pass frame.to_numpy().",
            InputTypeWarning,
        )


def _stand_together(classes: NDArray[np.intp]) -> bool:
    """Return whether classes make far fewer runs than in a drawn order, but several each."""
    shares = np.bincount(classes) / len(classes)
    n_expected = len(classes) * (1 - shares @ shares)
    return bool(2 * len(shares) <= 1 + np.count_nonzero(np.diff(classes)) < n_expected / 4)


def _are_of_different_units(table: NDArray[np.floating]) -> bool:
    """Return whether most values of one column are above those of another, and far wider apart."""
    low, high = np.quantile(table, (0.05, 0.95), axis=0)  # NaN, and so unknown, of a gap
    width = high - low
    are_apart = (low > high[:, np.newaxis]) | (high < low[:, np.newaxis])
    are_wider = (width > TIMES_AS_WIDE * width[:, np.newaxis]) & (width > 0)[:, np.newaxis]
    return bool((are_apart & are_wider).any())
