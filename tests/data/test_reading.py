"""Every kind of X is read as the same sequences."""

import numpy as np
import pytest
from as_read import read_sequences
from scipy import sparse

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.sequences import NO_ID, integer_type
from sklearn_lstm.exceptions import InputTypeWarning

IDS = [[3, 4, 5, 3], [6], [7, 2]]
ID_TABLE = np.array([[3, 4, 5, 3, 0], [6, 0, 0, 0, 0], [7, 2, 0, 0, 0]])
UNIVARIATE_TABLE = np.array([[0.5, -1, 2, np.nan], [1.5, *[np.nan] * 3], [3, 0.25, *[np.nan] * 2]])


def three_d(ragged):
    padded = np.full((len(ragged), max(5, *map(len, ragged)), len(ragged[0][0])), np.nan)
    for row, series in enumerate(ragged):
        padded[row, : len(series)] = series
    return padded


def steps_of(X, input_type="auto"):
    read = read_sequences(X, input_type)
    return [read.read(np.array([row])).tolist() for row in range(len(read))]


def test_rows_are_read_in_any_order():  # for containers, see tests/fuzzing
    for X in (IDS, ID_TABLE, sparse.csr_matrix(ID_TABLE)):
        read = read_sequences(X)
        assert read.n_channels is None
        assert read.read(np.array([2, 0, 2])).tolist() == [7, 2, 3, 4, 5, 3, 7, 2]
        assert read.subset(np.array([2, 1])).read(np.array([1, 0])).tolist() == [6, 7, 2]


@pytest.mark.parametrize(
    ("columns", "ids"),
    [
        ([2, 0, 1, 3, 0, 1, 0], [5, 3, 4, 3, 6, 2, 7]),
        ([0, 1, 3, 2, 0, 1, 0], [3, 4, 3, 0, 6, 2, 7]),
    ],
    ids=["columns out of order", "a stored zero"],
)
def test_reading_does_not_change_the_matrix_of_the_caller(columns, ids):
    X = sparse.csr_matrix((np.array(ids), np.array(columns), np.array([0, 4, 5, 7])))
    before = [X.data.copy(), X.indices.copy(), X.indptr.copy()]
    read_sequences(X, "words")
    for array, copy in zip([X.data, X.indices, X.indptr], before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_sparse_x_may_have_more_places_than_an_integer_counts():
    X = sparse.coo_array((np.full(20, 3), (np.arange(20), np.zeros(20, int))), shape=(20, 2**60))
    assert len(read_sequences(X)) == 20


def test_a_row_without_an_id_is_one_unknown_token():
    expected = [[5], [NO_ID], [6, 7], [NO_ID]]
    table = np.array([[5, 0], [0, 0], [6, 7], [0, 0]])
    for X in [table, sparse.csr_matrix(table), [[5], [], [6, 7], []]]:
        assert steps_of(X) == expected
        steps = read_sequences(X).read(np.array([1, 0, 3, 1, 2]))
        assert steps.tolist() == [NO_ID, 5, NO_ID, NO_ID, 6, 7]


def test_three_axes_of_integers_are_measurements():
    assert read_sequences(np.ones((2, 3, 4), dtype=int)).n_channels == 4
    assert read_sequences([np.ones((3, 4), dtype=int), np.ones((2, 4), dtype=int)]).n_channels == 4


def test_input_type_overrides_what_the_dtype_says():
    assert steps_of(ID_TABLE, "measurements")[1] == [[6], [0], [0], [0], [0]]
    assert read_sequences(IDS, "measurements").n_channels == 1
    assert steps_of(ID_TABLE.astype(float), "words") == IDS
    assert steps_of([[2.0, 4.0], [3.0]], "words") == [[2, 4], [3]]


def test_steps_are_found_in_many_chunks_as_in_one():
    rng = np.random.default_rng(0)
    series = three_d([rng.normal(size=(length, 3)) for length in rng.integers(1, 3000, 60)])
    ids = rng.integers(0, 5, (300, 900))
    measured = ~np.isnan(series[..., 0])
    for X, observed, input_type in ((series, measured, "auto"), (ids, ids > 0, "words")):
        chunks, lengths = zip(*read_sequences(X, input_type).chunks(), strict=True)
        assert len(chunks) > 1
        np.testing.assert_array_equal(np.concatenate(chunks), X[observed])
        np.testing.assert_array_equal(np.concatenate(lengths), observed.sum(axis=1))


def test_texts_are_as_they_were_written_else_their_tokens():
    X = TextSequenceVectorizer().fit_transform(["A  b", b"C d", "e"])
    assert read_sequences(X).texts(np.array([1, 0, 2])) == ["c d", "A  b", "e"]
    with pytest.raises(ValueError, match="which words its ids stand for"):
        read_sequences(X.toarray()).texts(np.array([0]))


def test_a_format_says_what_it_reads():
    X = np.array([[[0, 1.5], [1, np.nan]], [[0, 2.5], [2, 3.5]]])
    X[0, 0, 1], X[0, 1, 1] = np.nan, 1.5
    timed, _ = InputFormat.found_in(X, "auto", 0)
    assert timed.describe() == "2 channels, 1 with missing values, time in channel 0"
    assert InputFormat.found_in(X[1:, :, 1:])[0].describe() == "1 channel"
    assert not timed.has_fixed_width
    assert InputFormat.found_in(UNIVARIATE_TABLE)[0].has_fixed_width
    assert [integer_type(n) for n in (2**31 - 1, 2**31)] == [np.int32, np.int64]


def test_n_features_counts_columns_of_a_matrix_and_channels_of_the_rest():
    assert InputFormat.found_in(ID_TABLE)[0].n_features == 5
    assert InputFormat.found_in(sparse.csr_matrix(ID_TABLE))[0].n_features == 5
    assert InputFormat.found_in(UNIVARIATE_TABLE)[0].n_features == 4
    assert InputFormat.found_in(IDS)[0].n_features == 1


def test_one_series_in_place_of_a_list_of_it_is_told():
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(n_steps, 1)) for n_steps in (5, 7, 9)]
    read = InputFormat.found_in(series)[0].read
    for X in (series[0], series[0].tolist()):
        with pytest.warns(InputTypeWarning, match=r"of one step. If X is one series, pass \[X\]"):
            assert read(X).lengths.tolist() == [1] * 5
    for X in (series[:1], [[0.5]], rng.normal(size=(4, 5))):
        read(X)
