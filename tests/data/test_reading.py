"""Every kind of X is read as the same sequences."""

from collections import deque

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from as_read import read_sequences
from scipy import sparse

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.sequences import NO_ID
from sklearn_lstm.exceptions import InvalidSequencesError

IDS = [[3, 4, 5, 3], [6], [7, 2]]
ID_TABLE = np.array([[3, 4, 5, 3, 0], [6, 0, 0, 0, 0], [7, 2, 0, 0, 0]])
ID_TABLE_WITH_GAPS = np.array([[3, 4, 0, 5, 3], [0, 0, 0, 6, 0], [0, 7, 0, 0, 2]])
UNIVARIATE = [[0.5, -1.0, 2.0], [1.5], [3.0, 0.25]]
UNIVARIATE_TABLE = np.array([[0.5, -1, 2, np.nan], [1.5, *[np.nan] * 3], [3, 0.25, *[np.nan] * 2]])
MULTIVARIATE = [[[0.5, 1.0], [-1.0, 2.0], [2.0, 3.0]], [[1.5, 4.0]], [[3.0, 5.0], [0.25, 6.0]]]


def three_d(ragged):
    padded = np.full((len(ragged), max(5, *map(len, ragged)), len(ragged[0][0])), np.nan)
    for row, series in enumerate(ragged):
        padded[row, : len(series)] = series
    return padded


def object_array(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def columns_of_lists(rows):
    return {
        "list of lists": rows,
        "tuple of lists": tuple(rows),
        "list of arrays": [np.array(row) for row in rows],
        "list of tensors": [torch.tensor(row) for row in rows],
        "object array of lists": object_array(rows),
        "object array of arrays": object_array([np.array(row) for row in rows]),
        "pandas Series": pd.Series(rows),
        "pandas Series with an index": pd.Series(rows, index=list("cab")),
        "pandas DataFrame": pd.DataFrame({"steps": rows}),
        "polars Series": pl.Series("steps", rows),
        "polars DataFrame": pl.DataFrame({"steps": rows}),
        "pyarrow Array": pa.array(rows),
        "pyarrow ChunkedArray": pa.chunked_array([rows[:1], rows[1:]]),
        "pyarrow Table": pa.table({"steps": rows}),
        "pandas Series of arrow lists": pd.Series(rows, dtype=pd.ArrowDtype(pa.array(rows).type)),
        "deque": deque(rows),
        "list of pyarrow Arrays": [pa.array(row) for row in rows],
        "list of pyarrow scalars": [*pa.array(rows)],
        "list of lists of pyarrow scalars": [[*pa.array(row)] for row in rows],
    }


TOKENS = columns_of_lists(IDS) | {
    "csr_matrix": sparse.csr_matrix(ID_TABLE),
    "csr_array": sparse.csr_array(ID_TABLE),
    "csr of int32 with gaps": sparse.csr_matrix(ID_TABLE_WITH_GAPS.astype(np.int32)),
    "csc_matrix": sparse.csc_matrix(ID_TABLE),
    "coo_array": sparse.coo_array(ID_TABLE_WITH_GAPS),
    "csr with columns out of order": sparse.csr_matrix(
        (np.array([5, 3, 4, 3, 6, 2, 7]), np.array([2, 0, 1, 3, 0, 1, 0]), np.array([0, 4, 5, 7]))
    ),
    "csr with stored zeros": sparse.csr_matrix(
        (np.array([3, 4, 5, 3, 0, 6, 0, 7, 2]), [0, 1, 2, 3, 4, 0, 3, 0, 1], [0, 5, 7, 9])
    ),
    "dense int64": ID_TABLE,
    "dense uint8": ID_TABLE.astype(np.uint8),
    "dense with gaps": ID_TABLE_WITH_GAPS,
    "dense in Fortran order": np.asfortranarray(ID_TABLE),
    "dense list of lists": ID_TABLE.tolist(),
    "DataFrame of ids": pd.DataFrame(ID_TABLE),
}
SERIES = columns_of_lists(UNIVARIATE) | {
    "2-D floats": UNIVARIATE_TABLE,
    "2-D float32": UNIVARIATE_TABLE.astype(np.float32),
    "DataFrame of floats": pd.DataFrame(UNIVARIATE_TABLE),
    "3-D of one channel": UNIVARIATE_TABLE[:, :, np.newaxis],
    "list of columns": [np.array(series)[:, np.newaxis] for series in UNIVARIATE],
    "list of rows with trailing NaN": [[*series, np.nan] for series in UNIVARIATE],
}
CHANNELS = columns_of_lists(MULTIVARIATE) | {
    "3-D": three_d(MULTIVARIATE),
    "3-D float32": three_d(MULTIVARIATE).astype(np.float32),
    "list of lists of arrays": [[np.array(step) for step in series] for series in MULTIVARIATE],
    "list of padded arrays": list(three_d(MULTIVARIATE)),
}
del CHANNELS["list of tensors"]  # as arrays
PAIRS = [[[0.5, 1.0], [-1.0, 2.0]], [[1.5, 4.0], [3.0, 5.0]]]
PAIRS_OF_IDS = [[3, 4], [5, 3]]


def columns_of_arrays(rows):
    n_steps, *n_channels = np.shape(rows)[1:]
    inner, of_polars = (pa.int64(), pl.Int64) if not n_channels else (pa.float64(), pl.Float64)
    of_steps = pa.list_(pa.list_(inner, *n_channels) if n_channels else inner, n_steps)
    array, series = (
        pa.array(rows, of_steps),
        pl.Series(rows, dtype=pl.Array(of_polars, np.shape(rows)[1:])),
    )
    return {
        "pyarrow fixed size": array,
        "pyarrow chunks of fixed size": pa.chunked_array([array[:1], array[1:]]),
        "pandas of fixed size": pd.Series(array, dtype=pd.ArrowDtype(array.type)),
        "polars Array": series,
        "polars frame of an Array": series.to_frame("steps"),
    }


def steps_of(X, input_type="auto"):
    read = read_sequences(X, input_type)
    return [read.read(np.array([row])).tolist() for row in range(len(read))]


@pytest.mark.parametrize("container", TOKENS)
def test_all_containers_of_ids_hold_the_same_sequences(container):
    read = read_sequences(TOKENS[container])
    assert read.n_channels is None
    assert steps_of(TOKENS[container]) == IDS
    assert read.lengths.tolist() == [4, 1, 2]
    assert read.read(np.array([2, 0, 2])).tolist() == [7, 2, 3, 4, 5, 3, 7, 2]
    assert read.subset(np.array([2, 1])).read(np.array([1, 0])).tolist() == [6, 7, 2]


@pytest.mark.parametrize("container", SERIES)
def test_all_containers_of_univariate_series_hold_the_same_sequences(container):
    assert read_sequences(SERIES[container]).n_channels == 1
    assert steps_of(SERIES[container]) == [[[step] for step in series] for series in UNIVARIATE]


@pytest.mark.parametrize("container", CHANNELS)
def test_all_containers_of_multivariate_series_hold_the_same_sequences(container):
    read = read_sequences(CHANNELS[container])
    assert read.n_channels == InputFormat.found_in(CHANNELS[container])[0].n_features == 2
    assert steps_of(CHANNELS[container]) == MULTIVARIATE
    assert read.lengths.tolist() == [3, 1, 2]


@pytest.mark.parametrize("container", columns_of_arrays(PAIRS))
def test_all_columns_of_arrays_of_one_size_hold_the_same_sequences(container):
    assert steps_of(columns_of_arrays(PAIRS)[container]) == PAIRS
    assert steps_of(columns_of_arrays(PAIRS_OF_IDS)[container]) == PAIRS_OF_IDS


def test_structs_are_read_as_the_error_says():
    steps = [[{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}], [{"b": 6.0, "a": 5.0}]]
    for X in (steps, pl.Series(steps).to_list(), pa.array(steps).to_pylist()):
        expected = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
        assert steps_of([pd.DataFrame(row) for row in X]) == expected


def test_dictionaries_of_arrow_are_read_as_their_values():
    ids, halves = (pa.array(row).dictionary_encode() for row in ([5, 6, 5], [0.5, 1.5, 0.5]))
    assert steps_of([ids, ids]) == [[5, 6, 5]] * 2
    assert steps_of(pa.ListArray.from_arrays([0, 2, 3], ids)) == [[5, 6], [5]]
    assert steps_of(pa.table({"a": ids, "b": [1, 2, 3]})) == [[5, 1], [6, 2], [5, 3]]
    assert steps_of([halves]) == [[[0.5], [1.5], [0.5]]]


@pytest.mark.filterwarnings("ignore:X has feature names")  # the data frames, as in scikit-learn
@pytest.mark.parametrize(
    ("fitted_on", "containers"),
    [
        pytest.param(ID_TABLE, TOKENS, id="ids"),
        pytest.param(UNIVARIATE_TABLE[:, :, np.newaxis], SERIES, id="univariate"),
        pytest.param(three_d(MULTIVARIATE), CHANNELS, id="multivariate"),
    ],
)
def test_all_containers_get_the_same_probabilities(fitted_on, containers):
    model = LSTMSequenceClassifier(hidden_size=4, max_epochs=2, random_state=0)
    model.fit(fitted_on, [0, 1, 2])
    expected = model.predict_proba(fitted_on)
    for name, X in containers.items():
        np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("X", [ID_TABLE, UNIVARIATE_TABLE, three_d(MULTIVARIATE)])
def test_a_read_only_memory_map_is_read_as_the_array_it_holds(tmp_path, X):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = LSTMSequenceClassifier(hidden_size=4, max_epochs=2, random_state=0)
    expected = model.fit(X, [0, 1, 2]).predict_proba(X)
    np.testing.assert_array_equal(model.fit(mapped, [0, 1, 2]).predict_proba(mapped), expected)


@pytest.mark.parametrize("name", ["csr with columns out of order", "csr with stored zeros"])
def test_reading_does_not_change_the_matrix_of_the_caller(name):
    X = TOKENS[name].copy()
    before = [X.data.copy(), X.indices.copy(), X.indptr.copy()]
    read_sequences(X)
    for array, copy in zip([X.data, X.indices, X.indptr], before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_sparse_x_may_have_more_places_than_an_integer_counts():
    X = sparse.coo_array((np.full(20, 3), (np.arange(20), np.zeros(20, int))), shape=(20, 2**60))
    assert len(read_sequences(X)) == 20


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("name", ["matrix", "array"])
def test_two_ids_at_one_place_are_refused(kind, name):
    entries = np.array([4, 3, 2, 5]), (np.array([1, 1, 0, 2]), np.array([2, 2, 0, 1]))
    X = getattr(sparse, f"coo_{name}")(entries)
    if kind != "coo":  # conversions would add the entries
        other = {"csr": 1, "csc": 0}[kind]
        order = np.argsort(entries[1][1 - other], kind="stable")
        ends = np.cumsum([0, *np.bincount(entries[1][1 - other])])
        data = entries[0][order], entries[1][other][order], ends
        X = getattr(sparse, f"{kind}_{name}")(data, shape=(3, 3))
    assert X.nnz == 4
    with pytest.raises(InvalidSequencesError, match=r"X\[1\] has several entries in column 2"):
        read_sequences(X)
    assert X.nnz == 4


def test_a_row_without_an_id_is_one_unknown_token():
    expected = [[5], [NO_ID], [6, 7], [NO_ID]]
    table = np.array([[5, 0], [0, 0], [6, 7], [0, 0]])
    for X in [table, sparse.csr_matrix(table), [[5], [], [6, 7], [0]]]:
        assert steps_of(X) == expected
        steps = read_sequences(X).read(np.array([1, 0, 3, 1, 2]))
        assert steps.tolist() == [NO_ID, 5, NO_ID, NO_ID, 6, 7]


def test_negative_integers_are_measurements():
    for X in [np.array([[3, 4], [-1, 2]]), [[3, 4], [-1, 2]], [np.array([3]), np.array([-1, 2])]]:
        assert read_sequences(X).n_channels == 1


def test_three_axes_of_integers_are_measurements():
    assert read_sequences(np.ones((2, 3, 4), dtype=int)).n_channels == 4
    assert read_sequences([np.ones((3, 4), dtype=int), np.ones((2, 4), dtype=int)]).n_channels == 4


def test_input_type_overrides_what_the_dtype_says():
    assert steps_of(ID_TABLE, "measurements")[1] == [[6], [0], [0], [0], [0]]
    assert read_sequences(IDS, "measurements").n_channels == 1
    assert steps_of(ID_TABLE.astype(float), "words") == IDS
    assert steps_of([[2.0, 2.5], [3.0]], "words") == [[2, NO_ID], [3]]


def test_steps_are_found_in_many_chunks_as_in_one():
    rng = np.random.default_rng(0)
    series = three_d([rng.normal(size=(length, 3)) for length in rng.integers(1, 3000, 60)])
    ids = rng.integers(0, 5, (300, 900))
    for X, observed in ((series, ~np.isnan(series[..., 0])), (ids, ids > 0)):
        chunks, lengths = zip(*read_sequences(X).chunks(), strict=True)
        assert len(chunks) > 1
        np.testing.assert_array_equal(np.concatenate(chunks), X[observed])
        np.testing.assert_array_equal(np.concatenate(lengths), observed.sum(axis=1))


def test_n_features_counts_columns_of_a_matrix_and_channels_of_the_rest():
    assert InputFormat.found_in(ID_TABLE)[0].n_features == 5
    assert InputFormat.found_in(sparse.csr_matrix(ID_TABLE))[0].n_features == 5
    assert InputFormat.found_in(UNIVARIATE_TABLE)[0].n_features == 4
    assert InputFormat.found_in(IDS)[0].n_features == 1
