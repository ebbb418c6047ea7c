"""Inputs by the hour: ``python benchmarks/fuzz.py reading --inputs 200000``.

The tests in ``tests/fuzzing`` draw the same, some hundred times. An input is one container of one
set of sequences, or a stream of several. What was found is printed, and has to become an example of
the tests.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

sys.path.append(str(Path(__file__).parents[1] / "tests" / "fuzzing"))

from drawn_data import KINDS, data_sets
from test_reading_fuzzed import check_reading

EXAMPLES_AT_ONCE = 50  # of one kind, from one seed


def fuzz_reading(kind: str, number: int, seen: Counter[str]) -> None:
    """Read sets of sequences of one kind, which follow from a number."""

    @seed(number)
    @settings(
        max_examples=EXAMPLES_AT_ONCE,
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(data_sets(kind))
    def check(data: object) -> None:
        check_reading(data, seen=seen)

    check()


def main() -> None:
    """Draw until so many inputs were read, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["reading"])
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seen, number, n_found, start = Counter[str](), options.seed, 0, time.monotonic()
    while seen.total() < options.inputs:
        for kind in KINDS:
            try:
                fuzz_reading(kind, number, seen)
            except Exception as error:  # noqa: BLE001 - it shall go on
                n_found += 1
                print(f"FOUND {kind}, seed {number}: {error!r:.600}")
                print(*getattr(error, "__notes__", ()), sep="\n", flush=True)
        number += 1
        seconds = time.monotonic() - start
        print(f"{seen.total():,} inputs, {seconds:,.0f} s, {n_found} found", flush=True)
    for name, count in seen.most_common():
        print(f"{count:9,} {name}")


if __name__ == "__main__":
    main()
