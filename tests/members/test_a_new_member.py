"""A member that a contributor writes: it is explained, stored and copied as ours are."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import small_models

from sklearn_lstm import Predictor, fitting
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.storage import forms

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
(BLOCK,) = (block for block in GUIDE.split("```")[1::2] if "class LengthModel" in block)
# The class and its `LENGTHS`, which the guide then puts into `LEARNERS`.
exec(BLOCK.removeprefix("python").partition("\n\nfitting.LEARNERS")[0])  # noqa: S102 - our own page

X, Y = [[5, 6] * (1 + k % 3) for k in range(60)], [k % 3 for k in range(60)]


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(fitting, "LEARNERS", [*fitting.LEARNERS, globals()["LENGTHS"]])
    monkeypatch.setitem(forms.PARTS, "LengthModel", __name__)
    return small_models.small(linear_model=True).fit(X, Y)


@pytest.mark.parametrize("method", ["shares", "leave_one_out"])
def test_what_it_says_of_the_whole_sequence_counts_once(model, method):
    new = [*X[:3], [5]]
    scores = model.decision_function(new)[:, 0]
    for found, score in zip(explain(model, new, 0, method=method), scores, strict=True):
        assert found.score == pytest.approx(score, abs=1e-4)


def test_it_is_stored_and_copied(model, tmp_path):
    save(model, tmp_path / "model")
    ways = copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))
    for again in (*(way(model) for way in ways), load(tmp_path / "model")):
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    found = Predictor.load(tmp_path / "model").predict_proba(X)
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-2)
