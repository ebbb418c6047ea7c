"""Which losses can be used, and what they are given."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_lstm import LSTMSequenceClassifier

X = np.random.default_rng(0).normal(size=(40, 5))
CLASSES = np.digitize(X.mean(axis=1), [-0.2, 0.2])
LABELS = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0], axis=1).astype(int)


def fit(criterion, y, **parameters):
    defaults = {"hidden_size": 4, "max_epochs": 4, "linear_model": False, "random_state": 0}
    return LSTMSequenceClassifier(criterion=criterion, **(defaults | parameters)).fit(X, y)


def test_another_loss_is_that_of_the_network_alone():
    model, usual = (
        fit(criterion, CLASSES, linear_model=True)
        for criterion in (torch.nn.MultiMarginLoss, "cross_entropy")
    )
    (found, *_), (expected, *_) = model.linear_model_.terms, usual.linear_model_.terms
    np.testing.assert_array_equal(found.coef, expected.coef)
    assert model.history_[0]["train_loss"] != usual.history_[0]["train_loss"]
    assert model.calibration_["weights"]["linear model"] > 0
    assert model.partial_fit(X, CLASSES).score(X, CLASSES) > 0.8


def test_nll_loss_gets_logarithms_of_probabilities():
    found, expected = (fit(each, CLASSES) for each in (torch.nn.NLLLoss, "cross_entropy"))
    assert_allclose(
        [row["train_loss"] for row in found.history_],
        [row["train_loss"] for row in expected.history_],
        rtol=1e-6,
    )
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-5)


@pytest.mark.parametrize("criterion", [torch.nn.CrossEntropyLoss, torch.nn.NLLLoss])
def test_a_loss_of_classes_is_refused_for_several_labels(criterion):
    with pytest.raises(ValueError, match=f"{criterion.__name__}.*multilabel.*BCEWithLogitsLoss"):
        fit(criterion, LABELS)


@pytest.mark.parametrize(
    "criterion", [torch.nn.MultiLabelSoftMarginLoss, torch.nn.BCEWithLogitsLoss, torch.nn.MSELoss]
)
def test_a_loss_of_labels_can_be_used(criterion):
    if criterion is torch.nn.BCEWithLogitsLoss:
        with pytest.raises(ValueError, match=r"can't compare logits .* a loss such"):
            fit(criterion, CLASSES)
    assert fit(criterion, LABELS).n_epochs_ == 4


class TotalLoss(torch.nn.MSELoss):
    def forward(self, logits, targets):
        return (logits.sum() - targets.sum()) ** 2


def test_a_loss_of_all_samples_together_is_refused():
    with pytest.raises(ValueError, match=r"TotalLoss has to return one loss for each.* shape \[\]"):
        fit(TotalLoss, CLASSES)
