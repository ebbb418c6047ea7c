"""`max_seconds`: a training that ends by the clock, which these tests move by hand."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer, progress
from sklearn_lstm.members.network.callbacks import Trapezoid
from sklearn_lstm.progress import TimeLimit
from sklearn_lstm.streaming import fit_batches

X, Y = np.random.default_rng(0).normal(size=(80, 6)), np.arange(80) % 2


class Clock(Callback):
    """Each update takes a second; a copy moves the same clock."""

    now, rates, epochs = 0.0, [], 0

    def on_batch_end(self, net, training=False, **_):  # noqa: FBT002
        Clock.now += training
        Clock.rates += [net.optimizer_.param_groups[0]["lr"]] * training

    def on_epoch_end(self, *_, **__):
        Clock.epochs += 1


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(progress, "monotonic", lambda: Clock.now)
    Clock.now, Clock.rates, Clock.epochs = 0.0, [], 0


def classifier(**parameters):
    defaults = {"hidden_size": 3, "max_epochs": 5, "batch_size": 8, "random_state": 0}
    return LSTMSequenceClassifier(callbacks=[Clock()], **(defaults | parameters))


@pytest.mark.parametrize("early_stopping", ["auto", True, False])
def test_training_ends_within_an_epoch_which_is_closed(early_stopping):
    model = classifier(
        linear_model=False, max_seconds=14, early_stopping=early_stopping, max_epochs=9
    ).fit(X, Y)
    assert Clock.now == 14
    assert model.n_epochs_ == Clock.epochs == len(model.history_) == 2
    assert clone(model).max_seconds == 14


def test_the_learning_rate_falls_over_the_last_fifth():
    classifier(linear_model=False, max_seconds=30, lr=1e-3).fit(X, Y)
    assert np.array_equal(Clock.rates[5:25], np.full(20, 1e-3))
    assert np.allclose(Clock.rates[25:], 1e-3 * np.arange(5, 0, -1) / 6)


def test_the_share_that_is_done_is_that_of_the_seconds_if_it_is_more():
    schedule = Trapezoid(1.0, 100, 10, 100, TimeLimit.after(30))
    Clock.now = 10.0
    schedule.on_train_begin()
    shares = []
    for now, schedule.n_done in [(10, 0), (15, 9), (15, 40), (40, 50)]:
        Clock.now = now
        shares.append(schedule.share_done)
    assert shares == [0, 0.25, 0.4, 1]


def test_linear_models_that_take_all_of_it_work_alone(monkeypatch):
    monkeypatch.setattr(progress, "monotonic", lambda: Clock.rates.append(1) or len(Clock.rates))
    with pytest.warns(ConvergenceWarning, match=r"max_seconds were over.*the linear model works"):
        model = classifier(max_seconds=0.5).fit(X + Y[:, np.newaxis], Y)
    assert model.n_epochs_ == 0
    alone = classifier(linear_model="alone").fit(X + Y[:, np.newaxis], Y)
    assert np.array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_without_a_linear_model_there_is_an_update():
    model = classifier(linear_model=False, max_seconds=1e-9).fit(X, Y)
    assert Clock.now == model.n_epochs_ == 1


def test_streams_have_the_limit_too_and_partial_fit_has_none():
    ids = TextSequenceVectorizer().fit_transform(
        [f"word{row % 9} word{row % 7}" for row in range(80)]
    )
    model = classifier(linear_model=False, max_seconds=3)
    assert fit_batches(model, [(ids, Y)]).n_epochs_ == 1
    assert Clock.now == 3
    model.partial_fit(ids, Y)
    assert Clock.now > 4
