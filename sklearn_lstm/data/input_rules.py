"""What `fit` tells of an X that may be meant otherwise: exact rules, and what to do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.containers import FRAME_ADVICE, JOIN_TEXTS, LONG_TABLE, names_of
from sklearn_lstm.data.kinds import FEWEST_PAIRS, are_a_signal
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, Lengths, Sequences
from sklearn_lstm.exceptions import InputTypeWarning, warn_user
from sklearn_lstm.text.id_matrix import names_of_steps

VALUES_LOOKED_AT = 1 << 15  # about
FEWEST_MARKS = 20  # values of a channel that stand for missing ones, and others that differ


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
    found = _a_frame_of_numbers(X, arrays.steps)
    if sequences.n_channels is None:
        found = found or _a_signal(sequences) or _zeros_between_ids(arrays.steps)
    else:
        found = found or _negative_integers(arrays.steps) or _one_hot(arrays.steps)
        found = found or _channels_first(arrays.steps) or _zeros_at_the_end(arrays.steps)
        found = found or _length_1(arrays.steps) or _a_mark(sequences)
    if found:
        warn_user(f"{found} If it is meant so, say it by input_type.", InputTypeWarning)


def _a_frame_of_numbers(X: object, steps: Any) -> str:
    """Tell how a data frame of single numbers is read; that of our vectorizer is meant so."""
    names = [*map(str, names_of(X))]
    is_table = isinstance(steps, np.ndarray) and steps.shape == (len(steps), len(names))
    if not is_table or names == names_of_steps(len(names)):
        return ""
    return (
        f"Each row of X is read as a sequence of {len(names)} steps, the columns {names[0]!r} to "
        f"{names[-1]!r}. {LONG_TABLE} For any other table use a model for tables, such as "
        "HistGradientBoostingClassifier."
    )


def _a_signal(sequences: Sequences) -> str:
    """Tell integers that are close to their neighbours, or seldom recur: no tokens are."""
    counts = sequences.count_tokens()
    are_unique = 2 * np.count_nonzero(counts == 1) > counts.sum() >= FEWEST_PAIRS
    are_unique &= sequences.lengths.max() > 1
    if not (are_unique or are_a_signal(*_some_steps(sequences))):
        return ""
    return (
        "X holds integers, which are read as token ids. But neighbouring integers are close to "
        "each other, or most occur once, as in a signal (audio, counts of a sensor). If they are "
        "measurements, pass X as floats, or input_type='measurements'."
    )


def _some_steps(sequences: Sequences) -> tuple[NDArray[Any], Lengths]:
    """Return the steps of sequences here and there, and how many each of these has."""
    n_values = int(sequences.lengths.sum()) * (sequences.n_channels or 1)
    every = -(-n_values // VALUES_LOOKED_AT)
    return next(sequences.subset(np.arange(0, len(sequences), every)).chunks())


def _zeros_between_ids(steps: Any) -> str:
    """Tell rows with a 0 that is no padding: in rows of several lengths none is."""
    if isinstance(steps, list) and len({*map(len, steps)}) > 1:
        has_zero = np.array([not row.all() for row in steps])
    elif issparse(steps):
        return ""  # a gap was an error already
    else:
        table = np.asarray(steps)
        has_zero = np.concatenate([*map(_have_gaps, _parts_of(table))])
    if not has_zero.any():
        return ""
    return (
        f"{np.count_nonzero(has_zero):,} of {len(has_zero):,} rows of X have 0 between ids, the "
        f"first of them X[{has_zero.argmax()}]. 0 is padding, so these steps are left out. If 0 is "
        "a token too, add 1 to all before you pad rows with 0 (lists: [[i + 1 for i in row] for "
        "row in X]). If ids of several texts, or numbers, stand side by side, one id stands for "
        f"several things. {FRAME_ADVICE} Join texts first: {JOIN_TEXTS}. If X holds measurements, "
        "pass it as floats."
    )


def _have_gaps(ids: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of ids (n, T) have steps behind a 0 that is behind a step."""
    is_step = ids != 0
    n_runs = is_step[:, 0] + (is_step[:, 1:] > is_step[:, :-1]).sum(axis=1)
    return np.asarray(n_runs > 1)


def _negative_integers(steps: Any) -> str:
    """Tell integers that would be ids if none were negative."""
    rows, n_dimensions = (steps, 1) if isinstance(steps, list) else ([steps], 2)
    if not all(row.ndim == n_dimensions and row.dtype.kind in "iu" for row in rows if row.size):
        return ""
    row = next(index for index, ids in enumerate(steps) if ids.size and ids.min() < 0)
    if steps[row].min() < -1:  # no mark of padding, nor of a missing value
        return ""
    return (
        f"X holds integers, but is read as measurements, since X[{row}] holds {steps[row].min()}. "
        "If it holds token ids, pass X + 1, where -1 pads the rows, or, where -1 means a missing "
        "value, X + 2 (lists: [[i + 2 for i in row] for row in X])."
    )


def _channels_first(steps: Any) -> str:
    """Tell series with more channels than steps, unless they are one-hot."""
    is_list = isinstance(steps, list)
    shapes = {row.shape for row in steps} if is_list else {steps.shape[1:]}
    (n_steps, n_channels), *others = [(*shape, 1)[:2] for shape in shapes]
    if others or n_channels <= n_steps:
        return ""
    if all((np.isin(series, (0, 1)) | np.isnan(series)).all() for series in steps):
        return ""
    return (
        f"X has {n_channels} channels of {n_steps} step(s): the last axis is that of the channels. "
        "sktime and aeon put channels first; then pass X.transpose(0, 2, 1), of a list "
        "[x.T for x in X]."
    )


def _one_hot(steps: Any) -> str:
    """Tell steps of 0 but for one 1, which stand for symbols."""
    if steps[0].ndim < 2 or steps[0].shape[1] < 2 or not all(map(_is_one_hot, steps)):
        return ""
    return (
        "Each step of X is one-hot. If the channels stand for symbols, token ids tell more, since "
        "n-grams and states are read of them: X = np.nan_to_num(X); X.argmax(axis=-1) + "
        "X.any(axis=-1), of a list row by row. 0 is padding."
    )


def _is_one_hot(series: NDArray[Any]) -> bool:
    known = np.nan_to_num(series)
    return bool(np.isin(known, (0, 1)).all() and (known.sum(axis=1) <= 1).all())


def _zeros_at_the_end(steps: Any) -> str:
    """Tell an array most of whose series end in steps of 0, of several numbers."""
    if isinstance(steps, list):
        return ""
    counts = [_steps_of_0(part) for part in _parts_of(steps)]
    n_zeros, n_all = np.concatenate(counts, axis=1)
    n_padded = np.count_nonzero(n_zeros > 1)
    if 2 * n_padded < len(steps) or len(np.unique(n_zeros)) < 3 or 2 * n_zeros.sum() < n_all.sum():
        return ""
    return (
        f"{n_padded:,} of {len(steps):,} series end in steps of 0. If 0 is padding, put NaN in its "
        "place, or pass a list of arrays of unequal length: 0 is a measurement."
    )


def _steps_of_0(series: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return how many steps of series (n, T, ...) are 0 at the end, none if all are; and in all."""
    is_value = (np.atleast_3d(series) != 0).any(axis=2)
    return is_value[:, ::-1].argmax(axis=1), (~is_value).sum(axis=1)


def _length_1(steps: Any) -> str:
    """Tell a table of fractions whose rows have length 1, or hold nothing: no sequences."""
    if isinstance(steps, list) or steps.ndim > 2:
        return ""
    lengths = (np.linalg.norm(part, axis=1) for part in _parts_of(steps))
    if not all(((part == 0) | (np.abs(part - 1) < 1e-3)).all() for part in lengths):
        return ""
    if not any((part % 1).any() for part in _parts_of(steps)):
        return ""
    return (
        "Each row of X has length 1, as tf-idf and embeddings of texts have. If X holds these, "
        "they have no order: pass the texts to make_pipeline(TextSequenceVectorizer(), "
        "LSTMSequenceClassifier()), whose `encoder` takes a model of embeddings."
    )


def _a_mark(sequences: Sequences) -> str:
    """Tell a value that recurs, and is farther from all others than these are from each other."""
    for channel, values in enumerate(_some_steps(sequences)[0].astype(np.float64).T):
        for sign in (1, -1):
            ordered = np.sort(sign * values[~np.isnan(values)])
            others = ordered[ordered > ordered[:1]]
            are_many = min(len(ordered) - len(others), len(np.unique(others))) >= FEWEST_MARKS
            if not are_many or not ordered[0] or channel == sequences.time_channel:
                continue  # 0 is a value: off
            if others[0] - ordered[0] > np.ptp(others):
                mark = f"{sign * ordered[0]:.10g}"
                return (
                    f"Channel {channel} of X holds {mark} again and again, far from all its other "
                    "values. If that means missing, put NaN in its place, such as by np.where(X == "
                    f"{mark}, np.nan, X)."
                )
    return ""


def _parts_of(table: NDArray[Any]) -> list[NDArray[Any]]:
    return np.array_split(table, 1 + table.size // VALUES_PER_CHUNK)


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
            "ids: (X + 1).astype(int). If channels come first, X.transpose(0, 2, 1)."
        )
    return (
        f"X was read as sequences of at most {sequences.lengths.max():,} {read}. No member of the "
        f"model predicts the {n_held_out:,} held-out samples clearly better than the shares of the "
        "classes; of few samples this may be chance. Are the labels in the order of X? "
        f"{remedy}"
    )
