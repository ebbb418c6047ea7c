"""The table in which the examples compare models."""

import importlib
from pathlib import Path

import pytest
from sklearn.dummy import DummyClassifier

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = {
    "most frequent": DummyClassifier(),
    "always b": DummyClassifier(strategy="constant", constant="b"),
}
DATA = [[0]] * 4, list("aaab"), [[0]] * 2, list("ab")


@pytest.fixture
def comparing(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("comparing")


def test_a_comparison_prints_a_narrow_table_and_returns_nothing_that_a_page_would_show(
    comparing, capsys
):
    assert comparing.compare(MODELS, *DATA) is None
    counts, header, *rows = capsys.readouterr().out.splitlines()
    assert counts == "4 sequences to train on, 2 to test on"
    assert header.split() == ["accuracy", "macro", "F1", "fit"]
    assert [row.split()[-4:] for row in rows] == [["50.0%", "33.3%", "0", "s"]] * 2
    assert max(map(len, [header, *rows])) < 70


def test_a_measurement_returns_accuracy_and_seconds(comparing):
    results = comparing.measure(MODELS, *DATA)
    assert list(results) == list(MODELS)
    for accuracy, seconds in results.values():
        assert accuracy == 0.5
        assert 0 <= seconds < 60
