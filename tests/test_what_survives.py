"""What "What survives what" of the reference says, tried one by one."""

import copy
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse, load_npz, save_npz, vstack
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from small_models import small

from sklearn_lstm import Predictor, TextSequenceVectorizer, WordVectors
from sklearn_lstm.io import load, save

PAGE = (Path(__file__).parents[1] / "docs" / "reference.rst").read_text(encoding="utf-8")
SECTION = PAGE.split("\nWhat survives what\n")[1].split("\n.. _")[0]
LISTS = re.findall(r"^These (keep|lose) all three:((?:\s+``[^`]+``[,.])+)", SECTION, re.MULTILINE)
CASES = [(code, verb == "keep") for verb, codes in LISTS for code in re.findall("``(.+?)``", codes)]
OF_MODEL = [case for case in CASES if re.search("model|path", case[0])]
OF_MATRIX = [case for case in CASES if case not in OF_MODEL]
TEXTS = ["new good film", "bad film !", "good !", "so bad"] * 4
FRAME = pd.DataFrame({"text": TEXTS, "price": np.arange(16.0)})
LABELS = np.array([[0, 1], [1, 0], [0, 1], [1, 1]] * 4)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the code on the page may use."""
    folder = tmp_path_factory.mktemp("stored")
    X = TextSequenceVectorizer(min_df=5).fit_transform(FRAME)
    joblib.dump(X, folder / "X")
    save_npz(folder / "X.npz", X)
    vectors = WordVectors(embedding_dim=2).fit([*TEXTS, "odd film"])
    classifier = small(linear_model=True, embeddings=vectors, threshold="f1", max_epochs=1)
    model = make_pipeline(TextSequenceVectorizer(), classifier).fit(FRAME, LABELS)
    save(model, folder / "model")
    joblib.dump(model, folder / "model.joblib")
    functions = [copy, joblib, np, pickle, Predictor, clone, csr_matrix, load, load_npz]
    functions += [train_test_split, vstack]
    return {function.__name__.replace("numpy", "np"): function for function in functions} | {
        "X": X,
        "file": folder / "X",
        "npz_file": folder / "X.npz",
        "model": model,
        "path": folder / "model",
        "model_file": folder / "model.joblib",
        "partial_fit": more_learned,
    }


def more_learned(model):
    """Return a copy that has gone on learning, at a rate that changes next to nothing."""
    model = copy.deepcopy(model)
    model[1].set_params(lr=1e-12, linear_model=False)
    model[1].partial_fit(model[0].transform(FRAME), LABELS)
    return model


def test_the_page_lists_what_is_tried():
    assert (len(OF_MATRIX), len(OF_MODEL)) == (13, 7)


@pytest.mark.parametrize(("code", "is_kept"), OF_MATRIX)
def test_what_survives_in_a_matrix(code, is_kept, names):
    X = eval(code, names)  # noqa: S307 - of our own page
    assert not issparse(X) or X.shape[1] >= 2
    texts = getattr(X, "texts", None)
    found = {
        "words": len(getattr(X, "vocabulary", ())) > 0,
        "texts": texts is not None and all(isinstance(text, str) for text in texts),
        "numbers": getattr(X, "numbers", None) is not None,
    }
    assert found == dict.fromkeys(found, is_kept)


@pytest.mark.parametrize(("code", "is_kept"), OF_MODEL)
def test_what_survives_in_a_model(code, is_kept, names):
    model, other = names["model"], eval(code, names)  # noqa: S307 - of our own page
    # Vectors: of a word that no text of fit held. Numbers: of a price that decides.
    new = pd.DataFrame({"text": ["odd", "film"], "price": [3.0, 1e6]})
    try:
        is_alike = np.isclose(other.predict_proba(new), model.predict_proba(new), atol=1e-4)
        thresholds = getattr(other, "thresholds_", None)
        thresholds = other[-1].thresholds_ if thresholds is None else thresholds
        found = [*is_alike.all(axis=1), np.array_equal(thresholds, model[-1].thresholds_)]
    except NotFittedError:
        found = [False] * 3
    assert found == [is_kept] * 3
