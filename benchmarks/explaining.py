"""How good `explain` is: ``pip install ".[examples,shap]" && python benchmarks/explaining.py``.

Deletion curves: the tokens that a method holds for most important are read as unknown tokens, at
first 5 %, then 10, 20, 30 and 50 % of a text. The faster the score of the predicted class falls,
the better the method. The figure is the fall, in logits, on average over the five shares.

Brackets: here the truth is known. How often is the partner of the next bracket the first of all
letters? Only texts that the model gets right count.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shap
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain, explain_phrases
from sklearn_lstm.inspection.explaining import target_outputs
from sklearn_lstm.inspection.inputs import open_model
from sklearn_lstm.members.network.gradients import VectorPath

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from example_data import fetch_movie_reviews, fetch_splice_sites
from tour import brackets, distance_to_partner

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
N_TEXTS = 100
EVALUATIONS = 500  # of SHAP's Partition explainer
UNKNOWN = 1

Values = NDArray[np.float64]
Method = Callable[[Pipeline, str], Values]  # a fitted Pipeline and a text -> a value for each token


def integrated(model: Pipeline, text: str) -> Values:
    """Return the values of `explain`."""
    return explain(model, [text])[0].values


def gradient_times_input(model: Pipeline, text: str) -> Values:
    """Return the exact values of the linear model, plus gradients of the network at the text."""
    opened = open_model(model, [text])
    direction = opened.labels.directions[:, target_outputs(opened, None)]
    ((sequences, _),) = opened
    values = explain(model, [text])[0].linear
    network, weight = opened.model.network, opened.model.weights[0]
    _, slopes = VectorPath(*network.ends(sequences)).look(np.ones(1), direction)
    return values + weight * slopes[0, 0]


def occlusion(model: Pipeline, text: str) -> Values:
    """Return what the score loses without each token."""
    return np.array([phrase.effect for phrase in explain_phrases(model, [text], longest=1)[0]])


def partition(model: Pipeline, text: str) -> Values:
    """Return the values of SHAP's Partition explainer, on token ids."""

    def tokenize(text: str, *, return_offsets_mapping: bool = True) -> dict[str, Any]:
        """Return the ids of a text, and where in it their tokens are."""
        del return_offsets_mapping
        ids, offsets, position = [], [], 0
        for token in model[0].build_analyzer()(text):
            start = text.lower().index(token, position)
            position = start + len(token)
            ids.append(model[0].vocabulary_.get(token, UNKNOWN))
            offsets.append((start, position))
        return {"input_ids": ids, "offset_mapping": offsets}

    masker = shap.maskers.Text(
        tokenize, UNKNOWN, collapse_mask_token=False, output_type="token_ids"
    )
    target = scores(model, [ids_of(model, text)]).argmax()
    explainer = shap.explainers.Partition(lambda rows: scores(model, rows)[:, target], masker)
    return explainer([text], max_evals=EVALUATIONS, silent=True).values[0]


def at_random(model: Pipeline, text: str) -> Values:
    """Return random values."""
    return np.random.default_rng(len(text)).random(len(ids_of(model, text)))


def ids_of(model: Pipeline, text: str) -> NDArray[np.int64]:
    """Return the ids of the tokens of a text."""
    return model[0].transform([text]).data.astype(np.int64)


def scores(model: Pipeline, rows: Any) -> Values:
    """Return the score of each class, (n_rows, n_classes), of rows of ids."""
    decisions = model[-1].decision_function([np.asarray(row, np.int64) for row in rows])
    return np.column_stack([-decisions, decisions]) if decisions.ndim == 1 else decisions


def fall(model: Pipeline, text: str, values: Values) -> float:
    """Return how far the score falls on average without the tokens of highest value."""
    ids = ids_of(model, text)
    order = np.argsort(-values, kind="stable")
    rows = [ids]
    for share in SHARES:
        rows.append(ids.copy())
        rows[-1][order[: max(1, round(share * len(ids)))]] = UNKNOWN
    found = scores(model, rows)
    of_target = found[:, found[0].argmax()]
    return float(of_target[0] - of_target[1:].mean())


def train(analyzer: str, X: Any, y: Any, **parameters: Any) -> Pipeline:
    """Fit the defaults, in float32 so that nothing but the method makes a difference."""
    return make_pipeline(
        TextSequenceVectorizer(analyzer=analyzer, **parameters),
        LSTMSequenceClassifier(random_state=0, precision="float32"),
    ).fit(X, y)


METHODS: dict[str, Method] = {
    "explain": integrated,
    "gradient times input": gradient_times_input,
    "occlusion": occlusion,
    f"SHAP Partition, {EVALUATIONS} evaluations": partition,
    "random order": at_random,
}


def main() -> None:
    """Print the table of each task."""
    for name, analyzer, fetch in [
        ("review sentences", "word", fetch_movie_reviews),
        ("splice sites", "char", fetch_splice_sites),
    ]:
        X_train, X_test, y_train, _ = train_test_split(*fetch(), test_size=0.2, random_state=0)
        model = train(analyzer, X_train, y_train)
        texts = [text for text in X_test if len(ids_of(model, text)) > 5][:N_TEXTS]
        print(f"\n{name}: mean fall of the score (logits), milliseconds for one text")
        for method, value in METHODS.items():
            start = time.perf_counter()
            values = [value(model, text) for text in texts]
            milliseconds = 1000 * (time.perf_counter() - start) / len(texts)
            falls = [fall(model, *each) for each in zip(texts, values, strict=True)]
            print(f"{method:<34} {np.mean(falls):6.3f} {milliseconds:8.1f}")
        if analyzer == "char":
            values = [explain(model, [text])[0].values for text in X_test]
            size = np.abs(values).mean(axis=0)
            print(f"positions that count most: {np.sort(np.argsort(-size)[:6])} of {len(size)}")

    X_train, X_test, y_train, y_test = brackets()
    model = train("char", X_train, y_train, lowercase=False)
    right = X_test[model.predict(X_test) == y_test][: 2 * N_TEXTS]
    print(f"\nbrackets: the partner is the first of all letters, in {len(right)} texts")
    for method in ("explain", "gradient times input", "occlusion"):
        n_first = 0
        for text in right:
            letters = "".join(model[0].build_analyzer()(text))
            partner = len(letters) - distance_to_partner(letters)
            n_first += int(METHODS[method](model, text).argmax() == partner)
        print(f"{method:<34} {n_first / len(right):6.1%}")


if __name__ == "__main__":
    main()
