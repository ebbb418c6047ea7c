"""Memory, time and accuracy of `fit_batches` over the number of texts, beside `fit`.

``python benchmarks/streaming.py 30_000 100_000`` makes so many short texts in Parquet files, and
fits each number of them in a process of its own, by batches and in memory. ``--help`` shows the
options. What it prints is docs/streaming.csv.

A text is the beginning of a real sentence of a film review and the end of another one of the
same polarity. One word in a hundred has a typing error. No text comes twice, and new tokens keep
coming. The accuracy is that of real sentences, none of which is part of a text.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from benchmark_data import read_texts
from pyarrow import dataset, parquet
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from watching import Watch

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.streaming import fit_batches

REVIEWS = "mr_polarity"
ROWS_PER_BATCH = 10_000
SHARE_OF_ERRORS = 0.01  # of the words
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MIB = 1024  # KiB


def sentences() -> tuple[list[str], list[str], list[str], list[str]]:
    """Return real sentences and their labels: those of which texts are made, and held-out ones."""
    texts, labels = read_texts(REVIEWS)
    made_of, held_out, its_labels, labels_held_out = train_test_split(
        texts, labels, test_size=4_000, random_state=0, stratify=labels
    )
    return made_of, its_labels, held_out, labels_held_out


def made_texts(n_texts: int) -> Iterator[tuple[list[str], list[str]]]:
    """Yield batches of texts and their labels."""
    made_of, labels_made_of, _, _ = sentences()
    rng = np.random.default_rng(0)
    of_label: dict[str, list[list[str]]] = {}
    for sentence, label in zip(made_of, labels_made_of, strict=True):
        of_label.setdefault(label, []).append(sentence.split())
    names, seen = sorted(of_label), set[int]()
    texts: list[str] = []
    labels: list[str] = []
    while len(seen) < n_texts:
        label = names[rng.integers(len(names))]
        first, second = (of_label[label][row] for row in rng.integers(len(of_label[label]), size=2))
        start, stop = (int(rng.integers(len(words) + 1)) for words in (first, second))
        words = [with_error(word, rng) for word in [*first[:start], *second[stop:]]]
        text = " ".join(words)
        if not text or hash(text) in seen:
            continue
        seen.add(hash(text))
        texts.append(text)
        labels.append(label)
        if len(texts) == ROWS_PER_BATCH or len(seen) == n_texts:
            yield texts, labels
            texts, labels = [], []


def with_error(word: str, rng: np.random.Generator) -> str:
    """Return a word, seldom with a letter more, or with another one."""
    if rng.random() >= SHARE_OF_ERRORS:
        return word
    at = int(rng.integers(len(word)))
    return word[:at] + LETTERS[rng.integers(len(LETTERS))] + word[at + rng.integers(2) :]


def make(path: Path, n_texts: int) -> None:
    """Write texts and labels into a Parquet file."""
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    unfinished = path.with_suffix(".part")
    with parquet.ParquetWriter(unfinished, schema) as writer:
        for texts, labels in made_texts(n_texts):
            writer.write_table(pa.table({"text": texts, "label": labels}, schema))
    unfinished.rename(path)


def read(path: Path) -> Iterator[tuple[pa.Array, pa.Array]]:
    """Yield batches of a Parquet file, as docs/larger_than_memory.rst reads them."""
    options = dataset.ParquetFragmentScanOptions(pre_buffer=False)
    for batch in dataset.dataset(path).to_batches(
        batch_size=ROWS_PER_BATCH, fragment_scan_options=options
    ):
        yield batch["text"], batch["label"]
    pa.default_memory_pool().release_unused()


class Memory(Watch):
    """The most memory of this process while a block runs, in MiB, beside what it had before.

    Attributes
    ----------
    own : float
        What no file holds.
    resident : float
        The same, and the pages of files that are mapped: the system takes them back if it needs
        them.
    """

    interval = 0.05
    own = resident = 0.0

    def __enter__(self) -> Self:
        self._before = self._now()
        return super().__enter__()

    def look(self) -> None:
        """Keep the most memory so far."""
        own, of_files = self._now()
        self.own = max(self.own, own - self._before[0])
        self.resident = max(self.resident, own + of_files - sum(self._before))

    @staticmethod
    def _now() -> tuple[float, float]:
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        own, of_files = (int(status[name].split()[0]) / MIB for name in ("RssAnon", "RssFile"))
        return own, of_files


def fit(path: Path, way: str, max_epochs: str) -> None:
    """Fit to a Parquet file in one of two ways, and print a row of the table."""
    _, _, held_out, labels = sentences()
    n_rows = parquet.read_metadata(path).num_rows
    epochs = int(max_epochs) if max_epochs.isdigit() else max_epochs
    model = make_pipeline(
        TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=epochs, random_state=0)
    )
    make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(max_epochs=1)).fit(
        held_out[:200], labels[:200]
    )  # what is loaded at first use
    with Memory() as memory:
        start, cpu = time.perf_counter(), time.process_time()
        if way == "batches":
            fit_batches(model, read(path))
        else:
            table = parquet.read_table(path)
            model.fit(table["text"].to_pylist(), table["label"].to_pylist())
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    vectorizer, classifier = model[0], model[-1]
    n_weights = sum(weight.numel() for weight in classifier.module_.parameters())
    print(
        n_rows,
        way,
        len(vectorizer.vocabulary_),
        classifier.n_epochs_,
        f"{memory.own:.0f}",
        f"{memory.resident:.0f}",
        f"{4 * n_weights / 2**20:.0f}",
        f"{1000 * seconds / n_rows:.2f}",
        f"{1000 * cpu / n_rows:.2f}",
        f"{100 * model.score(held_out, labels):.2f}",
        sep=",",
        flush=True,
    )


COLUMNS = (
    "rows,way,tokens,epochs,own MiB,resident MiB,network MiB,seconds per 1000 rows,"
    "processor seconds per 1000 rows,accuracy"
)


def main() -> None:
    """Read the arguments; each fit runs in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sizes", nargs="+", type=int, help="numbers of texts")
    parser.add_argument("--ways", nargs="+", default=["batches", "memory"])
    parser.add_argument("--max-epochs", default="auto")
    parser.add_argument("--folder", type=Path, help="where the files are kept")
    parser.add_argument("--fit", help=argparse.SUPPRESS)  # in this process
    options = parser.parse_args()
    if options.fit:
        fit(Path(options.fit), options.ways[0], options.max_epochs)
        return
    print(COLUMNS, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for size in options.sizes:
            path = (options.folder or Path(temporary)) / f"{size}.parquet"
            if not path.exists():
                make(path, size)
            for way in options.ways:
                command = [sys.executable, __file__, str(size), "--fit", str(path), "--ways", way]
                subprocess.run([*command, "--max-epochs", options.max_epochs], check=True)


if __name__ == "__main__":
    main()
