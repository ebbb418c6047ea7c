"""One progress bar over the whole fit; nothing is shown at verbose=0."""

import pickle
import re
from contextlib import redirect_stderr
from functools import partial

import numpy as np
import pytest
import small_models
from skorch.callbacks import Callback, PrintLog
from tqdm.auto import tqdm

from sklearn_lstm import fitting
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.members import recipes
from sklearn_lstm.progress import FitProgress

X = np.random.default_rng(0).integers(1, 9, (120, 5))
Y = np.arange(120) % 2
SERIES = np.random.default_rng(0).normal(size=(40, 5))


small = partial(small_models.small, batch_size=20, linear_model=True, verbose=1)


def drawn(capsys):
    """Return each state of the bars that was drawn, and what was printed beside them."""
    shown = capsys.readouterr()
    return [text for text in re.split(r"[\r\n]", shown.err) if text.strip()], shown.out


def check_one_full_bar(states):
    assert states[0].startswith("  0%|")
    assert states[-1].startswith("100%|")
    assert "00:00 left" in states[-1]
    shares = [int(state.split("%")[0]) for state in states]
    assert shares == sorted(shares)


# --- The whole fit


@pytest.mark.parametrize(
    ("data", "parameters"),
    [
        (X, {}),
        (SERIES, {}),
        (X, {"linear_model": False}),
        (X, {"max_epochs": 0}),
        (X, {"early_stopping": True}),
        (X, {"max_epochs": 60, "early_stopping": True}),
        (X, {"max_epochs": "auto", "input_type": "words"}),
        (X, {"verbose": True}),
    ],
)
def test_one_bar_ends_full(capsys, data, parameters):
    small(**parameters).fit(data, Y[: len(data)])
    states, printed = drawn(capsys)
    check_one_full_bar(states)
    assert printed == ""


def test_the_bar_shows_the_epoch_and_the_losses(capsys):
    model = small(early_stopping=True).fit(X, Y)
    states, _ = drawn(capsys)
    last = model.history_[-1]
    assert "linear model" in states[0]
    assert states[-1].endswith(
        f"epoch 2/2, train {last['train_loss']:.3f}, valid {last['valid_loss']:.3f}"
    )


def test_partial_fit_shows_a_bar_for_each_call(capsys):
    model = small()
    for _ in range(2):
        model.partial_fit(X, Y, classes=[0, 1])
        states, _ = drawn(capsys)
        check_one_full_bar(states)
        assert "epoch 1/1" in states[-1]


@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_from_two_on_each_epoch_has_a_row_also_the_last_one(capsys, early_stopping):
    own_lines = []

    def sink(line):  # a function is not copied with its callback
        own_lines.append(line)

    model = small(
        verbose=2,
        max_epochs=200 if early_stopping is True else "auto",
        early_stopping=early_stopping,
        input_type="words",  # half the updates
        callbacks=[PrintLog(sink=sink)],
    ).fit(X, Y)
    states, printed = drawn(capsys)
    assert states[-1].startswith("100%|")
    assert "train_loss" in printed
    assert model.n_epochs_ < 200
    numbers = [line.split()[0] for line in printed.splitlines()[2:]]
    assert numbers == [str(1 + epoch) for epoch in range(model.n_epochs_)]
    assert len(own_lines[2:]) == model.n_epochs_


@pytest.mark.parametrize("is_replaced", [False, True])
@pytest.mark.parametrize("data", [X, SERIES], ids=["ids", "series"])
def test_nothing_is_shown_by_default(capfd, monkeypatch, data, is_replaced):
    if is_replaced:
        monkeypatch.setattr("builtins.print", lambda *_: None)  # as Ray does
    small(verbose=0).fit(data, Y[: len(data)]).partial_fit(data, Y[: len(data)])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("data", [X, SERIES], ids=["ids", "series"])
def test_the_bar_does_not_change_the_model(data):
    y = Y[: len(data)]
    logits = [small(verbose=verbose).fit(data, y).decision_function(data) for verbose in (0, 1, 2)]
    np.testing.assert_array_equal(logits[1], logits[0])
    np.testing.assert_array_equal(logits[2], logits[0])


@pytest.mark.parametrize("verbose", [1, 2])
def test_model_and_net_can_be_pickled_after_a_fit_with_a_bar(verbose):
    model = small(verbose=verbose, linear_model=False).fit(X, Y)
    assert pickle.loads(pickle.dumps(model)).n_epochs_ == 2
    assert pickle.dumps(model.net_)  # no lock of a bar is left in it


# --- A fit that fails


class Interrupt(Callback):
    def on_epoch_end(self, *_, **__):
        raise KeyboardInterrupt


def n_open_bars():
    return len(tqdm._instances)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [({"lr": 1e38}, NonFiniteTrainingError), ({"callbacks": [Interrupt()]}, KeyboardInterrupt)],
    ids=["loss that is not finite", "interrupt"],
)
def test_the_bar_is_closed_if_fit_raises(capsys, parameters, error):
    with pytest.raises(error):
        small(max_epochs=9, **parameters).fit(SERIES, Y[: len(SERIES)])
    assert n_open_bars() == 0
    states, _ = drawn(capsys)
    assert not states[-1].startswith("100%|")


# --- What is counted


class Counted(FitProgress):
    """Keep the updates that are done, likely and possible after each call."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.seen = []
        type(self).last = self

    def count(self, *arguments):
        super().count(*arguments)
        likely = sum(self._all.values())
        self.seen.append((sum(self._done.values()), likely, likely + self._more))


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(fitting, "FitProgress", Counted)
    monkeypatch.setattr(recipes, "RECIPES", recipes.RECIPES[:1])  # n-grams: they are read soon
    return Counted


def test_the_linear_model_and_the_network_are_counted(counted):
    model = small(batch_size=10, max_epochs=3).fit(X, Y)
    n_updates = 3 * -(-(len(X) - model.calibration_["n_held_out"]) // 10)
    of_linear_model = counted.last.seen[0][0]
    assert of_linear_model > 0
    assert counted.last.seen[-1] == pytest.approx((of_linear_model + n_updates,) * 3)


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_the_bar_says_how_long_it_takes_about_and_at_most_until_the_end_is_known(counted, capsys):
    rng = np.random.default_rng(0)
    noise = rng.integers(1, 2000, (400, 3)), rng.integers(0, 2, 400)  # is learned by heart
    model = small(max_epochs="auto", input_type="words").fit(*noise)
    done, likely, most = np.transpose(counted.last.seen)
    assert 20 * model.n_epochs_ < most[0] / 2  # about 19 updates per epoch
    assert likely[0] < most[0] / 2
    is_known = likely == most
    known = is_known.argmax()
    assert is_known[known:].all()
    assert done[known] < 0.7 * likely[known]  # in the third with a falling learning rate
    assert done[-1] == likely[-1]
    assert (done / likely)[:known].max() < 0.7
    states, _ = drawn(capsys)
    shown = [
        re.search(r"about (\d\d:\d\d) left(?:, at most (\d\d:\d\d))?, epoch", s) for s in states
    ]
    assert shown[-1][2] is None
    assert any(found and found[2] and found[2] > found[1] for found in shown)


@pytest.mark.filterwarnings("ignore::sklearn_lstm.exceptions.NothingLearnedWarning")
def test_what_takes_longer_than_usual_is_two_thirds_done(counted):
    X = np.random.default_rng(0).integers(1, 20, (400, 2))
    small(max_epochs="auto", input_type="words", lr=1e-3).fit(X, X[:, 0] > X[:, 1])
    done, likely, most = np.transpose(counted.last.seen)
    is_late = (done > 0.25 * most) & (likely < most)
    assert is_late.any()
    np.testing.assert_allclose((done / likely)[is_late], 2 / 3, atol=0.05)


def test_without_a_standard_error_nothing_is_drawn():
    with redirect_stderr(None):
        small().fit(X, Y)
