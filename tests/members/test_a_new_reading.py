"""A reading of sequences that a contributor writes works as ours do."""

import copy
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import small_models

from sklearn_lstm import Predictor
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.members import recipes
from sklearn_lstm.members.member import ColumnFeatures
from sklearn_lstm.members.recipe import Reader

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
(FILE,) = (block for block in GUIDE.split("```")[1::2] if "class LengthFeatures" in block)
exec(FILE.removeprefix("python"))  # noqa: S102 - our own page
X, Y = [[5, 6] * (1 + k % 3) for k in range(60)], [k % 3 for k in range(60)]


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(recipes, "RECIPES", [*recipes.RECIPES, globals()["LENGTHS"]])
    return small_models.small(linear_model=True).fit(X, Y)


def test_the_example_is_short():
    assert len(FILE.splitlines()) <= 40


def test_it_is_fitted_and_printed(model):
    assert model.calibration_["weights"]["lengths"] > 0.5
    assert "# lengths: 1 logarithm of the length\n" in repr(model)


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


# --- What features learn from labels

WAVES = np.random.default_rng(0).normal(size=(9, 400))


@dataclass(frozen=True)
class ChosenFeatures(ColumnFeatures):
    """Some of many columns that tell nothing of the labels: those that go with them by chance."""

    places: np.ndarray
    n_features = 9

    def learned(self, samples):
        (_, columns), *_ = ChosenFeatures(np.arange(400), mean=0.0).blocks(samples.sequences)
        gain = np.abs((columns - columns.mean(axis=0)).T @ (samples.targets.values - 0.5))
        return ChosenFeatures(np.argsort(-gain)[:9])

    def vectors(self, sequences):
        ids = sequences.read(np.arange(len(sequences))).reshape(len(sequences), -1)
        return np.sin(ids @ WAVES)[:, self.places]

    def describe(self):
        return "columns"


@pytest.mark.parametrize("n_samples", [150, 1_100], ids=["folds", "held out"])
@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_where_labels_are_random_what_was_chosen_by_them_gets_no_weight(n_samples, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.integers(1, 30, (n_samples, 9)), rng.integers(0, 2, n_samples)
    features = ChosenFeatures(np.arange(9))
    lengths, chosen = globals()["LENGTHS"], lambda context: Reader.of(context, features)
    chosen = replace(lengths, name="chosen", read=chosen)
    monkeypatch.setattr(recipes, "RECIPES", [*recipes.RECIPES, chosen])
    model = small_models.small(linear_model="alone").fit(X, y)
    assert model.calibration_["weights"]["chosen"] < 0.7
