"""Tasks for which the LSTM was invented: ``python benchmarks/lstm_tasks.py``.

Six tasks whose classes depend on many steps or their order, and five formal languages, which a
finite automaton or a stack decides. Each is drawn anew from the same seed: the first 500, 2,000 or
all of 5,000 training samples, and 2,000 others to test. Beside the default stand other numbers of
epochs, and two models without a network: n-grams, and extra trees on one-hot positions.

The option ``--table docs/lstm_tasks.csv`` writes the table of the documentation, row by row.
Seconds are those of the processor. All rows take about an hour on one core.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from results_table import ResultsTable, add_row_options
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

N_TEST = 2000
SIZES = (500, 2000, 5000)
PLAIN = {
    "n-grams": lambda analyzer: make_pipeline(
        TfidfVectorizer(
            analyzer=analyzer, ngram_range=(1, 5), sublinear_tf=True, token_pattern=r"\S+"
        ),
        LinearSVC(),
    ),
    "positions": lambda analyzer: make_pipeline(
        TextSequenceVectorizer(analyzer=analyzer, output="onehot"),
        FunctionTransformer(lambda X: X.reshape(len(X), -1)),
        ExtraTreesClassifier(500, random_state=0),
    ),
}
MODELS = ("auto", "0", "60", *PLAIN)
COLUMNS = ("accuracy", "macro F1", "log loss", "seconds", "epochs")
Rng: TypeAlias = np.random.Generator
Sample: TypeAlias = tuple[str, str]
COLORS = ("red", "green", "blue", "white", "black", "yellow", "brown", "grey")
PARTNERS = {"(": ")", "[": "]"}


def cups(rng: Rng) -> Sample:
    """Swap two of three cups 10 to 30 times; the class is the place of the first one."""
    place, moves = 0, []
    for _ in range(rng.integers(10, 31)):
        left, right = sorted(int(cup) for cup in rng.permutation(3)[:2])
        place = {left: right, right: left}.get(place, place)
        moves.append(f"swap{left}{right}")
    return " ".join(moves), f"place{place}"


def majority(rng: Rng) -> Sample:
    """Draw 20 to 50 letters a, b and c; the class is the most frequent one, without a tie."""
    while True:
        letters = "".join(rng.choice(list("abc"), rng.integers(20, 51)))
        (first, most), (_, second), *_ = [*Counter(letters).most_common(), ("", 0)]
        if most > second:
            return letters, first


def speakers(rng: Rng) -> Sample:
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


def nested(rng: Rng) -> Sample:
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


def _balanced(draw: Callable[[Rng], str], belongs: Callable[[str], bool], rng: Rng) -> Sample:
    """Draw strings until one is in a language, or is not, with equal probability."""
    wanted = rng.random() < 0.5
    while belongs(text := draw(rng)) != wanted:
        pass
    return text, "in" if wanted else "not in"


def _letters(alphabet: str, shortest: int, rng: Rng) -> str:
    return "".join(rng.choice(list(alphabet), rng.integers(shortest, 41)))


def last_switch(rng: Rng) -> Sample:
    """Write a log of 20 words; the class is the last switch, as in the README."""
    words = rng.choice(["on", "off", "wait", "read"], 20, p=[0.1, 0.1, 0.4, 0.4])
    log = " ".join(words)
    return log, "on" if log.rfind("on") > log.rfind("off") else "off"


def multiple_of_three(rng: Rng) -> Sample:
    """Draw 1 to 40 letters; the class is whether the number of a is a multiple of three."""
    return _balanced(partial(_letters, "abc", 1), lambda text: text.count("a") % 3 == 0, rng)


def same_number(rng: Rng) -> Sample:
    """Draw 1 to 20 letters a, then 1 to 20 letters b; the class is whether they are as many."""

    def draw(rng: Rng) -> str:
        first, second = rng.integers(1, 21, 2)
        return "a" * first + "b" * (first if rng.random() < 0.5 else second)

    return _balanced(draw, lambda text: text.count("a") == text.count("b"), rng)


def one_bracket(rng: Rng) -> Sample:
    """Draw 1 to 20 opening and as many closing brackets; the class is whether they are balanced.

    Those that are not have two brackets of balanced ones in each other's place.
    """

    def balanced(rng: Rng) -> str:
        text, opened, n_left = "", 0, int(rng.integers(1, 21))
        while opened or n_left:
            opens = n_left and (not opened or rng.random() < 0.5)
            text, opened, n_left = (
                (text + "(", opened + 1, n_left - 1) if opens else (text + ")", opened - 1, n_left)
            )
        return text

    def belongs(text: str) -> bool:
        return min(np.cumsum([1 if bracket == "(" else -1 for bracket in text])) >= 0

    def draw(rng: Rng) -> str:
        text = list(balanced(rng))
        if rng.random() < 0.5:
            first, second = rng.integers(0, len(text), 2)
            text[first], text[second] = text[second], text[first]
        return "".join(text)

    return _balanced(draw, belongs, rng)


def eighth_from_the_end(rng: Rng) -> Sample:
    """Draw 8 to 40 letters; the class is whether the eighth from the end is an a."""
    return _balanced(partial(_letters, "ab", 8), lambda text: text[-8] == "a", rng)


def in_this_order(rng: Rng) -> Sample:
    """Draw 8 to 40 letters, most of them d; the class is whether a, b and c occur in this order."""

    def draw(rng: Rng) -> str:
        return "".join(rng.choice(list("abcd"), rng.integers(8, 41), p=[0.1, 0.1, 0.1, 0.7]))

    return _balanced(draw, lambda text: re.search("a.*b.*c", text) is not None, rng)


def first_color(rng: Rng) -> Sample:
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

    draw: Callable[[Rng], Sample]
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
    "last switch": Task(last_switch, "word"),
    "multiple of three": Task(multiple_of_three, "char"),
    "same number": Task(same_number, "char"),
    "one bracket": Task(one_bracket, "char"),
    "eighth from the end": Task(eighth_from_the_end, "char"),
    "in this order": Task(in_this_order, "char"),
}


def measure(task: Task, n_samples: int, model: str, seed: int) -> list[float]:
    """Return the values of the columns for one fit."""
    (X, y), (X_test, y_test) = task.samples(n_samples, seed=0), task.samples(N_TEST, seed=1)
    if model in PLAIN:
        made = PLAIN[model](task.analyzer)
    else:
        max_epochs = "auto" if model == "auto" else int(model)
        made = make_pipeline(
            TextSequenceVectorizer(analyzer=task.analyzer),
            LSTMSequenceClassifier(max_epochs=max_epochs, random_state=seed),
        )
    start = time.process_time()
    made.fit(X, y)
    seconds = time.process_time() - start
    predicted = made.predict(X_test)
    loss = np.nan
    if model != "n-grams":
        loss = float(log_loss(y_test, made.predict_proba(X_test), labels=made.classes_))
    return [
        100 * float(np.mean(predicted == y_test)),
        100 * float(f1_score(y_test, predicted, average="macro")),
        loss,
        seconds,
        getattr(made[-1], "n_epochs_", np.nan),
    ]


def main() -> None:
    """Print the table."""
    keys = [(name, str(size), model) for name in TASKS for size in SIZES for model in MODELS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    add_row_options(parser, keys)
    options = parser.parse_args()
    table = ResultsTable(options.table, ("task", "samples", "model", *COLUMNS), keys)
    done = table.rows() if options.missing else {}
    for key in keys:
        name, size, model = key
        if key in done or name not in options.tasks or model not in (options.model or [model]):
            continue
        n_seeds = 1 if model in PLAIN else options.seeds
        runs = [measure(TASKS[name], int(size), model, seed) for seed in range(n_seeds)]
        means = np.mean(runs, axis=0)
        shown = zip(means, ("z.2f", "z.2f", "z.2f", "z.0f", "z.0f"), strict=True)
        cells = ["" if np.isnan(mean) else format(mean, form) for mean, form in shown]
        print(*(f"{cell:>18}" for cell in (*key, *cells)), flush=True)
        table.put([*key, *cells])


if __name__ == "__main__":
    main()
