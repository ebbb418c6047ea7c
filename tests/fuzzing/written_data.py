"""A set of sequences in all containers that the documentation names."""

import array
import io
import pickle
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
import torch
from drawn_data import CATEGORIES, DataSet
from pyarrow import parquet

Writer = Callable[[DataSet, np.random.Generator], Any]
TABLES: dict[str, dict[str, Writer]] = {}  # of kinds: functions that write a whole set
FLAT, DEEP = ("ids", "integers", "series"), ("channels", "times")


class UnwritableError(Exception):
    """Raised if a container can't hold these data."""


# The libraries raise the others, for numbers that are too large for their types, and for strings
# with half of a character. A test holds that each way writes something.
CANNOT_HOLD = UnwritableError, OverflowError, TypeError, ValueError


def writes(*kinds: str) -> Callable[[Writer], Writer]:
    """Return a decorator of functions that write sets of these kinds."""

    def add(write: Writer) -> Writer:
        for kind in kinds:
            TABLES.setdefault(kind, {})[write.__name__] = write
        return write

    return add


def need(is_possible: object) -> None:
    """Raise an error if these data don't fit into a container."""
    if not is_possible:
        raise UnwritableError


def containers(data: DataSet, n_most: int | None = None) -> Iterator[tuple[str, Any]]:
    """Yield a set of sequences in all containers that can hold it, or in some, with their names."""
    rng = np.random.default_rng(data.seed)
    if data.beside:
        writers = dict(FRAMES)
    else:
        ways = ways_of_rows(data)
        writers = TABLES[data.kind] | {f"rows: {n}": rows_writer(w) for n, w in ways.items()}
    n_written = 0
    for name in rng.permutation([*writers]).tolist():
        try:
            with warnings.catch_warnings(action="ignore"):
                X = writers[name](data, rng)
        except CANNOT_HOLD:
            continue
        yield name, X
        n_written += 1
        if n_written == n_most:
            return


# --- One sequence


def values_of(row: Any) -> np.ndarray:
    """Return a sequence as an array: of integers, if all are and none is missing, else floats."""
    if all(type(value) is int for value in row) and row:
        return np.array(row, np.int64)
    filled = [np.nan if value is None else value for value in row]
    return np.array(filled, np.float64)


def exactly(array: np.ndarray, dtype: Any) -> np.ndarray:
    """Return an array in another type, if this changes no value."""
    need(array.dtype.kind != "f" or np.dtype(dtype).kind == "f")
    with np.errstate(all="ignore"):
        cast = array.astype(dtype)
    need(np.array_equal(cast, array, equal_nan=cast.dtype.kind == "f"))
    return cast


def strided(array: np.ndarray) -> np.ndarray:
    """Return a view with gaps in memory."""
    return np.repeat(array, 2, axis=0)[::2]


def locked(array: np.ndarray) -> np.ndarray:
    """Return an array that can't be written."""
    array = array.copy()
    array.flags.writeable = False
    return array


def masked(array: np.ndarray) -> Any:
    """Return a masked array, the missing values of which hide others."""
    is_missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    return np.ma.MaskedArray(np.where(is_missing, 7, array), is_missing)


def is_of_ints(row: Any) -> bool:
    """Return whether all values are integers, which a column of integers can hold."""
    return all(value is None or type(value) is int for value in row) and any(
        value is not None for value in row
    )


def arrow_values(row: Any) -> Any:
    """Return a sequence as an array of pyarrow."""
    return pa.array(row, pa.int64() if is_of_ints(row) else pa.float64())


def arrow_series(row: Any) -> Any:
    return pd.Series(arrow_values(row), dtype=pd.ArrowDtype(arrow_values(row).type))


def nullable_series(row: Any) -> Any:
    return pd.Series(row, dtype="Int64" if is_of_ints(row) else "Float64")


def shuffled_series(row: Any) -> Any:
    return pd.Series(values_of(row), index=np.arange(len(row))[::-1])


def polars_series(row: Any) -> Any:
    return pl.Series(row, dtype=pl.Int64 if is_of_ints(row) else pl.Float64)


def plain_array(row: Any) -> Any:
    values = values_of(row)
    return array.array("q" if values.dtype.kind == "i" else "d", values.tolist())


def small_integers(row: Any) -> Any:
    values = values_of(row)
    return exactly(values, np.min_scalar_type(int(values.max(initial=0))))


# A writer of a row may be as simple as this: row -> what stands for it.
FLAT_ROWS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": values_of,
    "list of scalars": lambda row: list(values_of(row)),
    "int32": lambda row: exactly(values_of(row), np.int32),
    "small integers": small_integers,
    "uint64": lambda row: exactly(values_of(row), np.uint64),
    "other byte order": lambda row: values_of(row).astype(values_of(row).dtype.newbyteorder()),
    "float16": lambda row: exactly(values_of(row), np.float16),
    "float32": lambda row: exactly(values_of(row), np.float32),
    "float128": lambda row: exactly(values_of(row), np.longdouble),
    "object array": lambda row: np.array([*row, None], object)[:-1],
    "object array of NA": lambda row: np.array([pd.NA if v is None else v for v in row], object),
    "masked array": lambda row: masked(values_of(row)),
    "strided": lambda row: strided(values_of(row)),
    "locked": lambda row: locked(values_of(row)),
    "array of Python": plain_array,
    "deque": deque,
    "pandas": shuffled_series,
    "pandas nullable": nullable_series,
    "pandas of Arrow": arrow_series,
    "polars": polars_series,
    "Arrow": arrow_values,
    "Arrow dictionary": lambda row: arrow_values(row).dictionary_encode(),
    "Arrow in chunks": lambda row: pa.chunked_array([arrow_values(row)[:1], arrow_values(row)[1:]]),
    "torch": lambda row: torch.tensor(values_of(row)),
}


def table_of(row: Any) -> np.ndarray:
    """Return a series of several channels as an array of floats."""
    need(row)
    return np.array([[np.nan if v is None else v for v in step] for step in row], np.float64)


def named_columns(row: Any) -> dict[str, list[Any]]:
    """Return the channels of a series, with names."""
    need(row)
    return {f"c{channel}": [*values] for channel, values in enumerate(zip(*row, strict=True))}


def arrow_table(row: Any) -> Any:
    return pa.table({name: arrow_values(values) for name, values in named_columns(row).items()})


def nullable_frame(row: Any) -> Any:
    return pd.DataFrame({n: nullable_series(v) for n, v in named_columns(row).items()})


def polars_frame(row: Any) -> Any:
    return pl.DataFrame({n: polars_series(v) for n, v in named_columns(row).items()})


def pandas_frame(row: Any) -> Any:
    frame = pd.DataFrame(table_of(row)[::-1], columns=[*named_columns(row)])
    return frame[::-1]


DEEP_ROWS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuples": lambda row: tuple(map(tuple, row)),
    "list of arrays": lambda row: [*table_of(row)],
    "array": table_of,
    "Fortran": lambda row: np.asfortranarray(table_of(row)),
    "float16": lambda row: exactly(table_of(row), np.float16),
    "float32": lambda row: exactly(table_of(row), np.float32),
    "other byte order": lambda row: table_of(row).astype(">f8"),
    "object array": lambda row: np.array([*row, None], object)[:-1],
    "object table": lambda row: table_of(row).astype(object),
    "masked array": lambda row: masked(table_of(row)),
    "masked steps": lambda row: [*masked(table_of(row))],
    "strided": lambda row: strided(table_of(row)),
    "locked": lambda row: locked(table_of(row)),
    "torch": lambda row: torch.tensor(table_of(row)),
    "pandas": pandas_frame,
    "pandas nullable": nullable_frame,
    "pandas of Arrow": lambda row: arrow_table(row).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": polars_frame,
    "Arrow": arrow_table,
    "Arrow record batch": lambda row: arrow_table(row).to_batches()[0],
}


def ways_of_rows(data: DataSet) -> dict[str, Callable[[Any], Any]]:
    """Return functions that write one sequence."""
    if data.kind == "texts":
        return {}
    if data.has_channels:
        return DEEP_ROWS
    are_ids = data.kind == "ids" and data.input_type == "auto"  # in floats they would be none
    return {name: way for name, way in FLAT_ROWS.items() if not are_ids or "float" not in name}


def rows_writer(write: Callable[[Any], Any]) -> Writer:
    """Return a function that writes each sequence by `write`, and all into a list or its like."""

    def write_rows(data: DataSet, rng: np.random.Generator) -> Any:
        return gathered([*map(write, data.rows)], rng)

    return write_rows


def object_array(rows: list[Any]) -> Any:
    """Return an array of objects."""
    return np.fromiter(rows, object, len(rows))


def gathered(rows: list[Any], rng: np.random.Generator) -> Any:
    """Return rows in one of the containers of Python, NumPy and pandas that hold any object."""
    match rng.integers(6):
        case 0:
            return tuple(rows)
        case 1:
            return object_array(rows)
        case 2:
            return pd.Series(object_array(rows), index=rng.permutation(len(rows)))
        case 3:
            return pd.DataFrame({"steps": pd.Series(object_array(rows))})
    return rows


@writes(*FLAT, *DEEP)
def mixed_rows(data: DataSet, rng: np.random.Generator) -> Any:
    """Write each sequence in a way of its own."""
    ways = [*ways_of_rows(data).values()]
    return gathered([ways[rng.integers(len(ways))](row) for row in data.rows], rng)


@writes("integers", "series")
def columns_of_one_channel(data: DataSet, _: np.random.Generator) -> Any:
    need(all(data.rows))
    return [values_of(row)[:, np.newaxis] for row in data.rows]


@writes(*DEEP, "series", "integers")
def frames_of_all_libraries(data: DataSet, rng: np.random.Generator) -> Any:
    """Write each sequence as a data frame, the columns of all but the first in any order."""
    rows = data.rows if data.has_channels else [[[v] for v in row] for row in data.rows]
    frames = []
    for number, row in enumerate(rows):
        ways = pandas_frame, nullable_frame, polars_frame, arrow_table
        frame = ways[rng.integers(len(ways))](row)
        names = [*named_columns(row)]
        if number:
            rng.shuffle(names)
        frames.append(frame.select(names) if hasattr(frame, "select") else frame[names])
    return frames


@writes(*DEEP, "series", "integers")
def long_table(data: DataSet, rng: np.random.Generator) -> Any:
    """Write all steps into one table, and cut it up as the documentation shows."""
    rows = data.rows if data.has_channels else [[[v] for v in row] for row in data.rows]
    tables = [pandas_frame(row).assign(id=number) for number, row in enumerate(rows)]
    frame = pd.concat(tables)
    if rng.integers(2):
        parts = pl.from_pandas(frame).partition_by("id", maintain_order=True)
        return [steps.drop("id") for steps in parts]
    return [steps.drop(columns="id") for _, steps in frame.groupby("id")]


@writes("times")
def dated_frames(data: DataSet, rng: np.random.Generator) -> Any:
    """Write the times as dates or durations of any library."""
    way, start = rng.integers(6), pd.Timestamp("2024-03-31 01:59:59.123456789")
    frames = []
    for row in data.rows:
        names = [*named_columns(row)]
        columns, name = named_columns(row), names[-1]
        values = {n: [np.nan if v is None else v for v in columns[n]] for n in names[:-1]}
        gaps = np.array(columns[name], "m8[ns]")
        dates = start.to_numpy() + gaps
        match way:
            case 0:
                frames.append(pd.DataFrame(values | {name: dates}))
            case 1:
                zoned = pd.Series(dates).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
                frames.append(pd.DataFrame(values | {name: zoned}))
            case 2:
                frames.append(pd.DataFrame(values | {name: gaps}))
            case 3:
                frames.append(pl.DataFrame(values | {name: pl.Series(dates)}))
            case 4:
                frames.append(pa.table(values | {name: pa.array(dates)}))
            case 5:
                table = np.array([*values.values(), gaps], object).T
                frames.append(table.reshape(len(row), len(names)))
    return gathered(frames, rng)


# --- Columns of lists


def nested_type(data: DataSet) -> Any:
    """Return the type of a value, and of a sequence of pyarrow."""
    is_integer = all(is_of_ints(row) or not row for row in data.rows) and not data.has_channels
    value = pa.int64() if is_integer else pa.float64()
    return value, pa.list_(pa.list_(value) if data.has_channels else value)


def as_floats(data: DataSet) -> list[Any]:
    """Return the rows, with floats where not all values are integers: Arrow has one type."""
    if nested_type(data)[0] == pa.int64():
        return data.rows
    if data.has_channels:
        return [[[v if v is None else float(v) for v in s] for s in row] for row in data.rows]
    return [[v if v is None else float(v) for v in row] for row in data.rows]


def column(data: DataSet) -> Any:
    """Return the sequences as a column of pyarrow."""
    return pa.array(as_floats(data), nested_type(data)[1])


@writes(*FLAT, *DEEP)
def arrow_large_lists(data: DataSet, _: np.random.Generator) -> Any:
    value = nested_type(data)[0]
    inner = pa.large_list(value) if data.has_channels else value
    return pa.array(as_floats(data), pa.large_list(inner))


@writes(*FLAT, *DEEP)
def arrow_fixed_lists(data: DataSet, _: np.random.Generator) -> Any:
    lengths = {*map(len, data.rows)}
    value = nested_type(data)[0]
    if data.has_channels:
        return pa.array(as_floats(data), pa.list_(pa.list_(value, data.n_channels)))
    need(len(lengths) == 1 and lengths != {0})
    return pa.array(as_floats(data), pa.list_(value, *lengths))


@writes(*FLAT, *DEEP)
def polars_arrays(data: DataSet, _: np.random.Generator) -> Any:
    lengths = {*map(len, data.rows)}
    inner = pl.Int64 if nested_type(data)[0] == pa.int64() else pl.Float64
    if data.has_channels:
        return pl.Series(as_floats(data), dtype=pl.List(pl.Array(inner, data.n_channels)))
    need(len(lengths) == 1 and lengths != {0})
    return pl.Series(as_floats(data), dtype=pl.Array(inner, *lengths))


def in_parquet(data: DataSet) -> Any:
    file = io.BytesIO()
    parquet.write_table(pa.table({"steps": column(data)}), file)
    file.seek(0)
    return file


def in_pandas_of_arrow(data: DataSet, rng: np.random.Generator) -> Any:
    dtype = pd.ArrowDtype(nested_type(data)[1])
    return pd.Series(column(data), dtype=dtype, index=rng.permutation(len(data.rows)))


COLUMN_WAYS: dict[str, Writer] = {
    "Arrow column": lambda data, _: column(data),
    "Arrow slice": lambda data, _: pa.concat_arrays([column(data)[-1:], column(data)])[1:],
    "Arrow in chunks": lambda data, _: pa.chunked_array([column(data)[:1], column(data)[1:]]),
    "Arrow table": lambda data, _: pa.table({"steps": column(data)}),
    "pandas of Arrow": in_pandas_of_arrow,
    "pandas frame of Arrow": lambda data, rng: in_pandas_of_arrow(data, rng).to_frame("steps"),
    "polars": lambda data, _: pl.from_arrow(column(data)),
    "polars slice": lambda data, _: pl.from_arrow(pa.chunked_array([column(data)] * 2))[
        : len(data.rows)
    ],
    "polars frame": lambda data, _: pl.from_arrow(column(data)).to_frame("steps"),
    "parquet in pandas": lambda data, _: pd.read_parquet(in_parquet(data)),
    "parquet in polars": lambda data, _: pl.read_parquet(in_parquet(data)),
    "parquet in Arrow": lambda data, _: parquet.read_table(in_parquet(data)),
}
for _kind in (*FLAT, *DEEP):
    TABLES.setdefault(_kind, {}).update(COLUMN_WAYS)


# --- Tables


def padded(data: DataSet, rng: np.random.Generator) -> np.ndarray:
    """Return the sequences as one array, padded at their ends; ids also before and between."""
    need(all(type(value) is int for row in data.rows for value in row) or data.kind != "ids")
    arrays = [table_of(r) if data.has_channels else values_of(r) for r in data.rows if r]
    need(arrays)
    n_steps = max(map(len, data.rows)) + int(rng.integers(3))
    filling = 0 if data.kind == "ids" else np.nan
    are_whole = all(array.dtype.kind == "i" and len(array) == n_steps for array in arrays)
    dtype = np.int64 if data.kind == "ids" or (are_whole and all(data.rows)) else np.float64
    table = np.full((len(data.rows), n_steps, *arrays[0].shape[1:]), filling, dtype)
    for number, row in enumerate(data.rows):
        if row:
            values = table_of(row) if data.has_channels else values_of(row)
            places = np.arange(len(row))
            if data.kind == "ids":
                places = np.sort(rng.permutation(n_steps)[: len(row)])
            table[number, places] = values
    return table


INTEGERS = np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, ">i4", ">i8"
FLOATS = np.float16, np.float32, np.float64, ">f8", np.longdouble


def in_any_type(table: np.ndarray, rng: np.random.Generator, *, is_native: bool = False) -> Any:
    """Return a table in one of the types that can hold it."""
    dtypes = [np.dtype(dtype) for dtype in (FLOATS if table.dtype.kind == "f" else INTEGERS)]
    with np.errstate(all="ignore"):
        casts = [table.astype(d) for d in dtypes if d.isnative or not is_native]
    casts = [cast for cast in casts if np.array_equal(cast, table, equal_nan=True)]
    return casts[rng.integers(len(casts))]


def as_tensor(table: np.ndarray) -> Any:
    """Return a table as a tensor."""
    return torch.tensor(table.astype(np.float64 if table.dtype.kind == "f" else np.int64))


def backwards(table: np.ndarray) -> np.ndarray:
    """Return a view that steps back through the memory."""
    return table[::-1].copy()[::-1]


@writes(*FLAT, *DEEP)
def dense(data: DataSet, rng: np.random.Generator) -> Any:
    """Write a padded array, laid out in any way."""
    ways = np.array, np.asfortranarray, strided, locked, masked, as_tensor, backwards
    return ways[rng.integers(len(ways))](in_any_type(padded(data, rng), rng))


@writes(*FLAT, *DEEP)
def dense_lists(data: DataSet, rng: np.random.Generator) -> Any:
    """Write a table as nested lists."""
    table = padded(data, rng)
    match rng.integers(3):
        case 0:
            return table.astype(object)
        case 1:
            return [*table]
    return table.tolist()


@writes(*FLAT, *DEEP)
def memory_map(data: DataSet, rng: np.random.Generator) -> Any:
    table = padded(data, rng)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        np.save(path, table)
        if rng.integers(2):
            return np.load(path, mmap_mode="r")
        joblib.dump(table, path)
        return joblib.load(path, mmap_mode="r")


def of_several_types(frame: Any) -> Any:
    """Return a data frame whose columns have one type each."""
    types = ["float64", "Float64", "double[pyarrow]"]
    if frame.to_numpy().dtype.kind == "i":
        types = ["uint64", "int8", "Int64", "int64[pyarrow]"]
        need(frame.to_numpy().min() >= 0 and frame.to_numpy().max() < 128)
    return frame.astype({name: types[n % len(types)] for n, name in enumerate(frame)})


def of_arrow(frame: Any) -> Any:
    """Return a data frame of pandas as a table of pyarrow."""
    return pa.Table.from_pandas(frame, preserve_index=False)


DENSE_FRAMES: list[Callable[[Any], Any]] = [
    lambda frame: frame,
    lambda frame: frame.astype("Int64" if frame.to_numpy().dtype.kind == "i" else "Float64"),
    lambda frame: frame.astype(pd.SparseDtype(frame.to_numpy().dtype)),
    of_several_types,
    lambda frame: pl.from_pandas(of_several_types(frame)),
    lambda frame: frame.astype(object),
    pl.from_pandas,
    lambda frame: pl.from_pandas(frame, nan_to_null=True),
    of_arrow,
    lambda frame: pa.table({n: of_arrow(frame)[n].dictionary_encode() for n in frame}),
    lambda frame: of_arrow(frame).to_pandas(types_mapper=pd.ArrowDtype),
]


@writes(*FLAT)
def dense_frame(data: DataSet, rng: np.random.Generator) -> Any:
    """Write a table as a data frame with a row for each sequence."""
    table = padded(data, rng)
    frame = pd.DataFrame(table, columns=[f"t{step}" for step in range(table.shape[1])])
    return DENSE_FRAMES[rng.integers(len(DENSE_FRAMES))](frame)


@writes("ids")
def sparse(data: DataSet, rng: np.random.Generator) -> Any:
    """Write ids as a sparse matrix of any form."""
    X = sp.csr_matrix(padded(data, rng))
    forms = [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array, sp.coo_matrix, sp.coo_array]
    forms += [sp.lil_matrix, sp.lil_array, sp.dok_matrix, sp.dok_array, sp.bsr_matrix]
    forms += [sp.csr_matrix] * 5
    X = X.astype(in_any_type(X.toarray(), rng, is_native=True).dtype)
    X = forms[rng.integers(len(forms))](X)
    if X.format == "csr":
        X = disordered(X, rng)
    if rng.integers(4) == 0:
        return pickle.loads(pickle.dumps(X))
    if rng.integers(4) == 0 and X.format in {"csr", "csc", "coo", "bsr"}:
        file = io.BytesIO()
        sp.save_npz(file, X)
        file.seek(0)
        return sp.load_npz(file)
    return X


def disordered(X: Any, rng: np.random.Generator) -> Any:
    """Return a CSR with columns out of order, zeros that are stored, and wide or locked indices."""
    n_steps = X.shape[1]
    data, columns, ends = [], [], [0]
    for row in range(X.shape[0]):
        places = X.indices[X.indptr[row] : X.indptr[row + 1]]
        free = np.setdiff1d(np.arange(n_steps), places)
        zeros = rng.permutation(free)[: rng.integers(2)]
        order = rng.permutation(len(places) + len(zeros)) if rng.integers(2) else slice(None)
        ids = np.append(X.data[X.indptr[row] : X.indptr[row + 1]], np.zeros(len(zeros), X.dtype))
        data.append(ids[order].astype(X.dtype))
        columns.append(np.append(places, zeros)[order])
        ends.append(ends[-1] + len(ids))
    wide = np.int64 if rng.integers(2) else np.int32
    parts = np.concatenate(data), np.concatenate(columns).astype(wide), np.array(ends, wide)
    made = type(X)(parts, X.shape)
    made.indices, made.indptr = parts[1], parts[2]
    if rng.integers(2):
        for part in (made.data, made.indices, made.indptr):
            part.flags.writeable = False
    return made


@writes("ids")
def ids_in_floats(data: DataSet, rng: np.random.Generator) -> Any:
    """Write ids as the floats that some containers make of them."""
    need(data.input_type != "auto")
    table = exactly(padded(data, rng), np.float64)
    match rng.integers(3):
        case 0:
            return [row[row != 0] for row in table]
        case 1:
            return pd.DataFrame(table)
    return table


# --- Data frames with numbers beside the sequences


def beside_of_arrow(data: DataSet) -> dict[str, Any]:
    """Return the columns beside the sequences as arrays of pyarrow."""
    types = {"float": pa.float64(), "flag": pa.bool_(), "category": pa.string()}
    columns = {n: pa.array(v, types.get(n, pa.int64())) for n, v in data.beside.items()}
    return {n: c.dictionary_encode() if n in CATEGORIES else c for n, c in columns.items()}


def beside_of_pandas(data: DataSet, rng: np.random.Generator) -> Any:
    """Return the columns beside the sequences as a data frame of pandas, with types of NumPy."""
    frame = pd.DataFrame(index=np.arange(len(data.rows)))
    for name, values in data.beside.items():
        if name in CATEGORIES:
            column = pd.Series(values, dtype="category")
            if rng.integers(2):
                column = column.cat.reorder_categories(column.cat.categories[::-1])
            if rng.integers(2):
                column = column.cat.add_categories([99 if name == "month" else "unused"])
        elif name == "flag" and None in values:
            column = pd.Series(values, dtype="boolean")
        else:
            column = pd.Series(values, dtype=None if None not in values else float)
        frame[name] = column
    return frame


def own_column(data: DataSet) -> Any:
    """Return the texts or sequences as a column of pyarrow."""
    return pa.array(data.rows, pa.string()) if data.kind == "texts" else column(data)


def wide_table(data: DataSet) -> Any:
    """Return the sequences, and what is beside them, as a table of pyarrow."""
    return pa.table({"own": own_column(data)} | beside_of_arrow(data))


def pandas_beside(data: DataSet, rng: np.random.Generator) -> Any:
    own = object_array(data.rows)
    if data.kind != "texts" and rng.integers(2):
        own = object_array([table_of(r) if data.has_channels else values_of(r) for r in data.rows])
    frame = beside_of_pandas(data, rng)
    frame.insert(0, "own", pd.Series(own, dtype=object))
    return frame


def nullable_beside(data: DataSet, rng: np.random.Generator) -> Any:
    frame = pandas_beside(data, rng)
    types = {"float": "Float64", "integer": "Int64", "flag": "boolean"}
    return frame.astype({name: types[name] for name in data.beside if name in types})


def sliced_beside(data: DataSet, rng: np.random.Generator) -> Any:
    frame = pandas_beside(data, rng)
    return pd.concat([frame[::-1], frame])[len(frame) :]


def sparse_beside(data: DataSet, rng: np.random.Generator) -> Any:
    frame = pandas_beside(data, rng)
    whole = [n for n in ("float", "integer") if n in data.beside and None not in data.beside[n]]
    need(whole)
    return frame.astype({n: pd.SparseDtype(frame[n].dtype, frame[n].dtype.type(0)) for n in whole})


def polars_beside(data: DataSet, rng: np.random.Generator) -> Any:
    frame = pl.from_arrow(wide_table(data).select(["own"]))
    for name, values in data.beside.items():
        column = pl.from_arrow(pa.array(values, pa.bool_())) if name == "flag" else None
        if name in CATEGORIES:
            names = [value if value is None else str(value) for value in values]
            known = sorted({n for n in names if n is not None} | {"_"})
            column = pl.Series(names, dtype=pl.Enum(known) if rng.integers(2) else pl.Categorical)
        elif column is None:
            column = pl.Series(values, dtype=pl.Float64 if name == "float" else pl.Int64)
        frame = frame.with_columns(column.alias(name))
    return frame


def chunked_beside(data: DataSet, _: np.random.Generator) -> Any:
    table = wide_table(data)
    return pa.concat_tables([table[:1], table[1:]])


def arrow_record_batch(data: DataSet, _: np.random.Generator) -> Any:
    return wide_table(data).to_batches()[0]


def parquet_beside(data: DataSet, rng: np.random.Generator) -> Any:
    need("month" not in data.beside)  # of dictionaries it keeps those of strings
    file = io.BytesIO()
    parquet.write_table(wide_table(data), file)
    file.seek(0)
    return pd.read_parquet(file) if rng.integers(2) else parquet.read_table(file)


FRAMES: dict[str, Writer] = {
    "pandas beside": pandas_beside,
    "pandas nullable beside": nullable_beside,
    "pandas sliced beside": sliced_beside,
    "pandas sparse beside": sparse_beside,
    "pandas of Arrow beside": lambda data, _: wide_table(data).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "polars beside": polars_beside,
    "Arrow beside": lambda data, _: wide_table(data),
    "Arrow in chunks beside": chunked_beside,
    "Arrow record batch beside": arrow_record_batch,
    "parquet beside": parquet_beside,
}


# --- Texts


def fixed_width(texts: list[str]) -> Any:
    need(not any(text.endswith("\x00") for text in texts))  # which NumPy takes for padding
    return np.array(texts)


def variable_width(texts: list[str]) -> Any:
    need(not any("\x00" in text for text in texts))
    return np.array(texts, getattr(np.dtypes, "StringDType", lambda: object)())  # from NumPy 2 on


def in_pandas(dtype: Any) -> Writer:
    """Return a function that writes texts as a series of a type, or as a data frame of it."""

    def write(data: DataSet, rng: np.random.Generator) -> Any:
        texts = pd.Series(data.rows, dtype=dtype, index=rng.permutation(len(data.rows)))
        return texts if rng.integers(2) else texts.to_frame("text")

    return write


TEXT_WAYS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "iterator": iter,
    "list of NumPy": lambda texts: [*map(np.str_, texts)],
    "array": fixed_width,
    "object array": object_array,
    "array of one column": lambda texts: fixed_width(texts)[:, np.newaxis],
    "variable width": variable_width,
    "polars": lambda texts: pl.Series(texts, dtype=pl.String),
    "polars frame": lambda texts: pl.DataFrame({"text": texts}, schema={"text": pl.String}),
    "Arrow": lambda texts: pa.array(texts, pa.string()),
    "Arrow large": lambda texts: pa.array(texts, pa.large_string()),
    "Arrow dictionary": lambda texts: pa.array(texts, pa.string()).dictionary_encode(),
    "Arrow in chunks": lambda texts: pa.chunked_array([texts[:1], texts[1:]], pa.string()),
    "Arrow table": lambda texts: pa.table({"text": pa.array(texts, pa.string())}),
}
PANDAS_TYPES = object, "string", "category", "str", pd.ArrowDtype(pa.string())
TABLES["texts"] = {n: lambda data, _, way=way: way(data.rows) for n, way in TEXT_WAYS.items()}
TABLES["texts"] |= {f"pandas {dtype}": in_pandas(dtype) for dtype in PANDAS_TYPES}
