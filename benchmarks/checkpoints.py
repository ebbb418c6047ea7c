"""Kill fits at random moments, let them go on, and compare with fits that were not killed.

``python benchmarks/checkpoints.py 80 20`` kills 80 fits at any moment and 20 while a checkpoint is
written, each in a process of its own, and compares all weights, losses and probabilities bit for
bit. ``python benchmarks/checkpoints.py --cost`` measures how much of the time of a
usual fit they take.
"""

import argparse
import multiprocessing
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmark_data import read_texts
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.training import checkpoint

SEEDS = 4  # fits with another seed, each of which is killed many times
N_EPOCHS = 8
# Loaded once, and copied into each process. Nothing is computed before: torch could not go on.
CONTEXT = multiprocessing.get_context("forkserver")
MODULES = ["sklearn_lstm.classifier", "sklearn_lstm.vectorizer", "torch._dynamo", "benchmark_data"]
CONTEXT.set_forkserver_preload(MODULES)


def data() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return few token ids, whose order tells the label."""
    X = np.random.default_rng(0).integers(1, 40, (200, 8))
    return X, (X[:, 0] > X[:, 3]).astype(int)


def fit(seed: int, folder: Path | None, result: Path, ends_in: int | None = None) -> None:
    """Fit a network beside a linear model, and write all numbers into a file.

    The process is killed in the write of this number.
    """
    if ends_in is not None:
        kill_in_write(ends_in)
    X, y = data()
    model = LSTMSequenceClassifier(
        hidden_size=8, max_epochs=N_EPOCHS, batch_size=25, random_state=seed, checkpoint=folder
    )
    probabilities = model.fit(X, y).predict_proba(X)
    losses = [(row["train_loss"], row["lr"]) for row in model.history_]
    weights = model.module_.state_dict().values()
    numbers = [probabilities, losses, *(weight.numpy() for weight in weights)]
    np.save(result, np.concatenate([np.ravel(each) for each in numbers]))


def kill_in_write(number: int) -> None:
    """Let a process kill itself while it writes, with a part of the file on the disk."""
    fsync, rng = os.fsync, np.random.default_rng(number)
    n_before = 0

    def fsync_or_kill(descriptor: int) -> None:
        nonlocal n_before
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # else it is the folder
            n_before += 1
            if n_before == number:
                os.ftruncate(descriptor, rng.integers(os.fstat(descriptor).st_size + 1))
                os.kill(os.getpid(), signal.SIGKILL)
        fsync(descriptor)

    os.fsync = fsync_or_kill


def run(*arguments: Any, seconds: float | None = None) -> bool:
    """Fit in a new process, which is killed after some seconds; return whether it was killed."""
    process = CONTEXT.Process(target=fit, args=arguments)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        sys.exit(f"A fit has failed: exit code {process.exitcode}.")
    return process.exitcode != 0


def kill_many(n_anywhere: int, n_writing: int) -> None:
    """Kill fits until so many were killed, and let each go on."""
    rng, begin = np.random.default_rng(), time.perf_counter()
    epochs: list[int] = []
    n_same = n_left = n_too_late = 0
    with tempfile.TemporaryDirectory() as name:
        path, expected = Path(name), []
        for seed in range(SEEDS):
            before = time.perf_counter()
            run(seed, None, path / "expected.npy")
            seconds = time.perf_counter() - before
            expected.append(np.load(path / "expected.npy"))
        while (n_killed := len(epochs)) < n_anywhere + n_writing:
            seed, folder = n_killed % SEEDS, path / str(n_killed + n_too_late)
            fit_it = seed, folder, path / "found.npy"
            if n_killed < n_anywhere:
                is_killed = run(*fit_it, seconds=rng.uniform(0, seconds))
            else:
                is_killed = run(*fit_it, rng.integers(1, 2 * N_EPOCHS + 3))
            if not is_killed:
                n_too_late += 1
                continue
            states = [int(file.name.rpartition("-")[2]) for file in folder.glob("*/network-*")]
            epochs.append(max(states, default=-1))
            run(*fit_it)
            n_same += np.array_equal(np.load(path / "found.npy"), expected[seed])
            n_left += any(folder.iterdir())
    counts = np.bincount(np.array(epochs) + 1)
    print(f"{len(epochs)} fits killed, {n_writing} of them while a checkpoint was written")
    print(f"{n_same} ended with the bits of a fit that was not killed; {n_left} left files behind")
    print("last epoch in a checkpoint (-1: none), and how many fits:")
    print(", ".join(f"{epoch - 1}: {n}" for epoch, n in enumerate(counts) if n))
    print(f"{n_too_late} had ended before; {time.perf_counter() - begin:.0f} s")
    if n_same < len(epochs) or n_left:
        sys.exit(1)


def timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """Return a function that also writes down how long each call takes."""

    def call(*arguments: Any, **options: Any) -> Any:
        before = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            seconds.append(time.perf_counter() - before)

    return call


def measure_cost(name: str) -> None:
    """Fit a model with default parameters, and print how much of the time checkpoints take."""
    texts, labels = read_texts(name)
    states: list[float] = []
    names: list[float] = []
    checkpoint.Checkpoint.on_epoch_end = timed(checkpoint.Checkpoint.on_epoch_end, states)
    checkpoint._content = timed(checkpoint._content, names)  # noqa: SLF001 - it reads all data
    with tempfile.TemporaryDirectory() as folder:
        classifier = LSTMSequenceClassifier(random_state=0, checkpoint=folder)
        before = time.perf_counter()
        make_pipeline(TextSequenceVectorizer(), classifier).fit(texts, labels)
        seconds = time.perf_counter() - before
    n_numbers = 3 * sum(weight.numel() for weight in classifier.module_.parameters())
    epoch = median(row["seconds"] for row in classifier.history_)
    print(
        f"{name}: {len(texts):,} texts, fitted in {seconds:.1f} s; hash of the data "
        f"{sum(names) * 1000:.0f} ms; {len(states)} states of {4 * n_numbers / 1e6:.0f} MB\n"
        f"median epoch {epoch * 1000:.0f} ms, median state {median(states) * 1000:.0f} ms: "
        f"{median(states) / epoch:.1%} of an epoch, {sum(states) / seconds:.1%} of the fit"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("anywhere", nargs="?", type=int, default=80, help="fits to kill")
    parser.add_argument("writing", nargs="?", type=int, default=20, help="more, while they write")
    parser.add_argument("--cost", nargs="?", const="trec", help="data set to measure the time of")
    arguments = parser.parse_args()
    if arguments.cost:
        measure_cost(arguments.cost)
    else:
        kill_many(arguments.anywhere, arguments.writing)
