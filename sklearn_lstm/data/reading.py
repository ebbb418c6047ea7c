"""Arrays -> `Sequences`, with the checks of what they hold.

One sentence decides how X is read: integers are token ids, everything else is a measurement.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sklearn_lstm.data import containers, sequences
from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.containers import Array
from sklearn_lstm.data.sequences import ArraySequences, FlatSequences, Lengths, Sequences
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError
from sklearn_lstm.text.id_matrix import TokenIds
from sklearn_lstm.text.vocabulary import PADDING_ID

BAG_OF_WORDS = (
    "a bag of words (tf-idf, counts) has no order, and sparse input is only supported for integer "
    "token ids. Use TextSequenceVectorizer in place of TfidfVectorizer or CountVectorizer."
)
Table: TypeAlias = Array | list[Array]  # rows of one length, or a list


def read_sequences(
    arrays: Arrays, input_type: str, n_channels: int | None = None, *, has_gaps: bool | None = None
) -> Sequences:
    """Return arrays as sequences.

    Parameters
    ----------
    arrays : Arrays
    input_type : {"auto", "words", "characters", "measurements"}
        "auto": non-negative integers are token ids, everything else is a measurement. "words" and
        "characters" are ids in floats too.
    n_channels : int or None, default=None
        Those of training; None: as many as X has, or one if no series of it has a step.
    has_gaps : bool or None, default=None
        Whether values were missing in training: then nothing at all may be known of a series. None:
        this is the X of training.

    Raises
    ------
    InvalidSequencesTypeError
        For bags of words.
    InvalidSequencesError
        For anything else that is not a set of sequences; the message names the row.
    """
    steps, known = arrays.steps, dict[str, Any](numbers=arrays.numbers)
    if sparse.issparse(steps):
        steps = _checked_matrix(steps, input_type)
    elif isinstance(steps, np.ndarray):
        steps = _checked_table(steps)
    if not (sparse.issparse(steps) or _are_ids(steps, input_type)):
        steps = _as_series(steps, n_channels or 1)
        known |= _check_series(steps, arrays, n_channels, has_gaps=has_gaps)
        return ArraySequences(steps, **known)
    if arrays.time_channel is not None:
        found = f"time_channel={arrays.time_channel!r}"
        raise InvalidSequencesError(f"{found} needs measurements, but X holds token ids: set None.")
    if sparse.issparse(steps):
        _check_ids(steps.data, steps.indptr)
        n_entries = np.diff(steps.indptr).astype(np.intp)
        if (spelling := getattr(steps, "spelling", None)) is None:
            return FlatSequences(steps.data, n_entries, **known)
        known |= {"spelling": spelling, "as_written": steps.texts}
        return FlatSequences(steps.spellings, n_entries, **known)
    n_entries = _count_ids(steps)
    if isinstance(steps, list):
        ids = [row[row != PADDING_ID].astype(np.int32) for row in steps]
        return FlatSequences(np.concatenate(ids), n_entries, **known)
    return ArraySequences(steps, np.maximum(n_entries, 1), None, **known)


def _checked_matrix(X: sparse.spmatrix, input_type: str) -> sparse.csr_matrix:
    """Return a sparse matrix as CSR without zeros, with the entries of each row in order."""
    if X.dtype.kind not in "iu":
        raise InvalidSequencesTypeError(
            f"X is a sparse matrix of {X.dtype}: {BAG_OF_WORDS} Does it hold token ids beside "
            f"numbers? {containers.FRAME_ADVICE}"
        )
    if input_type == "measurements":
        raise InvalidSequencesTypeError(
            "A sparse X can only be token ids, no measurements. Pass X.toarray() if it holds these."
        )
    X = X.tocsr()
    if not X.has_canonical_format or not X.data.all():
        X = X.copy()
        X.sum_duplicates()
        X.eliminate_zeros()
    if input_type == "auto" and not isinstance(X, TokenIds):
        rows, columns = X.nonzero()
        has_gap = (np.diff(rows) == 0) & (np.diff(columns) > 1)
        if has_gap.any():
            raise InvalidSequencesTypeError(
                f"X[{rows[has_gap.argmax()]}], a row of a sparse matrix, has 0 between its values, "
                f"as counts have: {BAG_OF_WORDS} Of ids, set input_type='words' or 'characters'. "
                f"{containers.FRAME_ADVICE} Join texts first: {containers.JOIN_TEXTS}."
            )
    return X


def _checked_table(array: Array) -> Array:
    if array.ndim > 3:
        raise InvalidSequencesError(
            f"Found array with dim {array.ndim}, while dim <= 3 is required: "
            "(n_samples, n_timesteps, n_channels)."
        )
    if array.ndim == 3 and not array.shape[1]:
        array = np.full((len(array), 1, array.shape[2]), np.nan, np.float16)  # as `_as_series`
    if 0 in array.shape:
        raise InvalidSequencesError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    return array


def _are_ids(rows: Table, input_type: str) -> bool:
    """Return whether rows are read as ids: with "auto" if all are non-negative integers."""
    if input_type != "auto":
        return input_type != "measurements"
    arrays, n_dimensions = (rows, 1) if isinstance(rows, list) else ([rows], 2)
    if not all(array.ndim == n_dimensions for array in arrays):
        return False
    filled = [array for array in arrays if array.size]
    return bool(filled) and all(array.dtype.kind in "iu" and array.min() >= 0 for array in filled)


def _blocks(rows: Table) -> Iterator[tuple[Array, int]]:
    """Yield rows a few at a time, (n, T, ...), and the first of them."""
    if isinstance(rows, list):
        yield from ((row[np.newaxis], index) for index, row in enumerate(rows))
        return
    n_rows = max(1, sequences.VALUES_PER_CHUNK // rows[0].size)
    yield from ((rows[start : start + n_rows], start) for start in range(0, len(rows), n_rows))


def _count_ids(rows: Table) -> Lengths:
    """Return how many ids each row of a table or a list holds: 0 is padding."""
    counts = []
    for block, first_row in _blocks(rows):
        if block.ndim != 2:
            raise InvalidSequencesError(
                f"X[{first_row}] has shape {block.shape[1:]}, but a row of ids has shape (T,)."
            )
        starts = np.arange(len(block)) * block.shape[1]
        _check_ids(block, starts, first_row)
        counts.append(np.count_nonzero(block, axis=1))
    return np.concatenate(counts)


def _check_ids(values: NDArray[Any], starts: ArrayLike, first_row: int = 0) -> None:
    """Raise an error for what is no id. Rows begin at `starts` in the flattened values."""
    is_wrong = (values < 0) | (values > containers.LARGEST_ID)
    if values.dtype.kind == "f":
        is_wrong |= values != np.floor(values)  # NaN too
    if is_wrong.any():
        place = int(np.argmax(is_wrong))
        row = first_row + int(np.searchsorted(starts, place, side="right")) - 1
        value = values.flat[place]
        sign = "Negative values in data: " if value < 0 else ""  # as scikit-learn's checks ask
        found = "NaN" if np.isnan(value) else value
        padding = " If NaN is padding, pass X.fillna(0).astype(int)." if found == "NaN" else ""
        raise InvalidSequencesError(
            f"{sign}X[{row}] holds {found}, {containers.IDS_EXPECTED}{padding}"
        )


def _as_series(rows: Table, n_channels: int) -> Table:
    """Return rows as series (T_i, n_channels); those without a step as one of NaN."""
    if not isinstance(rows, list):
        return np.atleast_3d(rows)
    series = [array if array.ndim == 2 else array[:, np.newaxis] for array in rows]
    if rows[0].ndim == 2 or any(steps.size for steps in series):
        n_channels = next((steps for steps in series if steps.size), series[0]).shape[1]
    for index, steps in enumerate(series):
        if steps.size and steps.shape[1] != n_channels:
            raise InvalidSequencesError(
                f"X[{index}] has {steps.shape[1]} channels, but every series needs the {n_channels}"
                " of the rows before it. If channels come first, pass [x.T for x in X], of a pair "
                "(X, ages) pd.DataFrame({'series': [*X], 'age': ages})."
            )
    # In the smallest type: it does not change that of its neighbours.
    nothing = np.full((1, n_channels), np.nan, np.float16)
    return [steps if steps.size else nothing for steps in series]


def _check_series(
    series: Table, arrays: Arrays, expected: int | None, *, has_gaps: bool | None
) -> dict[str, Any]:
    """Return the fields of `Sequences` for series, after the checks of their values and times."""
    n_channels, time_channel = series[0].shape[1], arrays.time_channel
    if n_channels != (expected or n_channels):
        raise InvalidSequencesError(
            f"X has {n_channels} channels, but LSTMSequenceClassifier is expecting {expected} "
            "channels, as at fit, along the last axis. If X is one series, pass a list of it: [X]."
        )
    channel = None
    if time_channel is not None:
        is_number = not isinstance(time_channel, str | bool | np.bool_)
        if not (is_number and -n_channels <= int(time_channel) < n_channels):
            raise InvalidSequencesError(
                f"time_channel={time_channel!r} is none of the {n_channels} channels of X, by its "
                f"number, from 0, or, in data frames, its name: {[*arrays.channel_names]}."
            )
        channel = int(time_channel) % n_channels
    lengths, has_missing = [], np.zeros(n_channels, bool)
    for block, first_row in _blocks(series):
        n_steps, is_gappy = _check_measurements(block, first_row, arrays.channel_names)
        if channel is not None:
            _check_times(block, n_steps, first_row, channel, arrays.channel_names)
        lengths.append(n_steps)
        has_missing |= is_gappy
    n_steps = np.concatenate(lengths)
    has_gaps = bool(has_missing.any()) if has_gaps is None else has_gaps
    if not n_steps.all() and not has_gaps:
        raise InvalidSequencesError(
            f"X[{n_steps.argmin()}] is a series without a value (only NaN, or empty). Drop it: "
            "only where fit saw missing values in other series is it read."
        )
    return {
        "lengths": np.maximum(n_steps, 1),
        "n_channels": n_channels,
        "has_missing": has_missing,
        "time_channel": channel,
    }


def _shown(channel: int, names: tuple[str, ...]) -> str:
    return f"channel {channel} ({names[channel]!r})" if names else f"channel {channel}"


def _check_measurements(
    block: Array, first_row: int, names: tuple[str, ...]
) -> tuple[Lengths, NDArray[np.bool_]]:
    """Count the steps of series (n, T, C) up to the last that is not all NaN.

    Returns
    -------
    lengths : ndarray of shape (n,)
        0 without a value.
    has_missing : ndarray of bool of shape (C,)
        Which channels have NaN before that.

    Raises
    ------
    InvalidSequencesError
        For values that are infinite in float32.
    """
    n_rows, n_steps, _ = block.shape
    is_too_large = np.abs(block) > containers.LARGEST  # NaN is not
    if is_too_large.any():
        row, step, channel = (int(at) for at in np.argwhere(is_too_large)[0])
        raise InvalidSequencesError(
            f"X contains infinity or a value too large, {block[row, step, channel]}: X["
            f"{first_row + row}], step {step}, {_shown(channel, names)}. Correct it (or NaN)."
        )
    is_missing = np.isnan(block)
    is_step = ~is_missing.all(axis=2)
    lengths = (is_step * np.arange(1, n_steps + 1)).max(axis=1, initial=0).astype(np.intp)
    n_missing = np.count_nonzero(is_missing, axis=(0, 1))
    return lengths, n_missing > n_rows * n_steps - lengths.sum()  # more than padding


def _check_times(
    block: Array, lengths: Lengths, first_row: int, channel: int, names: tuple[str, ...]
) -> None:
    """Raise an error for a time in series (n, T, C) that is missing, or runs back.

    The first steps of each are checked, as many as `lengths` says: the others are padding.
    """
    times = block[:, :, channel]
    before = np.concatenate([times[:, :1], times[:, :-1]], axis=1)
    is_wrong = ~(times >= before)  # NaN too
    is_wrong &= np.arange(times.shape[1]) < lengths[:, np.newaxis]
    if is_wrong.any():
        row, step = (int(at) for at in np.argwhere(is_wrong)[0])
        raise InvalidSequencesError(
            f"The time of X[{first_row + row}], step {step}, {_shown(channel, names)}, is missing "
            f"or runs back: {times[row, step]} after {before[row, step]}. Fill it, or sort "
            "the steps. If X is one series, pass [X]."
        )
