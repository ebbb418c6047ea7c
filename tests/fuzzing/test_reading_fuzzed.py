"""One set of sequences in every container: all are read alike, or refused by one of our errors."""

import re

import pytest
from drawn_data import KINDS, DataSet, data_sets
from hypothesis import HealthCheck, given, settings
from read_data import Refused, outcome, read_as_stream, read_container, read_plainest
from written_data import containers

N_EXAMPLES, N_CONTAINERS = 40, 4  # of each kind of data
# What a container may refuse, though the plainest one of the same data is read.
REFUSALS = {
    "integers": "a missing value, but token ids have none",  # integers, unless one is negative
}
REFUSALS_OF_STREAMS = (
    "which can't represent all of these numbers|are dates or durations|"
    "(channels|features), but LSTMSequenceClassifier is expecting 1|read as token ids|"
    "but token ids are integers"  # a later batch would have told that they are measurements
)


def check_reading(data, n_most=None, seen=None):
    """Hold the readings of all containers, and of a stream, against that of the plainest one."""
    expected = outcome(read_plainest, data)
    refusals = REFUSALS.get(data.kind, "(?!)")
    for name, X in containers(data, n_most):
        found = outcome(read_container, X, data)
        assert_alike(found, expected, refusals, name)
        if seen is not None:
            seen[name] += 1
    if len(data.rows) > 1:
        expected = expected if isinstance(expected, Refused) else expected | {"texts": None}
        refusals += f"|{REFUSALS_OF_STREAMS}"
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


FOUND = [
    # A row of None alone was taken for ids.
    DataSet("series", [[None], [0.0, None, 0.0]]),
    # pandas makes objects of Arrow's booleans where one is missing.
    DataSet("series", [[0.5], [1.0], [2.0]], beside={"flag": [True, None, False]}),
    # What `str` says of a subclass of it, np.str_ for instance, need not be what it holds.
    DataSet("texts", ["\x00"], input_type="words"),
]


@pytest.mark.parametrize("data", FOUND)
def test_what_was_found(data):
    check_reading(data)
