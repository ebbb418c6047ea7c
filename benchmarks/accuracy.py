"""Accuracy of the default parameters and of other libraries: ``python benchmarks/accuracy.py``.

For each task the classifier is fitted with ``random_state`` 0, 1 and 2, and its peers once, all on
the same folds. The option ``--table docs/accuracy.csv`` writes the table that the documentation
shows. Names of tasks as arguments run these tasks alone.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names. All tasks together
take some hours on two cores; time warping on PLAID alone takes more than ten minutes.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_data import read_rows, read_series
from numpy.typing import NDArray
from peers import FastText, SkorchLSTM
from scipy.sparse import csr_matrix, diags
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

Split = tuple[Any, NDArray[Any], Any, NDArray[Any]]  # X_train, y_train, X_test, y_test


@dataclass(frozen=True)
class Task:
    """A dataset.

    Parameters
    ----------
    file : str
    kind : {"word", "char", "series"}
        What a step is: a word, a character or a measurement.
    folds : int
        How many of five folds are run, if there is no official split.
    classes : tuple of str
        The classes that are kept; all of them if empty.
    """

    file: str
    kind: str
    folds: int = 1
    classes: tuple[str, ...] = ()

    def splits(self) -> Iterator[Split]:
        """Yield the official split if there is one, else the first folds."""
        if self.kind == "series":
            X_train, y_train, X_test, y_test = read_series(self.file)
            yield X_train, y_train, X_test, y_test
            return
        rows = read_rows(self.file)
        if "split" in rows[0]:
            parts = [[row for row in rows if row["split"] == part] for part in ("train", "test")]
            train, test = (
                ([row["text"] for row in part], np.array([row["label"] for row in part]))
                for part in parts
            )
            yield *train, *test
            return
        labels: dict[str, str] = {}
        for row in rows:
            if not self.classes or row["label"] in self.classes:
                labels.setdefault(row["text"], row["label"])
        X, y = np.array(list(labels), dtype=object), np.array(list(labels.values()))
        folds = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
        for _, (train_rows, test_rows) in zip(range(self.folds), folds, strict=False):
            yield list(X[train_rows]), y[train_rows], list(X[test_rows]), y[test_rows]


SERIES = (
    "JapaneseVowels",
    "BasicMotions",
    "GunPoint",
    "ItalyPowerDemand",
    "PLAID",
    "WatchExercises",
)
N_POSITIONS = 120  # as many as `brackets` has
TUNES = ("reel", "jig", "hornpipe", "slip jig", "waltz", "strathspey")
TASKS = {
    "sms_spam": Task("sms_spam", "word", folds=3),
    "spamassassin": Task("spamassassin", "word"),
    "mr_polarity": Task("mr_polarity", "word", folds=3),
    "trec": Task("trec", "word"),
    "imdb": Task("imdb", "word"),
    "langid_sentences": Task("langid_lingua_sentences", "char"),
    "langid_wordpairs": Task("langid_lingua_wordpairs", "char"),
    "stackoverflow_titles": Task("stackoverflow_titles", "word"),
    "chinese_reviews": Task("chinese_reviews", "word"),
    "dna_splice": Task("dna_splice", "char", folds=3),
    "gene_families": Task("gene_families", "char"),
    "tune_types": Task("music_tune_type", "char", folds=3, classes=TUNES),
    "brackets": Task("brackets", "char"),
    **{name: Task(name, "series") for name in SERIES},
}


class NBSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear SVM on binary 1- and 2-grams times naive Bayes ratios (Wang and Manning 2012)."""

    def fit(self, X: Any, y: Any) -> NBSVM:
        """Fit one machine for each class; one machine for two classes."""
        self.classes_ = np.unique(y)
        self.read_ = CountVectorizer(ngram_range=(1, 2), binary=True)
        counts = self.read_.fit_transform(X)
        self.machines_ = []
        for label in self.classes_[len(self.classes_) == 2 :]:
            of_class = y == label
            inside, outside = counts[of_class].sum(0) + 1.0, counts[~of_class].sum(0) + 1.0
            ratio = np.asarray(np.log(inside / inside.sum() / (outside / outside.sum()))).ravel()
            machine = LinearSVC(C=1).fit(counts @ diags(ratio), of_class)
            weight = machine.coef_.ravel()
            weight = 0.75 * np.abs(weight).mean() + 0.25 * weight
            self.machines_.append((ratio * weight, machine.intercept_[0]))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label whose machine has the largest margin."""
        counts: csr_matrix = self.read_.transform(X)
        margins = np.column_stack([counts @ weight + bias for weight, bias in self.machines_])
        if len(self.machines_) == 1:
            return self.classes_[(margins[:, 0] > 0).astype(int)]
        return self.classes_[margins.argmax(axis=1)]


def words_and_letters() -> Any:
    """Return a linear SVM on tf-idf of 1- and 2-grams, and of 2 to 5 letters within words."""
    return make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
        ),
        LinearSVC(),
    )


def minirocket() -> Any:
    """Return aeon's MiniRocket with a ridge classifier.

    Short series are extended by their last value.
    """
    from aeon.transformations.collection.convolution_based import (  # noqa: PLC0415 - an extra
        MiniRocket,
    )
    from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: PLC0415

    return make_pipeline(
        FunctionTransformer(_equally_long),
        MiniRocket(random_state=0),
        StandardScaler(with_mean=False),
        RidgeClassifierCV(np.logspace(-3, 3, 10)),
    )


def nearest_warped() -> Any:
    """Return aeon's nearest neighbour by dynamic time warping.

    The window is a tenth of the length.
    """
    from aeon.classification.distance_based import (  # noqa: PLC0415 - an extra
        KNeighborsTimeSeriesClassifier,
    )
    from sklearn.preprocessing import FunctionTransformer  # noqa: PLC0415

    return make_pipeline(
        FunctionTransformer(_equally_long),
        KNeighborsTimeSeriesClassifier(distance="dtw", distance_params={"window": 0.1}),
    )


def _equally_long(series: list[NDArray[Any]]) -> NDArray[np.float32]:
    longest = 1400 if max(map(len, series)) > 400 else max(30, *map(len, series))
    padded = [np.pad(one, ((0, longest - len(one)), (0, 0)), mode="edge") for one in series]
    return np.stack(padded).transpose(0, 2, 1).astype(np.float32)  # (n, channels, steps)


def positions(texts: Any) -> NDArray[Any]:
    """Return the last 120 characters of each text as columns, blanks before shorter texts."""
    return np.array([list(text[-N_POSITIONS:].rjust(N_POSITIONS)) for text in texts])


PEERS: dict[str, dict[str, Callable[[], Any]]] = {
    "word": {
        "tf-idf, logistic regression": lambda: make_pipeline(
            TfidfVectorizer(), LogisticRegression(max_iter=1000)
        ),
        "tf-idf of 1- and 2-grams": lambda: make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            LogisticRegression(C=10, max_iter=1000),
        ),
        "tf-idf of words and letters, SVM": words_and_letters,
        "NB-SVM": NBSVM,
        "fastText": FastText,
        "LSTM through skorch": SkorchLSTM,
    },
    "char": {
        "single letters, linear SVM": lambda: make_pipeline(
            TfidfVectorizer(analyzer="char", sublinear_tf=True), LinearSVC()
        ),
        "8 letters, linear SVM": lambda: make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(8, 8), sublinear_tf=True, min_df=2),
            LinearSVC(),
        ),
        "one-hot positions, extra trees": lambda: make_pipeline(
            FunctionTransformer(positions),
            OneHotEncoder(handle_unknown="ignore"),
            ExtraTreesClassifier(500, random_state=0),
        ),
        "1-3 letters, linear SVM": lambda: make_pipeline(
            TfidfVectorizer(
                analyzer="char", ngram_range=(1, 3), sublinear_tf=True, max_features=200_000
            ),
            LinearSVC(),
        ),
        "1-5 letters, linear SVM": lambda: make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(1, 5), sublinear_tf=True, min_df=2),
            LinearSVC(),
        ),
        "fastText, 1-4 letters": lambda: FastText("char"),
        "LSTM through skorch": lambda: SkorchLSTM("char"),
    },
    "series": {"MiniRocket, ridge": minirocket, "1-NN, time warping": nearest_warped},
}


def default(kind: str, seed: int) -> Any:
    """Return the model with default parameters."""
    classifier = LSTMSequenceClassifier(random_state=seed)
    if kind == "series":
        return classifier
    return make_pipeline(TextSequenceVectorizer(analyzer=kind), classifier)


def calibration_error(probabilities: NDArray[Any], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error, in ten bins of confidence."""
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [
        (bins == each).mean() * abs(confidence[bins == each].mean() - right[bins == each].mean())
        for each in np.unique(bins)
    ]
    return float(sum(gaps))


def measure(model: Any, split: Split) -> dict[str, float]:
    """Return the scores and the times of one fit and one prediction."""
    X_train, y_train, X_test, y_test = split
    start = time.perf_counter()
    model.fit(X_train, y_train)
    fitted = time.perf_counter()
    predicted = model.predict(X_test)
    done = time.perf_counter()
    scores = {
        "accuracy": 100 * float(np.mean(predicted == y_test)),
        "macro F1": 100 * float(f1_score(y_test, predicted, average="macro")),
        "fit, s": fitted - start,
        "predict, s": done - fitted,
    }
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X_test)
        scores["log loss"] = float(log_loss(y_test, probabilities, labels=model.classes_))
        scores["calibration error"] = 100 * calibration_error(probabilities, predicted == y_test)
    return scores


COLUMNS = ("accuracy", "macro F1", "log loss", "calibration error", "fit, s", "predict, s")


def report(task: str, name: str, runs: list[list[dict[str, float]]]) -> list[str]:
    """Print and return a row: means over folds and seeds, and the spread over seeds."""
    cells = []
    for column in COLUMNS:
        by_seed = [np.mean([fold.get(column, np.nan) for fold in folds]) for folds in runs]
        spread = f" ± {np.std(by_seed):.2f}" if len(runs) > 1 and column == "accuracy" else ""
        cells.append("" if np.isnan(by_seed).any() else f"{np.mean(by_seed):.2f}{spread}")
    print(f"{task:<17} {name:<28}", *(f"{cell:>13}" for cell in cells), flush=True)
    return [task, name, *cells]


def replace_row(path: Path, row: list[str]) -> None:
    """Write a row into a table; it replaces the row of the same task and model."""
    rows = [["task", "model", *COLUMNS]]
    if path.exists():
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines))
    table = {tuple(old[:2]): old for old in rows} | {tuple(row[:2]): row}
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(table.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--table", type=Path, help="CSV file whose rows are replaced")
    options = parser.parse_args()

    def note(task: str, name: str, runs: list[list[dict[str, float]]]) -> None:
        row = report(task, name, runs)
        if options.table:
            replace_row(options.table, row)

    print(f"{'task':<17} {'model':<28}", *(f"{column:>13}" for column in COLUMNS))
    for name in options.tasks:
        task = TASKS[name]
        splits = list(task.splits())
        peers = {} if options.without_peers else PEERS[task.kind]
        for peer, make in peers.items():
            try:
                note(name, peer, [[measure(make(), split) for split in splits]])
            except ImportError as error:
                print(f"{name:<17} {peer:<28} not installed: {error.name}")
        note(
            name,
            "LSTMSequenceClassifier",
            [
                [measure(default(task.kind, seed), split) for split in splits]
                for seed in range(options.seeds)
            ],
        )


if __name__ == "__main__":
    main()
