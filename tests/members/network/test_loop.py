"""Early stopping, learning rate, clipping, callbacks and the history of training."""

import pickle
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import small_models
import torch
from sklearn.metrics import log_loss
from skorch.callbacks import Callback
from small_models import PLAIN

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.network import training
from sklearn_lstm.members.network.callbacks import SparseEmbedding

SERIES = np.random.default_rng(0).normal(size=(60, 8))
LABELS = (SERIES[:, 2:5].mean(axis=1) > 0).astype(int)
NOISE = np.random.default_rng(1).integers(0, 2, 60)


small = partial(small_models.small, hidden_size=8, max_epochs=4, batch_size=16, dropout=0.0)


def column(model, name):
    return np.array([row[name] for row in model.history_])


@pytest.mark.parametrize(("lr", "max_epochs"), [(0.05, 60), (1e-5, 12)])
def test_early_stopping_restores_the_best_weights(lr, max_epochs):
    model = small(early_stopping=True, max_epochs=max_epochs, lr=lr)
    weights = np.full(6, 7.0)  # they are relative
    model.fit(SERIES[6:], NOISE[6:], X_val=SERIES[:6], y_val=NOISE[:6], sample_weight_val=weights)
    loss = log_loss(NOISE[:6], model.predict_proba(SERIES[:6]), labels=[0, 1])
    losses = column(model, "valid_loss")
    assert loss == pytest.approx(losses.min(), rel=1e-5)
    assert (losses.min() < losses[-1]) == (lr > 0.01)


def test_early_stopping_waits_for_five_epochs_without_progress():
    model = small(early_stopping=True, max_epochs=80, lr=0.05)
    model.fit(SERIES, NOISE)
    assert model.n_epochs_ == len(model.history_) < 80
    assert column(model, "valid_loss").argmin() == model.n_epochs_ - 1 - 5


def test_a_loss_that_falls_very_slowly_is_progress():
    model = small(early_stopping=True, max_epochs=9)
    model.set_params(optimizer="sgd", lr=5e-5, batch_size=60)
    falls = -np.diff(column(model.fit(SERIES, LABELS), "valid_loss"))
    assert model.n_epochs_ == 9
    assert (falls > 0).all()
    assert (falls < 1e-5).all()


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_early_stopping_false_trains_all_epochs_but_holds_out_for_the_blend():
    rng = np.random.default_rng(0)
    X, y = rng.integers(1, 9, (400, 3)), rng.integers(0, 2, 400)  # nothing can be learned
    options = {"max_epochs": "auto", "input_type": "words", "linear_model": True}
    options |= {"batch_size": "auto", "threshold": "f1"}
    ended, whole = (small(early_stopping=how, **options).fit(X, y) for how in ("auto", False))
    assert ended.n_epochs_ < whole.n_epochs_ == 32  # 2 times the epochs with 800 updates
    assert set(column(whole, "valid_loss")) == {None}
    assert whole.calibration_["n_held_out"] == ended.calibration_["n_held_out"] == 120
    assert whole.thresholds_ != 0.5
    again = small(early_stopping="auto", **options | {"max_epochs": 32}).fit(X, y)
    np.testing.assert_array_equal(whole.predict_proba(X), again.predict_proba(X))


def test_the_learning_rate_rises_stays_and_falls_but_in_partial_fit_it_stays():
    model = small(lr=0.01, max_epochs=10).fit(SERIES, LABELS)
    rates = column(model, "lr")  # of 40 updates, 2 rise and 13 fall
    np.testing.assert_allclose(rates[:6], 0.01)
    np.testing.assert_allclose(rates[6:], 0.01 * np.array([13, 9, 5, 1]) / 13)
    assert column(model.partial_fit(SERIES, LABELS), "lr")[-1] == 0.01


def test_gradients_are_clipped_to_the_norm(monkeypatch):
    def length_of_an_update(largest):
        monkeypatch.setattr(training, "LARGEST_GRADIENT", largest)
        model = small(batch_size=60, optimizer="sgd", lr=0.1, weight_decay=0.0, max_epochs=1)
        before = deepcopy(model.fit(SERIES, LABELS).module_.state_dict())
        after = model.partial_fit(SERIES, LABELS).module_.state_dict()
        return float(sum((after[name] - before[name]).square().sum() for name in before)) ** 0.5

    assert length_of_an_update(0.01) == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert length_of_an_update(np.inf) > 0.1 * 0.02


def test_partial_fit_goes_on_where_training_stopped_and_fit_begins_anew():
    model = small(max_epochs=20, lr=0.02).fit(SERIES, LABELS)
    history, proba = model.history_, model.predict_proba(SERIES)
    losses = column(model.partial_fit(SERIES, LABELS), "train_loss")
    assert model.history_[:20] == history
    assert losses[20] < 0.75 * losses[0]
    assert model.fit(SERIES, LABELS).n_epochs_ == 20
    np.testing.assert_array_equal(model.predict_proba(SERIES), proba)


IDS = np.random.default_rng(0).integers(1, 9, (60, 6))
HAS_ONE = (IDS == 1).any(axis=1)


@pytest.mark.parametrize(
    "mode",
    [torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)],
    ids=["no grad", "mixed"],
)
def test_training_in_a_mode_of_torch_is_training_as_usual(mode):
    expected = small().fit(IDS, HAS_ONE).predict_proba(IDS)
    with mode:
        model = small().fit(IDS, HAS_ONE)
        small().partial_fit(IDS, HAS_ONE, classes=[False, True])
        loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(IDS), expected)
    loaded.module_(torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 2])).sum().backward()


@pytest.mark.usefixtures("_in_bfloat16")
def test_bfloat16_trains_weights_in_float32_and_predicts_also_once_it_is_loaded():
    model = small(max_epochs=25, lr=0.03).fit(IDS, HAS_ONE)
    assert model.module_.use_bfloat16
    assert {weight.dtype for weight in model.module_.parameters()} == {torch.float32}
    assert model.score(IDS, HAS_ONE) > 0.8
    mixed = model.predict_proba(IDS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(IDS), mixed)
    model.module_.use_bfloat16 = False
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(IDS), model.predict_proba(IDS))
    assert 0 < np.abs(model.predict_proba(IDS) - mixed).max() < 0.02


@pytest.mark.device("bfloat16")
@pytest.mark.usefixtures("_in_bfloat16")
@pytest.mark.parametrize("embedding_dim", ["auto", None])
def test_predictions_in_bfloat16_do_not_depend_on_the_batch(embedding_dim):
    rng = np.random.default_rng(0)
    X = [rng.integers(2, 50, length) for length in rng.integers(1, 90, 300)]
    model = small(max_epochs=1, embedding_dim=embedding_dim, linear_model=False)
    model.fit(X, np.arange(300) % 2)
    together = model.decision_function(X)
    for size in (1, 2, 7, 33):
        parts = [model.decision_function(X[at : at + size]) for at in range(0, 300, size)]
        np.testing.assert_array_equal(np.concatenate(parts), together)


def test_early_stopping_gives_no_vector_to_ids_of_the_held_out_part_alone():
    X = np.arange(2, 42)[:, np.newaxis]  # each sequence has an id of its own
    model = small(early_stopping=True).fit(X, [0, 1] * 20)
    assert model.module_.embedding.num_embeddings == 2 + 36


def test_plain_descent_changes_only_the_rows_of_the_batch(monkeypatch, texts):
    """Without momentum the rows that a batch does not read have no gradient."""
    options = PLAIN | {"optimizer": "sgd", "lr": 0.1}
    sparse = LSTMSequenceClassifier(**options).fit(*texts).module_.state_dict()
    monkeypatch.setattr(SparseEmbedding, "on_batch_begin", lambda *_, **__: None)
    whole = LSTMSequenceClassifier(**options).fit(*texts).module_.state_dict()
    for name, weight in whole.items():
        torch.testing.assert_close(weight, sparse[name], atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "nadam", "rmsprop", "sgd"])
def test_after_training_the_table_and_its_optimizer_state_are_whole(texts, optimizer):
    model = LSTMSequenceClassifier(**(PLAIN | {"optimizer": optimizer})).fit(*texts)
    table = model.module_.embedding.weight
    assert len(table) == len(np.unique(np.concatenate(texts[0]))) + 2
    state = model.net_.optimizer_.state[table]
    assert all(len(value) == len(table) for value in state.values() if value.ndim)
    groups = model.net_.optimizer_.param_groups
    assert sum(weight is table for group in groups for weight in group["params"]) == 1


def test_an_update_reads_only_the_rows_of_its_batch(texts):
    """The table may have a million rows: a batch of 20 texts needs some hundred."""
    seen = []

    class Watch(Callback):
        def on_grad_computed(self, net, **_):
            seen.append(len(net.module_.embedding.weight))

    model = LSTMSequenceClassifier(**PLAIN, callbacks=[Watch()]).fit(*texts)
    assert max(seen) < len(model.module_.embedding.weight)
    assert len(seen) == 6
