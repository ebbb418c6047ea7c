"""The table in which the examples compare models."""

from sklearn.dummy import DummyClassifier

MODULE = "comparing"
MODELS = {
    "most frequent": DummyClassifier(),
    "always b": DummyClassifier(strategy="constant", constant="b"),
}
DATA = [[0]] * 4, list("aaab"), [[0]] * 2, list("ab")


def test_a_comparison_prints_a_narrow_table_and_returns_nothing_that_a_page_would_show(
    module, capsys
):
    assert module.compare(MODELS, *DATA) is None
    counts, header, *rows = capsys.readouterr().out.splitlines()
    assert counts == "4 sequences to train on, 2 to test on"
    assert header.split() == ["accuracy", "macro", "F1", "fit"]
    assert [row.split()[-4:] for row in rows] == [["50.0%", "33.3%", "0", "s"]] * 2
    assert max(map(len, [header, *rows])) < 70


def test_a_measurement_returns_accuracy_and_seconds(module):
    results = module.measure(MODELS, *DATA)
    assert list(results) == list(MODELS)
    for accuracy, seconds in results.values():
        assert accuracy == 0.5
        assert 0 <= seconds < 60
