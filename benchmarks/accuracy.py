"""Accuracy of the default parameters and of other models: ``python benchmarks/accuracy.py``.

For each task the classifier is fitted with ``random_state`` 0, 1 and 2, and its peers once, all on
the same folds. ``--ablation`` adds the network without the linear model, and the linear model
without the network. Names of tasks as arguments run these tasks alone.

The option ``--table docs/accuracy.csv`` writes the table that the documentation shows, row by row,
each with the commit that was measured; with ``--missing`` only rows that it lacks are run, so a run
can be resumed. Times are seconds of the processor: other work on the machine hardly changes them.

The data are in the folder that the environment variable SKLEARN_LSTM_DATA names. All tasks together
take some hours on two cores; time warping on PLAID alone takes more than ten minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmark_data import read_all_series, read_rows, read_series, read_stays
from numpy.typing import NDArray
from peers import COMPILED, PEERS
from results_table import ResultsTable, add_row_options
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

Split = tuple[Any, NDArray[Any], Any, NDArray[Any]]  # X_train, y_train, X_test, y_test


@dataclass(frozen=True)
class Task:
    """A dataset.

    Parameters
    ----------
    file : str
    kind : {"word", "char", "series", "recordings", "stays"}
        What a step is: a word, a character, a measurement, one of thousands of measurements of a
        recording, or an hour of a stay in intensive care, most of whose values are missing.
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
        if self.kind in {"recordings", "stays"}:
            X, y = (read_stays if self.kind == "stays" else read_all_series)(self.file)
            folds = StratifiedKFold(5, shuffle=True, random_state=0).split(y, y)
            for _, (train, test) in zip(range(self.folds), folds, strict=False):
                yield [X[i] for i in train], y[train], [X[i] for i in test], y[test]
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
    "ecg_rhythm": Task("ecg_rhythm", "recordings", folds=5),
    "icu_stays": Task("icu_stays", "stays", folds=5),
}
OURS = "LSTMSequenceClassifier"
ABLATION: dict[str, dict[str, Any]] = {
    "network alone": {"linear_model": False},
    "linear model alone": {"max_epochs": 0},
}


def default(kind: str, seed: int, **parameters: Any) -> Any:
    """Return the model; parameters that are not named have their defaults."""
    classifier = LSTMSequenceClassifier(random_state=seed, **parameters)
    if kind not in {"word", "char"}:
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


def compile_ahead(model: Any, split: Split) -> None:
    """Fit and predict with one sample of each class, so that no figure has numba's compilation."""
    X, y, _, _ = split
    labels, rows = np.unique(y, return_index=True)
    few = [X[row] for row in rows]
    model.fit(few, labels).predict(few)


def measure(model: Any, split: Split) -> dict[str, float]:
    """Return the scores of one fit and one prediction, and their seconds of the processor."""
    X_train, y_train, X_test, y_test = split
    n_threads = torch.get_num_threads()
    start = time.process_time()
    model.fit(X_train, y_train)
    fitted = time.process_time()
    predicted = model.predict(X_test)
    done = time.process_time()
    torch.set_num_threads(n_threads)  # aeon's Hydra leaves one
    scores = {
        "accuracy": 100 * float(np.mean(predicted == y_test)),
        "macro F1": 100 * float(f1_score(y_test, predicted, average="macro")),
        "fit, s": fitted - start,
        "predict, s": done - fitted,
    }
    return scores | (probability_scores(model, split) if hasattr(model, "predict_proba") else {})


def probability_scores(model: Any, split: Split) -> dict[str, float]:
    """Return the scores of the probabilities of a fitted model, if they are not 0 and 1 alone."""
    _, _, X_test, y_test = split
    probabilities = model.predict_proba(X_test)
    if not np.any((probabilities > 0) & (probabilities < 1)):
        return {}
    right = model.classes_[probabilities.argmax(axis=1)] == y_test
    return {
        **(ranking_scores(model, probabilities, y_test) if len(model.classes_) == 2 else {}),
        "log loss": float(log_loss(y_test, probabilities, labels=model.classes_)),
        "calibration error": 100 * calibration_error(probabilities, right),
    }


def ranking_scores(
    model: Any, probabilities: NDArray[Any], y_test: NDArray[Any]
) -> dict[str, float]:
    """Return the areas under the two curves of the rarer of two classes."""
    is_class = y_test[:, None] == model.classes_
    rarer = is_class.sum(axis=0).argmin()
    of_rarer = is_class[:, rarer], probabilities[:, rarer]
    return {"AUC": roc_auc_score(*of_rarer), "AUPRC": average_precision_score(*of_rarer)}


def measure_peer(model: Any, split: Split) -> dict[str, float]:
    """Return the scores of a peer; five folds set the temperature of its probabilities.

    Those without a temperature count if their log loss is lower: a fold may lack a rare class.
    """
    scores = measure(model, split)
    if hasattr(model, "decision_function") or "log loss" in scores:
        X_train, y_train, _, _ = split
        scaled = CalibratedClassifierCV(model, method="temperature", cv=5, ensemble=False)
        of_scaled = probability_scores(scaled.fit(X_train, y_train), split)
        scores |= min(of_scaled, scores, key=lambda each: each.get("log loss", np.inf))
    return scores


def commit() -> str:
    """Return the commit of the package that is measured, with a + if files differ from it."""
    here = Path(__file__).parent
    described = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    run = subprocess.run(described, check=True, cwd=here, capture_output=True, text=True)
    return run.stdout.strip()


COLUMNS = ("accuracy", "macro F1", "log loss", "calibration error", "fit, s", "predict, s")
AREAS = ("AUC", "AUPRC")  # of tasks with two classes; behind the others, which came before them


def row_cells(runs: list[list[dict[str, float]]]) -> list[str]:
    """Return the cells of a row: means over folds and seeds, and the spread over seeds."""
    cells = []
    for column in (*COLUMNS, *AREAS):
        by_seed = [np.mean([fold.get(column, np.nan) for fold in folds]) for folds in runs]
        spread = f" ± {np.std(by_seed):.2f}" if len(runs) > 1 and column == "accuracy" else ""
        digits = 3 if column in AREAS else 2
        cells.append("" if np.isnan(by_seed).any() else f"{np.mean(by_seed):.{digits}f}{spread}")
    return cells


def models(kind: str, n_seeds: int) -> dict[str, list[Callable[[], Any]]]:
    """Return what makes the models of each row: one model, or one for each seed."""
    peers = {name: [make] for name, make in PEERS[kind].items()}
    ours = {
        name: [partial(default, kind, seed, **parameters) for seed in range(n_seeds)]
        for name, parameters in {OURS: {}, **ABLATION}.items()
    }
    return peers | ours


def main() -> None:
    """Print the table."""
    keys = [(name, model) for name, task in TASKS.items() for model in models(task.kind, 0)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--ablation", action="store_true", help=f"also {' and '.join(ABLATION)}")
    add_row_options(parser, keys)
    options = parser.parse_args()

    def wanted(model: str) -> bool:
        if options.model:
            return model in options.model
        return model == OURS or (
            options.ablation if model in ABLATION else not options.without_peers
        )

    header = ("task", "model", *COLUMNS, "tested", "commit", *AREAS)
    table = ResultsTable(options.table, header, keys)
    done = table.rows() if options.missing else {}
    print(f"{'task':<20} {'model':<32}", *(f"{column:>13}" for column in (*COLUMNS, *AREAS)))
    for name in options.tasks:
        rows = {
            model: makes
            for model, makes in models(TASKS[name].kind, options.seeds).items()
            if wanted(model) and (name, model) not in done
        }
        splits = list(TASKS[name].splits()) if rows else []
        for model, makes in rows.items():
            try:
                score = measure_peer if model in PEERS[TASKS[name].kind] else measure
                if model in COMPILED:
                    compile_ahead(makes[0](), splits[0])
                runs = [[score(make(), split) for split in splits] for make in makes]
            except ImportError as error:
                print(f"{name:<20} {model:<32} not installed: {error.name}")
                continue
            cells = row_cells(runs)
            print(f"{name:<20} {model:<32}", *(f"{cell:>13}" for cell in cells), flush=True)
            n_tested = sum(len(y_test) for *_, y_test in splits)
            scores, areas = cells[: len(COLUMNS)], cells[len(COLUMNS) :]
            table.put([name, model, *scores, str(n_tested), commit(), *areas])


if __name__ == "__main__":
    main()
