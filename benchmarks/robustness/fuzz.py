"""Inputs and operations by the hour: ``python benchmarks/robustness/fuzz.py reading``.

The tests in ``tests/fuzzing`` draw the same, some dozen times. An input of "reading" is one
container of one set of sequences, or a stream of several; one of "operations" is a sequence of them
on a fitted model. What was found is printed, and has to become an example of the tests.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

sys.path.append(str(Path(__file__).parents[2] / "tests" / "fuzzing"))

import drawn_data
import operations
from test_operations_fuzzed import SEQUENCES
from test_reading_fuzzed import check_reading

EXAMPLES_AT_ONCE = {"reading": 50, "operations": 5}  # of one kind, from one seed
KINDS = {"reading": drawn_data.KINDS, "operations": operations.KINDS}


def fuzz(what: str, kind: str, number: int, seen: Counter[str]) -> None:
    """Draw inputs of one kind, which follow from a number."""

    def check(drawn: object) -> None:
        if what == "reading":
            check_reading(drawn, seen=seen)
        else:
            operations.run(kind, drawn)
            seen[kind] += 1

    limits = settings(
        max_examples=EXAMPLES_AT_ONCE[what],
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    inputs = drawn_data.data_sets(kind) if what == "reading" else SEQUENCES
    seed(number)(limits(given(inputs)(check)))()


def main() -> None:
    """Draw until so many inputs were tried, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[*KINDS])
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seen, number, n_found, start = Counter[str](), options.seed, 0, time.monotonic()
    while seen.total() < options.number:
        for kind in KINDS[options.what]:
            try:
                fuzz(options.what, kind, number, seen)
            except Exception as error:  # noqa: BLE001 - it shall go on
                n_found += 1
                print(f"FOUND {kind}, seed {number}: {error!r:.600}")
                print(*getattr(error, "__notes__", ()), sep="\n", flush=True)
            seconds = time.monotonic() - start
            print(f"{seen.total():,} inputs, {seconds:,.0f} s, {n_found} found", flush=True)
        number += 1
    for name, count in seen.most_common():
        print(f"{count:9,} {name}")


if __name__ == "__main__":
    main()
