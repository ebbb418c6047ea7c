"""What a call of `partial_fit` takes, by the number of known tokens.

``OMP_NUM_THREADS=1 python benchmarks/stream_cost.py --table docs/stream_cost.csv`` lets a
classifier with default parameters learn random texts, and measures further calls with 32 texts of
20 tokens, one of which is new in each text: the median of 30 calls, in milliseconds of the
processor. A minute.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from statistics import median

import numpy as np

from sklearn_lstm import LSTMSequenceClassifier

N_TOKENS = 10_000, 30_000, 100_000
N_CALLS = 30
N_TEXTS, LENGTH = 32, 20


def seconds_of_a_call(n_tokens: int) -> float:
    """Return the median of the seconds of calls after a first one with so many tokens."""
    rng, y = np.random.default_rng(0), np.arange(N_TEXTS) % 2
    X = rng.permutation(np.arange(2, n_tokens + 2)).reshape(-1, 100)
    model = LSTMSequenceClassifier(random_state=0, input_type="words")
    model.partial_fit(list(X), np.arange(len(X)) % 2, classes=[0, 1])
    seconds = []
    for call in range(N_CALLS):
        X = rng.integers(2, n_tokens + 2, (N_TEXTS, LENGTH))
        X[:, -1] = n_tokens + 2 + N_TEXTS * call + np.arange(N_TEXTS)
        start = time.process_time()
        model.partial_fit(list(X), y)
        seconds.append(time.process_time() - start)
    return median(seconds)


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, help="the file of the table")
    options = parser.parse_args()
    rows = [("known tokens", "milliseconds of a call")]
    for n_tokens in N_TOKENS:
        rows.append((f"{n_tokens:,}", f"{1000 * seconds_of_a_call(n_tokens):.0f}"))
        print(*rows[-1])
    if options.table:
        with options.table.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
