"""One progress bar, which shows one part at a time; nothing is shown at verbose=0."""

import pickle
import re
from contextlib import redirect_stderr
from functools import partial
from itertools import count, groupby
from threading import Thread

import numpy as np
import pytest
import small_models
from skorch.callbacks import Callback, PrintLog
from small_encoder import SmallEncoder
from tqdm.auto import tqdm

from sklearn_lstm import TextSequenceVectorizer, progress
from sklearn_lstm.exceptions import NonFiniteTrainingError
from sklearn_lstm.progress import ProgressBar

X = np.random.default_rng(0).integers(1, 9, (120, 5))
Y = np.arange(120) % 2
SERIES = np.random.default_rng(0).normal(size=(40, 5))
OF_TOKENS = "linear model", "positions", "states"


small = partial(small_models.small, batch_size=20, linear_model=True, verbose=1)


def drawn(capsys):
    """Return each state of the bars that was drawn, and what was printed beside them."""
    shown = capsys.readouterr()
    return [text for text in re.split(r"[\r\n]", shown.err) if text.strip()], shown.out


def part_of(state):
    return re.match("[a-z ]+", state)[0].strip()


def check_parts(states, *names):
    """Check that these parts follow each other, of which the last one is done."""
    parts = [(name, [*shown]) for name, shown in groupby(states, part_of)]
    assert [name for name, _ in parts] == [*names]
    for _, shown in parts:
        shares = [int(share) for share in re.findall(r"(\d+)%", "\n".join(shown))]
        assert shares == sorted(shares)
    assert states[-1].startswith(f"{names[-1]}: 100%|")
    assert ", 00:00 left" in states[-1]


@pytest.fixture
def _all_are_drawn(monkeypatch):
    monkeypatch.setattr(progress, "monotonic", partial(next, count(1)))


# --- Parts


@pytest.mark.parametrize(
    ("data", "parameters", "parts"),
    [
        (X, {"input_type": "words"}, [*OF_TOKENS, *OF_TOKENS[:2], "network"]),  # again in folds
        (SERIES, {}, ["linear model", "network"]),
        (X, {"linear_model": False}, ["network"]),
        (X, {"linear_model": False, "verbose": True, "early_stopping": True}, ["network"]),
        (SERIES, {"max_epochs": 0}, ["linear model"]),
    ],
)
def test_one_bar_shows_part_after_part_and_ends_full(capsys, data, parameters, parts):
    small(**parameters).fit(data, Y[: len(data)])
    states, printed = drawn(capsys)
    check_parts(states, *parts)
    assert printed == ""


def test_each_part_begins_anew(capsys, monkeypatch):
    seconds = [2e9]  # in so many, tqdm's delay is no time
    for clock in ("tqdm.std.time", "sklearn_lstm.progress.monotonic"):
        monkeypatch.setattr(clock, lambda: seconds[0])
    with ProgressBar(is_shown=True) as bar:
        for part in ("one", "two"):
            for share in (0, 0.25, 0.5, 0.4):
                bar.show(part, share, f"and {share}" * (share > 0))
                seconds[0] += 10
    assert [re.sub(r"\|.*\|", "|", state).strip() for state in drawn(capsys)[0]] == [
        state.format(part)
        for part in ("one", "two")
        for state in (
            "{}",
            "{}:  25%| 00:10, 00:30 left, and 0.25",
            "{}:  50%| 00:20, 00:20 left, and 0.5",
            "{}:  50%| 00:30, 00:30 left, and 0.4",
        )
    ] + ["two: 100%| 00:40, 00:00 left, and 0.4"]


@pytest.mark.usefixtures("_all_are_drawn")
def test_the_encoder_says_how_many_texts_it_has_read(capsys):
    texts = TextSequenceVectorizer().fit_transform([f"text {row}" for row in range(1000)])
    small(encoder=SmallEncoder(), max_epochs=0).fit(texts, np.arange(1000) % 2)
    states, _ = drawn(capsys)
    check_parts(states, *OF_TOKENS, "encoder")
    shares = re.findall(r"encoder: +(\d+)%", "\n".join(states))
    assert shares == ["26", "51", "77", "100"]  # 256 texts at once


@pytest.mark.usefixtures("_all_are_drawn")
def test_the_bar_shows_the_epoch_and_the_losses(capsys):
    model = small(early_stopping=True, linear_model=False).fit(X, Y)
    states, _ = drawn(capsys)
    shown = [state.partition("epoch ")[2] for state in states]
    first, last = (
        f"train {row['train_loss']:.3f}, valid {row['valid_loss']:.3f}" for row in model.history_
    )
    expected = ["1/2", f"1/2, {first}", f"2/2, {first}", f"2/2, {last}"]
    assert [*dict.fromkeys(shown)] == expected


@pytest.mark.usefixtures("_all_are_drawn")
def test_partial_fit_shows_a_bar_for_each_call(capsys):
    model = small()
    for _ in range(2):
        model.partial_fit(X, Y, classes=[0, 1])
        states, _ = drawn(capsys)
        check_parts(states, "network")
        assert states[3].startswith("network:  50%|")  # of 6 updates
        assert "epoch 1/1, train" in states[-1]


# --- What is printed beside it


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
    assert states[-1].startswith("network: 100%|")
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


def show_parts():
    with ProgressBar(is_shown=True) as bar:
        for part in "abc":
            bar.show(part)


def use_lock():
    with tqdm.get_lock():
        pass


@pytest.mark.parametrize("n_drawn", range(4))
def test_an_interrupt_while_it_draws_keeps_no_lock(monkeypatch, n_drawn):
    calls, draw = count(), tqdm.display

    def interrupted(*arguments, **options):
        if next(calls) == n_drawn:
            raise KeyboardInterrupt
        return draw(*arguments, **options)

    monkeypatch.setattr(tqdm, "display", interrupted)
    with pytest.raises(KeyboardInterrupt):
        show_parts()
    other = Thread(target=use_lock, daemon=True)
    other.start()
    other.join(10)
    assert not other.is_alive()
    assert n_open_bars() == 0


# --- No bar


def test_a_bar_that_the_environment_disables_is_not_drawn(capsys, monkeypatch):
    monkeypatch.setattr("tqdm.auto.tqdm", partial(tqdm, disable=True))  # as by TQDM_DISABLE
    small().fit(X, Y)
    assert drawn(capsys) == ([], "")


def test_without_a_standard_error_nothing_is_drawn():
    with redirect_stderr(None):
        small().fit(X, Y)
