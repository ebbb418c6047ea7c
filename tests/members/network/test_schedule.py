"""Training lasts as long as the loss of held-out samples falls."""

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.members.network.callbacks import MOST_CHECKS, HeldOutChecks, Losses, Trapezoid


def order(rng, n_samples, length=8):
    """Class 1 where the first 2 comes before the first 3; other ids are noise."""
    X, y = rng.integers(4, 30, (n_samples, length)), rng.integers(0, 2, n_samples)
    for row, label in zip(X, y, strict=True):
        row[np.sort(rng.permutation(length)[:2])] = (2, 3) if label else (3, 2)
    return X, y


def small(**parameters):
    """Return a classifier whose training lasts as for words: half as long as for characters."""
    return LSTMSequenceClassifier(hidden_size=16, input_type="words", random_state=0, **parameters)


class Net:
    """What the callbacks need of a skorch net, and of the dataset."""

    token_dropout, has_stopped = 0.1, False

    def __init__(self):
        self.optimizer_ = self
        self.param_groups = [{"lr": None}]
        self.history = self
        self.train_loss = 0.0

    def __getitem__(self, _):
        return {"batches": [{"train_loss": self.train_loss}]}

    def record(self, name, value):
        assert name == "valid_loss"
        self.loss = value


def run(losses, n_updates=6000, updates_per_epoch=50, train_loss=0.0, guessing=1.0):
    """Return the learning rates of a training, the share of dropped tokens, and that which is done.

    The held-out losses at each check are given, and the training loss after each update.
    """
    found = iter([Losses(total, total / 100, total / 100) for total in losses])
    schedule = Trapezoid(1.0, n_updates, updates_per_epoch, n_updates // 2)
    interval = max(1, n_updates // MOST_CHECKS)
    checks = HeldOutChecks(
        lambda _: next(found), "a network", schedule, interval, guessing, may_end=True
    )
    net, rates, dropped, done = Net(), [], [], []
    for callback in (schedule, checks):
        callback.on_train_begin(net, X=net)
    while len(rates) < n_updates and not net.has_stopped:
        for _ in range(updates_per_epoch):
            schedule.on_batch_begin(net, training=True)
            rates.append(net.param_groups[0]["lr"])
            dropped.append(net.token_dropout)
            done.append(schedule.share_done)
            net.train_loss = train_loss(len(rates)) if callable(train_loss) else train_loss
            for callback in (schedule, checks):
                callback.on_batch_end(net, training=True)
        for callback in (schedule, checks):
            callback.on_epoch_end(net)
    return np.array(rates), np.array(dropped), np.array(done)


def test_the_rate_falls_once_three_checks_made_no_progress():
    # Checks after 150 updates each: progress in the first two, none in the next three.
    rates, *_ = run([100, 90, 80, 79, 81, 80, 0, 0, 0])
    assert len(rates) == 1100  # 750 * 3 / 2, to an end of an epoch of 50 updates
    np.testing.assert_allclose(rates[50:750], 1.0)
    assert (np.diff(rates[750:]) < 0).all()
    assert 0 < rates[-1] < 0.01


def test_the_first_epoch_is_always_seen_to_its_end():
    # Checks after 150 updates each: progress in the first. Up to the 1,000th none counts, then
    # come three that do.
    rates, *_ = run([90.0, *[80.0] * 20], updates_per_epoch=1000)
    assert len(rates) == 2000
    np.testing.assert_allclose(rates[50:1350], 1.0)
    assert (np.diff(rates[1350:]) < 0).all()


def test_a_loss_that_falls_trains_to_the_end():
    rates, *_ = run(np.arange(100, 0, -2.5))
    assert len(rates) == 6000
    np.testing.assert_allclose(rates[50:4000], 1.0)
    assert (np.diff(rates[4000:]) < 0).all()


def test_progress_is_measured_from_the_lowest_loss():
    # A slow fall adds up: 0.8 at each check are 2.4 in three checks.
    assert len(run(np.arange(100, 0, -0.8))[0]) == 6000
    assert len(run(np.arange(100, 0, -0.6))[0]) < 6000


def test_warm_up_and_checks_suit_half_of_the_updates_where_a_loss_may_end_them():
    # Of 1,200 updates half are 600: a warm-up over 30 and a check after each 30th.
    ended, *_ = run([100, 90, 80, 79, 81, 80], n_updates=1200)
    np.testing.assert_allclose(ended[:30], np.arange(1, 31) / 30)
    np.testing.assert_allclose(ended[30:150], 1.0)
    assert len(ended) == 200  # 150 * 3 / 2, to the nearest end of an epoch of 50
    assert len(run(np.arange(100, 0, -2.0), n_updates=1200)[0]) == 1200


def test_a_network_that_has_learned_nothing_goes_on():
    # The training loss is that of guessing until the 1,500th update; checks come after 150 each.
    rates, *_ = run([90.0, *[80.0] * 41], train_loss=lambda n_done: 1.0 if n_done <= 1500 else 0.5)
    np.testing.assert_allclose(rates[50:1950], 1.0)  # three checks count: 1,650, 1,800 and 1,950
    assert (np.diff(rates[1950:]) < 0).all()
    rates, *_ = run([80.0] * 41, train_loss=1.0)
    assert len(rates) == 6000


def test_tokens_are_dropped_while_the_network_overfits():
    # A held-out loss of 0.8 in the mean. The network guesses; learns, and its training loss, with
    # dropped tokens, is larger; and then smaller.
    _, dropped, _ = run(
        [80.0] * 41,
        train_loss=lambda n_done: 4.0 if n_done <= 300 else 2.0 if n_done <= 600 else 0.5,
        guessing=4.0,
    )
    np.testing.assert_allclose(dropped[:150], 0.1)  # until the first check
    np.testing.assert_allclose(dropped[150:750], 0)
    np.testing.assert_allclose(dropped[750:], 0.1)


def test_the_share_that_is_done_is_that_of_half_of_the_updates_or_as_if_the_rate_fell_now():
    *_, done = run([100, 90, 80, 79, 81, 80])
    np.testing.assert_allclose(done[:750], np.arange(750) / 3000)  # of 6,000
    np.testing.assert_allclose(done[750:], np.arange(750, 1100) / 1100)
    *_, done = run(np.arange(100, 0, -2.5))
    np.testing.assert_allclose(done[:2000], np.arange(2000) / 3000)
    np.testing.assert_allclose(done[2000:4000], 2 / 3)
    np.testing.assert_allclose(done[4000:], np.arange(4000, 6000) / 6000)


class Count(Callback):
    """Count epochs in a list that all copies share."""

    def __init__(self, ended):
        self.ended = ended

    def __deepcopy__(self, memory):
        return self

    def on_epoch_end(self, net, **_):
        self.ended.append(len(net.history))


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_training_ends_earlier_where_the_held_out_loss_does_not_fall():
    rng = np.random.default_rng(0)
    X, y = order(rng, 400)
    ended = []
    learned = small().fit(X, y)
    noise = small(callbacks=[Count(ended)]).fit(X, rng.permutation(y))
    assert noise.n_epochs_ < 30 / 2
    assert learned.n_epochs_ < 30
    assert learned.score(*order(rng, 300)) > 0.95
    assert ended == list(range(1, noise.n_epochs_ + 1))  # the last epoch is heard, too
    losses = [row["valid_loss"] for row in learned.history_]
    computed = [loss for loss in losses if loss is not None]
    assert 1 < len(computed) < len(losses)  # it is not computed while the learning rate falls
    assert computed[-1] < computed[0]
    assert losses[-1] is None


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_a_number_of_epochs_means_what_it_says():
    rng = np.random.default_rng(0)
    X, y = order(rng, 200)
    # The checks of "auto" would come after 75, 150 and 225 of 360 updates, and end the training.
    model = small(max_epochs=9).fit(X, rng.permutation(y))
    assert model.n_epochs_ == 9
    assert {row["valid_loss"] for row in model.history_} == {None}
