"""Tasks for which the LSTM was invented, and their epochs: ``python benchmarks/lstm_tasks.py``.

Five tasks whose classes depend on many steps or their order, of which n-grams tell little. Each is
drawn anew from the same seed: the first 500 or all of 5,000 training samples, and 2,000 others to
test. The default beside other values of ``max_epochs`` shows where it needs other epochs.

The option ``--table docs/lstm_tasks.csv`` writes the table of the documentation, row by row.
Seconds are those of the processor. All rows take about half an hour on one core.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from results_table import ResultsTable, add_row_options
from sklearn.metrics import f1_score, log_loss
from sklearn.pipeline import make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

N_TEST = 2000
EPOCHS: dict[int, tuple[int | str, ...]] = {
    500: ("auto", 0, 50, 200),
    5000: ("auto", 0, 20, 60),
}
COLUMNS = ("accuracy", "macro F1", "log loss", "seconds", "epochs")
Sample = tuple[str, str]
COLORS = ("red", "green", "blue", "white", "black", "yellow", "brown", "grey")
PARTNERS = {"(": ")", "[": "]"}


def cups(rng: np.random.Generator) -> Sample:
    """Swap two of three cups 10 to 30 times; the class is the place of the first one."""
    place, moves = 0, []
    for _ in range(rng.integers(10, 31)):
        left, right = sorted(int(cup) for cup in rng.permutation(3)[:2])
        place = {left: right, right: left}.get(place, place)
        moves.append(f"swap{left}{right}")
    return " ".join(moves), f"place{place}"


def majority(rng: np.random.Generator) -> Sample:
    """Draw 20 to 50 letters a, b and c; the class is the most frequent one, without a tie."""
    while True:
        letters = "".join(rng.choice(list("abc"), rng.integers(20, 51)))
        (first, most), (_, second), *_ = [*Counter(letters).most_common(), ("", 0)]
        if most > second:
            return letters, first


def speakers(rng: np.random.Generator) -> Sample:
    """Let two speakers say 15 to 30 words in turn; the class is who says yes."""
    n_words = int(rng.integers(15, 31))
    words = [f"word{number}" for number in rng.integers(0, 20, n_words)]
    words[rng.integers(n_words)] = "yes"
    spoken, is_second = [], False
    for word in words:
        if spoken and rng.random() < 0.25:
            spoken.append("turn")
            is_second = not is_second
        spoken.append(word)
        if word == "yes":
            speaker = "second" if is_second else "first"
    return " ".join(spoken), speaker


def nested(rng: np.random.Generator) -> Sample:
    """Nest 10 to 20 pairs of brackets of two kinds; the class is whether they are balanced.

    If not, two closing brackets have changed places. None of them comes right after an opening one,
    where a pair of neighbours would tell.
    """
    while True:
        text, opened, n_left = "", "", int(rng.integers(10, 21))
        while opened or n_left:
            if n_left and (not opened or rng.random() < 0.5):
                bracket = str(rng.choice(list(PARTNERS)))
                text, opened, n_left = text + bracket, opened + bracket, n_left - 1
            else:
                text, opened = text + PARTNERS[opened[-1]], opened[:-1]
        places = [i for i in range(1, len(text)) if text[i] in ")]" and text[i - 1] in ")]"]
        round_ones = [i for i in places if text[i] == ")"]
        square_ones = [i for i in places if text[i] == "]"]
        if not round_ones or not square_ones:
            continue
        if rng.random() < 0.5:
            return text, "balanced"
        changed = list(text)
        changed[rng.choice(round_ones)], changed[rng.choice(square_ones)] = "]", ")"
        return "".join(changed), "not balanced"


def first_color(rng: np.random.Generator) -> Sample:
    """Draw 60 to 100 of eight colours; the class is the first one."""
    colors = rng.choice(COLORS, rng.integers(60, 101))
    return " ".join(colors), str(colors[0])


@dataclass(frozen=True)
class Task:
    """A generator of samples, and how a user would read them.

    Parameters
    ----------
    draw : callable
    analyzer : {"word", "char"}
    """

    draw: Callable[[np.random.Generator], Sample]
    analyzer: str

    def samples(self, n_samples: int, seed: int) -> tuple[list[str], np.ndarray]:
        """Return the first samples of a seed."""
        rng = np.random.default_rng(seed)
        texts, labels = zip(*(self.draw(rng) for _ in range(n_samples)), strict=True)
        return list(texts), np.array(labels)


TASKS = {
    "state tracking": Task(cups, "word"),
    "counting": Task(majority, "char"),
    "alternating roles": Task(speakers, "word"),
    "nested brackets": Task(nested, "char"),
    "copy over a gap": Task(first_color, "word"),
}


def measure(task: Task, n_samples: int, max_epochs: int | str, seed: int) -> list[float]:
    """Return the values of the columns for one fit."""
    (X, y), (X_test, y_test) = task.samples(n_samples, seed=0), task.samples(N_TEST, seed=1)
    model = make_pipeline(
        TextSequenceVectorizer(analyzer=task.analyzer),
        LSTMSequenceClassifier(max_epochs=max_epochs, random_state=seed),
    )
    start = time.process_time()
    model.fit(X, y)
    seconds = time.process_time() - start
    probabilities = model.predict_proba(X_test)
    predicted = model.classes_[probabilities.argmax(axis=1)]
    return [
        100 * float(np.mean(predicted == y_test)),
        100 * float(f1_score(y_test, predicted, average="macro")),
        float(log_loss(y_test, probabilities, labels=model.classes_)),
        seconds,
        model[-1].n_epochs_,
    ]


def main() -> None:
    """Print the table."""
    keys = [
        (name, str(n_samples), str(max_epochs))
        for name in TASKS
        for n_samples, choices in EPOCHS.items()
        for max_epochs in choices
    ]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help="default: all")
    parser.add_argument("--seeds", type=int, default=1)
    add_row_options(parser, keys)
    options = parser.parse_args()
    table = ResultsTable(options.table, ("task", "samples", "max_epochs", *COLUMNS), keys)
    done = table.rows() if options.missing else {}
    for key in keys:
        name, n_samples, max_epochs = key
        is_wanted = name in options.tasks and max_epochs in (options.model or [max_epochs])
        if key in done or not is_wanted:
            continue
        epochs = int(max_epochs) if max_epochs.isdecimal() else max_epochs
        runs = [measure(TASKS[name], int(n_samples), epochs, seed) for seed in range(options.seeds)]
        *means, seconds, n_epochs = np.mean(runs, axis=0)
        cells = [*(f"{mean:.2f}" for mean in means), f"{seconds:.0f}", f"{n_epochs:.0f}"]
        print(*(f"{cell:>18}" for cell in (*key, *cells)), flush=True)
        table.put([*key, *cells])


if __name__ == "__main__":
    main()
