"""What must hold on every engine; the recipes are the files that the page of the docs shows."""

import os
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from small_models import small

from sklearn_lstm import TextSequenceVectorizer

RECIPES = Path(__file__).parents[2] / "docs" / "engines"
GRID = {"lstmsequenceclassifier__pooling": ["max", "mean"]}
DISTRIBUTIONS = {"textsequencevectorizer__lowercase": [True, False], **GRID}


@pytest.fixture(scope="session")
def recipe():
    """Return a function: the name of an engine -> the functions of its recipe.

    They belong to no module, as in a notebook, so they travel to the workers by value.
    """
    return lambda name: SimpleNamespace(**runpy.run_path(str(RECIPES / f"with_{name}.py")))


@pytest.fixture(scope="session")
def model():
    """Return a Pipeline with a function of the user's own, which no worker can import."""

    def words(text):
        return text.split()

    return make_pipeline(TextSequenceVectorizer(tokenizer=words), small(linear_model=True))


@pytest.fixture
def check_searches(model, few_messages):
    """Return a function that checks searches on an engine: ``fit(search, X, y) -> search``.

    It returns how often X was pickled.
    """
    texts, languages = few_messages

    class Texts(list):
        n_times_pickled = 0

        def __reduce__(self):
            self.n_times_pickled += 1
            return list, (list(self),)

    def n_threads(*_):
        return torch.get_num_threads()

    def process(*_):
        return os.getpid()

    scoring = {"accuracy": "accuracy", "loss": "neg_log_loss"}
    scoring |= {"threads": n_threads, "process": process}
    common = {"cv": 2, "scoring": scoring, "refit": "loss"}
    searches = (
        lambda: GridSearchCV(model, GRID, **common),
        lambda: RandomizedSearchCV(model, DISTRIBUTIONS, n_iter=2, random_state=0, **common),
    )

    def check(fit):
        X = Texts(texts)
        for search in searches:
            here, there = search().fit(texts, languages), fit(search(), X, languages)
            for name in (
                f"split{k}_test_{score}" for k in (0, 1) for score in ("accuracy", "loss")
            ):
                assert np.array_equal(there.cv_results_[name], here.cv_results_[name]), name
            assert len(set(here.cv_results_["mean_test_loss"])) > 1
            assert set(there.cv_results_["mean_test_threads"]) == {1}
            assert os.getpid() not in there.cv_results_["split0_test_process"]
            assert np.array_equal(there.predict_proba(texts), here.predict_proba(texts))
        return X.n_times_pickled

    return check


@pytest.fixture(scope="session")
def check_probabilities(model, few_messages):
    """Return a function that checks ``predict_proba(model, table)``, both tables of pandas.

    The first has the columns "id" and "text", the second "id" and one for each class, or the ids as
    its index.
    """
    texts, languages = few_messages
    model.fit(texts, languages)
    table = pd.DataFrame({"id": np.arange(len(texts))[::-1], "text": texts})

    class Spy:
        classes_ = np.array(["threads", "process"])

        def predict_proba(self, X):
            return np.tile([float(torch.get_num_threads()), os.getpid()], (len(X), 1))

    def check(predict_proba):
        found = predict_proba(model, table)
        expected = pd.DataFrame(model.predict_proba(texts), table["id"], model.classes_)
        found = found.set_index("id") if "id" in found else found
        pd.testing.assert_frame_equal(
            found.sort_index().astype(float),
            expected.sort_index(),
            rtol=0,
            atol=1e-7,
            check_index_type=False,
        )
        told = predict_proba(Spy(), table)
        assert set(told["threads"]) == {1}
        assert os.getpid() not in set(told["process"])

    return check
