"""Every optimiser of torch trains, or is refused by name."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch.callbacks import Freezer

from sklearn_lstm import LSTMSequenceClassifier

CLASSES = {
    name: found
    for name, found in sorted(vars(torch.optim).items())
    if isinstance(found, type)
    and issubclass(found, torch.optim.Optimizer)
    and found is not torch.optim.Optimizer
}
MAY_BE_REFUSED = {"LBFGS", "SparseAdam", "Muon"}  # a closure, sparse gradients, matrices alone
RATES = {"SGD": 0.5, "Adadelta": 5.0, "ASGD": 0.5, "Adagrad": 0.02, "RMSprop": 0.008, "Rprop": 0.02}

every_class = pytest.mark.parametrize("optimizer", CLASSES.values(), ids=CLASSES)


def small(optimizer, **parameters):
    defaults = {
        "hidden_size": 8,
        "max_epochs": 12,
        "batch_size": 30,
        "random_state": 0,
        "dropout": 0.0,
        "linear_model": False,
        "weight_decay": 0.0,
        "lr": RATES.get(optimizer.__name__, 0.05),
    }
    return LSTMSequenceClassifier(optimizer=optimizer, **(defaults | parameters))


def tokens():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    return rng.integers(1, 6, (60, 5)) + 3 * y[:, np.newaxis], y


def series():
    X = np.random.default_rng(0).normal(size=(60, 8))
    return X, (X[:, 2:5].mean(axis=1) > 0).astype(int)


def fitted_or_refused(optimizer, fit):
    """Return what `fit` returns, or None if the optimiser is one that may be refused, and is."""
    name = optimizer.__name__
    if name not in MAY_BE_REFUSED:
        return fit()
    try:
        return fit()
    except ValueError as error:
        assert name in str(error)  # noqa: PT017 - it may also work
    return None


@every_class
@pytest.mark.parametrize("make", [tokens, series])
def test_an_optimizer_lowers_the_loss_or_is_refused_by_name(make, optimizer):
    X, y = make()
    model = fitted_or_refused(optimizer, lambda: small(optimizer).fit(X, y))
    if model is not None:
        losses = [row["train_loss"] for row in model.history_]
        assert losses[-1] < 0.95 * losses[0]
        again = [row["train_loss"] for row in model.partial_fit(X, y).history_]  # begins anew
        assert len(again) == 13
        assert again[-1] < again[0]


@every_class
@pytest.mark.filterwarnings("ignore:.*weight_decay.*:UserWarning")
@pytest.mark.parametrize(
    "parameters",
    [
        {"weight_decay": 0.01},
        {"embeddings": np.eye(9, 4), "callbacks": [Freezer("embedding.weight")]},
    ],
    ids=["weight decay", "frozen embeddings"],
)
def test_an_optimizer_takes_these_parameters_or_is_refused_by_name(optimizer, parameters):
    X, y = tokens()
    model = small(optimizer, max_epochs=2, **parameters)
    if fitted_or_refused(optimizer, lambda: model.fit(X, y)) is not None:
        assert np.isfinite(model.predict_proba(X)).all()


@every_class
@pytest.mark.parametrize("embedding_dim", ["auto", None])
def test_an_optimizer_goes_on_with_new_ids_also_once_it_is_loaded(optimizer, embedding_dim):
    X, y = tokens()
    model = small(optimizer, embedding_dim=embedding_dim, max_epochs=2)
    if fitted_or_refused(optimizer, lambda: model.partial_fit(X, y, classes=[0, 1])) is not None:
        before, restored = model.predict_proba(X + 7), pickle.loads(pickle.dumps(model))
        after = model.partial_fit(X + 7, y).predict_proba(X + 7)
        assert np.isfinite(after).all()
        assert (after != before).any()
        assert_array_equal(restored.partial_fit(X + 7, y).predict_proba(X + 7), after)


def test_rows_of_the_table_begin_with_the_state_of_a_new_optimizer():
    model = small(torch.optim.Rprop, max_epochs=1).fit(*tokens())
    for weight, state in model.net_.optimizer_.state.items():
        assert state["step_size"].min() > 1e-4, weight.shape  # of 0.02 at the beginning


@pytest.mark.parametrize("wrong", [torch.optim.Optimizer, int, torch.nn.Linear])
def test_a_class_that_is_no_optimizer_is_refused_by_name(wrong):
    X, y = series()
    with pytest.raises(ValueError, match=rf"optimizer.*{wrong.__name__}"):
        small(torch.optim.SGD).set_params(optimizer=wrong).fit(X, y)
