"""A fitted model after any operations is one that has only learned the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operations import KINDS, OPERATIONS, run

SEQUENCES = st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=8)


@pytest.mark.parametrize("kind", KINDS)
def test_operations_change_nothing_but_what_is_learned(kind):
    @settings(max_examples=3, deadline=None, derandomize=True)
    @given(SEQUENCES)
    def check(operations):
        run(kind, operations)

    check()
