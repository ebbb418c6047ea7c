"""One set of sequences in every container: all are read alike, or refused by one of our errors."""

import re
from dataclasses import replace

import pytest
from drawn_data import KINDS, DataSet, data_sets
from hypothesis import HealthCheck, given, settings
from read_data import Refused, outcome, read_as_stream, read_container, read_later, read_plainest
from written_data import containers, ways_to_write

N_EXAMPLES, N_CONTAINERS = 40, 4  # of each kind of data
# What a container may refuse, though the plainest one of the same data is read.
REFUSALS = {
    "ids": "a row of a sparse matrix, has 0 between its values",  # as counts have
    "integers": "a missing value, but token ids have none",  # integers, unless one is negative
}


def check_reading(data, n_most=None, seen=None):
    """Hold the readings of all containers, and of a stream, against that of the plainest one."""
    expected = outcome(read_plainest, data)
    refusals = REFUSALS.get(data.kind, "(?!)")
    for name, X in containers(data, n_most):
        found = outcome(read_container, X, data)
        assert_alike(found, expected, refusals, name)
        if seen is not None:
            seen[name] += 1
    if len(data.rows) > 1 and data.kind == "texts":
        if not isinstance(expected, Refused):
            expected |= {"texts": [None] * len(data.rows), "numbers": {}}
        assert_alike(outcome(read_as_stream, data), expected, refusals, "stream")
        if seen is not None:
            seen["stream"] += 1


def assert_alike(found, expected, refusals, name):
    if isinstance(found, Refused):
        is_expected = isinstance(expected, Refused) or re.search(refusals, found.message)
        assert is_expected, f"{name} is refused: {found.message}"
    else:
        assert found == expected, f"{name} is read in another way"


@pytest.mark.parametrize("kind", KINDS)
def test_containers_are_read_alike(kind):
    @settings(
        max_examples=N_EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data_sets(kind))
    def check(data):
        check_reading(data, N_CONTAINERS)

    check()


BESIDE = {
    "float": [0.5, None, 2.0],
    "integer": [3, 2**53, -1],
    "flag": [True, None, False],
    "category": ["x", "1", None],
    "month": [1, None, 3],
}
# Each container holds these, in some of its forms.
PLAIN = [
    DataSet("ids", [[3, 4, 5, 3], [6], [7, 2]]),
    DataSet("ids", [[3, 4, 5], [6, 1, 2], [7, 2, 9]], "words"),
    DataSet("integers", [[-3, 4, 5], [6, -7, 2]]),
    DataSet("integers", [[1, None, 2], [None, 5, 3]], "measurements"),
    DataSet("series", [[0.5, -1.0, 2.0], [1.5], [3.0, 0.25]]),
    DataSet("series", [[3.0, 4.0], [5.0, 6.0]]),  # which are no ids
    DataSet("series", [[0.5, None, 2.0], [None, 1.5, 3.0]]),
    DataSet("channels", [[[0.5, 1.0], [-1.0, 2.0], [2.0, 3.0]], [[1.5, 4.0]]]),
    DataSet("channels", [[[0.5, None], [None, None], [2.5, 3.5]], [[None, None]], [[4.0, 5.0]]]),
    DataSet("times", [[[0.5, 0], [None, 3600], [2.5, 5400]], [[1.0, 0]]]),
    DataSet("texts", ["so good", "", "bad, so bad", "na\u00efve"], "words"),
    DataSet("series", [[0.5], [1.0], [2.0]], beside=BESIDE),
    DataSet("texts", ["so good", "bad", ""], "words", beside=BESIDE),
    # Found by drawing. A row of None alone was taken for ids, and pandas makes objects of Arrow's
    # booleans where one is missing.
    DataSet("series", [[None], [0.0, None, 0.0]]),
    DataSet("series", [[0.5], [1.0], [2.0]], beside={"flag": [True, None, False]}),
    # What `str` says of a subclass of it, np.str_ for instance, need not be what it holds.
    DataSet("texts", ["\x00"], input_type="words"),
]


def test_each_way_to_write_writes_something():
    written = {(data.kind, name) for data in PLAIN for name, _ in containers(data)}
    assert {(data.kind, name) for data in PLAIN for name in ways_to_write(data)} <= written


@pytest.mark.parametrize("data", PLAIN, ids=repr)
def test_each_container_holds_the_same_sequences(data):
    expected = read_plainest(data)
    if data.kind != "texts":
        rows = [row if data.has_channels else [[value] for value in row] for row in data.rows]
        assert expected["steps"] == [s if data.kind != "ids" else s[0] for row in rows for s in row]
    for seed in range(8):
        check_reading(replace(data, seed=seed))


@pytest.mark.parametrize("gap", [[5, None, 4], [5, 4, None]])
def test_each_container_of_ids_names_the_row_of_a_missing_one(gap):
    data = DataSet("integers", [[3, 4, 9], gap, [6, 7, 2]], "words")
    message = r"X\[1\] .*missing|X\[\d\] (holds NaN|has shape)"  # of the container
    for seed in range(8):
        for name, X in containers(replace(data, seed=seed)):
            for read in (read_container, read_later):
                found = outcome(read, X, data)
                assert isinstance(found, Refused), name
                assert re.search(message, found.message), f"{name}: {found.message}"
