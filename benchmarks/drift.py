"""A model learns from a stream: accuracy on what it knew, and on what comes later.

``pip install ".[examples]" && python benchmarks/drift.py``

In "January" come 2,500 sentences of film reviews, in "February" 1,800 sentences of reviews of
cameras, phones and players; both are positive or negative. A quarter of each source is held out (of
the products, whole reviews). A model learns January, and then February, batch by batch and once, by
`partial_fit` of the two steps of a Pipeline. Its accuracy on both held-out parts is measured
before and after. Beside it stand the plain models of scikit-learn that learn from a stream, on
hashed n-grams of one and two words, and what takes longer: `fit` of both months together.
Parameters are the defaults, but for `linear_model` where a row says so. Figures are means over the
seeds, which split the data and begin the networks, and their standard errors. ``--table
docs/drift.csv`` writes the table. Some minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupShuffleSplit
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from example_data import fetch_movie_reviews, fetch_product_reviews

Texts = NDArray[np.object_]
BATCH = 32  # texts that come together
HELD_OUT = 0.25
MOST_LEARNED = 2_500  # texts of a month
PEERS = ("naive Bayes", "linear SVM by SGD")
WAYS = (*PEERS, "stream", "fit", "network", "both")
HEADER = ["what was learned", "films (January)", "products (February)"]

Steps = Iterator[tuple[str, Callable[[], Pipeline]]]


@dataclass
class Month:
    """The texts of a month, in the order in which they come, and those held out."""

    texts: Texts
    labels: Texts
    held_out: Texts
    its_labels: Texts

    @classmethod
    def of(cls, texts: Texts, labels: Texts, groups: Texts, seed: int) -> Month:
        """Split a month: whole groups are held out."""
        split = GroupShuffleSplit(1, test_size=HELD_OUT, random_state=seed)
        ((learned, held_out),) = split.split(texts, labels, groups)
        learned = np.random.default_rng(seed).permutation(learned)[:MOST_LEARNED]
        return cls(texts[learned], labels[learned], texts[held_out], labels[held_out])


def months(seed: int) -> tuple[Month, Month]:
    """Return January and February."""
    films, labels = fetch_movie_reviews()
    january = Month.of(films, labels, np.arange(len(films)).astype(object), seed)
    return january, Month.of(*fetch_product_reviews(), seed)


def new_model(seed: int) -> Pipeline:
    """Return a model with default parameters."""
    return make_pipeline(TextSequenceVectorizer(), LSTMSequenceClassifier(random_state=seed))


def plain_model(name: str) -> Pipeline:
    """Return a model of scikit-learn that learns from a stream."""
    read = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False, norm=None, binary=True)
    if name == "naive Bayes":
        return make_pipeline(read, MultinomialNB())
    return make_pipeline(read.set_params(norm="l2"), SGDClassifier(random_state=0))


def learn(model: Pipeline, month: Month) -> Pipeline:
    """Learn a month, batch by batch."""
    vectorizer, classifier = model
    for start in range(0, len(month.texts), BATCH):
        texts, labels = (each[start : start + BATCH] for each in (month.texts, month.labels))
        X = vectorizer.partial_fit(texts).transform(texts)
        classifier.partial_fit(X, labels, classes=["negative", "positive"])
    return model


def fit(model: Pipeline, *some: Month) -> Pipeline:
    """Fit a model to some months."""
    texts, labels = (np.concatenate([getattr(m, n) for m in some]) for n in ("texts", "labels"))
    return model.fit(texts, labels)


def steps(way: str, seed: int, january: Month, february: Month) -> Steps:
    """Yield what is done one after the other: its name, and the function that does it."""
    model = plain_model(way) if way in PEERS else new_model(seed)
    if way == "stream" or way in PEERS:
        name = f"{way}: partial_fit" if way in PEERS else "partial_fit"
        yield f"{name} of January", lambda: learn(model, january)
        yield f"{name} of January, then of February", lambda: learn(model, february)
    elif way == "fit":
        yield "fit of January", lambda: fit(model, january)
        yield "fit of January, then partial_fit of February", lambda: learn(model, february)
    elif way == "network":
        model[-1].set_params(linear_model=False)
        name = "linear_model=False: fit of January"
        yield name, lambda: fit(model, january)
        yield f"{name}, then partial_fit of February", lambda: learn(model, february)
    else:
        yield "fit of both", lambda: fit(model, january, february)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--table", type=Path, help="CSV file to write")
    options = parser.parse_args()
    found: dict[str, list[list[float]]] = {}
    for seed in options.seeds:
        of_months = months(seed)
        for way in options.ways:
            for name, do in steps(way, seed, *of_months):
                start = time.perf_counter()
                model = do()
                seconds = time.perf_counter() - start
                scores = [100 * float(model.score(m.held_out, m.its_labels)) for m in of_months]
                found.setdefault(name, []).append(scores)
                print(f"seed {seed}; {name}; {scores}; {seconds:.1f}", flush=True)
    rows = [[name, *cells(np.array(values))] for name, values in found.items()]
    if options.table is not None:
        with options.table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


def cells(values: NDArray[np.float64]) -> list[str]:
    """Return means and standard errors of the accuracies (n_seeds, n_months)."""
    errors = values.std(axis=0, ddof=min(1, len(values) - 1)) / len(values) ** 0.5
    return [f"{m:.1f} ± {e:.1f}" for m, e in zip(values.mean(axis=0), errors, strict=True)]


if __name__ == "__main__":
    main()
