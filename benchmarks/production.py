"""What a stored model costs where it predicts: ``python benchmarks/production.py``.

Each row is measured in processes of its own, with one thread: a model is loaded, predicts one
sample, then single samples and batches. The service on the page "In production" is asked by 1, 8
and 64 clients on the loopback address. The tables are docs/production.csv and
docs/production_service.csv.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names. This needs
``pip install --group benchmarks .`` (fastText learns with fasttext-wheel), starlette and uvicorn;
and a folder of fasttext-predict alone: ``pip install --target FOLDER fasttext-predict``.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from itertools import chain, cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import numpy as np
from benchmark_data import read_series, read_texts
from packaging.requirements import Requirement
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.io import save

DOCS = Path(__file__).parents[1] / "docs"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
LOAD = {  # the import and the loading of a model, as a user writes them
    "Predictor": "from sklearn_lstm import Predictor; predict = Predictor.load({!r}).predict_proba",
    "io.load": "from sklearn_lstm.io import load; predict = load({!r}).predict_proba",
    "TF-IDF + logistic regression": "import joblib; predict = joblib.load({!r}).predict_proba",
    "fasttext-predict": (
        "import fasttext; model = fasttext.load_model({!r})\n"
        "predict = lambda texts: [model.predict(' '.join(text.split())) for text in texts]"
    ),
}
MEASURE = """
import json, sys, time
with open(sys.argv[1]) as file:
    samples = json.load(file)
n_single, n_batches = int(sys.argv[2]), int(sys.argv[3])
{load}
if not isinstance(samples[0], str):
    import numpy as np
    samples = [np.array(sample) for sample in samples]
predict(samples[:1])
start = time.process_time()
single = []
for index in range(n_single):
    sample = samples[index % len(samples) :][:1]
    begin = time.perf_counter()
    predict(sample)
    single.append(time.perf_counter() - begin)
batches = []
for _ in range(n_batches):
    batch = (samples * (1 + 1000 // len(samples)))[:1000]
    begin = time.perf_counter()
    predict(batch)
    batches.append(1000 / (time.perf_counter() - begin))
with open("/proc/self/status") as status:  # of this program, not of what it was forked from
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
print(json.dumps([start, single, batches, peak]))
"""
HEADER = [
    "data", "model", "file, MB", "installed, MB", "start, s", "one sample, ms",
    "samples a second", "memory, MB",
]  # fmt: skip
SERVICE = ["clients", "p50, ms", "p99, ms", "messages a second"]


# --- What must be installed


def all_needed(names: list[str], found: set[str] | None = None) -> set[str]:
    """Return the names of packages and of all that they need."""
    found = set() if found is None else found
    for name in names:
        if name not in found:
            found.add(name)
            requirements = map(Requirement, metadata.requires(name) or [])
            needed = [one for one in requirements if one.marker is None or one.marker.evaluate()]
            all_needed([re.sub(r"[-_.]+", "-", one.name).lower() for one in needed], found)
    return found


def megabytes(path: Path) -> float:
    """Return the size of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def installed_megabytes(names: set[str]) -> float:
    """Return the size of the files of installed packages, without what Python compiled."""
    files = [
        Path(file.locate())
        for name in names
        for file in metadata.files(name) or []
        if file.suffix != ".pyc"
    ]
    return sum(megabytes(file) for file in files if file.is_file())


# --- One model


def row(model: tuple[str, str, Path, float, Path], options: Any) -> list[Any]:
    """Measure a model in new processes; return a row of the table."""
    data, name, path, installed, samples = model
    program = MEASURE.replace("{load}", LOAD[name].format(str(path)))
    environment = {**os.environ, **ONE_THREAD}
    if name == "fasttext-predict":
        environment["PYTHONPATH"] = str(options.fasttext)
    runs = []
    for _ in range(options.repeats):
        done = subprocess.run(
            [sys.executable, "-c", program, samples, str(options.single), str(options.batches)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        runs.append(json.loads(done.stdout))
    start, single, batches, peak = zip(*runs, strict=True)
    cells = [
        f"{megabytes(path):.1f}",
        f"{installed:,.0f}",
        f"{median(start):.2f}",
        f"{1e3 * median(chain(*single)):.2f}",
        f"{median(chain(*batches)):,.0f}",
        f"{median(peak):,.0f}",
    ]
    print(f"{data:<10} {name:<30}", *(f"{cell:>12}" for cell in cells), flush=True)
    return [data, name, *cells]


def models(folder: Path, options: Any) -> Iterator[tuple[str, str, Path, float, Path]]:
    """Fit the models; yield data, name, file, size of what must be installed, and new samples."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dependencies = [Requirement(one).name for one in project["dependencies"]]
    ours = sum(map(megabytes, (DOCS.parent / "sklearn_lstm").rglob("*.py")))
    small = ours + installed_megabytes(all_needed(["numpy", "scipy"]))
    large = ours + installed_megabytes(all_needed(dependencies))
    learn: dict[str, Any] = {"random_state": 0}
    learn |= {} if options.epochs is None else {"max_epochs": options.epochs}

    texts, labels = read_texts("sms_spam")
    n_train = len(texts) * 4 // 5
    samples = folder / "texts.json"
    samples.write_text(json.dumps(texts[n_train:]))
    texts, labels = texts[:n_train], labels[:n_train]
    pipeline = make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(**learn))
    save(pipeline.fit(texts, labels), folder / "spam.safetensors")
    yield "spam", "Predictor", folder / "spam.safetensors", small, samples
    yield "spam", "io.load", folder / "spam.safetensors", large, samples
    plain = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    joblib.dump(plain.fit(texts, labels), folder / "tf_idf.joblib")
    needed = installed_megabytes(all_needed(["scikit-learn"]))
    yield "spam", "TF-IDF + logistic regression", folder / "tf_idf.joblib", needed, samples
    if options.fasttext:
        import fasttext  # noqa: PLC0415 - of fasttext-wheel, which learns

        lines = folder / "fasttext.txt"
        pairs = zip(labels, texts, strict=True)
        lines.write_text("".join(f"__label__{y} {' '.join(x.split())}\n" for y, x in pairs))
        fasttext.train_supervised(str(lines), thread=1, verbose=0).save_model(
            str(folder / "fasttext.bin")
        )
        size = megabytes(options.fasttext)
        yield "spam", "fasttext-predict", folder / "fasttext.bin", size, samples

    X, y, X_new, _ = read_series("WatchExercises")
    samples = folder / "series.json"
    samples.write_text(json.dumps([series.tolist() for series in X_new]))
    save(LSTMSequenceClassifier(**learn).fit(X, y), folder / "exercises.safetensors")
    yield "exercises", "Predictor", folder / "exercises.safetensors", small, samples
    yield "exercises", "io.load", folder / "exercises.safetensors", large, samples


# --- The service


@contextmanager
def service(folder: Path) -> Iterator[int]:
    """Run the service of the page in a folder with a model; yield its port."""
    sys.path.append(str(DOCS))
    from recipes import program  # noqa: PLC0415 - of the documentation

    (folder / "app.py").write_text(program("app.py"), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    environment = {**os.environ, **ONE_THREAD}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(DOCS.parent), os.environ.get("PYTHONPATH", "")]
    )
    with subprocess.Popen(
        [*command, "--log-level", "error"], cwd=folder, env=environment
    ) as server:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield port
        finally:
            server.terminate()


def seconds_of_client(port: int, texts: list[str]) -> list[float]:
    """Ask for one text after the other; return the time that each answer took."""
    connection, taken = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    for text in texts:
        start = time.perf_counter()
        connection.request("POST", "/probabilities", json.dumps([text]))
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"The service answered {answer.status}.")
    connection.close()
    return taken


def service_rows(folder: Path, samples: Path, n_messages: int) -> Iterator[list[Any]]:
    """Measure the service with 1, 8 and 64 clients that ask at the same time."""
    texts = json.loads(samples.read_text())
    with service(folder) as port:
        seconds_of_client(port, texts[:50])
        for n_clients in (1, 8, 64):
            asked = list(islice(cycle(texts), n_messages))
            parts = [asked[client::n_clients] for client in range(n_clients)]
            start = time.perf_counter()
            with ThreadPoolExecutor(n_clients) as clients:
                taken = list(chain(*clients.map(partial(seconds_of_client, port), parts)))
            speed = len(taken) / (time.perf_counter() - start)
            p50, p99 = 1e3 * np.quantile(taken, [0.5, 0.99])
            print(f"{n_clients} clients: {p50:.1f} ms, {p99:.1f} ms, {speed:,.0f} a second")
            yield [n_clients, f"{p50:.1f}", f"{p99:.1f}", f"{speed:,.0f}"]


def write(path: Path, rows: list[list[Any]]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main() -> None:
    """Measure, and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasttext", type=Path, help="the folder of fasttext-predict")
    parser.add_argument("--repeats", type=int, default=5, help="processes for each row")
    parser.add_argument("--single", type=int, default=500, help="predictions of one sample")
    parser.add_argument("--batches", type=int, default=5, help="predictions of 1,000 samples")
    parser.add_argument("--messages", type=int, default=6400, help="requests to the service")
    parser.add_argument("--epochs", type=int, help="of the networks; for a short try")
    parser.add_argument("--tables", type=Path, default=DOCS, help="the folder of the CSV files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = [row(model, options) for model in models(folder, options)]
        write(options.tables / "production.csv", [HEADER, *table])
        clients = list(service_rows(folder, folder / "texts.json", options.messages))
        write(options.tables / "production_service.csv", [SERVICE, *clients])


if __name__ == "__main__":
    main()
