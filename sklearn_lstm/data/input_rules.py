"""What `fit` tells of an X that may be meant otherwise: exact rules, and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.containers import FRAME_ADVICE, JOIN_TEXTS, LONG_TABLE, names_of
from sklearn_lstm.data.kinds import are_a_signal
from sklearn_lstm.data.sequences import VALUES_PER_CHUNK, Sequences
from sklearn_lstm.exceptions import InputTypeWarning, warn_user

MEANT = "input_type={} says that this is meant."
IDS_MEANT = MEANT.format("'words' or 'characters'")
MEASUREMENTS_MEANT = MEANT.format("'measurements'")
SIDE_BY_SIDE = (
    "If ids of several texts, or numbers, stand side by side, one id stands for several things. "
    f"{FRAME_ADVICE} Join texts first: {JOIN_TEXTS}."
)
STEPS_FOR_SIGNAL = 1 << 15  # that are looked at, about


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
    are_ids = sequences.n_channels is None
    found = _a_frame_of_numbers(X, arrays.steps, are_ids=are_ids)
    if are_ids:
        found = found or _a_signal(sequences) or _zeros_between_ids(arrays.steps, sequences)
    else:
        found = found or _negative_integers(arrays.steps) or _channels_first(arrays.steps)
    if found:
        warn_user(found, InputTypeWarning)


def _a_frame_of_numbers(X: object, steps: Any, *, are_ids: bool) -> str:
    """Tell how a data frame of single numbers is read."""
    names = [*map(str, names_of(X))]
    if not isinstance(steps, np.ndarray) or steps.shape != (len(steps), len(names)):
        return ""
    read = f"sequence of {len(names)} ids" if are_ids else f"series of {len(names)} steps"
    return (
        f"Each row of X is read as a {read}, the columns {', '.join(map(repr, names[:3]))}"
        f"{', ...' * (len(names) > 3)}. If that is meant, pass frame.to_numpy(), or say it by "
        f"input_type. {LONG_TABLE} For any other table use a model for tables, such as "
        "HistGradientBoostingClassifier."
    )


def _a_signal(sequences: Sequences) -> str:
    """Tell integers that are close to their neighbours, which no tokens are."""
    if sequences.spelling is not None:
        return ""
    every = -(-int(sequences.lengths.sum()) // STEPS_FOR_SIGNAL)
    steps, lengths = next(sequences.subset(np.arange(0, len(sequences), every)).chunks())
    if not are_a_signal(steps, lengths):
        return ""
    return (
        "X holds integers, which are read as token ids. But neighbouring integers are close to "
        "each other, as in a signal (audio, counts of a sensor). Pass X as floats, or "
        f"input_type='measurements', if they are measurements. {IDS_MEANT}"
    )


def _zeros_between_ids(steps: Any, sequences: Sequences) -> str:
    """Tell rows with a 0 that is no padding: in rows of several lengths none is."""
    remedy = SIDE_BY_SIDE
    if issparse(steps):
        rows, columns = steps.tocsr().nonzero()
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        first, last = (one.reduceat(columns, starts) for one in (np.minimum, np.maximum))
        has_zero = np.zeros(steps.shape[0], bool)
        has_zero[rows[starts]] = last - first + 1 > np.diff(starts, append=len(rows))
    elif isinstance(steps, list):
        remedy = "If 0 is a token too, add 1 to all: X = [[i + 1 for i in row] for row in X]."
        lengths = np.array([*map(len, steps)])
        if (lengths == lengths[0]).all():  # as in a table
            has_zero = np.array([*map(_has_inner_zeros, steps)])
        else:
            has_zero = np.array([not row.all() for row in steps])
    else:
        remedy = f"If 0 is a token too, add 1 to all before you pad the rows with 0. {SIDE_BY_SIDE}"
        n_rows = max(1, VALUES_PER_CHUNK // steps.shape[1])
        blocks = (steps[row : row + n_rows] for row in range(0, len(steps), n_rows))
        has_zero = np.concatenate([*map(_has_inner_zeros, blocks)])
    if not has_zero.any():
        return ""
    return (
        f"{np.count_nonzero(has_zero):,} of {len(sequences):,} rows of X have 0 between ids, the "
        f"first of them X[{has_zero.argmax()}]. 0 is padding, so these steps are left out. "
        f"{remedy} If X holds measurements, pass it as floats. {IDS_MEANT}"
    )


def _has_inner_zeros(ids: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of ids (..., T) have 0 between others."""
    is_step = ids != 0
    n_steps, n_behind = ids.shape[-1], is_step[..., ::-1].argmax(axis=-1)
    width = n_steps - n_behind - is_step.argmax(axis=-1)
    return np.asarray(is_step.any(axis=-1) & (is_step.sum(axis=-1) < width))


def _negative_integers(steps: Any) -> str:
    """Tell integers that would be ids if none were negative."""
    is_list = isinstance(steps, list)
    rows, n_dimensions = (steps, 1) if is_list else ([steps], 2)
    if not all(row.ndim == n_dimensions and row.dtype.kind in "iu" for row in rows if row.size):
        return ""
    if is_list:
        row = next(index for index, ids in enumerate(steps) if ids.size and ids.min() < 0)
        remedy = (
            "X = [[i + 2 for i in row] for row in X], where -1 means a missing value: 1 then "
            "stands for that."
        )
    else:
        row = int((steps.min(axis=1) < 0).argmax())
        remedy = (
            "X + 1, where -1 pads the rows, or X + 2, where -1 means a missing value: 1 then "
            "stands for that."
        )
    return (
        f"X holds integers, but is read as measurements, since some are negative: X[{row}] holds "
        f"{steps[row].min()}. If it holds token ids, pass {remedy} If it holds measurements, say "
        "it by input_type='measurements', or X.astype(float)."
    )


def _channels_first(steps: Any) -> str:
    """Tell series with more channels than steps, unless they are one-hot."""
    is_list = isinstance(steps, list)
    shapes = {row.shape for row in steps} if is_list else {steps.shape[1:]}
    (n_steps, n_channels), *others = [(*shape, 1)[:2] for shape in shapes]
    if others or n_channels <= n_steps or all(map(_is_one_hot, steps)):
        return ""
    turned = "[x.T for x in X]" if is_list else "X.transpose(0, 2, 1)"
    return (
        f"X has {n_channels} channels of {n_steps} step{'s' * (n_steps > 1)}: the last axis is "
        f"that of the channels. sktime and aeon put channels first; then pass {turned}. "
        f"{MEASUREMENTS_MEANT}"
    )


def _is_one_hot(series: NDArray[Any]) -> bool:
    """Return whether values are 0, 1 and NaN alone."""
    return bool(((series == 0) | (series == 1) | np.isnan(series)).all())


def nothing_learned(sequences: Sequences) -> str:
    """Return how X was read, and what to do, if a model predicts no better than a guess."""
    shortest, longest = int(sequences.lengths.min()), int(sequences.lengths.max())
    steps = f"{shortest:,} to {longest:,}" if shortest < longest else f"{longest:,}"
    if sequences.n_channels is None:
        read = f"{steps} tokens, out of {len(sequences.distinct_ids()):,} different ones"
        remedy = (
            "If X holds the values of series, also as strings, pass them as floats without a "
            "vectorizer. If words are split in another way than the classes need, see `analyzer`."
        )
    else:
        read = f"{steps} steps of measurements in {sequences.n_channels:,} channel(s)"
        remedy = (
            "If the numbers stand for symbols, such as letters or the codes of OrdinalEncoder, "
            "make them token ids: (X + 1).astype(int). If channels come first, X.transpose(0, 2, "
            "1)."
        )
    return (
        f"X was read as sequences of {read}. No member of the model predicts held-out samples "
        f"better than the shares of the classes. Are the labels in the order of X? {remedy}"
    )
