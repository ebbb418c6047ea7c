"""Callbacks of skorch: on which network they run, that they work, and what they leave behind."""

import gc
import io
import weakref
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
import small_models
import torch
from numpy.testing import assert_array_equal
from sklearn.metrics import log_loss
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    PrintLog,
)

from sklearn_lstm.io import load, save

small = partial(small_models.small, batch_size=16, max_epochs=3)
small_beside_linear = partial(small, linear_model=True)


def tokens(n_samples=120):
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % 2
    return rng.integers(2, 9, (n_samples, 6)) + 3 * y[:, np.newaxis], y


def series(n_samples=40):
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % 2
    return rng.normal(size=(n_samples, 6)) + 2 * y[:, np.newaxis], y


kinds = pytest.mark.parametrize("make", [tokens, series])


def same_weights(module, state):
    weights = module.state_dict()
    return weights.keys() == state.keys() and all(
        torch.equal(weights[name], state[name]) for name in weights
    )


# --- One network is the user's


def listener(began, epochs, ended):
    """Return a callback that notes the network of each training and its epochs; so do copies."""

    class Listener(Callback):
        def on_train_begin(self, net, **_):
            began.append(net)

        def on_epoch_end(self, net, **_):
            epochs.append(len(net.history))

        def on_train_end(self, net, **_):
            ended.append({name: w.clone() for name, w in net.module_.state_dict().items()})

    return Listener()


@kinds
@pytest.mark.parametrize("early_stopping", [False, True])
def test_callbacks_see_each_epoch_once(make, early_stopping):
    X, y = make()
    began, epochs, ended = [], [], []
    callbacks = [listener(began, epochs, ended)]
    model = small_beside_linear(callbacks=callbacks, early_stopping=early_stopping).fit(X, y)
    assert model.linear_model_ is not None
    assert len(began) == len(ended) == 1
    assert epochs == [1, 2, 3]
    assert model.n_epochs_ == 3
    assert same_weights(model.module_, ended[0])


@pytest.mark.parametrize("callback", [EarlyStopping(), ("best", Checkpoint())])
def test_a_callback_without_a_validation_loss_is_told_where_there_is_one(callback):
    with pytest.raises(
        ValueError, match=r"monitors 'valid_loss.* early_stopping=True .*train_loss"
    ):
        small(callbacks=[callback]).fit(*tokens())


def test_ctrl_c_is_one_also_once_the_patience_of_early_stopping_ran_out():
    def press_ctrl_c(_):  # at "Restoring best model"
        raise KeyboardInterrupt

    stop = EarlyStopping(patience=1, threshold=1.0, load_best=True, sink=press_ctrl_c)
    model = small(callbacks=[stop], early_stopping=True, max_epochs=9)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*tokens())


@kinds
def test_a_callback_that_sets_the_weights_acts_on_the_final_network(make):
    X, y = make()
    modules = []

    class Eraser(Callback):
        def on_train_end(self, net, **_):
            modules.append(net.module_)
            for weight in net.module_.parameters():
                weight.data.zero_()

    model = small_beside_linear(callbacks=[Eraser()]).fit(X, y)
    assert len(modules) == 1
    assert not any(weight.any() for weight in model.module_.parameters())


# --- Checkpoint


@kinds
@pytest.mark.parametrize("load_best", [False, True])
def test_a_checkpoint_follows_the_validation_loss(make, load_best, tmp_path):
    X, y = make()
    model = small(
        callbacks=[Checkpoint(dirname=tmp_path, load_best=load_best)],
        early_stopping=True,
        max_epochs=12,
        lr=0.05,
    ).fit(X, y)
    best = int(np.argmin([row["valid_loss"] for row in model.history_]))
    assert model.net_.history[best, "valid_loss_best"]
    # Early stopping restores the weights of the best epoch, which are the ones that were saved.
    assert same_weights(model.module_, torch.load(tmp_path / "params.pt"))


# --- Scoring


@kinds
@pytest.mark.parametrize("as_text", [False, True])
def test_epoch_scoring_of_the_training_data_is_the_score_of_the_network(make, as_text):
    X, y = make()
    y = np.array(["no", "yes"])[y] if as_text else y
    scoring = {
        "acc": EpochScoring("accuracy", name="acc", lower_is_better=False, on_train=True),
        "nll": EpochScoring("neg_log_loss", name="nll", lower_is_better=False, on_train=True),
    }
    for callback in scoring.values():
        callback.set_params(use_caching=False)
    model = small(callbacks=list(scoring.items()), max_epochs=6).fit(X, y)
    accuracies = model.net_.history[:, "acc"]
    assert len(accuracies) == 6
    assert accuracies[-1] == pytest.approx(model.score(X, y))
    loss = -model.net_.history[-1, "nll"]
    assert loss == pytest.approx(log_loss(y, model.predict_proba(X)), rel=1e-4)


@kinds
def test_epoch_scoring_reads_the_validation_data(make):
    X, y = make()
    scoring = [
        (name, EpochScoring("accuracy", name=name, lower_is_better=False, use_caching=cached))
        for name, cached in (("cached", True), ("read_again", False))
    ]
    validation = {"X_val": X[::3], "y_val": y[::3]}
    model = small(callbacks=scoring, early_stopping=True).fit(X[1:], y[1:], **validation)
    found = model.net_.history[:, ("cached", "read_again")]
    assert len(found) == model.n_epochs_
    for cached, read_again in found:
        assert cached == pytest.approx(read_again)
        n_right = read_again * len(y[::3])
        assert n_right == pytest.approx(round(n_right))


@kinds
def test_batch_scoring_scores_each_batch(make):
    scoring = BatchScoring("accuracy", name="acc", lower_is_better=False)
    model = small(callbacks=[scoring], early_stopping=True, dropout=0.0).fit(*make())
    batches = [batch["acc"] for batch in model.net_.history[-1]["batches"] if "acc" in batch]
    assert batches
    assert all(0 <= accuracy <= 1 for accuracy in [*model.net_.history[:, "acc"], *batches])


# --- Freezer


@pytest.mark.parametrize("embedding_dim", [4, None])
def test_freezer_counts_for_one_training_also_after_save(embedding_dim, tmp_path):
    X, y = tokens()
    model = small(embedding_dim=embedding_dim, callbacks=[Freezer("embedding.weight")]).fit(X, y)
    save(model.set_params(callbacks=None), tmp_path / "model")
    loaded = load(tmp_path / "model")
    before = model.module_.embedding.weight.detach().clone()
    for each in (model, loaded):
        each.partial_fit(X, y)
    assert not torch.equal(model.module_.embedding.weight, before)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


# --- What a fitted model keeps


def as_list(X):
    return [row.copy() for row in X]


def first_array(X):
    """Return the array that holds the data of X, or of its first sequence."""
    return X.data if sp.issparse(X) else X[0] if isinstance(X, list) else X


STOP = {"early_stopping": True}


@pytest.mark.parametrize(
    ("make", "container", "parameters"),
    [
        (tokens, sp.csr_array, {}),
        (series, as_list, {}),
        (series, np.copy, {"linear_model": False}),
        (series, as_list, STOP | {"linear_model": False}),
        (tokens, as_list, STOP | {"callbacks": [EpochScoring("neg_log_loss", on_train=True)]}),
        (tokens, np.copy, {"max_epochs": "auto", "input_type": "words"}),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_fitted_model_does_not_keep_the_training_data(make, container, parameters, method):
    X, y = make()
    X, y, weights = container(X), y.copy(), np.ones(len(y))
    model = small_beside_linear(**parameters)
    more = {"classes": [0, 1]} if method == "partial_fit" else {}
    getattr(model, method)(X, y, sample_weight=weights, **more)
    kept = [weakref.ref(value) for value in (first_array(X), y, weights)]
    del X, y, weights
    gc.collect()
    assert not [n for n, value in enumerate(kept) if value() is not None]
    assert model.n_epochs_


def test_a_failed_fit_does_not_keep_the_training_data():
    X, y = series()
    X *= 1e30

    class Breaker(Callback):
        def on_epoch_end(self, net, **_):
            raise RuntimeError(f"after {len(net.history)} epochs")

    model = small_beside_linear(callbacks=[Breaker()])
    with pytest.raises(RuntimeError, match="after 1 epochs"):
        model.fit(X, y)
    kept = weakref.ref(X)
    del X
    gc.collect()
    assert kept() is None


# --- Names, and what is refused before training


class Count(Callback):
    n_epochs = 0

    def on_epoch_end(self, net, **_):
        net.n_seen = self.n_epochs = self.n_epochs + 1


@pytest.mark.parametrize("name", ["schedule", "EpochRecord"])
def test_a_callback_may_have_any_name_and_is_not_changed(name):
    X, y = series()
    plain = small_beside_linear().fit(X, y)
    count = Count()
    callbacks = [(name, count)]
    model = small_beside_linear(callbacks=callbacks).fit(X, y)
    assert dict(model.net_.callbacks_)[name].n_epochs == 3
    assert model.callbacks is callbacks
    assert callbacks == [(name, count)]
    assert count.n_epochs == 0
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("hold", [lambda each: each, lambda each: ("log", each)])
def test_a_callback_that_cannot_be_copied_is_named(hold):
    logs = PrintLog()
    logs.file = io.TextIOWrapper(io.BytesIO())  # can't be copied
    model = small_beside_linear(callbacks=[Count(), hold(logs)], lr=1e38)  # else training failed
    with pytest.raises(ValueError, match=r"(?s)PrintLog.*can't be copied.*TextIOWrapper"):
        model.fit(*series())


@pytest.mark.parametrize("hold", [lambda each: each, lambda each: ("stop", each)])
def test_early_stopping_of_the_user_replaces_that_of_the_classifier(hold):
    def n_epochs(*callbacks):
        options = {"early_stopping": True, "max_epochs": 30, "lr": 1e-9}  # nothing is learned
        return small(callbacks=[*callbacks], **options).fit(*series()).n_epochs_

    usual = n_epochs()
    assert n_epochs(hold(EarlyStopping(patience=1))) < usual
    assert usual < n_epochs(hold(EarlyStopping(patience=12))) < 30
