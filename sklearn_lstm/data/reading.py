"""Arrays -> `Sequences`, with the checks of what they hold.

One sentence decides how X is read: integers are token ids, everything else is a measurement.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_lstm.data.arrays import Arrays
from sklearn_lstm.data.containers import LARGEST, describe_wrong_id
from sklearn_lstm.data.sequences import (
    ArraySequences,
    FlatSequences,
    Lengths,
    Sequences,
    chunks_of_rows,
    whole_ids,
)
from sklearn_lstm.data.spelling import LARGEST_ID, PADDING_ID, read_spellings
from sklearn_lstm.exceptions import (
    InputTypeWarning,
    InvalidSequencesError,
    InvalidSequencesTypeError,
    warn_user,
)


def read_sequences(arrays: Arrays, input_type: str, n_channels: int | None = None) -> Sequences:
    """Return arrays as sequences.

    Parameters
    ----------
    arrays : Arrays
    input_type : {"auto", "words", "characters", "measurements"}
        "auto": non-negative integers are token ids, everything else is a measurement. "words" and
        "characters" are ids in floats too; a fraction is an unknown token.
    n_channels : int or None, default=None
        Those of training; None: as many as X has, or one if no series of it has a step.

    Raises
    ------
    InvalidSequencesTypeError
        For bags of words.
    InvalidSequencesError
        For anything else that is not a set of sequences; the message names the row.
    """
    steps = arrays.steps
    if sparse.issparse(steps):
        sequences = _read_sparse(steps, input_type)
    elif isinstance(steps, list):
        sequences = _read_ragged(steps, input_type, n_channels or 1)
    else:
        sequences = _read_dense(steps, input_type)
    sequences.numbers = arrays.numbers
    if arrays.time_channel is not None:
        _check_times(sequences, arrays.time_channel)
    return sequences


def refuse_floats(arrays: Arrays) -> None:
    """Raise an error for floats, where the integers of the first batch were taken for token ids."""
    for row, part in enumerate(arrays.steps if isinstance(arrays.steps, list) else [arrays.steps]):
        if part.size and part.dtype.kind not in "iu":
            raise InvalidSequencesError(
                f"X[{row}] holds {part.dtype}, but the first batch holds integers, which are "
                "read as token ids. Set input_type of the classifier: 'measurements' if all "
                "batches hold measurements, 'words' or 'characters' if all hold ids."
            )


def unknown_row(sequences: Sequences) -> int | None:
    """Return the first row that is a series of which nothing is known, if there is one."""
    rows = np.flatnonzero(sequences.lengths == 1)
    if sequences.n_channels is None or not len(rows):
        return None
    is_unknown = np.isnan(sequences.read(rows)).all(axis=1)
    return int(rows[is_unknown.argmax()]) if is_unknown.any() else None


def refuse_unknown(row: int | None) -> None:
    """Raise the error for a series of which nothing is known, if no value is missing elsewhere."""
    if row is not None:
        raise InvalidSequencesError(
            f"X[{row}] is a series without a value (only NaN, or empty), which is read only by a "
            "model that has seen missing values in other series. Drop it."
        )


def _check_ids(values: NDArray[Any], name_row: Callable[[int], int]) -> None:
    """Raise an error for what is no id, and warn if most values have fractions.

    `name_row` returns the row of X that a position in the flattened values comes from.
    """
    is_outside = (values < 0) | (values > LARGEST_ID)
    if values.dtype.kind != "f" and not is_outside.any():
        return
    whole = values == np.floor(values)
    wrong = ~np.isfinite(values) | (whole & is_outside)
    if wrong.any():
        position = int(np.argmax(wrong))
        value = values.flat[position]
        found = "NaN" if np.isnan(value) else value
        kind = "Negative values in data: " if value < 0 else ""
        raise InvalidSequencesError(kind + describe_wrong_id(name_row(position), found))
    if np.count_nonzero(whole) < values.size / 2:
        warn_user(
            "X is read as token ids, but most of its values have fractions, which makes them "
            "unknown tokens. If X holds measurements, fit a classifier to measurements "
            "(input_type='measurements').",
            InputTypeWarning,
        )


def _read_sparse(X: Any, input_type: str) -> Sequences:
    if X.ndim != 2:
        raise InvalidSequencesError(f"Expected a 2-D sparse matrix, found {X.ndim} dimensions.")
    if X.dtype.kind not in "iu":
        raise InvalidSequencesTypeError(
            f"X is a sparse matrix of {X.dtype}: a bag of words (tf-idf, counts) has no order, and "
            "sparse input is only supported for integer token ids. Use TextSequenceVectorizer in "
            "place of TfidfVectorizer or CountVectorizer. If ColumnTransformer has joined token "
            "ids with other columns, give the classifier the ids alone, and the other columns to "
            "another model (StackingClassifier joins the two)."
        )
    if input_type == "measurements":
        raise InvalidSequencesTypeError(
            "A sparse X can only be token ids, but the classifier reads input_type='measurements'. "
            "Pass X.toarray() if these are measurements."
        )
    if not getattr(X, "has_canonical_format", True):
        _check_places(X.tocoo())
    X = X.tocsr()
    if not X.has_canonical_format or not X.data.all():
        X = X.copy()
        X.sum_duplicates()
        X.eliminate_zeros()
    _check_ids(X.data, lambda at: int(np.searchsorted(X.indptr, at, side="right")) - 1)
    spelling, spellings = read_spellings(X)
    n_entries, as_written = np.diff(X.indptr).astype(np.intp), getattr(X, "texts", None)
    return FlatSequences(spellings, n_entries, spelling=spelling, as_written=as_written)


def _check_places(X: Any) -> None:
    """Raise an error for entries of a COO matrix that are at one place: SciPy would add them."""
    places, counts = np.unique([X.row, X.col], axis=1, return_counts=True)
    if (counts > 1).any():
        row, column = places[:, np.argmax(counts > 1)]
        raise InvalidSequencesError(
            f"X[{row}] has several entries in column {column}, so the order of its ids is not "
            "known. Put each id into a column of its own."
        )


def _read_dense(array: NDArray[Any], input_type: str) -> Sequences:
    if array.ndim > 3:
        raise InvalidSequencesError(
            f"Found array with dim {array.ndim}, while dim <= 3 is required: "
            "(n_samples, n_timesteps, n_channels)."
        )
    if array.ndim == 3 and not array.shape[1]:
        array = np.full((len(array), 1, array.shape[2]), np.nan, np.float16)  # as `_series_of`
    if 0 in array.shape:
        raise InvalidSequencesError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    if array.ndim == 3 and input_type not in ("auto", "measurements"):
        raise InvalidSequencesError(
            "A 3-D X holds measurements, but the classifier reads token ids (2-D)."
        )
    chunks = list(chunks_of_rows(np.full(len(array), array[0].size)))
    if not _are_ids([array], input_type, is_flat=array.ndim == 2):
        array = np.atleast_3d(array)
        return _read_series(array, ((array[rows], int(rows[0])) for rows in chunks))
    for rows in chunks:
        _check_ids(array[rows], lambda at, rows=rows: int(rows[at // array.shape[1]]))  # type: ignore[misc]
    n_entries = [np.count_nonzero(array[rows], axis=1) for rows in chunks]
    return ArraySequences(array, np.maximum(np.concatenate(n_entries), 1), None)


def _are_ids(arrays: list[NDArray[Any]], input_type: str, *, is_flat: bool) -> bool:
    """Return whether arrays are read as ids: with "auto" if all are non-negative integers."""
    if input_type == "auto":
        return is_flat and all(a.dtype.kind in "iu" and a.min() >= 0 for a in arrays if a.size)
    return input_type != "measurements"


def _read_series(
    arrays: NDArray[Any] | list[NDArray[Any]], blocks: Iterable[tuple[NDArray[Any], int]]
) -> Sequences:
    """Return the series in arrays, read as blocks (n, T, C), with the first row of each."""
    parts, are_missing = zip(*(_check_measurements(*block) for block in blocks), strict=True)
    lengths, has_missing = np.maximum(np.concatenate(parts), 1), np.any(are_missing, axis=0)
    return ArraySequences(arrays, lengths, arrays[0].shape[1], has_missing=has_missing)


def _check_measurements(block: NDArray[Any], first_row: int) -> tuple[Lengths, NDArray[np.bool_]]:
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
    is_too_large = np.abs(block) > LARGEST  # NaN is not
    if is_too_large.any():
        row, step, channel = (int(at) for at in np.argwhere(is_too_large)[0])
        raise InvalidSequencesError(
            f"X contains infinity or a value too large ({block[row, step, channel]}): "
            f"X[{first_row + row}], step {step}, channel {channel}. Correct it, or make it NaN if "
            "it is missing."
        )
    is_missing = np.isnan(block)
    is_step = ~is_missing.all(axis=2)
    lengths = (is_step * np.arange(1, n_steps + 1)).max(axis=1, initial=0).astype(np.intp)
    n_missing = np.count_nonzero(is_missing, axis=(0, 1))
    return lengths, n_missing > n_rows * n_steps - lengths.sum()  # more than padding


def _read_ragged(arrays: list[NDArray[Any]], input_type: str, n_channels: int) -> Sequences:
    is_flat = all(array.ndim == 1 for array in arrays) and any(array.size for array in arrays)
    if _are_ids(arrays, input_type, is_flat=is_flat):
        return _ids_of(arrays)
    return _series_of(arrays, n_channels)


def _ids_of(arrays: list[NDArray[Any]]) -> Sequences:
    for index, array in enumerate(arrays):
        if array.ndim != 1:
            raise InvalidSequencesError(
                f"X[{index}] has shape {array.shape}, but a row of token ids has shape (T,)."
            )
        _check_ids(array, lambda _, index=index: index)  # type: ignore[misc]
    n_entries = np.array([*map(np.count_nonzero, arrays)], np.intp)
    ids = [whole_ids(array[array != PADDING_ID]).astype(np.int32) for array in arrays]
    return FlatSequences(np.concatenate(ids), n_entries)


def _series_of(arrays: list[NDArray[Any]], n_channels: int) -> Sequences:
    first = next((array for array in arrays if array.size), arrays[0])
    if first.size or first.ndim == 2:
        n_channels = first.shape[1] if first.ndim == 2 else 1
    # In the smallest type: it does not change that of its neighbours.
    nothing = np.full((1, n_channels), np.nan, np.float16)
    series = []
    for index, array in enumerate(arrays):
        steps = array if array.ndim == 2 else array[:, np.newaxis]
        if steps.size and steps.shape[1] != n_channels:
            raise InvalidSequencesError(
                f"X[{index}] has {steps.shape[1]} channels, but the rows before it have "
                f"{n_channels}: every series needs the same channels, shape (T_i, {n_channels})."
            )
        series.append(steps if steps.size else nothing)
    blocks = ((steps[np.newaxis], index) for index, steps in enumerate(series))
    return _read_series(series, blocks)


def _check_times(sequences: Sequences, time_channel: int) -> None:
    """Tell sequences which channel, counted from 0, holds the time of each step.

    Raises
    ------
    InvalidSequencesError
        If there is no such channel, or a time is missing, or earlier than that of the step before.
    """
    n_channels = sequences.n_channels
    if n_channels is None:
        raise InvalidSequencesError(
            f"time_channel={time_channel!r} is for measurements, but X holds token ids. Leave it "
            "None."
        )
    if not -n_channels <= time_channel < n_channels:
        raise InvalidSequencesError(
            f"time_channel={time_channel}, but X has {n_channels} channels, counted from 0."
        )
    sequences.time_channel = time_channel % n_channels
    first_row = 0
    for steps, lengths in sequences.chunks():
        times = steps[:, sequences.time_channel].astype(np.float64)
        starts = np.cumsum(lengths) - lengths
        is_known = np.repeat(lengths > 1, lengths) | ~np.isnan(steps).all(axis=1)
        is_wrong = np.diff(times, prepend=times[:1]) < 0
        is_wrong[starts] = False
        is_wrong |= np.isnan(times) & is_known  # of a series without a value no time is known
        if is_wrong.any():
            at = int(np.argmax(is_wrong))
            row = int(np.searchsorted(starts, at, side="right")) - 1
            found, remedy = "is missing", "Fill it, or drop the step"
            if not np.isnan(times[at]):
                found = f"runs back from {times[at - 1]} to {times[at]}"
                remedy = "Sort the steps by time"
            raise InvalidSequencesError(
                f"The time of X[{first_row + row}], step {at - starts[row]}, channel "
                f"{sequences.time_channel}, {found}. {remedy}."
            )
        first_row += len(lengths)
