"""Soak: ``pip install . && python benchmarks/robustness/soak.py --minutes 30``.

Four processes fit, learn from a stream, save, load and predict at once, from the same data. Each
round must give the same bits in all of them; after the first rounds the memory of a process must
not grow; and no file may be left over. Every process makes at least 50 rounds, of 256 predictions
with loaded models each, and goes on until the time is over. One writes the model file that all
read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer
from sklearn_lstm.io import load, save
from sklearn_lstm.streaming import fit_batches

N_PROCESSES = 4
WARM_ROUNDS = 10  # whose memory does not count: modules and caches
MOST_GROWTH = 100_000  # bytes for each round, beside what a fit leaves to the allocator
WORDS = [f"word{number}" for number in range(200)]


def texts_of(seed: int, n_texts: int) -> tuple[list[str], list[int]]:
    """Return texts of two classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n_texts)
    starts = np.where(y, 0, 60)[:, np.newaxis] + rng.integers(140, size=(n_texts, 9))
    return [" ".join(WORDS[word] for word in row) for row in starts.tolist()], y.tolist()


def classifier() -> LSTMSequenceClassifier:
    """Return a small classifier."""
    return LSTMSequenceClassifier(hidden_size=8, max_epochs=2, random_state=0, device="cpu")


def digest(probabilities: Any) -> str:
    """Return what stands for these bits."""
    return hashlib.sha256(np.ascontiguousarray(probabilities)).hexdigest()


def memory() -> int:
    """Return the memory of this process in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def one_round(folder: Path, own: Path, *, writes: bool) -> tuple[str, int]:
    """Fit, learn from a stream, save, load, predict; return a digest and the number of rows."""
    texts, y = texts_of(0, 200)
    new, new_y = texts_of(1, 64)
    found, n_predictions = [], 0
    model = make_pipeline(TextSequenceVectorizer(), classifier()).fit(texts, y)
    X = model[0].partial_fit(new).transform(new)
    model[1].partial_fit(X, new_y)
    found.append(model.predict_proba(new))
    streamed = make_pipeline(TextSequenceVectorizer(), classifier())
    found.append(fit_batches(streamed, [(texts, y), (new, new_y)]).predict_proba(new))
    save(model, own / "own.safetensors")
    if writes:
        save(model, folder / "shared.safetensors")
    for path in (own / "own.safetensors", folder / "shared.safetensors"):
        for read in (load, Predictor.load):
            loaded = read(path)
            for start in range(0, len(new), 8):
                found.append(loaded.predict_proba(new[start : start + 8]))
                n_predictions += len(found[-1])
    return digest(np.concatenate([one.ravel() for one in found])), n_predictions


def run(folder: Path, number: int, minutes: float, n_rounds: int) -> None:
    """Make rounds until the time is over, and print what was found as JSON."""
    own, end = folder / str(number), monotonic() + 60 * minutes
    own.mkdir()
    digests, sizes, n_predictions = set[str](), list[int](), 0
    while monotonic() < end or len(sizes) < n_rounds:
        found, n = one_round(folder, own, writes=number == 0)
        digests.add(found)
        sizes.append(memory())
        n_predictions += n
    kept = np.array(sizes[WARM_ROUNDS:], float)
    slope = float(np.polyfit(np.arange(len(kept)), kept, 1)[0])
    files = sorted(path.name for path in own.iterdir())
    told = {"digests": sorted(digests), "rounds": len(sizes), "predictions": n_predictions}
    print(
        json.dumps(
            {**told, "slope": slope, "memory": sizes[:: max(1, len(sizes) // 20)], "files": files}
        )
    )


def main() -> None:
    """Run the processes, and say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=50, help="at least, of each process")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.number is not None:
        run(options.folder, options.number, options.minutes, options.rounds)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        one_round(folder, folder, writes=True)
        (folder / "own.safetensors").unlink()
        command = [sys.executable, __file__, "--folder", temporary]
        command += ["--minutes", str(options.minutes), "--rounds", str(options.rounds)]
        processes = [
            subprocess.Popen([*command, "--number", str(number)], stdout=subprocess.PIPE, text=True)
            for number in range(N_PROCESSES)
        ]
        told = [json.loads(process.communicate()[0]) for process in processes]
        left = sorted(path.name for path in folder.iterdir())
    wrong = []
    if len({one for process in told for one in process["digests"]}) != 1:
        wrong.append("not the same bits")
    if any(process["slope"] > MOST_GROWTH for process in told):
        wrong.append("memory grows")
    expected = [*map(str, range(N_PROCESSES)), "shared.safetensors"]
    if left != expected or any(process["files"] != ["own.safetensors"] for process in told):
        wrong.append(f"files that are left over: {left}")
    for process in told:
        sizes = ", ".join(f"{size / 1e6:.0f}" for size in process["memory"])
        rounds = f"{process['rounds']:,} rounds, {process['predictions']:,} predictions"
        print(f"{rounds}, {process['slope'] / 1e3:+.1f} kB a round; MB: {sizes}")
    print("; ".join(wrong) or "the same bits, no slope, no file left over")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
