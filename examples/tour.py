"""A tour: four kinds of real sequences, one estimator, default parameters.

Each task stands beside the strongest plain model that we found with scikit-learn. The data are
fetched with pip at the first run. The table, the models and a picture are stored in the folder
``sklearn_lstm_tour``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import matplotlib.pyplot as plt
import numpy as np
import torch
from example_data import (
    fetch_sms_spam,
    fetch_splice_sites,
    fetch_watch_recordings,
    load_brackets,
)
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain, gate_activations

FOLDER = Path("sklearn_lstm_tour")


@dataclass
class Task:
    """A dataset, split into a training and a test part, and two models for it."""

    name: str
    question: str
    load: Callable[[], tuple[Any, Any, Any, Any]]  # X_train, X_test, y_train, y_test
    model: Any
    plain: Any
    plain_name: str


def watch() -> tuple[Any, Any, Any, Any]:
    """Split by person: three of ten are for the test."""
    X, exercises, persons = fetch_watch_recordings()  # X: (n_windows, 128 steps, 6 channels)
    is_test = persons >= 8
    return X[~is_test], X[is_test], exercises[~is_test], exercises[is_test]


def brackets() -> tuple[Any, Any, Any, Any]:
    """Split by file: a quarter of Python's modules are for the test."""
    texts, closing, files = load_brackets()
    splitter = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    train, test = next(splitter.split(texts, groups=files))
    return texts[train], texts[test], closing[train], closing[test]


def messages() -> tuple[Any, Any, Any, Any]:
    """Split at random: a fifth is for the test. No message is in the data twice."""
    texts, labels = fetch_sms_spam()
    return tuple(train_test_split(texts, labels, test_size=0.2, stratify=labels, random_state=0))


def splice_sites() -> tuple[Any, Any, Any, Any]:
    """Split at random: a fifth is for the test. No window is in the data twice."""
    windows, sites = fetch_splice_sites()
    return tuple(train_test_split(windows, sites, test_size=0.2, stratify=sites, random_state=0))


def statistics(X: Any) -> Any:
    """Return statistics of each channel, of its changes, and its spectrum."""
    changes = np.abs(np.diff(X, axis=1))
    quantiles = np.quantile(X, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1], axis=1)
    spectrum = np.abs(np.fft.rfft(X - X.mean(axis=1, keepdims=True), axis=1))[:, 1:25]
    parts = [X.mean(axis=1), X.std(axis=1), *quantiles, changes.mean(axis=1), changes.std(axis=1)]
    return np.hstack([*parts, np.log1p(spectrum).reshape(len(X), -1)])


def positions(windows: Any) -> Any:
    """Return the bases as columns, one for each position."""
    return np.array([list(window) for window in windows])


def classifier() -> LSTMSequenceClassifier:
    """Return the estimator; `verbose` shows a progress bar, all else is the default."""
    return LSTMSequenceClassifier(random_state=0, verbose=1)


TASKS = [
    Task(
        "watch",
        "series: which exercise? (other people)",
        watch,
        classifier(),
        make_pipeline(FunctionTransformer(statistics), ExtraTreesClassifier(500, random_state=0)),
        "statistics, spectrum, extra trees",
    ),
    Task(
        "brackets",
        "letters: which bracket closes next?",
        brackets,
        make_pipeline(TextSequenceVectorizer(analyzer="char", lowercase=False), classifier()),
        make_pipeline(
            TfidfVectorizer(analyzer="char", lowercase=False, sublinear_tf=True),
            LinearSVC(),
        ),
        "TF-IDF of letters, SVM",
    ),
    Task(
        "splice sites",
        "DNA: what is in the middle?",
        splice_sites,
        make_pipeline(TextSequenceVectorizer(analyzer="char"), classifier()),
        make_pipeline(
            FunctionTransformer(positions),
            OneHotEncoder(handle_unknown="ignore"),
            ExtraTreesClassifier(500, random_state=0),
        ),
        "one-hot positions, extra trees",
    ),
    Task(
        "SMS",
        "words: spam?",
        messages,
        make_pipeline(TextSequenceVectorizer(), classifier()),
        make_pipeline(
            make_union(
                TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                TfidfVectorizer(
                    analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True
                ),
            ),
            LinearSVC(),
        ),
        "TF-IDF of words and letters, SVM",
    ),
]


def fit(model: Any, X_train: Any, y_train: Any) -> float:
    """Fit the model; return the seconds that it took."""
    start = time.perf_counter()
    model.fit(X_train, y_train)
    return time.perf_counter() - start


def run(task: Task) -> tuple[str, Any, Any]:
    """Fit and store the models of a task; return its row of the table, and its test part."""
    X_train, X_test, y_train, y_test = task.load()
    print(f"\n{task.name}: {len(y_train):,} sequences to learn from, {len(y_test):,} to test on")
    seconds, plain_seconds = fit(task.model, X_train, y_train), fit(task.plain, X_train, y_train)
    accuracy, plain = task.model.score(X_test, y_test), task.plain.score(X_test, y_test)
    joblib.dump(task.model, FOLDER / f"{task.name.replace(' ', '_')}.joblib")
    first, second = percentages(accuracy, plain, len(y_test))
    row = (
        f"| {task.question:<38} | {len(y_test):5,} | {first:>9} | {seconds:3.0f} s | {second:>9} | "
        f"{plain_seconds:5.2f} s | {task.plain_name:<33} |"
    )
    return row, X_test, y_test


def percentages(accuracy: float, plain: float, n_samples: int) -> tuple[str, ...]:
    """Return both accuracies; bold: better by more than two standard errors of the difference."""
    error = np.sqrt((accuracy * (1 - accuracy) + plain * (1 - plain)) / n_samples)
    return tuple(
        f"**{value:.1%}**" if value - reference > 2 * error else f"{value:.1%}"
        for value, reference in [(accuracy, plain), (plain, accuracy)]
    )


def show_predictions(model: Any, texts: Any, labels: Any) -> None:
    """Print the first three test texts and the surest class of each."""
    for text, label, row in zip(texts[:3], labels[:3], model.predict_proba(texts[:3]), strict=True):
        best = row.argmax()
        print(f"  {model.classes_[best]} {row[best]:.2f}  (true: {label})  ...{text[-70:]!r}")


def distance_to_partner(code: str) -> int:
    """Return how many characters before the end the last bracket opens that is still open."""
    depth = 0
    for distance, character in enumerate(reversed(code), start=1):
        depth += (character in ")]}") - (character in "([{")
        if depth < 0:
            return distance
    raise ValueError(code)


def draw(model: Any, texts: Any) -> None:
    """Draw a line of code: what each letter says about the bracket, and what the memory keeps."""
    # The first whose partner is far away, in letters as the model reads them.
    code = next(text for text in texts if distance_to_partner(" ".join(text.split())) > 40)
    (explanation,), (activations,) = explain(model, [code]), gate_activations(model, [code])
    letters, values = "".join(explanation.data[-90:]), explanation.values[-90:]
    memory = activations.memory_cell[0, 0, -90:]  # of the direction that reads forwards
    partner = len(letters) - distance_to_partner(letters)
    # The memory cells that change most at the partner.
    jump = memory[partner : partner + 5].mean(axis=0) - memory[partner - 5 : partner].mean(axis=0)
    memory = memory[:, np.argsort(-np.abs(jump))[:8]].T

    figure, (above, below) = plt.subplots(
        2, 1, figsize=(12, 3.6), height_ratios=(4, 1), sharex=True, layout="constrained"
    )
    limit = np.abs(memory).max()
    image = above.imshow(memory, aspect="auto", cmap="PuOr", vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=above, label="memory", pad=0.01)
    above.axvline(partner - 0.5, color="black", linewidth=1)
    above.set(ylabel="8 memory cells", yticks=[])
    above.set_title(
        f"Which bracket closes next?  The one that opened {len(letters) - partner} letters before"
    )
    limit = np.abs(values).max()
    image = below.imshow(values[None], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=below, label="logit", pad=0.01)
    for place, (letter, value) in enumerate(zip(letters, values, strict=True)):
        shown = {"\n": "\u21b5", "\t": "\u21e5"}.get(letter, letter)
        color = "white" if abs(value) > 0.6 * limit else "black"
        below.text(place, 0, shown, ha="center", va="center", color=color, family="monospace")
    below.set(
        yticks=[], xticks=[], xlabel=f"what each letter adds to the score of  {explanation.target}"
    )
    figure.savefig(FOLDER / "tour.png", dpi=130)


def main() -> None:
    """Run all tasks."""
    FOLDER.mkdir(exist_ok=True)
    start = time.perf_counter()
    rows = []
    for task in TASKS:
        row, X_test, y_test = run(task)
        rows.append(row)
        if isinstance(X_test[0], str):
            show_predictions(task.model, X_test, y_test)
        if task.name == "brackets":
            draw(task.model, X_test)
    minutes, seconds = divmod(round(time.perf_counter() - start), 60)
    header = "| task | tested on | LSTM | fit | plain model | fit | which |\n" + "|---" * 7 + "|"
    arithmetic = torch.backends.cpu.get_cpu_capability()  # with another one training ends elsewhere
    if TASKS[1].model[-1].module_.use_bfloat16:
        arithmetic += " and bfloat16"
    time_taken = f"This run took {minutes} min {seconds} s, with {arithmetic}."
    table = "\n".join([header, *rows, "", time_taken])
    (FOLDER / "table.md").write_text(f"{table}\n", encoding="utf-8")
    print(f"\nAccuracy on the test part, and seconds of the fit\n\n{table}")
    print(f"\nStored in {FOLDER.resolve()}: table.md, tour.png and four models. To load one:")
    print(f'  joblib.load("{FOLDER}/SMS.joblib").predict(["You have won a prize! Call now"])')


if __name__ == "__main__":
    main()
