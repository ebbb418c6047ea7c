"""Operations on a fitted model, and a model that has only learned the same, in a straight line."""

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_lstm import LSTMSequenceClassifier, Predictor, TextSequenceVectorizer, WordVectors
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save

N_ROWS = 14
WORDS = ["so", "bad", "good", "film", "was", "!", "naïve", "你", "42", "the"]
OTHERS = {"hidden_size": 5, "lr": 0.1, "batch_size": 3, "linear_model": False, "random_state": 9}
KINDS = ["texts", "vectors", "ids", "series", "holes", "numbers", "labels"]


def draw(kind, seed, n_rows=N_ROWS):
    """Return sequences and labels that follow from a seed."""
    rng = np.random.default_rng(seed)
    y, lengths = np.arange(n_rows) % 3, rng.integers(1, 7, n_rows)
    words = [*WORDS, f"new{seed}"]
    X = [
        " ".join(rng.choice(words, n)) + " good" * int(k == 0)
        for n, k in zip(lengths, y, strict=True)
    ]
    if kind == "ids":
        X = [rng.integers(1, 12 + seed % 3, n) for n in lengths]
    elif kind in {"series", "holes"}:
        X = [rng.normal(size=(n, 2)) + k for n, k in zip(lengths, y, strict=True)]
    if kind == "holes":
        for steps in X:
            steps[1:, 1][rng.random(len(steps) - 1) < 0.3] = np.nan
    elif kind == "numbers":
        frame = pd.DataFrame({"text": X, "price": y + rng.normal(size=n_rows)})
        X = frame.assign(shop=pd.Categorical(rng.choice(["x", "y"], n_rows), ["x", "y"]))
    elif kind == "labels":
        y = np.stack([y == 0, y == 1], axis=1).astype(int)
    return X, y


def new_model(kind):
    """Return a model of a kind, and its pretrained vectors, if it has any."""
    classifier = LSTMSequenceClassifier(
        hidden_size=3, embedding_dim=4, max_epochs=1, random_state=0, precision="float32"
    )
    if kind in {"ids", "series", "holes"}:
        return classifier, None
    vectors = None
    if kind == "vectors":
        vectors = WordVectors(embedding_dim=3).fit(draw("texts", 0)[0])
        classifier.set_params(embeddings=vectors, embedding_dim="auto")
    return make_pipeline(TextSequenceVectorizer(), classifier), vectors


def learn(model, X, y):
    """Go on training."""
    if not isinstance(model, Pipeline):
        return model.partial_fit(X, y)
    vectorizer, classifier = model[0], model[1]
    classifier.partial_fit(vectorizer.partial_fit(X).transform(X), y)
    return model


class Operations:
    """A model, and what it has learned so far; each method without an underscore is an operation.

    Parameters
    ----------
    kind : str
    """

    def __init__(self, kind):
        self._kind, self._learned, self._n_steps = kind, [("fit", 0)], 0
        self._model, self._vectors = new_model(kind)
        self._model.fit(*draw(kind, 0))
        self._new = draw(kind, 99, 5)[0]
        self._expected = self._model.predict_proba(self._new)

    def _do(self, name):
        self._n_steps += 1
        getattr(self, name)()
        assert_array_equal(self._model.predict_proba(self._new), self._expected, name)

    def _in_a_straight_line(self):
        """Return a new model that has learned the same, and nothing else."""
        model, _ = new_model(self._kind)
        for what, seed in self._learned:
            data = draw(self._kind, seed)
            model = model.fit(*data) if what == "fit" else learn(model, *data)
        return model

    def _check(self):
        """Hold the model against one that has learned in a straight line."""
        other = self._in_a_straight_line()
        assert_array_equal(other.predict_proba(self._new), self._expected)
        assert_array_equal(other.predict(self._new), self._model.predict(self._new))
        one, two = (getattr(model, "steps", [(0, model)])[-1][1] for model in (self._model, other))
        assert len(one.history_) == len(two.history_)
        assert_array_equal(one.thresholds_, two.thresholds_)

    # What learns

    def learns_more(self):
        self._learned.append(("partial_fit", self._n_steps))
        learn(self._model, *draw(self._kind, self._n_steps))
        self._expected = self._model.predict_proba(self._new)

    def is_fitted_anew(self):
        self._learned = [("fit", self._n_steps)]
        self._model.fit(*draw(self._kind, self._n_steps))
        self._expected = self._model.predict_proba(self._new)

    # What leaves it as it is

    def predicts_others(self):
        self._model.predict_proba(draw(self._kind, self._n_steps, 9)[0])

    def predicts_in_threads(self):
        with ThreadPoolExecutor(3) as pool:
            for found in pool.map(self._model.predict_proba, [self._new] * 6):
                assert_array_equal(found, self._expected)

    def is_saved_and_loaded(self):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            save(self._model, path)
            alone = Predictor.load(path)
            self._model = load(path)
        assert_allclose(alone.predict_proba(self._new), self._expected, atol=1e-5)

    def is_pickled(self):
        self._model = pickle.loads(pickle.dumps(self._model))

    def is_copied_deeply(self):
        before, self._model = self._model, copy.deepcopy(self._model)
        learn(before, *draw(self._kind, 7))

    def has_a_copy_that_learns(self):
        learn(self._shallow_copy(), *draw(self._kind, 7))

    def is_replaced_by_its_copy(self):
        before, self._model = self._model, self._shallow_copy()
        learn(before, *draw(self._kind, 7))

    def _shallow_copy(self):
        if isinstance(self._model, Pipeline):
            return make_pipeline(*map(copy.copy, self._model))
        return copy.copy(self._model)

    def has_a_clone_that_is_fitted(self):
        clone(self._model).fit(*draw(self._kind, 5))

    def has_a_vectorizer_that_is_fitted_anew(self):
        if isinstance(self._model, Pipeline):
            ids = self._model[0].transform(self._new)
            clone_of_it = copy.copy(self._model[0])
            clone_of_it.fit(draw(self._kind, 5)[0])
            assert_array_equal(self._model[1].predict_proba(ids), self._expected)

    def has_vectors_that_are_fitted_anew(self):
        if self._vectors is not None:
            self._vectors.fit(draw("texts", 5)[0])
            assert_array_equal(self._model.predict_proba(self._new), self._expected)
            self._vectors.fit(draw("texts", 0)[0])

    def is_told_other_parameters(self):
        classifier = getattr(self._model, "steps", [(0, self._model)])[-1][1]
        before = classifier.get_params(deep=False)
        classifier.set_params(**OTHERS)
        assert_array_equal(self._model.predict_proba(self._new), self._expected)
        classifier.set_params(**{name: before[name] for name in OTHERS})

    def refuses_to_be_fitted(self):
        X, y = draw(self._kind, 3)
        classifier = self._model
        if isinstance(self._model, Pipeline):  # which has fitted the vectorizer by then
            X, classifier = self._model[0].transform(X), self._model[1]
        for method in (classifier.fit, classifier.partial_fit):
            with pytest.raises(ValueError, match="inconsistent"):
                method(X, y[:-1])

    def explains(self):
        explain(self._model, self._new[:1], 0)

    def is_shown(self):
        repr(self._model), self._model._repr_html_()


OPERATIONS = [name for name in vars(Operations) if not name.startswith("_")]


def run(kind, operations):
    """Apply operations to a fitted model, and hold it against one that has learned alone."""
    with warnings.catch_warnings(action="ignore"):
        model = Operations(kind)
        for name in operations:
            model._do(name)
        model._check()
