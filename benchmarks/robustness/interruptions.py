"""Ctrl-C, and a busy neighbour: ``python benchmarks/robustness/interruptions.py``.

First: how long fit and predict take to end after an interruption, in all threads. Second: how much
longer a fit takes beside a process that keeps one core busy, ours and a plain skorch net.
Needs the folder that SKLEARN_LSTM_DATA names.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))
from benchmark_data import read_texts
from peers import SkorchLSTM

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer, threads

REPEATS = 5
BUSY = "while True: sum(range(100_000))"


def seconds_to_end(work: Callable[[], Any], after: float) -> float:
    """Interrupt the work after some seconds; return how long all threads take to end."""
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, interrupt)
    timer.start()
    try:
        work()
    except KeyboardInterrupt:
        while threads._process.working:  # noqa: SLF001 - until the helper thread has ended
            time.sleep(0.001)
        return time.perf_counter() - sent[0]
    timer.cancel()
    raise RuntimeError(f"The work ended before {after} s had passed.")


def seconds(work: Callable[[], Any]) -> float:
    """Return how long the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print both measurements."""
    texts, labels = read_texts("sms_spam")
    X = TextSequenceVectorizer().fit_transform(texts)
    y = np.asarray(labels)
    model = LSTMSequenceClassifier(max_epochs=1, random_state=0).fit(X, y)
    many = X[np.resize(np.arange(X.shape[0]), 100_000)]
    rng = np.random.default_rng(0)
    fit = LSTMSequenceClassifier(random_state=0)
    for name, work, longest in [
        ("fit", lambda: fit.fit(X, y), 6.0),
        ("predict_proba", lambda: model.predict_proba(many), 2.0),
    ]:
        waits = [seconds_to_end(work, rng.uniform(0.5, longest)) for _ in range(REPEATS)]
        print(f"{name}: ends {max(waits):.3f} s after Ctrl-C at most, {REPEATS} interruptions")
    print(f"the classifier whose fit was interrupted is fitted: {hasattr(fit, 'classes_')}")

    fits: dict[str, Callable[[], Any]] = {
        "sklearn_lstm": lambda: LSTMSequenceClassifier(
            max_epochs=2, linear_model=False, random_state=0
        ).fit(X, y),
        "skorch": lambda: SkorchLSTM().fit(texts[:1000], y[:1000]),
    }
    for name, work in fits.items():
        quiet, busy = [], []
        for _ in range(3):
            quiet.append(seconds(work))
            neighbour = subprocess.Popen([sys.executable, "-c", BUSY])
            busy.append(seconds(work))
            neighbour.kill()
            neighbour.wait()
        ratio = statistics.median(busy) / statistics.median(quiet)
        print(f"{name}: fits {ratio:.2f} times as long beside a busy process")


if __name__ == "__main__":
    main()
