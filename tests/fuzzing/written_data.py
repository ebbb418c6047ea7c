"""A set of sequences in all containers that the documentation names."""

import warnings
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
import torch
from drawn_data import CATEGORIES, DataSet
from pyarrow.types import is_dictionary

Random = np.random.Generator
Ways = dict[str, Callable[[Any], Any]]
TYPES = {"float": pa.float64(), "flag": pa.bool_(), "category": pa.string()}  # else int64
# Raised by `need`, and by libraries for numbers that are too large for their types, and for strings
# with half of a character. A test holds that each way writes something.
CANNOT_HOLD = OverflowError, TypeError, ValueError


def need(is_possible: object) -> None:
    """Raise an error if these data don't fit into a container."""
    if not is_possible:
        raise ValueError


def ways_to_write(data: DataSet) -> dict[str, Callable[[DataSet, Random], Any]]:
    """Return functions that write a whole set of this kind, by name."""
    if data.beside:
        return {f"beside: {name}": partial(beside, name) for name in LIBRARIES}
    groups: dict[str, tuple[Any, Ways]] = {"column": (column, LIBRARIES)}
    if data.kind == "texts":
        categories = {"polars categories": lambda frame: pl.from_arrow(dictionaries(frame))}
        groups |= {"texts": (texts, TEXTS), "categories": (column, ENCODED | categories)}
    else:
        groups |= {"rows": (rows, ways_of_rows(data)), "array": (padded_array, layouts(data))}
    if data.kind == "ids":
        groups["matrix"] = matrix, {form.__name__: form for form in MATRICES}
    if not (data.kind == "texts" or data.has_channels):
        groups["table"] = table, LIBRARIES | ENCODED | SPARSE
    return {
        f"{g}: {n}": partial(write, w) for g, (write, of) in groups.items() for n, w in of.items()
    }


def containers(data: DataSet, n_most: int | None = None) -> Iterator[tuple[str, Any]]:
    """Yield a set of sequences in all containers that can hold it, or in some, with their names."""
    rng, ways, n_written = np.random.default_rng(data.seed), ways_to_write(data), 0
    for name in rng.permutation([*ways]).tolist():
        try:
            with warnings.catch_warnings(action="ignore"):
                X = ways[name](data, rng)
        except CANNOT_HOLD:
            continue
        yield name, X
        n_written += 1
        if n_written == n_most:
            return


# --- Data frames of all libraries, each made of a table of Arrow


def nullable(table: Any) -> Any:
    types = {pa.int64(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype()}
    return table.to_pandas(types_mapper=(types | {pa.bool_(): pd.BooleanDtype()}).get)


def objects(table: Any) -> Any:
    """Return a data frame of Python's own values, with an index of its own."""
    types = {f.name: "category" if is_dictionary(f.type) else object for f in table.schema}
    columns = {name: pd.Series(table[name].to_pylist(), dtype=t) for name, t in types.items()}
    return pd.DataFrame(columns).set_axis(np.arange(len(table))[::-1])


def dictionaries(table: Any) -> Any:
    return pa.table({name: table[name].dictionary_encode() for name in table.column_names})


LIBRARIES: Ways = {
    "Arrow": lambda table: table,
    "Arrow in chunks": lambda table: pa.concat_tables([table[:1], table[1:]]),
    "Arrow slice": lambda table: pa.concat_tables([table[-1:], table]).combine_chunks()[1:],
    "Arrow record batch": lambda table: table.combine_chunks().to_batches()[0],
    "polars": pl.from_arrow,
    "pandas": lambda table: table.to_pandas(),
    "pandas slice": lambda table: pa.concat_tables([table] * 2).to_pandas()[len(table) :],
    "pandas nullable": nullable,
    "pandas of Arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas objects": objects,
}
ENCODED: Ways = {
    "Arrow dictionaries": dictionaries,
    "pandas categories": lambda table: table.to_pandas().astype("category"),
}
SPARSE: Ways = {"pandas sparse": lambda table: table.to_pandas().apply(pd.arrays.SparseArray)}


def arrow_values(row: Any) -> Any:
    """Return a sequence as an array of pyarrow: of integers, if all known values are."""
    known = [value for value in row if value is not None]
    if known and all(type(value) is int for value in known):
        return pa.array(row, pa.int64())
    return pa.array([v if v is None else float(v) for v in row], pa.float64())


def own_column(data: DataSet) -> Any:
    """Return the texts or sequences as a column of pyarrow."""
    if data.kind == "texts":
        return pa.array(data.rows, pa.string())
    steps = [step for row in data.rows for step in row]
    if data.has_channels:
        values = arrow_values([v for step in steps for v in step]).cast(pa.float64())
        values = pa.ListArray.from_arrays(np.arange(len(steps) + 1) * data.n_channels, values)
    else:
        values = arrow_values(steps)
    return pa.ListArray.from_arrays(np.cumsum([0, *map(len, data.rows)]), values)


def column(way: Any, data: DataSet, rng: Random) -> Any:
    """Write the sequences as a column, alone or in a frame."""
    frame = way(pa.table({"own": own_column(data)}))
    return frame if rng.integers(2) else frame["own"]


def beside(name: str, data: DataSet, _: Random) -> Any:
    """Write the sequences or texts in a frame, with columns of numbers and categories."""
    columns = {n: pa.array(v, TYPES.get(n, pa.int64())) for n, v in data.beside.items()}
    for category in CATEGORIES & {*columns}:
        if name == "polars":  # which has categories of strings alone
            columns[category] = columns[category].cast(pa.string())
        columns[category] = columns[category].dictionary_encode()
    return LIBRARIES[name](pa.table({"own": own_column(data)} | columns))


def table(way: Any, data: DataSet, rng: Random) -> Any:
    """Write a row for each sequence, and a column for each step."""
    return way(pa.table({f"t{k}": steps for k, steps in enumerate(padded(data, rng).T)}))


# --- Arrays


def values_of(row: Any) -> np.ndarray:
    """Return a sequence as an array: of integers, if all are and none is missing, else floats."""
    is_whole = row and all(type(value) is int for value in row)
    filled = [np.nan if value is None else value for value in row]
    return np.array(filled, np.int64 if is_whole else np.float64)


def table_of(row: Any) -> np.ndarray:
    """Return a series of several channels as an array of floats."""
    need(row)
    return np.array([[np.nan if v is None else v for v in step] for step in row], np.float64)


def exactly(dtype: str, array: np.ndarray) -> np.ndarray:
    """Return an array in another type, if this changes no value."""
    with np.errstate(all="ignore"):
        cast = array.astype(dtype)
    need(np.array_equal(cast, array, equal_nan=cast.dtype.kind == "f"))
    return cast


def locked(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def layouts(data: DataSet) -> Ways:
    """Return functions that write arrays; ids in floats would be measurements."""
    types = {"float16", "float32", "longdouble"}
    if data.kind == "ids":
        types = {"int32", "uint8", "uint64"} | (set() if data.input_type == "auto" else types)
    return LAYOUTS | {dtype: partial(exactly, dtype) for dtype in sorted(types)}


LAYOUTS: Ways = {
    "plain": lambda array: array,
    "Fortran": np.asfortranarray,
    "strided": lambda array: np.repeat(array, 2, axis=0)[::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
    "locked": locked,
    "other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
    "objects": lambda array: array.astype(object),
    "lists": lambda array: array.tolist(),
    "tuple of arrays": tuple,
    "tensor": torch.tensor,
}


def padded(data: DataSet, rng: Random) -> np.ndarray:
    """Return the sequences as one array, padded at their ends; ids also before and between."""
    need(all(type(v) is int for row in data.rows for v in row) or data.kind != "ids")
    arrays = [table_of(r) if data.has_channels else values_of(r) for r in data.rows if r]
    need(arrays)
    n_steps = max(map(len, data.rows)) + int(rng.integers(3))
    are_whole = all(array.dtype.kind == "i" and len(array) == n_steps for array in arrays)
    are_ints = data.kind == "ids" or (are_whole and all(data.rows))
    shape, filled = (len(data.rows), n_steps, *arrays[0].shape[1:]), iter(arrays)
    padded = np.zeros(shape, np.int64) if are_ints else np.full(shape, np.nan)
    for number, row in enumerate(data.rows):
        places = np.arange(len(row))
        if data.kind == "ids":
            places = np.sort(rng.permutation(n_steps)[: len(row)])
        if row:
            padded[number, places] = next(filled)
    return padded


def padded_array(way: Any, data: DataSet, rng: Random) -> Any:
    return way(padded(data, rng))


MATRICES = [sp.csr_matrix, sp.csr_array, sp.csc_array, sp.lil_array]


def matrix(form: Any, data: DataSet, rng: Random) -> Any:
    """Write ids as a sparse matrix; a CSR has its columns out of order."""
    X = form(padded(data, rng))
    if X.format != "csr":
        return X
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    order = np.lexsort((rng.random(len(rows)), rows))
    X.data, X.indices = locked(X.data[order]), X.indices[order].astype(np.int64)
    return X


# --- Sequence by sequence


def as_objects(values: Any) -> Any:
    return np.fromiter(values, object, len(values))


FLAT_ROWS: Ways = {
    "deque": deque,
    "objects of None": as_objects,
    "objects of NA": lambda row: as_objects([pd.NA if value is None else value for value in row]),
    "series": lambda row: pd.Series(values_of(row), index=np.arange(len(row))[::-1]),
}


def ways_of_rows(data: DataSet) -> Ways:
    """Return functions that write one sequence."""

    def frame(way: Any, row: Any) -> Any:
        need(row)
        columns = zip(*(row if data.has_channels else [[value] for value in row]), strict=True)
        frame = way(pa.table({f"c{k}": arrow_values(values) for k, values in enumerate(columns)}))
        return frame if data.has_channels else frame["c0"]

    to_array = table_of if data.has_channels else values_of
    ways = {name: partial(frame, way) for name, way in LIBRARIES.items()}
    ways |= {n: lambda row, way=way: way(to_array(row)) for n, way in layouts(data).items()}
    return ways | {"list": list} | ({"steps": as_objects} if data.has_channels else FLAT_ROWS)


HOLDERS: list[Callable[[Any], Any]] = [
    list,
    tuple,
    as_objects,
    lambda rows: pd.Series(as_objects(rows), index=np.arange(len(rows))[::-1]),
    lambda rows: pd.DataFrame({"steps": pd.Series(as_objects(rows))}),
]


def rows(way: Any, data: DataSet, rng: Random) -> Any:
    """Write each sequence in one way, and all into a list or its like."""
    return HOLDERS[rng.integers(len(HOLDERS))]([*map(way, data.rows)])


def in_numpy(texts: list[str], dtype: Any = np.str_) -> Any:
    need(not any("\x00" in text for text in texts))  # which NumPy takes for padding
    return np.array(texts, dtype)


def of_any_width(texts: list[str]) -> Any:
    return in_numpy(texts, getattr(np.dtypes, "StringDType", lambda: object)())


TEXTS: Ways = {
    "list": list,
    "iterator": iter,
    "list of NumPy": lambda texts: [*map(np.str_, texts)],
    "array": in_numpy,
    "variable width": of_any_width,
    "objects": as_objects,
    "array of one column": lambda texts: in_numpy(texts)[:, np.newaxis],
    "string of pandas": lambda texts: pd.Series(texts, dtype="string"),
}


def texts(way: Any, data: DataSet, _: Random) -> Any:
    return way(data.rows)
