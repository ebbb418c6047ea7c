"""What unusual data cost: ``pip install . && python benchmarks/bounds.py --table docs/bounds.csv``.

Each row is measured in a process of its own, with one thread and random data: a classifier with
default parameters is fitted and predicts. The sizes are a hundredth, a tenth and the whole of what
the case says. ``docs/bounds.csv`` has the seconds of the processor and the peak of memory.

``--growth 100 --table docs/growth.csv`` measures all that a model does with data, at three sizes:
the largest is a hundredth of what the case says. The exponents of seconds and of the peak of memory
are 1 where a tenfold size takes ten times as much.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
from results_table import ResultsTable, add_row_options

CASES: dict[str, tuple[int, Callable[[int], Any]]] = {}  # the whole size, and what makes the data
HEADER = ["case", "size", "seconds to fit", "seconds to predict", "peak memory (MB)"]
FEWEST = 500  # of a largest size: two sizes that are a tenth as large have to be something
GROWTH = ["case", "work", "size", "seconds", "exponents", "memory (MB)", "exponents of memory"]


def case(name: str, whole: int) -> Callable[[Callable[[int], Any]], None]:
    """Add a case: what returns a classifier, X and y of `fit`, and the X that it predicts."""

    def add(make: Callable[[int], Any]) -> None:
        CASES[name] = whole, make

    return add


def of_texts() -> Any:
    """Return a classifier of texts."""
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - measured as part of the process

    from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer  # noqa: PLC0415

    classifier = LSTMSequenceClassifier(random_state=0)
    return make_pipeline(TextSequenceVectorizer(), classifier)


def of_series() -> Any:
    """Return a classifier of series."""
    return of_texts()[-1]


WORDS = np.array([f"word{number}" for number in range(5_000)])


@case("texts of one token", 1_000_000)
def one_token(size: int) -> Any:
    """Texts of one word each, of two classes."""
    words = np.random.default_rng(0).integers(len(WORDS), size=size)
    texts = WORDS[words].tolist()
    return of_texts(), texts, words % 2, texts


@case("characters of one text", 10_000_000)
def long_text(size: int) -> Any:
    """Forty short texts, and one that is as long as they are not; it is predicted alone."""
    rng = np.random.default_rng(0)
    texts = [" ".join(WORDS[rng.integers(len(WORDS), size=20)]) for _ in range(40)]
    longest = " ".join(WORDS[rng.integers(len(WORDS), size=size // 8)])
    longest += " " * (size - len(longest))
    return of_texts(), [*texts, longest], np.arange(41) % 2, [longest]


@case("classes", 5_000)
def many_classes(size: int) -> Any:
    """Four texts of each class, which hold its word and others."""
    rng, y = np.random.default_rng(0), np.repeat(np.arange(size), 4)
    others = WORDS[rng.integers(len(WORDS), size=(len(y), 5))]
    texts = [" ".join([WORDS[label], *more]) for label, more in zip(y, others, strict=True)]
    return of_texts(), texts, y, texts


@case("steps of a series", 1_000_000)
def long_series(size: int) -> Any:
    """Eight series, of which one is long, the others a hundredth; the long one is predicted."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(size if row == 0 else size // 100 + 1, 1)) + row % 2 for row in range(8)]
    return of_series(), X, np.arange(8) % 2, X[:1]


@case("columns of numbers", 100_000)
def many_columns(size: int) -> Any:
    """Two hundred texts beside columns of numbers."""
    import pandas as pd  # noqa: PLC0415

    rng, y = np.random.default_rng(0), np.arange(200) % 2
    names = [f"number{column}" for column in range(size)]
    frame = pd.DataFrame(rng.normal(size=(len(y), size)), columns=names)
    frame["text"] = [" ".join(row) for row in WORDS[rng.integers(len(WORDS), size=(len(y), 8))]]
    return of_texts(), frame, y, frame


def measure(name: str, size: int) -> None:
    """Fit and predict, and print the figures of a row."""
    model, X, y, new = CASES[name][1](size)
    times = [process_time()]
    model.fit(X, y)
    times.append(process_time())
    model.predict(new)
    times.append(process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(*(f"{seconds:.3g}" for seconds in np.diff(times)), f"{peak / 1e6:.0f}", sep=",")


def works(name: str, size: int, folder: str) -> dict[str, Callable[[], Any]]:
    """Return all that a model does with the data of a case."""
    from sklearn.base import clone  # noqa: PLC0415
    from sklearn.pipeline import Pipeline  # noqa: PLC0415

    from sklearn_lstm.inspection import explain  # noqa: PLC0415
    from sklearn_lstm.io import load, save  # noqa: PLC0415
    from sklearn_lstm.streaming import fit_batches  # noqa: PLC0415

    (model, X, y, new), file = CASES[name][1](size), Path(folder, "model.safetensors")
    parts = np.array_split(np.arange(len(y)), 10)
    batches = [(X[part[0] : part[-1] + 1], y[part]) for part in parts if len(part)]
    has_texts = isinstance(model, Pipeline)

    def partial_fit() -> None:
        last = model[-1] if has_texts else model
        last.partial_fit(model[0].transform(X) if has_texts else X, y)

    batched = {"fit_batches": lambda: fit_batches(clone(model), batches)}
    return {
        "fit": lambda: model.fit(X, y),
        "predict": lambda: model.predict(new),
        "explain": lambda: explain(model, new),
        "save": lambda: save(model, file),
        "load": lambda: load(file),
        "partial_fit": partial_fit,
    } | (batched if has_texts and isinstance(X, list) else {})  # it reads texts alone


def measure_all(name: str, size: int) -> None:
    """Print the seconds of all that a model does, and how far its peak of memory is above before.

    Linux alone says the peak since a point in time.
    """

    def memory(key: str) -> int:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split(f"{key}:")[1].split()[0]) * 1024

    with TemporaryDirectory() as folder:
        for told, work in works(name, size, folder).items():
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            before, start = memory("VmRSS"), process_time()
            work()
            print(told, process_time() - start, memory("VmHWM") - before)


def growth(name: str, largest: int) -> list[list[str]]:
    """Return what each kind of work takes at the largest of three sizes, and how that grows."""
    sizes, found = (largest // 100, largest // 10, largest), list[Any]()
    for size in sizes:
        lines = run_alone("--row", name, str(size), "--growth", "1").splitlines()
        names, *figures = zip(*map(str.split, lines), strict=True)
        # Seconds and MB; smaller ones than these are taken for as much.
        found.append(np.maximum(np.array(figures, float) / [[1], [1e6]], [[0.01], [1]]))
    exponents = np.log10([after / before for before, after in pairwise(found)])
    rows = []
    for place, work in enumerate(names):
        row = [name, work, f"{largest:,}"]
        for figure in (0, 1):
            grown = ", ".join(f"{exponent:z.2f}" for exponent in exponents[:, figure, place])
            row += [f"{found[-1][figure, place]:.3g}", grown]
        rows.append(row)
    return rows


def run_alone(*options: str) -> str:
    """Return what this script prints in a process of its own, with one thread."""
    command = [sys.executable, __file__, *options]
    variables = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return done.stdout


def main() -> None:
    """Measure each row in a process of its own."""
    keys = [
        (name, f"{whole // part:,}") for name, (whole, _) in CASES.items() for part in (100, 10, 1)
    ]
    parser = argparse.ArgumentParser(description=__doc__)
    add_row_options(parser, [key[::-1] for key in keys])
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--growth", type=int, metavar="PART", help="see above")
    options = parser.parse_args()
    if options.row:
        (measure_all if options.growth else measure)(options.row[0], int(options.row[1]))
        return
    if options.growth:
        places = [(name, "") for name in CASES]
        table = ResultsTable(options.table, GROWTH, places)
        for name in options.model or CASES:
            for row in growth(name, max(CASES[name][0] // options.growth, FEWEST)):
                print(*row, sep=" | ", flush=True)
                table.put(row)
        return
    table = ResultsTable(options.table, HEADER, keys)
    done = table.rows() if options.missing else {}
    for name, size in chain(*(keys[part::3] for part in range(3))):  # the smallest ones first
        if (name, size) in done or (options.model and name not in options.model):
            continue
        told = run_alone("--row", name, size.replace(",", ""))
        row = [name, size, *told.split()[-1].split(",")]
        print(*row, sep=" | ", flush=True)
        table.put(row)


if __name__ == "__main__":
    main()
