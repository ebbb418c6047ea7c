"""What `fit` tells of an X that may be meant otherwise: exact rules, and what to do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.containers import FRAME_ADVICE, LONG_TABLE, names_of
from sklearn_lstm.data.kinds import FEWEST_PAIRS, are_a_signal
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, Lengths, Sequences, starts_of
from sklearn_lstm.exceptions import InputTypeWarning, warn_user
from sklearn_lstm.text.id_matrix import names_of_steps

FEWEST_MARKS = 20  # values of a channel that stand for missing ones, and others that differ
TABLE_ADVICE = "Any other table needs a model such as HistGradientBoostingClassifier."
HASHES = (
    "X holds large integers that recur, some negative, as hashes do, but is read as measurements. "
    "Pass the tokens themselves to a TextSequenceVectorizer(analyzer=list)."
)


@dataclass(frozen=True)
class Seen:
    """What the rules look at.

    Parameters
    ----------
    X : object
    rows : sparse matrix, ndarray or list of ndarray
        The same without its container.
    sequences : Sequences
        What was read from it.
    some : slice
        Rows here and there, of about VALUES_PER_CHUNK values.
    steps : ndarray of shape (n_steps,) or (n_steps, n_channels)
        Those of these rows, laid end to end.
    lengths : ndarray
        Steps of each of these rows.
    """

    X: object
    rows: Any
    sequences: Sequences
    some: slice
    steps: NDArray[Any]
    lengths: Lengths

    @property
    def table(self) -> NDArray[np.number]:
        """These rows, (n_rows, n_steps), if all have one channel and one length; else no rows."""
        width = self.lengths[0]
        is_table = self.steps.shape[1] == 1 and (self.lengths == width).all()
        return self.steps.reshape(-1, width) if is_table else np.empty((0, width))


def warn_of_another_reading(X: object, arrays: Arrays, sequences: Sequences) -> None:
    """Warn of what X may be in place of what it is read as: the first rule that it breaks.

    Parameters
    ----------
    X : object
    arrays : Arrays
        The same without its containers.
    sequences : Sequences
        What was read from them.

    Warns
    -----
    InputTypeWarning
    """
    if sequences.spelling is not None:  # a vectorizer gave them
        return
    n_values = int(sequences.lengths.sum()) * (sequences.n_channels or 1)
    some = slice(None, None, -(-n_values // VALUES_PER_CHUNK))
    rows = np.arange(len(sequences))[some]
    steps, lengths = next(sequences.subset(rows).chunks())
    seen = Seen(X, arrays.steps, sequences, some, steps, lengths)
    rules = RULES_OF_IDS if sequences.n_channels is None else RULES_OF_SERIES
    for found in filter(None, (rule(seen) for rule in rules)):
        warn_user(f"{found} If it is meant so, say it by input_type.", InputTypeWarning)
        return


def _a_frame_of_numbers(seen: Seen) -> str:
    """Tell how a data frame of single numbers is read; that of our vectorizer is meant so."""
    names, rows = [*map(str, names_of(seen.X))], seen.rows
    is_table = isinstance(rows, np.ndarray) and rows.shape == (len(rows), len(names))
    if not is_table or names == names_of_steps(len(names)):
        return ""
    return (
        f"Each row of X is read as a sequence of {len(names)} steps, {names[0]!r} to {names[-1]!r}."
        f" {LONG_TABLE} {TABLE_ADVICE}"
    )


def _a_signal(seen: Seen) -> str:
    """Tell integers that are close to their neighbours, or seldom recur: no tokens are."""
    counts = seen.sequences.count_tokens()
    are_unique = 2 * np.count_nonzero(counts == 1) > counts.sum() >= FEWEST_PAIRS
    are_unique &= seen.sequences.lengths.max() > 1
    if not (are_unique or are_a_signal(seen.steps, seen.lengths)):
        return ""
    return (
        "X holds integers, read as token ids, but neighbours are close to each other, or most occur"
        " once, as in a signal. Pass measurements as floats, or set input_type='measurements'."
    )


def _zeros_between_ids(seen: Seen) -> str:
    """Tell a row with a 0 that is no padding: in rows of several lengths none is."""
    if issparse(seen.rows):
        return ""  # a gap was an error already
    are_padded = len({*map(len, seen.rows)}) == 1
    rows = map(np.trim_zeros, seen.rows[seen.some]) if are_padded else seen.rows[seen.some]
    for place, row in enumerate(rows):
        if not np.all(row):
            return (
                f"X[{place * seen.some.step}] has 0 between ids, which is padding, and left out. "
                "If 0 is a token too, add 1 before you pad: [[i + 1 for i in row] for row in X]. "
                "Pass measurements as floats; counts of words have no order: pass the texts."
            )
    return ""


def _negative_integers(seen: Seen) -> str:
    """Tell integers that would be ids if none were negative: hashes are large, and recur."""
    filled = [row for row in seen.rows if row.size]
    if not all(row.ndim == 1 and row.dtype.kind in "iu" for row in filled):
        return ""
    row = next(index for index, ids in enumerate(seen.rows) if ids.min(initial=0) < 0)
    if seen.rows[row].min() < -1:  # no mark of padding, nor of a missing value
        sizes = np.abs(seen.steps.astype(np.float64))
        are_hashes = np.median(sizes) > 2**24 and 2 * len(np.unique(sizes)) < sizes.size
        return HASHES * bool(are_hashes)
    return (
        f"X holds integers, but is read as measurements, as X[{row}] holds -1. Of ids pass X + 1,"
        " if -1 pads, or X + 2, if it means missing (lists: [[i + 2 for i in row] for row in X])."
    )


def _a_table(seen: Seen) -> str:
    """Tell an array of which some columns hold whole numbers, and others fractions: no series."""
    table = seen.table
    if isinstance(seen.rows, list) or not len(table):
        return ""
    n_fractions = np.count_nonzero(table % 1, axis=0)  # NaN too
    is_whole = (n_fractions == 0) & (table != table[0]).any(axis=0)
    is_whole &= np.count_nonzero(table, axis=0) >= FEWEST_MARKS
    if not is_whole.any() or n_fractions.max() < FEWEST_MARKS:
        return ""
    return (
        f"X[:, {is_whole.argmax()}] holds whole numbers, and other columns fractions, as a table "
        f"does, but each row is read as a series. Are they ids? {FRAME_ADVICE} {TABLE_ADVICE}"
    )


def _one_hot(seen: Seen) -> str:
    """Tell steps of 0 but for one 1, which stand for symbols."""
    is_single = seen.steps.shape[1] < 2 or np.nansum(seen.steps, axis=1).max() > 1
    if is_single or not _are_0_and_1(seen.steps):
        return ""
    return (
        "Each step of X is one-hot. Of symbols, token ids tell more: output='sparse' of a "
        "vectorizer, else X = np.nan_to_num(X); X.argmax(axis=-1) + X.any(axis=-1), of a list row "
        "by row. 0 is padding."
    )


def _one_hot_table(seen: Seen) -> str:
    """Tell rows of 0 and 1 of which all hold as many 1: each 1 stands for a symbol."""
    counts = np.count_nonzero(seen.table == 1, axis=1)
    are_alike = len(counts) >= FEWEST_MARKS and (counts == counts[0]).all()
    if not (are_alike and 0 < 2 * counts[0] <= seen.lengths[0] and _are_0_and_1(seen.table)):
        return ""
    return (
        f"Each row of X holds {counts[0]} times 1, else 0, as one-hot coding makes of symbols, "
        f"but is read as a series of {seen.lengths[0]} steps. Pass the table of symbols, "
        "table.tolist(), to a TextSequenceVectorizer(analyzer=list)."
    )


def _are_0_and_1(steps: NDArray[Any]) -> bool:
    return bool(np.isin(np.nan_to_num(steps), (0, 1)).all())


def _channels_first(seen: Seen) -> str:
    """Tell series of one length with more channels than steps, unless they are of 0 and 1."""
    n_steps, n_channels = seen.sequences.lengths.max(), seen.steps.shape[1]
    are_alike = (seen.sequences.lengths == n_steps).all()
    if not are_alike or n_channels <= n_steps or _are_0_and_1(seen.steps):
        return ""
    return (
        f"X has {n_channels} channels of {n_steps} step(s): the last axis is that of the channels. "
        "If they come first, as in sktime, pass X.transpose(0, 2, 1), of a list [x.T for x in X]."
    )


def _padded(seen: Seen) -> str:
    """Tell an array most of whose series begin or end in steps of one value, of several numbers."""
    for order, place in ((1, "begin"), (-1, "end")):
        steps, starts = seen.steps[::order], starts_of(seen.lengths[::order])
        values, counts = np.unique(steps[starts, 0], return_counts=True)
        value, numbers = values[counts.argmax()] + 0, np.arange(len(steps))  # -0 is 0
        is_value = (steps != value).any(axis=1)  # NaN too
        n_steps = np.minimum.reduceat(np.where(is_value, numbers, len(numbers)), starts)
        n_steps = np.where(n_steps < len(numbers), n_steps - starts, 0)  # none if all are padding
        n_padded = np.count_nonzero(n_steps > 1)
        are_few = 2 * n_padded < len(n_steps) or 2 * n_steps.sum() < np.count_nonzero(~is_value)
        if not (isinstance(seen.rows, list) or are_few or len(np.unique(n_steps)) < 3):
            return (
                f"{n_padded:,} of {len(n_steps):,} series {place} in steps of {value:g}, a "
                f"measurement. If {value:g} is padding, put NaN there, or pass a list of arrays of "
                "unequal length."
            )
    return ""


def _codes(seen: Seen) -> str:
    """Tell integers, or floats that are 1, 2, ..., without a gap, that are no signal: codes."""
    steps = np.nan_to_num(seen.steps[:, 0])
    is_code, values = steps != 0, np.unique(steps[steps != 0])
    is_whole = seen.steps.dtype.kind in "iu" and values.min(initial=1) > 0
    are_codes = len(values) > 2 and (is_whole or (values == np.arange(1, len(values) + 1)).all())
    begins = np.delete(is_code[1:] & ~is_code[:-1], np.cumsum(seen.lengths)[:-1] - 1)
    are_padded = seen.steps.shape[1] == 1 and not begins.any()
    if not (are_codes and are_padded) or are_a_signal(steps, seen.lengths):
        return ""
    ids = "X" if getattr(seen.rows, "ndim", 1) < 3 else "X[:, :, 0]"
    return (
        f"X holds whole numbers from 1 to {values[-1]:.0f}, which are read as measurements. If they"
        f" stand for symbols, pass ids: np.nan_to_num({ids}).astype(int), of a list row by row."
    )


def _length_1(seen: Seen) -> str:
    """Tell rows of fractions that have length 1, or hold nothing: no sequences."""
    table = seen.table.astype(np.float64)
    norms = np.linalg.norm(table, axis=1)
    are_1 = ((norms == 0) | (np.abs(norms - 1) < 1e-3)).all()
    if not (are_1 and (table % 1).any()):
        return ""
    return (
        "Each row of X has length 1, as tf-idf and embeddings of texts have, which have no order. "
        "Pass the texts to a TextSequenceVectorizer; `encoder` takes a model of embeddings."
    )


def _a_mark(seen: Seen) -> str:
    """Tell a value that recurs, and is farther from all others than these are from each other."""
    for channel, values in enumerate(seen.steps.astype(np.float64).T):
        for sign in (1, -1):
            ordered = np.sort(sign * values[~np.isnan(values)])
            others = ordered[ordered > ordered[:1]]
            are_many = min(len(ordered) - len(others), len(np.unique(others))) >= FEWEST_MARKS
            if not are_many or not ordered[0] or channel == seen.sequences.time_channel:
                continue  # 0 is a value: off
            if others[0] - ordered[0] > np.ptp(others):
                mark = f"{sign * ordered[0]:.10g}"
                return (
                    f"Channel {channel} of X holds {mark} again and again, far from all other "
                    f"values. If it means missing, put NaN there: np.where(X == {mark}, np.nan, X)."
                )
    return ""


RULES_OF_IDS = (_a_frame_of_numbers, _a_signal, _zeros_between_ids)
RULES_OF_SERIES = (
    *(_codes, _a_frame_of_numbers, _negative_integers, _one_hot, _one_hot_table),
    *(_channels_first, _a_table, _padded, _length_1, _a_mark),
)


def nothing_learned(sequences: Sequences, n_held_out: int) -> str:
    """Return how X was read, and what to do, if a model predicts no better than a guess."""
    if sequences.n_channels is None:
        read = f"tokens, out of {len(sequences.distinct_ids()):,} different ones"
        remedy = (
            "If X holds the values of series, pass them as floats without a vectorizer. If words "
            "are split in another way than the classes need, see `analyzer`."
        )
    else:
        read = f"steps of measurements in {sequences.n_channels:,} channel(s)"
        remedy = (
            "If numbers stand for symbols, such as the codes of OrdinalEncoder, make them token "
            "ids: np.nan_to_num(X + 1).astype(int). If channels come first, X.transpose(0, 2, 1)."
        )
    return (
        f"X was read as sequences of at most {sequences.lengths.max():,} {read}. No member of the "
        f"model predicts the {n_held_out:,} held-out samples clearly better than the shares of the "
        f"classes; of few this may be chance. Are the labels in the order of X? {remedy}"
    )
