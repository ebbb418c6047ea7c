"""The parameter `threshold`: which probabilities a prediction needs."""

import pickle
from itertools import product

import numpy as np
import pytest
from scipy.special import logit
from sklearn.base import clone

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.inspection import explain
from sklearn_lstm.io import load, save
from sklearn_lstm.targets.targets import Labels, LabelSets
from sklearn_lstm.targets.thresholds import expected_f1_thresholds

IDS = np.random.default_rng(0).integers(2, 12, (120, 6))
LABELS = np.stack([(IDS == 3).any(axis=1), (IDS == 5).sum(axis=1) > 1, IDS[:, 0] < 0], axis=1)
Y = LABELS.astype(int)  # a frequent label, a rare one, and one that no sample has
LINEAR_ALONE = {"max_epochs": 0, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:Nothing is learned of")
SMALL = {"hidden_size": 2, "embedding_dim": 2, "max_epochs": 1, "random_state": 0}


def expected_f1(probabilities, is_predicted):
    """Return the expected number of right labels, twice, by all that are predicted or true."""
    outcomes = np.array(list(product([0, 1], repeat=len(probabilities))))
    chances = np.where(outcomes, probabilities, 1 - probabilities).prod(axis=1)
    right, true = chances @ (outcomes & is_predicted).sum(axis=1), chances @ outcomes.sum(axis=1)
    return 2 * right / (is_predicted.sum() + true)


@pytest.mark.parametrize("seed", range(3))
def test_no_other_set_of_samples_has_a_larger_expected_f1(seed):
    probabilities = np.random.default_rng(seed).beta(0.5, 1.5, 7)
    (threshold,) = expected_f1_thresholds(probabilities[:, np.newaxis])
    all_sets = [
        expected_f1(probabilities, np.array(s)) for s in product([0, 1], repeat=7) if any(s)
    ]
    assert 2 * threshold == pytest.approx(max(all_sets))
    assert expected_f1(probabilities, probabilities > threshold) == pytest.approx(max(all_sets))


def test_f1_chooses_by_the_probabilities_of_x_val():
    held_out = np.random.default_rng(1).integers(2, 12, (30, 6))
    for parameters in (LINEAR_ALONE, SMALL, SMALL | {"linear_model": False}):
        model = LSTMSequenceClassifier(threshold="f1", **parameters)
        model.fit(IDS, Y, X_val=held_out, y_val=np.zeros((30, 3), int))  # no label is needed
        falling = -np.sort(-model.predict_proba(held_out)[:, :2], axis=0)
        best = [max(2 * p[:k].sum() / (k + p.sum()) for k in range(1, 31)) / 2 for p in falling.T]
        np.testing.assert_allclose(model.thresholds_, [*best, 0.5], rtol=1e-5)
        np.testing.assert_array_equal(
            model.predict(IDS), model.predict_proba(IDS) > model.thresholds_
        )
        assert model.predict(IDS)[:, 1].sum() > 0


def test_a_threshold_changes_neither_the_model_nor_which_samples_it_learns_from():
    models = [
        LSTMSequenceClassifier(threshold=threshold, **SMALL).fit(IDS, Y)
        for threshold in (0.5, "f1", [0.2, 0.1, 0.5])
    ]
    for model in models[1:]:
        np.testing.assert_array_equal(
            model.decision_function(IDS), models[0].decision_function(IDS)
        )
        is_above = model.decision_function(IDS) > logit(model.thresholds_)
        np.testing.assert_array_equal(model.predict(IDS), is_above)
    np.testing.assert_array_equal(models[0].predict(IDS), models[0].decision_function(IDS) > 0)
    np.testing.assert_array_equal(models[0].thresholds_, [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(models[2].thresholds_, [0.2, 0.1, 0.5])
    assert (models[1].thresholds_[:2] < 0.5).all()


def test_a_probability_at_the_threshold_is_not_above_it():
    proba = np.array([[0.4, 0.6], [0.6, 0.4], [0.5, 0.5]])
    assert LabelSets(np.arange(2)).predict(proba, 0.5).tolist() == [[0, 1], [1, 0], [0, 0]]
    assert Labels(np.array(["a", "b"])).predict(proba, 0.5).tolist() == ["b", "a", "a"]


def test_of_two_classes_the_second_is_predicted_above_the_threshold():
    y = np.where(LABELS[:, 1], "yes", "no")
    model = LSTMSequenceClassifier(threshold="f1", **LINEAR_ALONE).fit(IDS, y)
    assert model.thresholds_.shape == (1,)
    is_second = model.predict_proba(IDS)[:, 1] > model.thresholds_
    np.testing.assert_array_equal(model.predict(IDS) == "yes", is_second)
    eager = clone(model).set_params(threshold=0.01).fit(IDS, y)
    assert (eager.predict(IDS) == "yes").sum() > is_second.sum()
    assert eager.score(IDS, y) == (eager.predict(IDS) == y).mean()


def test_explanations_follow_predict():
    y = np.where(LABELS[:, 1], "yes", "no")
    model = LSTMSequenceClassifier(threshold=0.01, **LINEAR_ALONE).fit(IDS, y)
    targets = [explanation.target for explanation in explain(model, IDS[:20])]
    assert targets == model.predict(IDS[:20]).tolist()
    model = LSTMSequenceClassifier(threshold=[0.99, 0.01, 0.99], **LINEAR_ALONE).fit(IDS, Y)
    for explanation, labels in zip(explain(model, IDS[:20]), model.predict(IDS[:20]), strict=True):
        assert labels[explanation.target] or not labels.any()


def test_thresholds_are_stored_and_kept(tmp_path):
    model = LSTMSequenceClassifier(threshold="f1", **SMALL).fit(IDS, Y)
    chosen = model.thresholds_
    save(model, tmp_path / "model.safetensors")
    for same in (
        load(tmp_path / "model.safetensors"),
        pickle.loads(pickle.dumps(model)),
        model.partial_fit(IDS[:9], Y[:9]),
    ):
        np.testing.assert_array_equal(same.thresholds_, chosen)
    model.fit(IDS[1:], Y[1:], X_val=IDS[:40], y_val=Y[:40])
    assert (model.thresholds_ != chosen)[:2].all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_f1_without_held_out_samples_warns_and_stays_at_one_half(method):
    model = LSTMSequenceClassifier(threshold="f1", linear_model=False, **SMALL)
    with pytest.warns(UserWarning, match="threshold='f1' needs held-out samples.*0.5"):
        getattr(model, method)(IDS, Y)
    np.testing.assert_array_equal(model.thresholds_, [0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("threshold", "y", "message"),
    [
        ("f1", IDS[:, 0] % 3, "threshold='f1'.*3 classes"),
        ([0.5, 0.5], Y[:, 0], "2 classes or labels"),
        ([0.5, 0.5], Y, r"threshold=\[0.5, 0.5\] does not fit 3 .* a list of"),
        ({0: 0.5, 1: 0.5, 2: 0.5}, Y, "does not fit 3 classes or labels"),
        ([0.5, np.nan, 0.5], Y, "a number from 0 to 1 for each"),
        (1.5, Y, "range"),
    ],
)
def test_thresholds_that_do_not_fit_y_are_refused(threshold, y, message):
    with pytest.raises(ValueError, match=message):
        LSTMSequenceClassifier(threshold=threshold, **LINEAR_ALONE).fit(IDS, y)
