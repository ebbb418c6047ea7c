"""Searches and predictions on engines: ``python benchmarks/engines.py predict search``.

The engines run the recipes of the page "Which engine when", on this machine, with one worker and
with two, in turn. Every run is a process of its own. What is printed is docs/engines.csv and
docs/engines_search.csv. The data are in the folder that the environment variable
SKLEARN_LSTM_DATA names.

Rows a second: how much longer many rows take than few, so that the start of an engine and of its
workers does not count. The processor seconds are those of all processes of the engine. They do not
depend on what else the machine does.
"""

import argparse
import json
import pickle
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pandas as pd
import psutil
import torch
from benchmark_data import read_texts
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from watching import Watch

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

RECIPES = Path(__file__).parent.parent / "docs" / "engines"
PACKAGES = {
    "one process": "torch",
    "loky": "joblib",
    "dask": "distributed",
    "spark": "pyspark",
    "ray": "ray",
}
TASK = "sms_spam"
PREDICTING = ["one process", "dask", "spark", "ray"]
SEARCHING = ["one process", "loky", "dask", "ray"]
ROWS_OF_PART = 4096
FEW = 2 * ROWS_OF_PART
GRID = {
    "lstmsequenceclassifier__pooling": ["max", "mean"],
    "textsequencevectorizer__lowercase": [True, False],
}


def recipe(engine: str) -> Any:
    """Return the functions of a recipe."""
    return SimpleNamespace(**runpy.run_path(str(RECIPES / f"with_{engine}.py")))


def ways_to_predict(engine: str, model: Any, n_workers: int) -> Callable[[pd.DataFrame], Any]:
    """Start an engine; return a function: a table -> a function that computes its probabilities.

    So the table is in the engine's own form before the time is taken.
    """
    if engine == "one process":
        torch.set_num_threads(n_workers)
        return lambda table: (
            lambda: pd.DataFrame(model.predict_proba(table["text"]), table["id"], model.classes_)
        )
    functions = recipe(engine)
    handle = functions.start(n_workers)

    def dask(table: pd.DataFrame) -> Callable[[], pd.DataFrame]:
        frame = import_module("dask.dataframe").from_pandas(
            table.set_index("id"), chunksize=ROWS_OF_PART
        )
        return lambda: functions.predict_proba(model, frame, handle).compute()

    def spark(table: pd.DataFrame) -> Callable[[], pd.DataFrame]:
        frame = handle.createDataFrame(table).repartition(len(table) // ROWS_OF_PART).cache()
        frame.count()
        return lambda: functions.predict_proba(model, frame).toPandas().set_index("id")

    def ray(table: pd.DataFrame) -> Callable[[], pd.DataFrame]:
        data = import_module("ray.data").from_pandas(table)
        data = data.repartition(len(table) // ROWS_OF_PART).materialize()
        return lambda: functions.predict_proba(model, data, n_workers).to_pandas().set_index("id")

    return {"dask": dask, "spark": spark, "ray": ray}[engine]


class Processor(Watch):
    """The processor seconds of this process and of those that it started, while a block runs.

    They are read often, because a process that has ended tells nothing any more.
    """

    interval = 0.5

    def __enter__(self) -> Self:
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._read(self._first)
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.look()

    def look(self) -> None:
        """Read the processor seconds."""
        self._read(self._last)

    @staticmethod
    def _read(into: dict[int, float]) -> None:
        own = psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                into[process.pid] = times.user + times.system

    @property
    def seconds(self) -> float:
        """Return the sum over all processes."""
        total = sum(last - self._first.get(pid, 0.0) for pid, last in self._last.items())
        return total - self.spent


def seconds(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return how long work takes, its processor seconds, and its result."""
    with Processor() as processor:
        start = time.perf_counter()
        result = work()
        taken = time.perf_counter() - start
    return taken, processor.seconds, result


def predict(engine: str, n_workers: int, options: argparse.Namespace) -> dict[str, float]:
    """Return rows a second, and the largest difference from the model in this process."""
    model = pickle.loads((options.folder / "model.pkl").read_bytes())  # noqa: S301 - we wrote it
    texts, _ = read_texts(TASK)
    n_rows = options.parts * ROWS_OF_PART
    rows = np.random.default_rng(0).integers(len(texts), size=n_rows)
    table = pd.DataFrame({"id": np.arange(n_rows), "text": np.array(texts, object)[rows]})
    put = ways_to_predict(engine, model, n_workers)
    few, many = put(table[:FEW]), put(table)
    few()
    short, work_of_few, found = seconds(few)
    long, work_of_many, _ = seconds(many)
    here = model.predict_proba(table["text"][:FEW])
    return {
        "rows a second": (n_rows - FEW) / (long - short),
        "processor seconds": 1000 * (work_of_many - work_of_few) / (n_rows - FEW),
        "difference": float(np.abs(found.sort_index().to_numpy(float) - here).max()),
    }


def search(engine: str, n_workers: int, _: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds of a search, and its scores."""
    texts, labels = read_texts(TASK)
    model = make_pipeline(
        TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=2, random_state=0)
    )
    grid = GridSearchCV(model, GRID, cv=2, scoring="neg_log_loss", refit=False)
    fit: Callable[[], Any]
    if engine == "one process":
        torch.set_num_threads(n_workers)
        fit = lambda: grid.fit(texts, labels)  # noqa: E731
    elif engine == "loky":
        fit = lambda: recipe("loky").fit(grid, texts, labels, n_workers)  # noqa: E731
    else:
        functions = recipe(engine)
        handle = functions.start(n_workers)
        given = [handle if engine == "dask" else n_workers]
        fit = lambda: functions.fit(grid, texts, labels, *given)  # noqa: E731
    taken, _, found = seconds(fit)
    return {"seconds": taken, "scores": found.cv_results_["mean_test_score"].tolist()}


WORK = {"predict": (predict, PREDICTING), "search": (search, SEARCHING)}


def runs(work: str, options: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Return what each run told, {engine: [runs with one worker, runs with two]}."""
    engines = [engine for engine in WORK[work][1] if engine in options.engines]
    told: dict[str, Any] = {engine: [[], []] for engine in engines}
    for _ in range(options.repeats):
        for engine, n_workers in product(told, (1, 2)):
            run = ["--run", engine, "--workers", str(n_workers), "--folder", folder]
            run += ["--parts", str(options.parts)]
            done = subprocess.run(
                [sys.executable, __file__, work, *run],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
            told[engine][n_workers - 1].append(json.loads(lines[-1]))
            print(engine, n_workers, lines[-1], file=sys.stderr, flush=True)
    return told


def print_predictions(told: dict[str, list[list[dict[str, Any]]]]) -> None:
    """Print docs/engines.csv."""
    print(
        "engine,rows a second: one worker,two workers,ratio,"
        '"processor seconds for 1,000 rows: one worker",two workers,largest difference'
    )
    for engine, both in told.items():
        one, two = (median(run["rows a second"] for run in each) for each in both)
        work = [median(run["processor seconds"] for run in each) for each in both]
        difference = max(run["difference"] for each in both for run in each)
        print(
            f'{named(engine)},"{one:,.0f}","{two:,.0f}",{two / one:.2f},'
            f"{work[0]:.3f},{work[1]:.3f},{difference:.1g}"
        )


def print_searches(told: dict[str, list[list[dict[str, Any]]]]) -> None:
    """Print docs/engines_search.csv."""
    print("engine,seconds: one worker,two workers,ratio,scores")
    expected = next(iter(told.values()))[0][0]["scores"]
    for engine, both in told.items():
        one, two = (median(run["seconds"] for run in each) for each in both)
        same = all(run["scores"] == expected for each in both for run in each)
        equal = "the same" if same else "not the same"
        print(f"{named(engine)},{one:.1f},{two:.1f},{one / two:.2f},{equal}")


def named(engine: str) -> str:
    """Return the name of an engine with its version."""
    return f"{engine} ({PACKAGES[engine]} {version(PACKAGES[engine])})"


def main() -> None:
    """Read the arguments; each run is a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("work", nargs="+", choices=WORK)
    parser.add_argument("--engines", nargs="+", choices=PACKAGES, default=[*PACKAGES])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", type=int, default=22, help="parts of 4,096 rows to predict")
    for hidden, kind in (("--run", str), ("--workers", int), ("--folder", Path)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)  # of one run
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.run:
        function, _ = WORK[options.work[0]]
        print(json.dumps(function(options.run, options.workers, options)), flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        if "predict" in options.work:
            model = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=0))
            model.fit(*read_texts(TASK))
            Path(folder, "model.pkl").write_bytes(pickle.dumps(model))
            print_predictions(runs("predict", options, folder))
        if "search" in options.work:
            print_searches(runs("search", options, folder))


if __name__ == "__main__":
    main()
