"""Displays follow scikit-learn's convention, and show what the model does."""

import pickle
import sys
from functools import partial

import numpy as np
import pytest
import small_models
from markup import Markup
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklearn_lstm import TextSequenceVectorizer
from sklearn_lstm.inspection import (
    Explanation,
    ExplanationDisplay,
    GateActivations,
    TrainingDisplay,
    gate_activations,
)

RNG = np.random.default_rng(0)
IDS = RNG.integers(1, 9, (120, 10))
Y = np.arange(120) % 3
TEXTS = ["so good", "bad, so bad", "good fun and more fun", "a boring thing"] * 30
LABELS = ["pos", "neg", "pos", "neg"] * 30


small = partial(small_models.small, hidden_size=6)


@pytest.fixture(scope="module")
def text_model():
    return make_pipeline(TextSequenceVectorizer(), small(linear_model=True)).fit(TEXTS, LABELS)


@pytest.fixture
def explanation():
    return Explanation(
        data=np.array(["so", "bad", "fun"], object),
        linear=np.array([0.5, -1.0, 0.25]),
        network=np.array([0.25, 0.5, 1.0]),
        base_value=0.1,
        target="pos",
    )


# --- The convention


def all_displays(text_model):
    return {
        TrainingDisplay: lambda **options: TrainingDisplay.from_estimator(text_model, **options),
        ExplanationDisplay: lambda **options: ExplanationDisplay.from_estimator(
            text_model, ["good fun"], **options
        ),
        GateActivations: gate_activations(text_model, ["good fun"])[0].plot,
    }


@pytest.mark.parametrize("kind", [TrainingDisplay, ExplanationDisplay])
def test_from_estimator_draws_in_a_new_figure_or_in_given_axes(kind, text_model):
    make = all_displays(text_model)[kind]
    display = make()
    assert isinstance(display, kind)
    assert display.ax_.figure is display.figure_
    _, ax = plt.subplots()
    assert make(ax=ax).ax_ is ax
    assert display.plot() is display
    display.figure_.draw_without_rendering()


@pytest.mark.parametrize("kind", [TrainingDisplay, ExplanationDisplay, GateActivations])
def test_without_matplotlib_the_error_says_what_to_install(kind, text_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        all_displays(text_model)[kind]()


def test_only_one_sequence_can_be_shown(text_model):
    with pytest.raises(ValueError, match=r"one sequence.*found 2"):
        ExplanationDisplay.from_estimator(text_model, TEXTS[:2])


# --- Training


def test_training_shows_the_losses_and_the_learning_rate(text_model):
    display = TrainingDisplay.from_estimator(text_model)
    history = text_model[-1].history_
    np.testing.assert_array_equal(display.train_loss, [row["train_loss"] for row in history])
    np.testing.assert_array_equal(display.lr, [row["lr"] for row in history])
    (line,) = display.ax_.lines
    assert line.get_label() == "training loss of the network"


def test_held_out_losses_are_joined():
    losses = [np.nan, 0.5, np.nan, np.nan, 0.4]
    display = TrainingDisplay(np.ones(5), np.ones(5), losses).plot()
    line = display.ax_.lines[1]
    assert line.get_label() == "held-out loss"
    np.testing.assert_array_equal(line.get_xydata(), [[2, 0.5], [5, 0.4]])


def test_training_of_a_model_without_epochs_is_an_error():
    with pytest.raises(ValueError, match="no network was trained"):
        TrainingDisplay.from_estimator(small(max_epochs=0, linear_model=True).fit(IDS, Y))
    with pytest.raises(NotFittedError):
        TrainingDisplay.from_estimator(small())


# --- Gates


def test_gates_show_the_units_that_change_most(text_model):
    text = ["good fun and more fun"]
    (activations,) = gate_activations(text_model, text)
    _, ax = plt.subplots()
    assert activations.plot(direction=1, n_units=4, ax=ax) is ax
    shown = ax.images[0].get_array()
    units = [int(label.get_text()) for label in ax.get_yticklabels()]
    cell = activations.memory_cell[-1, 1].T
    assert shown.shape == (4, 5)
    np.testing.assert_array_equal(shown, cell[units])
    others = np.setdiff1d(np.arange(6), units)
    assert shown.std(axis=1).min() >= cell[others].std(axis=1).max()
    assert [label.get_text() for label in ax.get_xticklabels()] == text[0].split()
    again = pickle.loads(pickle.dumps(activations)).plot(direction=1, n_units=4)
    np.testing.assert_array_equal(again.images[0].get_array(), shown)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gate": "update_gate"}, r"update_gate.*memory_cell"),
        ({"layer": 1}, r"1 layer"),
        ({"direction": 2}, r"2 direction"),
        ({"n_units": 0}, "at least 1"),
    ],
    ids=str,
)
def test_a_gate_that_is_not_there_is_an_error(text_model, options, message):
    with pytest.raises(ValueError, match=message):
        gate_activations(text_model, ["good fun"])[0].plot(**options)


def gates_of(tokens):
    data = np.array(tokens, object)
    return GateActivations(data=data, memory_cell=np.zeros((1, 1, len(tokens), 2), np.float32))


def test_tokens_are_not_read_as_mathematics():
    ax = gates_of(["$x^", "_$", " "]).plot()
    assert [text.get_text() for text in ax.get_xticklabels()] == ["$x^", "_$", "␣"]
    ax.figure.draw_without_rendering()


# Half a surrogate pair: in words, alone as a character, and in the name of a class.
HALVES = [["so", "a\udc80b", "\ud83d"], ["a", "\ud83d", " "]]


@pytest.mark.parametrize("tokens", HALVES)
def test_half_a_surrogate_pair_is_shown_as_the_replacement_character(tokens):
    data = np.array(tokens, object)
    shown = [token.replace("\udc80", "\ufffd").replace("\ud83d", "\ufffd") for token in tokens]
    values = np.arange(3.0)
    explanation = Explanation(data, values, values, 0.0, "\udc80")
    for ax, axis in (
        (gates_of(tokens).plot(), "x"),
        (ExplanationDisplay(explanation).plot().ax_, "y"),
    ):
        labels = [text.get_text() for text in getattr(ax, f"get_{axis}ticklabels")()]
        assert labels == [token.replace(" ", "␣") for token in shown]
        ax.figure.draw_without_rendering()
    html = ExplanationDisplay(explanation)._repr_html_()
    assert html.encode().decode().count("\ufffd") == "".join(shown).count("\ufffd") + 3
    assert repr(explanation).encode()


# --- Explanations


def bar_ends(container):
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in container]


def test_bars_of_both_parts_are_told_apart(explanation):
    display = ExplanationDisplay(explanation).plot()
    linear, network = display.ax_.containers
    assert [linear.get_label(), network.get_label()] == ["linear models", "network"]
    assert bar_ends(linear) == [(0, 0.5), (0, -1.0), (0, 0.25)]
    assert bar_ends(network) == [(0.5, 0.75), (0, 0.5), (0.25, 1.25)]
    np.testing.assert_array_equal(display.ax_.lines[0].get_xdata(), explanation.values)


def test_the_strongest_tokens_are_shown_in_their_order(explanation):
    ax = explanation.plot(n_steps=2)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["so", "fun"]
    assert "2 of 3 tokens" in ax.get_title()


def test_an_explanation_is_shown_by_its_own_html(explanation):
    html = ExplanationDisplay(explanation).to_html()
    assert explanation.to_html() == html
    assert explanation._repr_html_().encode("ascii", "xmlcharrefreplace").decode() == html


HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(2)',
    "' onfocus='alert(3)",
    "</span></div><img src=x onerror=alert(4)>",
    "&lt;b&gt;{0}{colour}%s",
    "-->]]>",
]


def test_a_hostile_text_injects_no_markup(explanation):
    n_tokens = len(HOSTILE)
    hostile = Explanation(
        data=np.array(HOSTILE, object),
        linear=np.linspace(-1, 1, n_tokens),
        network=np.ones(n_tokens),
        base_value=0.0,
        target=HOSTILE[0],
    )
    plain = Markup(ExplanationDisplay(explanation)._repr_html_())
    found = Markup(ExplanationDisplay(hostile)._repr_html_())
    assert {*found.tags} == {*plain.tags} <= {"div", "span", "b"}
    assert {*dict(found.attributes)} == {*dict(plain.attributes)} <= {"style", "title", "dir"}
    assert all(token in found.text for token in HOSTILE)


def test_html_shows_the_score_and_all_parts_without_matplotlib(explanation, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = Markup(ExplanationDisplay(explanation)._repr_html_())
    assert "score of pos: +1.60 = +0.10 (baseline) -0.25 (linear model) +1.75 (network)" in (
        found.text
    )
    assert "so bad fun" in found.text
    assert found.values_of("title")[1] == "linear model -1.000, network +0.500"


def test_html_of_characters_keeps_the_white_space(explanation):
    data = np.array(list("a b\nc"), object)
    letters = Explanation(data, np.zeros(5), np.zeros(5), 0.0, explanation.target)
    assert "a b\nc" in Markup(ExplanationDisplay(letters)._repr_html_()).text
