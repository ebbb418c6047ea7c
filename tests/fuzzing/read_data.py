"""What is read from a container, so that two readings can be compared.

This module alone knows the inner parts of the package.
"""

import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from drawn_data import CATEGORIES, DataSet
from written_data import containers, table_of, values_of

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.exceptions import InvalidSequencesError, InvalidSequencesTypeError
from sklearn_lstm.streaming import TokenFile, _read_batches, _read_texts


@dataclass(frozen=True)
class Refused:
    """An error of ours; any other is a defect, and not caught."""

    message: str


def outcome(read: Any, *arguments: Any) -> Any:
    """Return what a function returns, or which error of ours it raises."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return read(*arguments)
    except (InvalidSequencesError, InvalidSequencesTypeError) as error:
        return Refused(str(error))
    except ValueError as error:
        if "empty vocabulary" in str(error) or hasattr(error, "__notes__"):
            return Refused(str(error))
        raise


def content(sequences: Any) -> dict[str, Any]:
    """Return what sequences hold, in plain values."""
    rows = np.arange(len(sequences))
    spelling, columns = sequences.spelling, sequences.numbers.columns
    steps = plain(sequences.read_spellings(rows))
    if spelling:
        steps = [spelling.tokens([int(step)]).get(int(step), "") for step in steps]
    return {
        "lengths": sequences.lengths.tolist(),
        "n_channels": sequences.n_channels,
        "steps": steps,
        "has_missing": sequences.has_missing.tolist(),
        "time_channel": sequences.time_channel,
        "numbers": {name: plain(values) for name, values in columns.items()},
        "words": spelling and dict(spelling.vocabulary),
        "texts": sequences.written(rows) if spelling else None,
    }


def plain(values: Any) -> list[Any]:
    """Return values, None in place of NaN, which is not equal to itself."""
    if values.dtype.kind == "O":
        return values.tolist()
    floats = values.astype(np.float64)
    return np.where(np.isnan(floats), None, floats).tolist()


def analyzer_of(data: DataSet) -> str:
    return "char" if data.input_type == "characters" else "word"


def read_container(X: Any, data: DataSet) -> dict[str, Any]:
    """Return what `fit` reads from X, after `predict` has read the same."""
    if data.kind == "texts":
        X = TextSequenceVectorizer(analyzer=analyzer_of(data)).fit_transform(X)
        data = replace(data, input_type="auto")
    input_format, sequences = InputFormat.found_in(X, data.input_type, data.time_channel)
    found = content(sequences)
    assert content(input_format.read(X)) == found, "predict reads X in another way than fit"
    return found


def read_later(X: Any, data: DataSet) -> dict[str, Any]:
    """Return what `predict` reads from X after a fit to other ids."""
    return content(InputFormat.found_in([[3, 4, 9], [7, 2]], data.input_type)[0].read(X))


def read_plainest(data: DataSet) -> dict[str, Any]:
    """Return what is read from the simplest container, and what numbers beside it have to be."""
    if data.kind == "texts":
        X = data.rows
    elif data.has_channels:
        X = [table_of(row) if row else np.empty((0, data.n_channels)) for row in data.rows]
    elif data.kind == "ids":
        X = [np.array(row, object) for row in data.rows]
    else:
        X = [values_of(row).astype(float) for row in data.rows]
    return read_container(X, data) | {"numbers": expected_numbers(data)}


def expected_numbers(data: DataSet) -> dict[str, list[Any]]:
    """Return the columns beside the sequences as they have to be read."""
    return {
        name: [v if v is None else str(v) if name in CATEGORIES else float(v) for v in values]
        for name, values in data.beside.items()
    }


def read_as_stream(data: DataSet) -> dict[str, Any]:
    """Return what `fit_batches` reads from the same texts, each batch in another container."""
    rng, n_rows = np.random.default_rng(data.seed), len(data.rows)
    cuts = [0, *np.flatnonzero(rng.integers(2, size=n_rows)).tolist(), n_rows]
    batches = []
    for start, stop in pairwise(cuts):
        part = replace(data, rows=data.rows[start:stop], beside={}, seed=data.seed + start)
        written = containers(part) if part.rows else iter(())
        _, X = next(written, ("", part.rows))  # what no library can hold is refused as it is
        batches.append((X, np.arange(start, stop) % 2))
    vectorizer = TextSequenceVectorizer(analyzer=analyzer_of(data))
    with TemporaryFile() as file:
        tokens = TokenFile(file)
        X = _read_texts(vectorizer, _read_batches(batches, []), tokens)
        return content(tokens.sequences(X.spelling))
