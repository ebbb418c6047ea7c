"""A member that a contributor writes: it is explained, stored and copied as ours are."""

import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import small_models

from sklearn_lstm import Predictor, fitting
from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.members.learner import Learner
from sklearn_lstm.members.member import LinearMember
from sklearn_lstm.storage import forms


@dataclass(frozen=True)
class LengthModel(LinearMember):
    """That of CONTRIBUTING.md."""

    name = "lengths"
    means: np.ndarray  # (n_outputs,), of the logarithms of the lengths

    def logits(self, sequences):
        return -np.abs(np.subtract.outer(np.log(sequences.lengths), self.means))

    def contributions(self, sequences, directions):
        added = self.logits(sequences) @ directions  # of sequences as a whole
        return added, np.zeros_like(added)

    def describe(self):
        return f"the mean lengths of {len(self.means)} classes"


def fit_lengths(split, _):
    """That of CONTRIBUTING.md."""
    models = []
    for samples in (split.samples, split.learned):
        has, logs = samples.targets.indicators(), np.log(samples.sequences.lengths)
        models.append(LengthModel(logs @ has / has.sum(axis=0)))
    return models[0], models[1].logits(split.held_out.sequences)


LENGTHS = Learner(
    LengthModel,
    suits=lambda settings: settings.kind in TOKENS,
    work=lambda samples, _: len(samples),
    fit_member=fit_lengths,
)


X, Y = [[5, 6] * (1 + k % 3) for k in range(60)], [k % 3 for k in range(60)]


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(fitting, "LEARNERS", [*fitting.LEARNERS, LENGTHS])
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
